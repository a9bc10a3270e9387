"""The small typed language of formulas that people write. See ``expression.parse``."""

from __future__ import annotations

from salesops.common.expressions.expression import Expression, check, parse
from salesops.common.expressions.types import FieldKind, FieldType, Kind, Schema, ValueType

__all__ = ["Expression", "FieldKind", "FieldType", "Kind", "Schema", "ValueType", "check", "parse"]
