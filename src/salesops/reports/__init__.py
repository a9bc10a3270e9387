"""Reports: figures and pages that are sent to people at times, and alerts that tell when a figure is where it should not be."""
