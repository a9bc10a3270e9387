"""Stored forecasts: read back as they were, numbered once whoever writes at the same time, swept by age."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salesops.common.errors import NotFound
from salesops.forecasting import stored
from salesops.forecasting.nightly import EVERY, WEEKLY, missed, outdated
from salesops.forecasting.results import BackTest, DealScores, Forecast, Method, NodeForecast, Reasons, Tier

DAY = np.datetime64("2026-11-23")


def forecast(value: int = 1) -> Forecast:
    """Two deals, one without an amount and a date; a node; a method that cannot tell."""
    scores = DealScores(
        DAY, np.array([7, 9]), Tier("rates", 16, 5, "few"), np.array([[0.1, 0.2, 1 / 3], [0.0, 1.0, 0.0]]), np.array([0.7, 1.0]),
        np.array([0.5, np.nan]), np.array(["2026-12-01", "NaT"], dtype="M8[D]"), np.array([10_000 * value, 3]), np.array([1.0, np.nan]),
        np.array([True, False]), np.array(["2026-12-24", "NaT"], dtype="M8[D]"), np.array([[1_000, 2_000, 3_333], [0, 3, 0]]),
        Reasons(("age", "stage = Ä"), -1.25, np.array([[0.1, -0.2], [0.0, 0.3]])), ("source: tells the outcome",),
    )  # fmt: skip
    nodes = (
        NodeForecast("company", "", 2, 5, 1_000, 7, -3, 1, 2, 3, 4, target=10, p_target=0.25),
        NodeForecast("line.0", "4", 1, 0, 0, 0, 0, 0, 0, 0, 0),
    )
    methods = (Method("model", 12, 1.0), Method("seasonal", None, 0.0, "no year before"))
    return Forecast(DAY, "2026-Q4", 0, 8, scores.tier, nodes, methods, scores, {11: 5}, ("a note",))


DEALS = {7: ("Cedar", "Demo", "4"), 11: ("Elm", "Won", "")}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    yield
    stored._read.clear()
    stored._whole.clear()


def same(one: Any, other: Any) -> None:
    """Every column byte for byte, everything else equal."""
    for each in fields(one):
        mine, theirs = getattr(one, each.name), getattr(other, each.name)
        if isinstance(mine, np.ndarray):
            assert (mine.dtype, mine.tobytes()) == (theirs.dtype, theirs.tobytes()), each.name
        elif hasattr(mine, "__dataclass_fields__"):
            same(mine, theirs)
        else:
            assert mine == theirs, each.name


def test_a_forecast_comes_back_as_it_was(tmp_path: Path) -> None:
    """Byte for byte; deals without a name are called by their id; what is not there is told with its remedy."""
    number = stored.write_run(tmp_path / "f", forecast(), {"currency": "EUR"}, DEALS)
    found = stored.read_run(tmp_path / "f", number)
    same(forecast(), found.forecast)
    assert dict(found.deals) == {7: ("Cedar", "Demo", "4"), 9: ("9", "", ""), 11: ("Elm", "Won", "")}
    assert found.about == {"currency": "EUR"}
    assert [one["nodes"][0] for one in stored.heads(tmp_path / "f")] == [asdict(forecast().nodes[0])]
    with pytest.raises(NotFound, match="there is no forecast 2"):
        stored.read_run(tmp_path / "f", 2)


def test_several_write_at_once(tmp_path: Path) -> None:
    """Sixteen writers, sixteen numbers, each forecast whole under its own; nothing else is left in the folder."""
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda n: (stored.write_run(tmp_path, forecast(n), {"n": n}, DEALS), n), range(1, 17)))
    assert sorted(number for number, _ in given) == list(range(1, 17))
    for number, n in given:
        assert (
            stored.read_run(tmp_path, number).about["n"],
            stored.read_run(tmp_path, number).forecast.scores.amount[0],
        ) == (n, 10_000 * n)
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"{n:06d}" for n in range(1, 17)]


def test_back_tests_too(tmp_path: Path) -> None:
    """Read back byte for byte; two writers do not overwrite one another; the newest is read."""
    columns = {each.name: np.arange(3.0) for each in fields(BackTest)}
    test = replace(BackTest(**columns), method=np.array(["model", "naive", "x"]), actual=np.array([1.0, np.nan, 2.0]))
    assert stored.read_backtest(tmp_path) is None
    with ThreadPoolExecutor(4) as threads:
        numbers = list(threads.map(lambda n: stored.write_backtest(tmp_path, test, {"as_of": "2026-11-23"}), range(6)))
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
    found = stored.read_backtest(tmp_path)
    assert found is not None
    same(test, found[0])
    assert found[1] == {"number": 6, "as_of": "2026-11-23"}
    assert len(list((tmp_path / "backtest").iterdir())) == 6


def test_what_is_swept(tmp_path: Path) -> None:
    """Old ones that nobody reads go; one that was just read stays, so does the newest number; what a killed writer left goes."""
    for n in range(1, 5):
        stored.write_run(tmp_path, forecast(n), {"n": n}, DEALS)
    (tmp_path / ".new-1-dead").mkdir()
    long_ago = time.time() - 200_000
    for place in tmp_path.iterdir():
        os.utime(place, (long_ago, long_ago))
    stored.read_run(tmp_path, 2)
    assert stored.delete(tmp_path, [1, 2, 4], 86_400) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["000002", "000003", "000004"]


def test_which_are_kept() -> None:
    """One a day for three years, of yearly periods: every one of the last 35 days, one a week up to two years, then the last of each year."""
    today = date(2026, 11, 23)
    days = [today - timedelta(days=n) for n in range(1100)]
    heads = [{"number": 1100 - n, "as_of": str(day), "period": str(day.year)} for n, day in enumerate(days)]
    gone = set(outdated(iter(heads), today))
    kept = [date.fromisoformat(one["as_of"]) for one in heads if one["number"] not in gone]
    assert [one for one in kept if today - one <= EVERY] == days[:36]
    weekly = [one for one in kept if EVERY < today - one <= WEEKLY]
    assert all(
        a != b
        for a, b in zip(
            [f"{one.year} {one:%G-%V}" for one in weekly],
            [f"{one.year} {one:%G-%V}" for one in weekly[1:]],
            strict=False,
        )
    )
    assert 98 <= len(weekly) <= 102
    older = [one for one in kept if today - one > WEEKLY]
    assert [one.year for one in older] == [2024, 2023]
    assert older[1] == date(2023, 12, 31)


def test_missed_nights_are_said() -> None:
    today = date(2026, 11, 23)
    assert missed(["2026-11-22", "2026-11-01"], today) == missed([], today) == missed(["2026-11-23"], today) == ()
    assert missed(["2026-11-20"], today)[0].startswith("No forecast was made for 2026-11-21 to 2026-11-22:")
