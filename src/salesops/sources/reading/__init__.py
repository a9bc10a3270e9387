"""Turns any file that a user has into a staged Parquet file of text columns, and tells how to parse each column."""

from salesops.sources.reading.model import ROW, ColumnProfile, ReadOptions, StagedFile
from salesops.sources.reading.parse import loses_precision_sql, parse_sql
from salesops.sources.reading.staging import stage

__all__ = ["ROW", "ColumnProfile", "ReadOptions", "StagedFile", "loses_precision_sql", "parse_sql", "stage"]
