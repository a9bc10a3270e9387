"""The demo company: a seeded simulator of a sales organisation, written as Parquet in the public import format."""
