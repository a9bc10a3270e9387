"""Holds the fields that expressions of plans may name: those of a deal line, and those of a pool's members.

A workspace adds the fields of its own tables (``order.*``, an imported table's) by passing a larger schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from salesops.common.expressions import FieldType
from salesops.common.expressions.types import FieldKind


def _fields(prefix: str, kinds: Mapping[FieldKind, str]) -> dict[str, FieldType]:
    return {f"{prefix}.{name}": FieldType(kind) for kind, names in kinds.items() for name in names.split()}


DEAL: Final[Mapping[str, FieldType]] = {
    **_fields("deal", {
        "money": "amount acv arr arr_change tcv revenue gross_margin net_price list_price cash invoiced recurring services",
        "rate": "discount probability",
        "count": "quantity term_months se_hours seats",
        "date": "booked_on created_on close_date start_date end_date",
        "text": "id name type stage segment region country source channel owner se_owner partner account territory currency payment_terms",
        "bool": "recurring_only multi_year new_logo",
    }),
    **_fields("product", {"text": "code family line name", "bool": "strategic"}),
    **_fields("account", {"text": "name segment industry country region", "bool": "named strategic", "date": "since"}),
    **_fields("activity", {"count": "held meetings", "text": "kind outcome"}),
}  # fmt: skip
"""Fields of a deal line and of what it is about. Money is in the deal's currency."""

MEMBER: Final[Mapping[str, FieldType]] = {
    "active_days": FieldType("count"),
    "level_weight": FieldType("rate"),
    "attainment": FieldType("rate"),
    "salary": FieldType("money"),
    "deals": FieldType("count"),
}
"""Fields of a member of a pool."""
