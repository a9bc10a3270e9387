"""The KPI guide: which figure for which problem, which means nothing here, what to read with it, what to ask next, what others report."""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.metrics.build import BOSS, World

from salesops.common.errors import NotFound, UsageError
from salesops.metrics.catalogue import metrics
from salesops.metrics.cohorts import cohorts
from salesops.metrics.guide import applies, benchmarks, guide, load, read_with, watch, when_it_moves
from salesops.metrics.guide.data import FILES, read
from salesops.metrics.guide.definitions import Question
from salesops.metrics.guide.lint import problems
from salesops.metrics.guide.terms import TERMS
from salesops.metrics.query import query
from salesops.pipeline.movements import process_variants
from salesops.pipeline.queries import waterfall
from salesops.workspace import BUSINESS_MODELS

# What to watch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "metric"),
    [
        ("unstable_forecast", "wape"),
        ("weak_cash", "cac"),
        ("lost_momentum", "sales_cycle_days"),
        ("lost_momentum", "selling_time_share"),
        ("quota_missed", "quota_attainment_rate"),
    ],
)
def test_which_kpi_for_which_problem(problem: str, metric: str) -> None:
    """As the mission names them; each with the reason."""
    found = {one.metric: one for one in watch(problem)}
    assert found[metric].why.endswith(".")
    assert metric in list(found)[:2]


def test_most_reps_miss_is_no_finding_about_people_first() -> None:
    """Training, territories and incentives come before people."""
    first = guide(problem="quota_missed").section("problem")[0]["first"]
    assert first.index("training") < first.index("territories") < first.index("incentives") < first.index("people")


def test_one_product_at_one_price_has_no_contract_value() -> None:
    """The size of a deal is the price list's; its number is what moves."""
    verdict = applies("average_deal_size", "one_price")
    assert (verdict.applies, verdict.instead) == (False, "won_deals")
    assert "price" in verdict.why
    assert applies("average_deal_size").applies
    assert applies("average_deal_size.all_won", "subscription").applies
    stands_in = next(one for one in watch("weak_cash", "one_price") if one.metric == "won_deals")
    assert stands_in.instead_of == "average_deal_size"
    assert stands_in.why == verdict.why


@pytest.mark.parametrize("model", BUSINESS_MODELS)
def test_nothing_is_recommended_that_means_nothing(model: str) -> None:
    """Not for any problem, not beside any metric, not in any question; and no problem is left without a metric."""
    for problem in load().problems:
        found = watch(problem, model)
        assert found
        assert all(applies(one.metric, model).applies for one in found)
        assert len({one.metric for one in found}) == len(found)
    for metric in load().advice:
        named = [one.metric for one in read_with(metric, model)]
        for direction in ("up", "down"):
            named += [name for one in when_it_moves(metric, direction, business_model=model) for name in one.metrics]
        assert all(applies(name, model).applies for name in named)


# How to read ----------------------------------------------------------------------------------------------------------


def test_what_to_read_together_and_ask_next() -> None:
    """Too many wins: is the price too low? A shorter cycle: by discounts?"""
    assert {one.metric for one in read_with("win_rate.value")} >= {"average_deal_size", "sales_cycle_days"}
    assert any("price too low" in one.ask for one in when_it_moves("close_rate", "up"))
    assert any("discounts" in one.ask for one in when_it_moves("sales_cycle_days", "down"))


def test_a_question_takes_the_period_and_the_records_that_are_looked_at() -> None:
    """Nothing given: quarters. A filter of its own is kept beside the given one."""
    assert when_it_moves("win_rate", "down")[1].query == {
        "metrics": ("lost_deals",),
        "by": ("loss_reason",),
        "period": "quarter",
    }
    why = when_it_moves("win_rate", "down", "2024-Q2", "region = 'West'")[1]
    assert why.query["period"] == "2024-Q2"
    assert why.command == (
        "salesops metrics query lost_deals --by loss_reason --period 2024-Q2 --where \"region = 'West'\""
    )
    own = Question("?", ("bookings",), where="type = 'new'").within(where="amount > 5 or source is null")
    assert own.where == "(type = 'new') and (amount > 5 or source is null)"


def test_a_waterfall_needs_one_period() -> None:
    """A grain is none: until a period is given, the command says where it belongs."""
    left = next(one for one in when_it_moves("bookings", "down") if one.table)
    assert (left.askable, left.command) == (False, "salesops pipeline waterfall --from PERIOD")
    asked = left.within("2024-Q2")
    assert (asked.askable, asked.query) == (True, {"from_": "2024-Q2"})


def test_what_nothing_measures_yet_is_said() -> None:
    """Such a question cannot be asked."""
    one = Question("?", ("bookings", "never_measured", "bookings.nothing"))
    assert (one.askable, one.missing) == (False, ("never_measured", "bookings.nothing"))


@pytest.fixture(scope="module")
def company() -> Any:
    """A small company with deals of two quarters, quotas, leads, a process log, subscriptions, orders and costs."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob", region="West")
    w.people("Mara")
    w.manages("Mara", "Ann")
    w.member("Red", "Ann")
    for quarter, starts, ends in (("1", "2024-01-01", "2024-03-31"), ("2", "2024-04-01", "2024-06-30")):
        w.quota("Ann", starts, ends, 100)
        w.calls("Ann", starts, starts, ends, 100)
        w.quota("Bob", starts, ends, 300)
        deal = w.deal(f"won {quarter}", starts, owner="Ann", amount=90, source="Web", type="new", account="Acme")
        deal.on(starts[:8] + "15", stage="Demo").won(ends)
        w.deal(f"lost {quarter}", starts, owner="Bob", amount=50).lost(ends, loss_reason="price", competitor="Acme")
        w.lead(f"lead {quarter}", starts, ends, f"won {quarter}", owner="Ann", source="Web")
    w.line("won 1", "Pump", 90, "Pumps")
    w.deal("open", "2024-05-02", owner="Ann", amount=70, expected_close="2024-06-30")
    w.deal("due", "2024-03-02", owner="Ann", amount=70, expected_close="2024-06-30", segment="Large")
    w.activity("due", "2024-04-02", "demo")
    w.events("case", "2024-01-03 Start", "2024-01-05 End")
    w.hours(480)
    w.job("Ann", "2023-01-01")
    w.act("meeting", "2024-05-02", "Ann", 60, external=True, booked="2024-05-01")
    w.act("admin", "2024-05-02", "Ann", 60)
    w.subscribes("Acme", "2024-01-01", None, 10, "0.8", "Care")
    order = w.order("Acme", "2024-04-03", 20)
    w.order_line(order, "2024-04-03", "Pump", 20, cost=5)
    w.happens("payment", "2024-05-01", 20, invoice=w.invoice("Acme", "2024-04-04", 20))
    w.happens("cost", "2024-04-01", 30, function="sales")
    return w.session()


def questions() -> list[tuple[str, Question]]:
    """Every question of the guide, with the metric that it belongs to, over the second quarter."""
    asked = [
        (metric, one.within("2024-Q2"))
        for metric, advice in load().advice.items()
        for one in (*advice.up, *advice.down, *advice.either)
    ]
    return [(metric, one) for metric, one in asked if one.askable]


@pytest.mark.parametrize(("metric", "one"), questions(), ids=lambda each: getattr(each, "ask", each))
def test_every_question_is_answered(company: Any, metric: str, one: Question) -> None:
    """Each that can be asked has rows: its metrics, dimensions and comparison belong together."""
    if one.table:
        tables = {"pipeline waterfall": waterfall, "pipeline variants": process_variants, "cohorts": cohorts}
        assert tables[one.table](company, BOSS, **one.query).to_pylist()
        return
    answer = query(company, BOSS, **one.query)
    assert {name.replace(":", ".") for name in one.metrics} <= {column.name for column in answer.columns}
    assert answer.to_pylist()


def test_the_answer_is_the_one_that_was_asked_for(company: Any) -> None:
    """Why do we lose? For the price, to Acme."""
    whom, why = when_it_moves("win_rate", "down", "2024-Q2")[:2]
    reasons = {row["loss_reason"]: row["lost_deals"] for row in query(company, BOSS, **why.query).to_pylist()}
    rivals = {row["competitor"]: row["lost_deals"] for row in query(company, BOSS, **whom.query).to_pylist()}
    assert (reasons["price"], rivals["Acme"]) == (1, 1)


# What others report ---------------------------------------------------------------------------------------------------


def test_a_benchmark_says_of_whom_from_where_and_how_it_differs() -> None:
    """Harvard Business Review: 2,241 companies, 42 hours on average."""
    one = next(each for each in benchmarks("lead_response_minutes") if each.unit == "minutes")
    assert (one.value, one.shown, one.source.published) == (Decimal(42 * 60), "42 hours", "2011-03")
    assert "2,241 companies" in one.source.sample
    assert "median" in one.difference


def test_the_nearest_benchmark_comes_first_and_others_segments_are_left_out() -> None:
    """Leads of the web site: 31.3 %, then all leads: 13 %; webinars are another segment."""
    assert [one.shown for one in benchmarks("lead_conversion", source="Website")] == ["31.3 %", "13 %"]
    assert [one.segment["contract_value"] for one in benchmarks("nrr", contract_value="over 250k")[:1]] == ["over 250k"]
    assert benchmarks("nrr", business_model="transactional") == ()
    with pytest.raises(UsageError, match="no benchmark is told by colour"):
        benchmarks("nrr", colour="red")


def test_what_is_computed_from_a_benchmark_is_right() -> None:
    """47.3 % won and 32.0 % lost are 59.6 % of the decided ones (the source gives 20.7 % without a decision)."""
    one = next(each for each in benchmarks("win_rate") if each.value == Decimal("0.473"))
    assert f"{47.3 / (47.3 + 32.0):.1%}".replace("%", " %") in one.difference
    assert round(47.3 + 32.0 + 20.7, 1) == 100


def test_a_metric_without_a_public_figure_has_none() -> None:
    """Three times coverage is a habit: nobody has measured it."""
    assert benchmarks("pipeline_coverage") == ()


# The data itself ------------------------------------------------------------------------------------------------------


def test_the_guide_is_clean() -> None:
    """As `make check` runs it."""
    assert problems() == []


def test_every_metric_has_advice() -> None:
    """Those of the catalogue, and those that are defined and not measured yet."""
    assert metrics().keys() | TERMS <= load().advice.keys()


def test_the_terms_are_those_of_the_definitions(shared: Path) -> None:
    """Every id in the first column of the tables, and no other (two are told in the notes of another)."""
    text = (shared / "design" / "terms.md").read_text(encoding="utf-8")
    tables = text[: text.index("## Planning and pay")]
    first = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    ids = {name for cell in first for name in re.findall(r"`([a-z_]+)`", cell)}
    assert ids | {"ltv_cac", "forecast_attainment_pct"} == TERMS
    assert all(f"`{name}`" in text for name in TERMS)


def altered(file: str, before: str, after: str) -> list[str]:
    """What lint finds when a file of the guide says something else."""
    texts = {name: (files("salesops.metrics.guide") / f"{name}.toml").read_text(encoding="utf-8") for name in FILES}
    assert before in texts[file]
    return problems(read({**texts, file: texts[file].replace(before, after, 1)}))


@pytest.mark.parametrize(
    ("file", "before", "after", "found"),
    [
        ("problems", 'metric = "wape"', 'metric = "wapee"', "unstable_forecast: 'wapee' is neither"),
        ("problems", 'metric = "forecast_bias"', 'metric = "wape"', "wape is named twice"),
        ("metrics", "[wape]", "[wapee]", "'wapee' is neither"),
        ("metrics", "[bookings]", "[win_loss_reasonss]", "bookings of the catalogue has no advice"),
        ("metrics", 'metrics = "lost_deals", by = "competitor"', 'metrics = "lost_deals.huge"', "'lost_deals.huge' is neither"),
        ("metrics", 'by = "competitor"', 'by = "competitors"', "there is no dimension 'competitors'"),
        ("metrics", 'compare = "previous"', 'compare = "before"', "there is no comparison 'before'"),
        ("metrics", 'table = "pipeline waterfall"', 'table = "pipeline fall"', "there is no table 'pipeline fall'"),
        ("metrics", '{ metric = "average_deal_size", why', '{ metric = "bookings", why', "reads it with average_deal_size"),
        ("business_models", 'instead = "won_deals"', 'instead = "average_deal_size"', "recommended and means nothing there"),
        ("business_models", "[durable]", "[durables]", "not the models of the setting"),
        ("benchmarks", 'published = "2011-03"', 'published = "March 2011"', "is no year, month or day"),
        ("benchmarks", 'url = "https://www.researchgate', 'url = "researchgate', "cite it, or leave the figure out"),
        ("benchmarks", "value = 2520\n", "", "has no figure"),
        ("benchmarks", 'currency = "USD"\n', "", "money needs a currency"),
        ("benchmarks", "low = 6", "low = 60", "not in order"),
    ],
)  # fmt: skip
def test_a_slip_in_the_data_is_found(file: str, before: str, after: str, found: str) -> None:
    """With the file, the entry and what to do."""
    assert any(found in text and text.startswith(f"{file}.toml: ") for text in altered(file, before, after))


def test_what_the_guide_does_not_know() -> None:
    """With what is near."""
    with pytest.raises(NotFound, match="Did you mean win_rate"):
        guide(metric="win_rat")
    with pytest.raises(NotFound, match="Did you mean weak_cash"):
        watch("weak-cash-flow")
    with pytest.raises(NotFound, match="no business model 'barter'"):
        guide(business_model="barter")
    with pytest.raises(UsageError, match="Use up or down"):
        when_it_moves("win_rate", "sideways")
