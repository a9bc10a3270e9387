"""Open deals as a list: who has them, where they stand, what they are worth, and when they should close."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer
from salesops.metrics.definitions import Part
from salesops.metrics.session import Actor
from salesops.metrics.sql import NONE, day, literal

from . import asking

COLUMNS = {
    "account": "text", "owner": "text", "pipeline": "text", "stage": "text", "expected_close": "day", "created_on": "day",
    "value": "money",
}  # fmt: skip


def open_deals(
    session: Any,
    actor: Actor,
    *,
    where: str | Mapping[str, Any] | None = None,
    cell: Mapping[str, Any] | None = None,
    closing_from: date | None = None,
    closing_to: date | None = None,
    undated: bool = False,
    least: Decimal | int | None = None,
    most: Decimal | int | None = None,
    text: str = "",
    as_of: date | str | None = None,
    currency: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Answer:
    """Deals open on the evening of the as-of day, the largest first: account, owner, pipeline, stage, expected close, creation, value.

    `cell` keeps to values of dimensions (`stage`, `owner`, `pipeline`); `closing_from` and `closing_to` to days of expected close (both
    inclusive; `undated` to those without one); `least` and `most` to values in the asked currency (an unknown value is in neither);
    `text` to deals with these words in their name. Their count and value are those of `open_pipeline.all_open`.
    """
    tests = [f"f.expected_close >= {day(closing_from)}" if closing_from else ""]
    tests += [
        f"f.expected_close <= {day(closing_to)}" if closing_to else "",
        "f.expected_close IS NULL" if undated else "",
    ]
    tests += [
        f"f.value >= {_units(least)}" if least is not None else "",
        f"f.value <= {_units(most)}" if most is not None else "",
    ]
    tests += [f"STRPOS(LOWER(f.name), {literal(word.lower()).sql('duckdb')}) > 0" for word in text.split()]
    request = asking.asking(
        session, "deals", {"deals": Part("open_state"), "value": Part("open_state", "value")}, where=where, as_of=as_of,
        currency=currency,
    )  # fmt: skip
    kept = {name: None if value == NONE else value for name, value in (cell or {}).items()}
    return asking.listing(
        session, actor, request, "open_state", COLUMNS, where=" AND ".join(filter(None, tests)), order="f.value DESC, f.id",
        cell=kept, offset=offset, limit=limit,
    )  # fmt: skip


def _units(value: Decimal | int) -> int:
    """An amount in 10^-4; raises UsageError for one that no column can hold."""
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= 9 * 10**14:
        raise UsageError(f"{value} is no amount", "Write for example 25000")
    return int(amount * 10_000)
