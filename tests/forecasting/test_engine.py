"""The engine on a small company: chances with reasons that add up, nothing from the future, tiers, levels that add up, broken data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from salesops.common.errors import InvalidData
from salesops.common.periods import FiscalCalendar, range_period
from salesops.forecasting import accuracy, backtest, blend, calls, features, survival, topdown
from salesops.forecasting.changes import changes
from salesops.forecasting.deals import DealModel, History, prepare, train
from salesops.forecasting.forecast import forecast, shares
from salesops.forecasting.methods import BASELINES, MODEL
from salesops.forecasting.regression import logit
from salesops.forecasting.results import BackTest
from salesops.forecasting.scenario import Hire, Scenario
from salesops.forecasting.tables import NO_AMOUNT, Outcomes, Periods, Settings, Snapshots
from salesops.metrics.survival import incidence

from .companies import Company, quarters, simple

ON = np.datetime64("2023-08-14")
TABLE = {"talk": 0.2, "offer": 0.4, "terms": 0.6}


@cache
def company() -> Company:
    return simple()


@cache
def history() -> History:
    made = company()
    return prepare(made.snapshots, made.outcomes, made.periods, Settings(stage_table=TABLE))


@cache
def model() -> DealModel:
    return train(history(), ON)


@cache
def test_run() -> BackTest:
    days = np.arange(np.datetime64("2022-01-03"), ON + 1, 21)
    return backtest.backtest(history(), days, dimensions=("team",), refit_days=91)


test_run.__test__ = False  # type: ignore[attr-defined]


# --- chances of deals ---


def test_reasons_add_up_to_the_score() -> None:
    scores = model().score(company().snapshots.on(ON))
    told = scores.reasons
    assert scores.tier.name == "regression"
    assert np.abs(told.baseline + told.parts.sum(axis=1) - logit(scores.p[:, 0])).max() < 1e-9
    assert {name for name, _ in told.of(0)} <= set(told.names)


def test_chances_of_periods_exclude_one_another() -> None:
    scores = model().score(company().snapshots.on(ON))
    assert ((scores.p >= 0) & (scores.p <= 1)).all()
    assert (scores.p.sum(axis=1) <= scores.p_ever + 1e-12).all()
    assert (scores.p_ever <= 1).all()
    assert ((scores.slip >= 0) & (scores.slip <= 1)).all()
    assert (scores.expected_close > ON).all()
    assert (scores.value == np.rint(scores.p * scores.amount[:, None])).all()


def test_the_model_tells_good_owners_from_bad() -> None:
    """Owner 5 wins half of the deals, owner 0 three of twenty; the model is calibrated out of time."""
    later = company().snapshots.on("2023-10-02")
    scores = model().score(later)
    mean = [scores.p_ever[later.label("owner") == f"owner {i}"].mean() for i in (0, 5)]
    assert mean[1] > 1.8 * mean[0]
    days = np.arange(ON + 7, np.datetime64("2023-12-25"), 7)
    p, won = zip(*[_judged(day) for day in days], strict=True)
    assert accuracy.ece(np.concatenate(won), np.concatenate(p)) < 0.05
    assert accuracy.auc(np.concatenate(won), np.concatenate(p)) > 0.7


def _judged(day: np.datetime64) -> tuple[np.ndarray, np.ndarray]:
    rows = history().rows(day)
    return model().score(history().snapshots.take(rows)).p[:, 0], history().labels.won[rows, 0]


def test_amounts_are_those_that_deals_bring() -> None:
    """Stated amounts are a tenth too high; what is not stated is the usual amount of the segment."""
    assert model().amounts.overall == pytest.approx(1 / 1.1, rel=0.01)
    made = simple(no_amount=0.3)
    scores = train(prepare(made.snapshots, made.outcomes, made.periods), ON, 1, dates=False).score(
        made.snapshots.on(ON)
    )
    assert 0.2 < (~scores.stated).mean() < 0.4
    assert np.isnan(scores.ratio[~scores.stated]).all()
    assert (scores.amount > 0).all()


def test_nothing_from_the_future_changes_a_score() -> None:
    """Later snapshots, other endings of what is open and shuffled rows: every feature and every score stays byte for byte."""
    made = company()
    cut_snapshots, cut = made.snapshots.upto(ON), made.outcomes.known_on(ON)
    rng = np.random.default_rng(3)
    order = rng.permutation(len(made.snapshots))
    later = made.outcomes.take(rng.permutation(len(made.outcomes)))
    open_then = ~(later.closed <= ON)
    other = Outcomes(
        later.deal, later.created, np.where(open_then, ON + 5, later.closed), np.where(open_then, True, later.won),
        np.where(open_then, 10**12, later.amount), later.labels,
    )  # fmt: skip
    one = prepare(cut_snapshots, cut, made.periods)
    two = prepare(made.snapshots.take(order), other, made.periods)
    rows = two.snapshots.as_of <= ON
    for name, values in one.frame.numbers.items():
        assert values.tobytes() == two.frame.numbers[name][rows].tobytes(), name
    for name, code in one.frame.codes.items():
        there = two.frame.codes[name][rows]
        assert (one.frame.levels[name][code] == two.frame.levels[name][there]).all(), name
    a, b = (train(h, ON).score(cut_snapshots.on(ON)) for h in (one, two))
    assert a.p.tobytes() == b.p.tobytes()
    assert a.value.tobytes() == b.value.tobytes()
    assert a.reasons.parts.tobytes() == b.reasons.parts.tobytes()
    whole = [forecast(h, train(h, ON), ON, dimensions=("owner",), paths=100).nodes for h in (one, two)]
    assert whole[0] == whole[1]


def test_random_outcomes_teach_nothing() -> None:
    """Endings without memory that no column foretells: won and lost cannot be told apart on any later day."""
    made = company()
    rng = np.random.default_rng(4)
    many = len(made.outcomes)
    closed = made.outcomes.created + 1 + rng.exponential(50, many).astype(np.int64)
    outcomes = replace(made.outcomes, closed=closed, won=rng.random(many) < 0.4)
    blind = replace(made.snapshots, created=None, stage_since=None, expected_close=None)
    blind = blind.take(blind.as_of < closed[blind.deal])
    told = prepare(blind, outcomes, made.periods)
    trained = train(told, "2022-09-26", 1, dates=False)
    scores = [
        _auc(told, trained, day) for day in np.arange(np.datetime64("2022-10-10"), np.datetime64("2023-12-11"), 28)
    ]
    assert trained.tier.name == "regression"
    assert np.nanmean(scores) == pytest.approx(0.5, abs=0.04)


def _auc(told: History, trained: DealModel, day: np.datetime64) -> float:
    rows = told.rows(day)
    return accuracy.auc(told.labels.won[rows, 0], trained.score(told.snapshots.take(rows)).p[:, 0])


def test_a_column_that_knows_the_outcome_is_left_out_and_named() -> None:
    """A field filled in after the end (its value leaks), one filled in only for those that close (its being filled leaks)."""
    made = company()
    row = made.outcomes.of(made.snapshots.deal)
    won = made.outcomes.won[row]
    noise = np.random.default_rng(5).random(len(row)) < 0.02
    labels = dict(made.snapshots.labels) | {"loss reason": np.where(won ^ noise, "none", "price")}
    filled = np.where(np.isnat(made.outcomes.closed[row]) | ~won, np.nan, 1.0)
    leaking = replace(
        made.snapshots, labels=labels, numbers=dict(made.snapshots.numbers) | {"discount at signature": filled}
    )
    trained = train(prepare(leaking, made.outcomes, made.periods), ON, 1, dates=False)
    assert [text.split(":")[0] for text in trained.quarantined] == ["discount at signature", "loss reason"]
    assert "AUC" in trained.quarantined[0]
    assert trained.basis is not None
    assert not {"loss reason", "discount at signature"} & set(trained.basis.names)
    assert model().quarantined == ()


def test_survival_by_age_is_that_of_the_metric_room() -> None:
    """The same incidence as `metrics.survival`, which has no late entry; with late entry a case worked by hand."""
    rng = np.random.default_rng(6)
    days, cause = rng.integers(1, 60, 500), rng.integers(0, 3, 500)
    mine = survival.aalen_johansen(np.full(500, -1), days, cause)
    theirs = incidence(days, cause)
    assert mine.won[10:60:10] == pytest.approx(theirs.at(1, np.arange(10, 60, 10))[0])
    assert mine.open + mine.won + mine.lost == pytest.approx(np.ones(60))
    # two watched from the start (won on day 2, open on day 4), one from day 3 on (lost on day 4)
    late = survival.aalen_johansen(np.array([-1, -1, 2]), np.array([2, 4, 4]), np.array([1, 0, 2]))
    assert late.won[2] == pytest.approx(1 / 2)
    assert late.lost[4] == pytest.approx(1 / 2 * 1 / 2)
    assert late.within(np.array([2, 99]), np.array([5, 5]), cause=survival.LOST) == pytest.approx([0.5, 0.0])


def _crossed(seed: int) -> Company:
    """Deals that are won where exactly one of two numbers is high: bends of each number alone cannot say it."""
    made = company()
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 1, (2, len(made.outcomes)))
    won = rng.random(len(first)) < np.where((first > 0) != (second > 0), 0.7, 0.05)
    amount = np.where(np.isnat(made.outcomes.closed) | ~won, NO_AMOUNT, 10**8)
    deal = made.snapshots.deal
    numbers = dict(made.snapshots.numbers) | {"first": first[deal], "second": second[deal]}
    return Company(
        replace(made.snapshots, numbers=numbers), replace(made.outcomes, won=won, amount=amount), made.periods
    )  # fmt: skip


def test_boosting_takes_over_only_where_it_is_better_out_of_time() -> None:
    pytest.importorskip("lightgbm")
    tiers = {}
    for name, made in (("crossed", _crossed(9)), ("usual", company())):
        told = prepare(made.snapshots, made.outcomes, made.periods, Settings(boosting=True, threads=1))
        scores = train(told, ON, 1, dates=False).score(made.snapshots.on(ON))
        tiers[name] = scores.tier.name
        assert "log-loss" in scores.tier.reason
        assert "money off by" in scores.tier.reason
        sums = scores.reasons.baseline + scores.reasons.parts.sum(axis=1)
        assert np.abs(sums - logit(scores.p[:, 0])).max() < 1e-9
    assert tiers == {"crossed": "boosting", "usual": "regression"}


# --- few data, no data, broken data ---


def _cut(deals: int) -> Company:
    made = company()
    few = made.snapshots.take(made.snapshots.deal < deals)
    return Company(few, made.outcomes.take(made.outcomes.deal < deals), made.periods)


def test_tiers_go_with_the_number_of_closed_deals() -> None:
    found = {}
    for deals, day in ((3, "2021-01-11"), (40, "2021-06-07"), (2000, "2023-08-14")):
        made = _cut(deals)
        scores = train(prepare(made.snapshots, made.outcomes, made.periods, Settings(stage_table=TABLE)), day).score(
            made.snapshots.on(day)
        )
        assert scores.tier.reason
        assert np.abs(scores.reasons.baseline + scores.reasons.parts.sum(axis=1) - logit(scores.p[:, 0])).max() < 1e-9
        found[deals] = scores.tier.name
    assert found == {3: "stage table", 40: "rates", 2000: "regression"}


def test_without_outcomes_the_stage_table_speaks() -> None:
    made = _cut(3)
    told = prepare(made.snapshots, made.outcomes, made.periods, Settings(stage_table=TABLE))
    trained = train(told, "2021-01-11")
    scores = trained.score(made.snapshots.on("2021-01-11"))
    expected = [TABLE[s] for s in made.snapshots.on("2021-01-11").label("stage")]
    assert scores.p_ever == pytest.approx(expected)
    found = forecast(told, trained, "2021-01-11")
    assert found.node().p10 <= found.node().p50 <= found.node().p90
    assert any("No deal has closed yet" in note for note in found.notes)


EMPTY = Snapshots(np.zeros(0, "datetime64[D]"), np.zeros(0, int), np.zeros(0, int))
NO_OUTCOMES = Outcomes(
    np.zeros(0, int), np.zeros(0, "datetime64[D]"), np.zeros(0, "datetime64[D]"), np.zeros(0, bool), np.zeros(0, int)
)


def _lost(made: Company) -> Company:
    return replace(made, outcomes=replace(made.outcomes, won=np.zeros(len(made.outcomes), bool)))


def _one_owner(made: Company) -> Company:
    return replace(made, snapshots=replace(made.snapshots, labels={"owner": np.full(len(made.snapshots), "Ada")}))


def _no_amounts(made: Company) -> Company:
    none = np.full(len(made.snapshots), NO_AMOUNT)
    return replace(made, snapshots=replace(made.snapshots, amount=none))


def _months() -> Periods:
    """Quarters until 2022, a short period, months after: another fiscal year."""
    old, new = FiscalCalendar(), FiscalCalendar(start_month=2)
    first = old.periods("quarter", date(2021, 1, 1), date(2022, 12, 31))
    short = [range_period(date(2023, 1, 1), date(2023, 1, 31))]
    return Periods.of([*first, *short, *new.periods("month", date(2023, 2, 1), date(2024, 12, 31))])


BROKEN = {
    "nothing at all": Company(EMPTY, NO_OUTCOMES, quarters(2021, 2024)),
    "three deals": _cut(3),
    "all lost": _lost(company()),
    "one owner, no stage": _one_owner(company()),
    "no amounts": _no_amounts(company()),
    "zero amounts": replace(
        company(), snapshots=replace(company().snapshots, amount=np.zeros(len(company().snapshots), int))
    ),
    "nothing but deals and days": replace(
        company(), snapshots=Snapshots(company().snapshots.as_of, company().snapshots.deal, company().snapshots.amount)
    ),
    "periods of changing length": replace(company(), periods=_months()),
    "outcomes without deals": replace(company(), outcomes=NO_OUTCOMES),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_data_have_an_answer_with_its_uncertainty_or_a_reason(name: str) -> None:
    made = BROKEN[name]
    told = prepare(made.snapshots, made.outcomes, made.periods)
    trained = train(told, ON)
    targets = {("company", ""): 10**11, ("owner", "nobody"): 0, ("owner", "owner 1"): 10**9}
    found = forecast(told, trained, ON, dimensions=("owner",), targets=targets, paths=100)
    node = found.node()
    assert node.expected == node.booked + node.open + node.arrivals + node.adjustment >= 0
    assert node.p10 <= node.p50 <= node.p90
    assert node.p_target is not None
    assert 0 < node.p_target < 1
    assert found.node("owner", "nobody").p_target == 1.0
    assert found.tier.reason
    assert found.notes
    if node.open:
        assert node.noise > 0
    days = np.unique(made.snapshots.as_of)[-30::10]
    assert len(backtest.summary(backtest.backtest(told, days, paths=20), draws=10)) >= (len(days) > 0)


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(InvalidData, match="without a gap"):
        Periods(["2021-01-01", "2021-05-01"], ["2021-03-31", "2021-06-30"], ("a", "b"))
    with pytest.raises(InvalidData, match="equal length"):
        Snapshots(np.zeros(2, "datetime64[D]"), np.zeros(2, int), np.zeros(3, int))
    with pytest.raises(InvalidData, match="several rows"):
        Outcomes([1, 1], ["2021-01-01"] * 2, ["2021-01-02"] * 2, [True, True], [1, 1])
    with pytest.raises(InvalidData, match="No period is on record"):
        forecast(history(), model(), "2031-01-01")
    with pytest.raises(InvalidData, match="was trained on"):
        forecast(history(), model(), ON - 7)


# --- nodes, paths, blend ---


def test_every_level_adds_up_and_quantiles_come_from_joint_paths() -> None:
    dimensions = ("owner", "team", "segment", "product")
    found = forecast(history(), model(), ON, dimensions=dimensions, past=test_run())
    company_node = found.node()
    assert company_node.adjustment != 0
    for name in dimensions:
        nodes = [n for n in found.nodes if n.dimension == name]
        for part in ("booked", "open", "arrivals", "adjustment", "expected", "deals"):
            assert sum(getattr(n, part) for n in nodes) == getattr(company_node, part), (name, part)
        assert sum(n.p10 for n in nodes) < company_node.p10
        assert sum(n.p90 for n in nodes) > company_node.p90
    for team in ("team 0", "team 1"):
        owners = [found.node("owner", f"owner {i}") for i in range(6) if f"team {i // 3}" == team]
        assert sum(n.expected for n in owners) == found.node("team", team).expected
    assert sum(m.weight for m in found.methods) == pytest.approx(1)
    mixed = sum(m.weight * (m.value or 0) for m in found.methods)
    assert company_node.expected == pytest.approx(mixed, abs=5)
    assert company_node.noise < company_node.p90 - company_node.p10


def test_the_same_seed_gives_the_same_forecast_and_targets_are_ordered() -> None:
    def reach(amount: int) -> float:
        return forecast(history(), model(), ON, targets={("company", ""): amount}).node().p_target or 0.0

    middle = forecast(history(), model(), ON).node().p50
    assert forecast(history(), model(), ON).node() == forecast(history(), model(), ON).node()
    assert reach(middle) == pytest.approx(0.5, abs=0.03)
    assert reach(middle * 3) < reach(middle * 11 // 10) < reach(middle) < reach(middle // 2)
    assert 0 < reach(middle * 30) < 0.01


def test_later_periods_have_their_own_forecast() -> None:
    now, after = (forecast(history(), model(), ON, horizon=h) for h in (0, 1))
    assert (now.period, after.period) == ("2023-Q3", "2023-Q4")
    assert after.node().booked == 0
    assert after.node().arrivals > now.node().arrivals


def test_units_are_shared_to_the_last_one() -> None:
    assert shares(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert shares(-7, np.array([2.0, 0.0, 1.0])).tolist() == [-5, 0, -2]
    assert shares(5, np.zeros(2)).tolist() == [0, 0]
    weight = np.random.default_rng(7).random(1000)
    assert int(shares(9_876_543_210_123_457, weight).sum()) == 9_876_543_210_123_457


def test_the_blend_learns_who_is_right_and_starts_even() -> None:
    rng = np.random.default_rng(8)
    period, week = np.repeat(np.arange(8), 13), np.tile(np.arange(1, 14), 8)
    error = np.column_stack([rng.normal(0, 0.03, 104), rng.normal(0, 0.3, 104), rng.normal(0.4, 0.1, 104)])
    learned = blend.weights(error, period, week, 5)
    assert learned.sum() == pytest.approx(1)
    assert learned[0] > 0.85
    assert (learned >= 0).all()
    assert blend.weights(error[:0], period[:0], week[:0], 5) == pytest.approx([1 / 3] * 3)
    assert blend.weights(error[:0], period[:0], week[:0], 5, np.array([True, False, True])) == pytest.approx(
        [0.5, 0, 0.5]
    )
    one = blend.weights(error[:13], period[:13], week[:13], 5)
    assert 1 / 3 < one[0] < learned[0] + 0.1


def test_a_back_test_uses_what_was_known_and_compares_every_baseline() -> None:
    """Cut at a day, the history gives the same rows: nothing later was used. Every baseline that has its columns is beside it."""
    made = company()
    found = test_run()
    cut = np.datetime64("2022-12-31")
    told = prepare(made.snapshots.upto(cut), made.outcomes.known_on(cut), made.periods, Settings(stage_table=TABLE))
    days = np.unique(found.as_of[found.as_of <= cut])
    again = backtest.backtest(told, days, dimensions=("team",), refit_days=91)
    before = found.take(found.as_of <= cut)
    for method in (MODEL, "blend"):
        a, b = (t.only(method=method, dimension="company") for t in (again, before))
        assert a.forecast == pytest.approx(b.forecast, rel=1e-12)
        assert a.p90 == pytest.approx(b.p90, rel=1e-12)
    scores = {(s.method, s.dimension): s for s in backtest.summary(found, draws=50) if s.weeks == "all"}
    told_of = {name for name, _ in scores}
    assert set(BASELINES) <= told_of
    mine = scores["blend", "company"]
    assert mine.wape is not None
    assert mine.periods == 7
    assert mine.skill["stage table, all open"] > 0.5
    assert mine.skill["mean of four"] > 0
    assert mine.interval[0] <= mine.wape <= mine.interval[1]
    assert scores["blend", "team"].wape > mine.wape
    assert 0.5 <= mine.coverage <= 1


def test_theta_follows_trend_and_season() -> None:
    year = np.array([0.8, 1.0, 0.9, 1.3])
    y = (100 + 5 * np.arange(20)) * np.tile(year, 5)
    told = topdown.theta(y, 4, 4)
    assert told / (100 + 5 * np.arange(20, 24)) == pytest.approx(year, rel=0.05)
    assert topdown.seasonal_naive(y, 4, 1) == y[-4]
    assert topdown.seasonal_naive(y[:3], 4, 1) is None
    assert topdown.mean_of(y) == y[-4:].mean()


# --- changes, scenarios, callers ---


def test_the_difference_of_two_forecasts_is_told_deal_by_deal() -> None:
    week = ON - 7
    trained = train(history(), week)
    before, after = (forecast(history(), trained, day, past=test_run()) for day in (week, ON))
    told = changes(before, after, np.datetime64("2023-09-30"))
    assert sum(c.amount for c in told) == after.node().expected - before.node().expected
    kinds = {c.kind for c in told}
    assert {"created", "won", "lost", "probability", "arrivals"} <= kinds
    assert {"pulled in", "pushed"} & kinds
    won = next(c for c in told if c.kind == "won")
    row = company().outcomes.of(np.array([won.deal]))[0]
    assert week < company().outcomes.closed[row] <= ON
    assert won.after == company().outcomes.amount[row]
    with pytest.raises(InvalidData, match="different periods"):
        changes(before, forecast(history(), model(), ON, horizon=1))


def test_scenarios_move_the_forecast_the_way_they_say() -> None:
    def told(scenario: Scenario, horizon: int = 0) -> int:
        return forecast(history(), model(), ON, horizon, scenario=scenario, paths=50).node().open

    base = forecast(history(), model(), ON, paths=50)
    big = int(base.scores.deal[np.argmax(base.scores.value[:, 0])])
    at = int(base.scores.value[:, 0].max())
    assert told(Scenario()) == base.node().open
    assert base.node().open - told(Scenario(dropped=frozenset({big}))) == at
    assert base.node().open - told(Scenario(slipped=frozenset({big}))) == at
    assert told(Scenario(slipped=frozenset({big})), 1) > told(Scenario(dropped=frozenset({big})), 1)
    assert told(Scenario(won=frozenset({big}))) > base.node().open
    assert told(Scenario(win_odds=0.8)) < base.node().open < told(Scenario(win_odds=1.2))
    assert told(Scenario(cycle_days=14)) < base.node().open < told(Scenario(cycle_days=-14))
    hired = forecast(history(), model(), ON, scenario=Scenario(hires=(Hire(ON, 30),)), paths=50)
    assert hired.node().arrivals > base.node().arrivals


def test_callers_are_corrected_as_far_as_their_past_reaches() -> None:
    """Ada calls a quarter too high in eight periods, Bob once; both are weighed against everybody."""
    caller = ["ada"] * 8 + ["bob"] + ["cy"] * 8
    call, actual = [100.0] * 17, [80.0] * 8 + [80.0] + [100.0] * 8
    found = calls.caller_bias(caller, [*range(8), 0, *range(8)], call, actual)
    assert found["ada"].own == pytest.approx(0.8)
    assert found["ada"].factor < found["bob"].factor < found["cy"].factor
    assert found["ada"].corrected(100)[0] == pytest.approx(83.3, abs=0.5)
    assert "too high" in found["ada"].words
    low, high = found["cy"].corrected(100)[1:]
    assert low < 100 < high
    assert calls.caller_bias([], [], [], []) == {}


def test_value_added_by_each_layer() -> None:
    layers = {"naive": [80.0, 120.0], "rep": [95.0, 100.0], "manager": [90.0, 100.0]}
    naive, rep, manager = calls.value_added([100.0, 100.0], layers)
    assert (naive.wape, naive.added) == (pytest.approx(0.2), None)
    assert rep.added == pytest.approx(0.2 - 0.025)
    assert manager.added == pytest.approx(0.025 - 0.05)
    assert manager.added_to_naive == pytest.approx(0.15)


def test_a_feature_is_of_its_row_alone() -> None:
    """One row has the same features alone as among all others."""
    day = company().snapshots.on(ON)
    alone, among = features.frame(day.take([3]), company().periods), features.frame(day, company().periods)
    for name in alone.numbers:
        assert alone.numbers[name][0].tobytes() == among.numbers[name][3].tobytes()
