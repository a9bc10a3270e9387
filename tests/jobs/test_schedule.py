"""When things are due: local times, fiscal periods, clocks that change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from salesops.common.errors import UsageError
from salesops.common.periods import FiscalCalendar
from salesops.jobs.schedule import following, latest, parse

YEAR = FiscalCalendar(start_month=2)
"""Fiscal quarters begin in February, May, August, November."""


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def told(instant: int | None) -> str:
    return "" if instant is None else datetime.fromtimestamp(instant / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "last", "next_"),
    [
        ("daily 07:00", "2026-11-22 12:00", "2026-11-23 12:00"),
        ("weekdays 7:00", "2026-11-20 12:00", "2026-11-23 12:00"),
        ("weekly mon 07:00", "2026-11-16 12:00", "2026-11-23 12:00"),
        (
            "monthly 31 07:00",
            "2026-10-31 11:00",
            "2026-11-30 12:00",
        ),  # the last day where there is no 31st; EDT in October
        ("monthly last 07:00", "2026-10-31 11:00", "2026-11-30 12:00"),
        ("quarter end 07:00", "2026-11-01 12:00", "2027-02-01 12:00"),
        ("year-end 07:00", "2026-02-01 12:00", "2027-02-01 12:00"),
    ],
)
def test_times_are_the_workspaces(text: str, last: str, next_: str) -> None:
    """Seen on Monday, 23 November 2026, at 06:59 in New York."""
    now, rule = at("2026-11-23 11:59"), parse(text)
    assert told(latest(rule, now, "America/New_York", YEAR)) == last
    assert told(following(rule, now, "America/New_York", YEAR)) == next_
    assert parse(str(rule)) == rule


def test_a_clock_that_changes_neither_drops_nor_repeats_a_time() -> None:
    """Warsaw 2026: 02:30 does not exist on 29 March, and is there twice on 25 October."""
    rule = parse("daily 02:30")
    spring = {
        latest(rule, at(f"2026-03-29 {h:02}:{m:02}"), "Europe/Warsaw", YEAR) for h in range(2, 24) for m in (0, 30)
    }
    autumn = {
        latest(rule, at(f"2026-10-25 {h:02}:{m:02}"), "Europe/Warsaw", YEAR) for h in range(1, 24) for m in (0, 30)
    }
    assert [told(one) for one in spring] == ["2026-03-29 01:30"]
    assert [told(one) for one in autumn] == ["2026-10-25 00:30"]


@pytest.mark.parametrize("text", ["", "often", "weekly foo 07:00", "daily 24:00", "monthly 32 07:00", "daily 07:61"])
def test_what_is_no_schedule_is_told_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="quarter end"):
        parse(text)
