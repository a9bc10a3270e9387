"""What is shown can be written again, and what is stored comes back as it was (hypothesis)."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from salesops.records import values
from salesops.records.entities import Field, entity

whole = st.integers(-(2**62), 2**62)
KINDS = {
    "text": st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1).filter(
        lambda t: t == t.strip()
    ),
    "integer": whole,
    "boolean": st.booleans(),
    "date": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    "instant": st.integers(-2_000_000_000_000_000, 4_000_000_000_000_000),
    "money": whole,
    "scaled:4": whole,
    "scaled:6": whole,
    "scaled:10": whole,
}
any_value = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind]))


@given(any_value)
def test_there_and_back(ws: Any, given_value: tuple[str, Any]) -> None:
    kind, raw = given_value
    field = Field("x", kind)
    assert values.from_text(field, values.to_text(field, raw)) == raw
    assert values.parse(entity("opportunity"), field, values.display(field, raw)) == (raw, [])


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=30))
def test_no_text_breaks_the_reader(ws: Any, kind: str, text: str) -> None:
    field = Field("x", kind)
    raw, problems = values.parse(entity("opportunity"), field, text)
    assert raw is None or not problems
    if raw is not None and kind != "text":
        assert values.from_text(field, values.to_text(field, raw)) == raw


def test_a_units_time_zone(ws: Any) -> None:
    """Written in any case; a misspelt one is refused with the nearest names."""
    unit = entity("business_unit")
    assert values.parse(unit, unit.field("time_zone"), "europe/warsaw") == ("Europe/Warsaw", [])
    for text, names in (
        ("Europe/Berln", "Did you mean Europe/Berlin"),
        ("Chicago", "Did you mean America/Chicago"),
        ("xyz", "IANA"),
    ):
        raw, problems = values.parse(unit, unit.field("time_zone"), text)
        assert raw is None
        assert problems[0].problem == f"{text!r} is no time zone"
        assert names in problems[0].remedy
