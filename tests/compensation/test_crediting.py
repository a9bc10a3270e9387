"""Sections 1.1 and 1.10 of the design: who is credited with what, to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

from hypothesis import given
from hypothesis import strategies as st

from salesops.compensation import crediting
from salesops.compensation.crediting import Claim, Crediting, DealLine, Holder, Line, credit_lines
from salesops.compensation.plan import HOUSE, PRIMARY, CreditRule, Days, Measure, Transition

MAY = date(2026, 5, 20)
ALWAYS = Days(date(2020, 1, 1))


def deal(amount: int, name: str = "D", line: str = "1", reverses: str | None = None, on: date = MAY) -> DealLine:
    return DealLine(name, line, amount, on, reverses=reverses)


def claims(shares: dict[str, F], kind: str = PRIMARY, source: str = "split", name: str = "D") -> list[Claim]:
    return [Claim(name, kind, source, source, payee, share) for payee, share in shares.items()]


def amounts(outcome: Crediting, kind: str = PRIMARY) -> dict[str, int]:
    return {one.payee: one.amount for one in outcome.credits if one.credit_type == kind}


THIRDS = {"ada": F(1, 3), "bo": F(1, 3), "cy": F(1, 3)}
SIXTY_FORTY = {"ada": F(60, 100), "bo": F(40, 100)}


def test_a_split_sums_to_the_deal_and_a_reversal_mirrors_it() -> None:
    assert amounts(credit_lines([deal(120_000_00)], claims(SIXTY_FORTY))) == {"ada": 72_000_00, "bo": 48_000_00}
    both = credit_lines([deal(100_00), deal(-100_00, line="2", reverses="1")], claims(THIRDS)).credits
    assert [one.amount for one in both] == [33_34, 33_33, 33_33, -33_34, -33_33, -33_33]


def test_odd_parts_per_million_go_to_the_first() -> None:
    assert crediting.ppm_shares({"cy": F(1, 7), "ada": F(3, 7), "bo": F(3, 7)}) == {
        "ada": 428_572,
        "bo": 428_571,
        "cy": 142_857,
    }


def test_a_split_of_99_percent_pays_nobody_and_names_the_deal() -> None:
    outcome = credit_lines(
        [deal(100_00), deal(50_00, "E")], [*claims({"ada": F(99, 100)}), *claims({"bo": F(1)}, name="E")]
    )
    assert amounts(outcome) == {"bo": 50_00}, "the others go on"
    assert "deal D sums to 99 %, not 100 %" in str(outcome.problems[0])


def test_overlays_stand_beside_the_primary_credit_up_to_their_cap() -> None:
    overlay = claims({"se": F(1)}, "overlay_se")
    most = {"overlay_se": ("overlay", 2_000_000), "partner": ("overlay", 2_000_000)}
    outcome = credit_lines([deal(120_000_00)], [*claims(SIXTY_FORTY), *overlay], most)
    assert amounts(outcome, "overlay_se") == {"se": 120_000_00}
    assert F(sum(one.amount for one in outcome.credits), 120_000_00) == 2, "the double-credit ratio is 200 %"
    more = [*claims(SIXTY_FORTY), *overlay, *claims({"p": F(1), "r": F(1, 10)}, "partner")]
    refused = credit_lines([deal(120_000_00)], more, most)
    assert amounts(refused) == {"ada": 72_000_00, "bo": 48_000_00}
    assert amounts(refused, "overlay_se") == amounts(refused, "partner") == {}
    assert "deal D is 210 %, above the most of 200 %" in str(refused.problems[0])


def test_an_overlay_at_its_cap_is_credited_and_a_share_of_zero_is_one() -> None:
    listed = [*claims({"ada": F(1), "bo": F(0)}), *claims({"se": F(1)}, "overlay_se"), *claims({"p": F(1)}, "partner")]
    most = {"overlay_se": ("overlay", 2_000_000), "partner": ("overlay", 2_000_000)}
    outcome = credit_lines([deal(10_00)], listed, most)
    assert outcome.problems == ()
    assert (amounts(outcome), amounts(outcome, "partner")) == ({"ada": 10_00, "bo": 0}, {"p": 10_00})
    negative = credit_lines([deal(10_00)], claims({"ada": F(3, 2), "bo": F(-1, 2)}))
    assert len(negative.problems) == 1, "shares below zero are refused, though they sum to one"


def test_credits_have_one_order() -> None:
    """Day, then the moment of booking (unknown first), then deal, line and type as text."""
    lines = [
        replace(deal(1_00, name, line), credited_on=day, booked_at=at)
        for name, line, day, at in (
            ("D2", "1", MAY, 5),
            ("D1", "2", MAY, 5),
            ("D1", "10", MAY, 5),
            ("Z", "1", MAY, None),
            ("A", "1", MAY, 9),
            ("Y", "1", date(2026, 5, 19), 99),
        )
    ]
    found = credit_lines(lines, []).credits
    assert [(one.deal, one.line) for one in found] == [
        ("Y", "1"),
        ("Z", "1"),
        ("D1", "10"),
        ("D1", "2"),
        ("D2", "1"),
        ("A", "1"),
    ]


def test_one_rule_wins_and_the_losers_are_kept() -> None:
    listed = [
        Claim("D", PRIMARY, "owner", "owner", "ada", F(1)),
        Claim("D", PRIMARY, "territory", "west", "bo", F(1)),
        Claim("D", PRIMARY, "named_account", "Acme", "cy", F(1)),
    ]
    (credit,) = credit_lines([deal(10_00)], listed).credits
    assert (credit.payee, credit.rule, credit.losers) == ("cy", "Acme", ("owner: owner (ada)", "territory: west (bo)"))
    by_hand = Claim("D", PRIMARY, "override", "by hand", "di", F(1))
    assert credit_lines([deal(10_00)], [*listed, by_hand]).credits[0].payee == "di"


def test_nobody_is_the_house_and_a_queue() -> None:
    outcome = credit_lines([deal(10_00)], [])
    assert amounts(outcome) == {HOUSE: 10_00}
    assert "Nobody is credited with line 1 of deal D" in str(outcome.uncredited[0])


# Roll-ups -------------------------------------------------------------------------------------------------------------

TEAM = [
    Line("m1", "ada", 1, ALWAYS), Line("m2", "bo", 1, ALWAYS), Line("v", "m1", 1, ALWAYS), Line("v", "m2", 1, ALWAYS),
    Line("v", "ada", 2, ALWAYS), Line("v", "bo", 2, ALWAYS),
]  # fmt: skip
UNDER_ONE = [Line("m1", "ada", 1, ALWAYS), Line("m1", "bo", 1, ALWAYS)]
TEAM_MEASURE = Measure(name="team", credit=("rollup",))


def rolled(lines: list[Line], measure: Measure = TEAM_MEASURE, shares: dict[str, F] = SIXTY_FORTY) -> dict[str, int]:
    direct = credit_lines([deal(120_000_00)], claims(shares)).credits
    return {one.payee: one.amount for one in crediting.roll_up(direct, lines, measure)}


def test_a_shared_deal_rolls_up_once_to_each_manager() -> None:
    assert rolled(TEAM) == {"m1": 72_000_00, "m2": 48_000_00, "v": 120_000_00}
    assert rolled(UNDER_ONE) == {"m1": 120_000_00}, "not 240,000"


def test_roll_ups_by_level_and_of_a_player_coach() -> None:
    assert rolled(TEAM, Measure(name="t", levels="1")) == {"m1": 72_000_00, "m2": 48_000_00}
    coach = {"ada": F(1, 2), "m1": F(1, 2)}
    assert rolled(UNDER_ONE, shares=coach) == {"m1": 60_000_00}
    assert rolled(UNDER_ONE, Measure(name="t", include_self=True), coach) == {"ada": 60_000_00, "m1": 120_000_00}
    assert rolled(UNDER_ONE, Measure(name="t", include_self=True, exclude_own_direct=True), coach) == {"m1": 60_000_00}


def test_a_roll_up_follows_the_reporting_line_of_the_crediting_day_and_a_reversal_that_of_its_original() -> None:
    moved = [
        Line("m1", "ada", 1, Days(date(2020, 1, 1), date(2026, 6, 1))),
        Line("m2", "ada", 1, Days(date(2026, 6, 1))),
    ]
    lines = [deal(100_00), deal(-100_00, line="2", reverses="1", on=date(2026, 7, 1))]
    direct = credit_lines(lines, claims({"ada": F(1)})).credits
    found = crediting.roll_up(direct, moved, TEAM_MEASURE, {("D", "2"): MAY})
    assert [(one.payee, one.amount) for one in found] == [("m1", 100_00), ("m1", -100_00)]


# Territories ----------------------------------------------------------------------------------------------------------

HELD = [Holder("T", "ada", Days(date(2026, 1, 1), date(2026, 5, 15))), Holder("T", "bo", Days(date(2026, 5, 15)))]
DAYS = {"booked": MAY, "created": date(2026, 4, 2)}


def holders_of(rule: CreditRule, days: dict[str, date] = DAYS) -> dict[str, F]:
    return crediting.shares_of(crediting.territory_claims(rule, "D", "T", days, HELD))


def test_a_territory_is_read_as_of_the_day_of_the_rule() -> None:
    assert holders_of(CreditRule(as_of="booked")) == {"bo": 1}
    assert holders_of(CreditRule(as_of="created")) == {"ada": 1}
    assert holders_of(CreditRule(as_of="booked"), {"booked": date(2025, 1, 1)}) == {}, "a gap credits nobody"


def test_a_protected_deal_is_shared_between_old_and_new_holder() -> None:
    protect = CreditRule(transition=Transition(protect_days=90, split=(500_000, 500_000)))
    assert holders_of(protect) == {"ada": F(1, 2), "bo": F(1, 2)}
    assert holders_of(protect, {"booked": date(2026, 8, 12), "created": date(2026, 4, 2)}) == {
        "ada": F(1, 2),
        "bo": F(1, 2),
    }
    assert holders_of(protect, {"booked": date(2026, 8, 13), "created": date(2026, 4, 2)}) == {"bo": 1}, (
        "day 90 is outside"
    )
    assert holders_of(protect, {"booked": MAY, "created": date(2026, 5, 15)}) == {"bo": 1}, (
        "created under the new holder"
    )
    assert holders_of(protect, {"booked": date(2026, 5, 15), "created": date(2026, 4, 2)}) == {
        "ada": F(1, 2),
        "bo": F(1, 2),
    }


def test_other_territories_and_roles_do_not_count() -> None:
    others = [Holder("U", "xi", Days(date(2026, 1, 1))), Holder("T", "se", Days(date(2026, 1, 1)), role="engineer")]
    got = crediting.territory_claims(CreditRule(as_of="booked"), "D", "T", DAYS, [*HELD, *others])
    assert [one.payee for one in got] == ["bo"]
    engineer = crediting.territory_claims(CreditRule(role="engineer"), "D", "T", DAYS, [*HELD, *others])
    assert [one.payee for one in engineer] == ["se"]
    assert crediting.holder_problems([*HELD, *others]) == []


def test_two_holders_at_once_are_a_problem() -> None:
    assert crediting.holder_problems(HELD) == []
    overlap = crediting.holder_problems([*HELD, Holder("T", "cy", Days(date(2026, 6, 1)))])
    assert [one.problem for one in overlap] == ["bo and cy hold territory T at the same time from 2026-06-01"]


# Windfalls ------------------------------------------------------------------------------------------------------------


def windfall(amounts: list[int], affects: tuple[str, ...] = ("quota", "pay")) -> list[tuple[int, int, int]]:
    lines = [deal(amount, line=str(n)) for n, amount in enumerate(amounts)]
    direct = credit_lines(lines, claims({"ada": F(1)})).credits
    return [(c.counted, c.paid, c.attained) for c in crediting.with_windfall(direct, 250_000_00, 250_000, affects)]


def test_a_windfall_counts_in_part() -> None:
    whole, part = 1_000_000_00, 437_500_00
    assert windfall([whole]) == [(part, part, part)]
    assert windfall([whole], ("quota",)) == [(part, whole, part)]
    assert windfall([whole], ("pay",)) == [(part, part, whole)]
    assert windfall([250_000_00]) == [(250_000_00,) * 3]


def test_an_amendment_re_evaluates_the_whole_deal() -> None:
    assert [c for c, _, _ in windfall([200_000_00, 150_000_00, -350_000_00])] == [200_000_00, 75_000_00, -275_000_00]


# Invariants -----------------------------------------------------------------------------------------------------------

WEIGHTS = st.dictionaries(st.text("abcdefg", min_size=1, max_size=3), st.integers(1, 1000), min_size=1, max_size=8)


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_shares_sum_to_the_amount_each_within_a_cent_and_mirror(amount: int, weights: dict[str, int]) -> None:
    whole = sum(weights.values())
    shares = {payee: F(weight, whole) for payee, weight in weights.items()}
    lines = [deal(amount), deal(-amount, line="2", reverses="1")]
    found = credit_lines(lines, claims(shares)).credits
    assert sum(one.amount for one in found if one.line == "1") == amount
    assert all(abs(one.amount - (amount if one.line == "1" else -amount) * one.share) < 1 for one in found)
    first, second = ({one.payee: one.amount for one in found if one.line == line} for line in "12")
    assert second == {payee: -part for payee, part in first.items()}


@given(st.lists(st.integers(-(10**9), 10**9), max_size=6), st.randoms())
def test_order_of_rows_changes_nothing(amounts: list[int], shuffle: object) -> None:
    lines = [deal(amount, f"D{n}", on=date(2026, 1, 1 + n % 3)) for n, amount in enumerate(amounts)]
    listed = [claim for n in range(len(amounts)) for claim in claims(SIXTY_FORTY if n % 2 else THIRDS, name=f"D{n}")]
    straight = credit_lines(lines, listed)
    shuffle.shuffle(lines)  # type: ignore[attr-defined]
    shuffle.shuffle(listed)  # type: ignore[attr-defined]
    assert credit_lines(lines, listed) == straight
