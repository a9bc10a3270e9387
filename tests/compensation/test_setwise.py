"""The set-oriented calculation pays what the plain modules pay: to the cent, and line by line."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.compensation import setwise
from salesops.compensation.plan import Band, Cap, Days, Measure, Plan, Point, Quota, Spiff, Tiered

from . import worlds


def calculated(
    plan: Plan, world: worlds.World, order: random.Random | None = None, grain: setwise.Grain = "deal"
) -> setwise.Outcome:
    con = setwise.connect("500MB")
    setwise.give(con, world.tables(order))
    return setwise.calculate(con, plan, worlds.CALENDAR, worlds.SCHEMA, worlds.LAST, grain)


def by_quota(mode: Literal["marginal", "retroactive"]) -> Plan:
    """A plan with bands by attainment to date, of own and of team credit."""
    bands = (
        Band(to=Point(attainment=1_000_000), rate=80_000),
        Band(to=Point(attainment=1_200_000), rate=120_000),
        Band(rate=160_000),
    )
    measures = (Measure(name="m", amount="deal.acv"), Measure(name="team", credit=("rollup",), amount="deal.acv"))
    return Plan(
        plan="p", effective=Days(worlds.FIRST), currency="USD", measures=measures, quotas=(Quota(of="m"), Quota(of="team")),
        components=tuple(Tiered(id=one.name, measure=one.name, accumulate="ytd", bands=bands, mode=mode, zero_quota="none") for one in measures),
    )  # fmt: skip


def written(outcome: setwise.Outcome) -> tuple[bytes, bytes]:
    """What is stored of an outcome, as bytes."""
    sinks = []
    for table in (outcome.lines(), outcome.results()):
        sink = BytesIO()
        pq.write_table(table.combine_chunks(), sink)
        sinks.append(sink.getvalue())
    return sinks[0], sinks[1]


def by_period(outcome: setwise.Outcome) -> dict[tuple[str, str, str], list[tuple[Any, ...]]]:
    found: dict[tuple[str, str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in outcome.lines().to_pylist():
        key = row["payee"], row["component"], row["period"]
        found[key].append(
            (
                row["deal"],
                row["line"],
                row["credit_type"],
                row["kind"],
                row["cause"] or "",
                row["tier"],
                row["base_cents"],
                row["rate_ppm"],
                row["raw"],
                row["cents"],
            )
        )
    return found


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_as_the_interpreter(seed: int) -> None:
    """Component results, lines and their order are those of the interpreter, for every payee and period."""
    plan, world = worlds.plan(seed), worlds.world(seed)
    wanted = {
        (payee, *key): one
        for payee, result in worlds.expected(plan, world).items()
        for key, one in result.results.items()
        if one.problem is None
    }
    outcome = calculated(plan, world)
    results = {
        (r["payee"], r["component"], r["period"]): tuple(
            r[name] for name in ("s_before", "s_after", "computed_cents", "forfeited_cents", "cents")
        )
        for r in outcome.results().to_pylist()
    }
    assert results == {
        key: (one.before, one.after, one.computed, one.forfeited, one.cents) for key, one in wanted.items()
    }
    lines = by_period(outcome)
    for key, one in wanted.items():
        told = [
            (e.deal, e.line, e.credit_type, e.kind, e.cause, e.tier, e.base, e.rate, e.raw, e.cents) for e in one.lines
        ]
        assert lines.get(key, []) == told, key


def test_order_and_batches_change_nothing() -> None:
    """Rows in any order give the same bytes; a table loaded in batches is the same table."""
    plan, world = worlds.plan(4), worlds.world(4, deals=300)
    first = calculated(plan, world)
    wanted = written(first)
    for seed in (1, 2):
        assert written(calculated(plan, world, random.Random(seed))) == wanted
    assert first.lines().num_rows > 500


def test_managers_by_day_are_paid_the_same() -> None:
    """By day managers have fewer lines; every result is that by deal, and so is each band's sum of a period."""
    plan, world = by_quota("marginal"), worlds.world(5, deals=300)
    by_deal, by_day = calculated(plan, world), calculated(plan, world, grain="day")
    assert by_deal.results() == by_day.results()
    assert _bands(by_deal) == _bands(by_day)
    assert by_day.lines().num_rows < by_deal.lines().num_rows
    days = {row["deal"] for row in by_day.lines().to_pylist() if row["credit_type"] == "rollup"}
    assert days <= {f"({worlds.FIRST + n * worlds.DAY})" for n in range(365)}


def _bands(outcome: setwise.Outcome) -> dict[tuple[Any, ...], int]:
    sums: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in outcome.lines().to_pylist():
        sums[row["payee"], row["component"], row["period"], row["tier"]] += row["raw"]
    return {key: raw for key, raw in sums.items() if raw}


def test_what_is_not_calculated_is_refused_by_name() -> None:
    plan = by_quota("marginal")
    spiff = Spiff(id="launch", pay=500, during=Days(worlds.FIRST))
    capped = replace(plan.components[0], id="capped", cap=Cap(above=100, kind="defer"))
    beyond = replace(plan, components=(*plan.components, spiff, capped), on_change="carry")
    named = [one.problem for one in setwise.unsupported(beyond)]
    assert named == ["on_change: carry", "component launch: kind spiff", "component capped: cap: defer"]
    with pytest.raises(InvalidData, match="launch: kind spiff"):
        calculated(beyond, worlds.world(1))
    assert setwise.unsupported(plan) == []
    for wrong in (
        Measure(name="m", amount="deal.units"),
        Measure(name="m", amount="deal.units * 0.5", unit="count"),
        Measure(name="m", unit="count"),
    ):
        with pytest.raises(InvalidData, match=f"m needs an amount that is {wrong.unit}"):
            calculated(replace(plan, measures=(wrong, plan.measures[1])), worlds.world(1))


def test_bad_input_is_named_and_the_rest_goes_on() -> None:
    """A split of 99 %, a currency without a rate, two assignments, no quota: told with a remedy, paid nothing, others are paid."""
    world = worlds.world(7, deals=60)
    deals = {row[0] for row in world.deal_line}
    bad, foreign = sorted(deals)[:2]
    world.claim = [row for row in world.claim if row[0] not in (bad, foreign)]
    world.claim += [
        (bad, None, "primary", "split", "split", "ada", 59, 100, 0),
        (bad, None, "primary", "split", "split", "bo", 40, 100, 0),
    ]
    world.claim.append((foreign, None, "primary", "owner", "owner", "ada", 1, 1, 0))
    world.deal_line = [(*row[:6], "EUR", *row[7:]) if row[0] == foreign else row for row in world.deal_line]
    world.assignment.append(world.assignment[1])
    twice = world.assignment[1][0]
    world.quota = [row for row in world.quota if row[0] != "cy"]
    outcome = calculated(replace(by_quota("marginal"), windfall=None), world)
    told = {one.record: one for one in outcome.problems}
    assert told[bad].problem == f"The split of deal {bad} sums to 99 %, not 100 %"
    assert "no rate from EUR to USD" in told[foreign].problem
    assert "more than once" in told[twice].problem
    assert "no quota" in told["cy"].problem
    paid = outcome.lines().to_pylist()
    assert paid
    assert not {row["deal"] for row in paid} & {bad, foreign}
    assert not {row["payee"] for row in paid} & {twice, "cy"}
    assert all(one.remedy for one in outcome.problems)


def test_a_change_calculates_as_much_and_gives_all_the_same(tmp_path: Path) -> None:
    """After random edits, what was stored before and what is calculated anew are the bytes of a calculation of everybody."""
    plan, world, r = worlds.plan(21), worlds.world(21, deals=80), random.Random(21)
    rounds: tuple[tuple[setwise.Grain, int], ...] = (("day", 2), ("deal", 1))
    for grain, times in rounds:
        home = tmp_path / grain
        run = setwise.save(calculated(plan, world, grain=grain).work, home, "first")
        for n in range(times):
            deals, payees = worlds.edited(r, world, 3, quotas=n > 0)
            con = setwise.connect("500MB")
            setwise.give(con, world.tables(r))
            some = setwise.recalculate(
                con, plan, worlds.CALENDAR, worlds.SCHEMA, worlds.LAST, run, deals, payees, grain
            )
            run = setwise.save(some.work, home, f"change{n}", run)
            setwise.check(run)
            everything = setwise.save(calculated(plan, world, grain=grain).work, home, f"full{n}")
            assert setwise.compact(con, run, some.work, f"compact{n}").segments == everything.segments
        assert setwise.load(home, f"change{times - 1}").segments == run.segments
        assert len(run.segments) == times + 1


def test_a_stored_run_that_was_changed_is_noticed(tmp_path: Path) -> None:
    outcome = calculated(by_quota("marginal"), worlds.world(3))
    run = setwise.save(outcome.work, tmp_path, "first")
    again = setwise.save(calculated(by_quota("marginal"), worlds.world(3), random.Random(3)).work, tmp_path, "again")
    assert run.hash == again.hash
    setwise.check(run)
    file = tmp_path / "segments" / run.segments[0][0] / "lines.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(InvalidData, match="was changed"):
        setwise.check(run)
    with pytest.raises(InvalidData, match="another plan"):
        setwise.recalculate(
            outcome.work.con, by_quota("retroactive"), worlds.CALENDAR, worlds.SCHEMA, worlds.LAST, run, ["D1"]
        )


def test_one_payee_of_a_stored_run(tmp_path: Path) -> None:
    """The interpreter pays every payee of a stored run the same; one more deal is what a calculation with it pays."""
    plan, world = worlds.plan(21), worlds.world(21, deals=60)
    for grain in ("deal", "day"):
        outcome = calculated(plan, world, grain=grain)  # type: ignore[arg-type]
        run = setwise.save(outcome.work, tmp_path / grain, "run")
        con = outcome.work.con
        everybody = [*worlds.REPS, *worlds.LEADS, *worlds.HEADS]
        assert setwise.differences(con, plan, worlds.CALENDAR, worlds.LAST, run, everybody) == []
    tiers = by_quota("retroactive")
    run = setwise.save(calculated(tiers, world, grain="day").work, tmp_path, "tiers")
    before, after = (
        setwise.preview(con, tiers, worlds.CALENDAR, worlds.LAST, run, "ada", closings)
        for closings in ((), [setwise.Closing("m", worlds.LAST, 123_456_78, "(new)")])
    )
    world.deal_line.append(("new", "1", "booked", None, worlds.LAST, None, "USD", 123_456_7800, 0, "new"))
    world.claim.append(("new", None, "primary", "owner", "owner", "ada", 1, 1, 0))
    paid = {
        (r["payee"], r["component"], r["period"]): r["cents"] for r in calculated(tiers, world).results().to_pylist()
    }
    assert before is not None
    assert after is not None
    assert {("ada", *key): one.cents for key, one in after.results.items() if key[0] == "m"} == {
        key: cents for key, cents in paid.items() if key[:2] == ("ada", "m")
    }
    assert after.earned("2026-12") > before.earned("2026-12")
    assert setwise.preview(con, tiers, worlds.CALENDAR, worlds.LAST, run, "nobody") is None
