"""Data quality: rules over the warehouse, scores by source, object and owner, and the lists to fix."""
