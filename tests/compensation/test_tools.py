"""What stands around a plan: lint, diff, letter, explanation, prizes of a group, facts gathered, payroll and journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compensation.people import CALENDAR, PCT, cents, payable, payee, plan, sale, sales, settled, tiered, worked

from salesops.common.errors import InvalidData
from salesops.compensation import diff, exports, gallery, gather, group, ledger, letter, lint, ppa, reader, trace
from salesops.compensation.crediting import Holder
from salesops.compensation.draws import DrawPeriod
from salesops.compensation.interpret import entitlement
from salesops.compensation.plan import (
    Band,
    Contest,
    CreditRule,
    Curve,
    CurvePoint,
    Days,
    Draw,
    Gate,
    Measure,
    Per,
    Point,
    Pool,
    Spiff,
)
from salesops.compensation.settle import Earned, Opening, Policies, Taken, settle

RETRO = (
    Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
    Band(to=Point(attainment=120 * PCT), rate=12 * PCT),
    Band(rate=16 * PCT),
)


# Lint and cost --------------------------------------------------------------------------------------------------------


def said(*components: object) -> list[str]:
    return [f"{one.severity}: {one.problem}" for one in lint.findings(plan(*components)) if one.field != "tests"]


def test_a_silent_cliff_is_an_error_and_an_accepted_one_prints_its_jump() -> None:
    cliff = tiered(bands=RETRO, mode="retroactive")
    first = "error: c: a cliff at 100 %, where one more cent is worth 4,000.00 (at a quota of 100,000.00)"
    assert said(cliff)[0] == first
    assert said(replace(cliff, accept_cliff=True))[0] == first.replace("error", "warning") + "; the plan accepts it"
    assert said(tiered(bands=RETRO)) == []


def test_dead_zones_and_pay_that_falls_are_found() -> None:
    dead = (RETRO[0], Band(rate=0))
    assert said(tiered(bands=dead)) == ["warning: c: band 2 is a dead zone, where selling more pays nothing"]
    falling = (RETRO[1], Band(rate=2 * PCT))
    assert said(tiered(bands=falling, mode="retroactive", accept_cliff=True)) == [
        "warning: c: pay falls by 12,000.00 at 120 % (at a quota of 100,000.00)"
    ]
    curve = Curve(
        id="c",
        measure="m",
        points=(CurvePoint(50 * PCT, 0), CurvePoint(100 * PCT, 100 * PCT), CurvePoint(120 * PCT, 90 * PCT)),
    )
    assert said(curve) == ["warning: c: between 100 % and 120 % pays less the more is sold"]
    assert "no worked tests" in str(lint.findings(plan()))


def test_the_cost_of_a_plan_by_attainment() -> None:
    got = lint.cost_by_attainment(plan(tiered(bands=RETRO)))
    assert [(one.attainment // PCT, one.total) for one in got] == [
        (60, 4_800_00),
        (80, 6_400_00),
        (100, 8_000_00),
        (120, 10_400_00),
        (150, 15_200_00),
    ]
    assert got[2].of_sales == F(8, 100)


# Words ----------------------------------------------------------------------------------------------------------------


def test_a_semantic_diff_names_what_changed() -> None:
    text = gallery.text("04-ae-enterprise")
    after = (
        text.replace("rate: 12%", "rate: 12.5%")
        .replace("    hold: {booking: 50%, cash: 50%}\n", "")
        .replace("# marginal", "# other")
    )
    got = [str(one) for one in diff.changes(reader.read(text).plan, reader.read(after).plan)]
    assert got == [
        "commission, band 2, rate: 12% -> 12.5%",
        "commission, hold, booking: 50% (removed)",
        "commission, hold, cash: 50% (removed)",
    ]
    more = reader.read(text.replace("    cap:", "    zero_quota: full\n    cap:")).plan
    assert [str(one) for one in diff.changes(reader.read(text).plan, more)] == ["commission, zero quota: full (new)"]


def test_the_letter_says_every_figure_of_the_plan() -> None:
    text = letter.letter(gallery.plan("04-ae-enterprise").plan, "Ada")
    for part in ("For Ada", "8 % below 100 % of quota, 12 % from 100 % of quota, 16 % from 120 % of quota", "120,000.00 USD a year", "250,000.00 USD", "25 %",
                 "300 % of the target incentive 50 % is paid", "50 % at booking, 50 % as cash comes in", "cancelled or churned within 365 days"):  # fmt: skip
        assert part in text, part
    for name in gallery.names():
        assert len(letter.letter(gallery.plan(name).plan).splitlines()) > 8


def test_a_line_is_a_sentence_and_a_result_a_tree() -> None:
    result = worked(plan(), payee(sales((70_000_00, "2026-01-10"), (40_000_00, "2026-02-10"))), "2026-03-31").of(
        "c", "2026-Q1"
    )
    got = [trace.sentence(line, "USD") for line in result.lines]
    assert got[1:] == [
        "30,000.00 of deal D2 filled band 0 to 100,000.00 at 8 %: 2,400.00",
        "10,000.00 of deal D2 filled band 100,000.00 to the top at 12 %: 1,200.00",
    ]
    assert (
        trace.sentence(result.lines[2], "USD", F(100_000_00))
        == "10,000.00 of deal D2 filled band 100 % to the top at 12 %: 1,200.00"
    )
    shown = trace.explanation(plan(), result, tuple(sales((70_000_00, "2026-01-10"))))
    text = shown.render()
    assert "9,200.00" in text
    assert "Attainment: 110.00 %" in text
    assert "Credit of D1/1" in text
    assert trace.next_pays(lint.earning_of(plan(), tiered()), 100_000_00, 10_000_00) == 1_200_00


# Groups ---------------------------------------------------------------------------------------------------------------


def team(*totals: int) -> list[object]:
    names = ["ada", "bo", "cy"]
    return [
        payee(
            [sale(total, date(2026, 2, 1 + n), f"D{n}", names[n])],
            payee=names[n],
            fields={"region": "N", "level_weight": 1_000_000},
        )
        for n, total in enumerate(totals)
    ]


def awarded(one: object, *totals: int, through: str = "2026-03-31") -> dict[str, int]:
    results = group.entitlements(plan(tiered(), one), team(*totals), CALENDAR, date.fromisoformat(through))  # type: ignore[arg-type]
    return {name: sum(cents(result, one.id)) for name, result in results.items()}  # type: ignore[attr-defined]


def test_a_contest_ranks_who_qualifies_and_pays_when_it_ends() -> None:
    podium = Contest(
        id="podium",
        rank_by="m",
        within="region",
        prizes=(5_000_00, 3_000_00, 1_000_00),
        qualify=Gate("", "attainment", ">=", 100 * PCT),
    )
    assert awarded(podium, 120_000_00, 120_000_00, 100_000_00) == {"ada": 4_000_00, "bo": 4_000_00, "cy": 1_000_00}
    assert awarded(podium, 120_000_00, 99_999_99, 110_000_00) == {"ada": 5_000_00, "bo": 0, "cy": 3_000_00}
    early = replace(podium, during=Days(date(2026, 2, 1), date(2026, 5, 1)))
    assert awarded(early, 120_000_00, 110_000_00, 100_000_00) == {"ada": 0, "bo": 0, "cy": 0}, "April is not over"


def test_a_pool_is_shared_by_days_and_a_spiff_stops_at_its_budget() -> None:
    pool = Pool(id="pool", measure="m", share_of=2 * PCT, by="level_weight * active_days")
    assert awarded(pool, 200_000_00, 100_000_00, 100_000_00) == {"ada": 2_666_67, "bo": 2_666_67, "cy": 2_666_66}
    spiff = Spiff(id="s", measure="m", pay=500_00, during=Days(date(2026, 1, 1), date(2026, 4, 1)), budget=1_250_00)
    assert awarded(spiff, 1, 1, 1) == {"ada": 500_00, "bo": 500_00, "cy": 250_00}
    assert sum(awarded(replace(spiff, on_exhaust="prorate"), 1, 1, 1).values()) == 1_250_00
    assert sum(awarded(replace(spiff, on_exhaust="prorate"), 1, 1, 1, through="2026-03-30").values()) == 0


def test_adding_a_payee_changes_nobody_else() -> None:
    alone = awarded(tiered(id="d"), 120_000_00)
    assert awarded(tiered(id="d"), 120_000_00, 90_000_00)["ada"] == alone["ada"]


# Facts ----------------------------------------------------------------------------------------------------------------


def row(deal: str, amount: int, on: str, **fields: object) -> dict[str, object]:
    return {
        "deal": deal,
        "line": "1",
        "kind": "booked",
        "credited_on": date.fromisoformat(on),
        "currency": "USD",
        "owner": "ada",
        "deal.amount": amount * 10_000,
    } | fields


PEOPLE = [
    {"payee": name, "plan": "p", "valid_from": date(2020, 1, 1), "valid_to": None} for name in ("ada", "bo", "mo")
]
CLOSURE = [
    {"ancestor": "mo", "person": name, "depth": 1, "valid_from": date(2020, 1, 1), "valid_to": None}
    for name in ("ada", "bo")
]


def test_payees_are_gathered_from_the_rows_of_the_tables() -> None:
    team_measure = Measure(name="team", credit=("rollup",), amount="deal.amount", where="deal.type = 'new'")
    one = plan(measures=(plan().measures[0], team_measure))
    lines = [row("D1", 100, "2026-01-05", **{"deal.type": "new"}), row("D2", 50, "2026-01-06", currency="EUR"), row("D3", 9, "2026-01-07", currency="CHF"),
             row("D4", 7, "2026-01-08", owner=None)]  # fmt: skip
    rates = [
        {
            "kind": "plan",
            "currency": "EUR",
            "to_currency": "USD",
            "valid_from": date(2026, 1, 1),
            "valid_to": None,
            "rate": 11_000_000_000,
        }
    ]
    claims = [
        {
            "deal": c.deal,
            "credit_type": c.credit_type,
            "source": c.source,
            "rule": c.rule,
            "payee": c.payee,
            "num": 1,
            "den": 1,
        }
        for c in gather.claims_of(one, lines)
    ]
    got = gather.gather(one, gather.Rows(lines, claims, CLOSURE, PEOPLE, rate=rates))
    by_name = {who.payee: who for who in got.payees}
    assert [c.amount for c in by_name["ada"].credits["m"]] == [100_00, 55_00]
    assert [c.amount for c in by_name["mo"].credits["team"]] == [100_00]
    assert [p.problem for p in got.problems] == ["Deal D3 is in CHF, and there is no plan rate to USD on 2026-01-07"]
    assert [p.problem for p in got.uncredited] == ["Nobody is credited with line 1 of deal D4"]
    assert cents(entitlement(one, by_name["ada"], CALENDAR, date(2026, 3, 31))) == [12_40], "8 % of 155.00"


def test_rules_make_claims_by_field_condition_and_territory() -> None:
    rules = (
        CreditRule(type="overlay_se", to="deal.se_owner", when="deal.se_hours >= 4", share=500_000, source="owner"),
        CreditRule(to="territory", source="territory", as_of="created"),
    )
    lines = [row("D1", 1, "2026-05-20", territory="T", **{"deal.se_owner": "sue", "deal.se_hours": 4, "deal.created_on": date(2026, 4, 2)}),
             row("D2", 1, "2026-05-20", **{"deal.se_owner": "sue", "deal.se_hours": 3})]  # fmt: skip
    held = [Holder("T", "ada", Days(date(2026, 1, 1), date(2026, 5, 15))), Holder("T", "bo", Days(date(2026, 5, 15)))]
    got = gather.claims_of(plan(crediting=rules), lines, held)
    assert [(c.deal, c.credit_type, c.payee, c.share) for c in got] == [
        ("D1", "overlay_se", "sue", F(1, 2)),
        ("D1", "primary", "ada", 1),
    ]


# Ledger and exports ------------------------------------------------------------------------------------------------------


def test_the_ledger_only_adds_balances_and_posts_once() -> None:
    found = settled(plan(), payee(sales((150_000_00, "2026-01-10"))), "2026-03-31")
    entries = list(found.settlements["2026-Q1"].entries)
    book = ledger.post([], entries)
    assert ledger.post(book, entries) == [], "the same run again adds nothing"
    assert ledger.balances(book)["ada"] == {"cost_contra": -14_000_00, "earned": 0, "payable": 14_000_00}
    undone = [*book, *(ledger.reversal(one, "2026-Q2", "wrong plan") for one in book)]
    assert set(ledger.balances(undone)["ada"].values()) == {0}
    with pytest.raises(InvalidData, match="PAY does not move money from held to paid"):
        ledger.entry("ada", "PAY", "held", "paid", 1, "2026-Q1")


def test_an_offset_spares_the_guarantee_where_the_plan_says_so() -> None:
    for allowed, expected in ((True, 1_000_00), (False, 4_000_00)):
        rules = Policies(Draw(amount=Per(4_000_00, "month"), offset_allowed=allowed))
        got = settle(
            "ada", "P", [Earned("c", 6_000_00)], rules, Opening(debts={"c": 5_000_00}), draw=DrawPeriod(0, 4_000_00)
        )
        assert (got.payable, sum(got.closing.debts.values())) == (expected, expected - 1_000_00)
    without = settle("ada", "P", [Earned("c", 6_000_00)], Policies(), Opening(debts={"c": 5_000_00}))
    assert without.payable == 1_000_00


def test_a_correction_posts_in_the_open_period_and_closes() -> None:
    """Section 6 (10): the postings of an origin period sum to its latest computation, whatever came in between."""
    posted: dict[ppa.Key, int] = {}
    total = 0
    for n, amount in enumerate((130_000_00, 118_000_00, 90_000_00, 130_000_00), 1):
        result = worked(plan(tiered(bands=RETRO)), payee(sales((amount, "2026-01-10"))), "2026-03-31").by_key()
        new = ppa.deltas(result, posted, f"2026-Q{n}")
        items = [
            Earned(d.key.component, d.cents, deal=d.key.deal, origin_period=d.key.origin_period, type=d.type)
            for d in new
        ]  # type: ignore[arg-type]
        total += settle("ada", f"2026-Q{n}", items, Policies(), Opening()).payable
        posted = ppa.after(posted, new)
        assert posted == result
    assert sum(posted.values()) == 12_000_00


BATCH = exports.Batch("B1", date(2026, 4, 15), date(2026, 1, 1), date(2026, 3, 31), "run", "USD")


def test_each_code_is_converted_to_the_pay_currency() -> None:
    got = settle("ada", "2026-Q1", [Earned("c", 54_250_00), Earned("d", 10_05, code="BONUS")], Policies(), Opening())
    people = {"ada": exports.Employment("E1", "GB01", "GBP")}
    rows = exports.payroll(got.entries, people, replace(BATCH, rates={"GBP": (7_900_000_000,)}))
    assert [(one.earning_code, one.amount, one.currency) for one in rows] == [
        ("BONUS", 7_94, "GBP"),
        ("COMM", 42_857_50, "GBP"),
    ]
    with pytest.raises(InvalidData, match=r"ada \(GBP\) cannot be paid"):
        exports.payroll(got.entries, people, BATCH)


def test_payroll_rows_add_up_and_what_is_not_above_zero_stays() -> None:
    guaranteed = reader.read(gallery.text("03-ae-tiered")).plan
    found = settled(
        replace(guaranteed, quotas=plan().quotas, measures=plan().measures, components=(tiered(),)),
        payee(sales((10_000_00, "2026-01-10")), start=date(2026, 1, 1)),
        "2026-03-31",
    )
    entries = [entry for one in found.settlements.values() for entry in one.entries]
    people = {"ada": exports.Employment("E1", "US01", "USD", "400")}
    rows = exports.payroll(entries, people, BATCH)
    assert [(one.employee_id, one.earning_code, one.amount) for one in rows] == [
        ("E1", "COMM", 800_00),
        ("E1", "DRAW_ADV", 11_200_00),
    ]
    assert exports.controls(rows) == [exports.Control("USD", 2, 12_000_00)]
    assert sum(one.amount for one in rows) == sum(payable(found))
    assert exports.acknowledged(rows, [exports.Control("USD", 2, 12_000_00)]) == []
    assert "sent" in exports.acknowledged(rows, [exports.Control("USD", 2, 1)])[0]
    with pytest.raises(InvalidData, match="ada cannot be paid"):
        exports.payroll(entries, {}, BATCH)
    negative = settle("ada", "2026-Q1", [Earned("c", -500_00)], Policies(), Opening())
    assert exports.payroll(negative.entries, {}, BATCH) == []


def test_a_prior_period_adjustment_has_an_earning_code_of_its_own() -> None:
    items = [Earned("c", 5_000_00, deal="D2"), Earned("c", -1_840_00, deal="D1", origin_period="2026-Q1", type="PPA")]
    got = settle("ada", "2026-Q2", items, Policies(), Opening())
    assert got.payable == 3_160_00
    assert exports.amounts(got.entries) == {"ada": {"COMM": 5_000_00, "PPA": -1_840_00}}


def test_the_journal_balances() -> None:
    """12,000.00 earned and capitalised with 7.65 % of employer tax; 219.31 amortised; 12,000.00 paid."""
    lines = exports.journal("2026-02", 12_000_00, 12_000_00, 76_500, paid=12_000_00, amortized=219_31)
    assert sum(one.debit for one in lines) == sum(one.credit for one in lines)
    asset = sum(one.debit - one.credit for one in lines if one.account == "Deferred contract cost")
    assert asset == 12_918_00 - 219_31


AMOUNT = st.integers(-(10**6), 10**6)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(AMOUNT, st.integers(0, 10**6), st.sampled_from(("recover", "carry_negative", "floor_zero"))),
        max_size=6,
    ),
    st.sampled_from(
        (None, Draw(amount=Per(3_000_00, "month")), Draw(amount=Per(3_000_00, "month"), recoverable=False))
    ),
    st.integers(0, 10**6),
)
def test_what_is_earned_is_paid_carried_owed_forgiven_or_taken(
    periods: list[tuple[int, int, str]], draw: Draw | None, claw: int
) -> None:
    """Section 6 (11): entries balance, pay is never below zero, and every account is explained by the closing balances."""
    opening, entries = Opening(), []
    for n, (earned, taken, policy) in enumerate(periods):
        rules = Policies(draw, {"c": policy}, {"c": claw})  # type: ignore[dict-item]
        got = settle("ada", f"P{n}", [Earned("c", earned)], rules, opening, taken=[Taken("c", "D1", taken)] if taken % 3 == 0 else [],
                     draw=DrawPeriod(0, 3_000_00))  # fmt: skip
        assert got.payable >= 0
        assert got.closing.draw >= 0
        assert all(owed > 0 for owed in got.closing.debts.values())
        entries += got.entries
        opening = got.closing
    book = ledger.balances(entries).get("ada", {})
    assert sum(book.values()) == 0
    assert book.get("earned", 0) == 0
    assert -book.get("draw_advance", 0) == opening.draw
    assert -book.get("negative_carry", 0) == sum(opening.debts.values())
    assert len(ledger.post([], entries)) == len(ledger.post([], ledger.post([], entries)))
