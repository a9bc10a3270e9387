"""Early warnings, worked by hand; amounts in 10^-4 left small."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from salesops.forecasting.calls import Caller, caller_bias
from salesops.forecasting.warnings import Deal, Standing, in_order, of_callers, of_commits, of_standing, pattern

ELM, OAK = Deal(1, "Elm", "Ann", 900, 270), Deal(2, "Oak", "Bob", 600, 60)


def told(line: Standing, rate: float | None) -> dict[str, tuple[int | None, float | None, tuple[str, ...]]]:
    return {
        one.kind: (one.amount, one.share, tuple(deal.name for deal in one.deals)) for one in of_standing(line, rate)
    }


def test_gap_coverage_and_a_single_deal() -> None:
    """Target 1,000, booked 400, expected 730: 270 are missing. 600 are to be won with 22 %: 2,727 must be open (4.5 times), and 1,500 are (2.5 times).
    Elm is 270 of the 730."""
    found = told(Standing(7, "Ann", 1000, 400, 1500, 730, 0.1, (ELM, OAK)), 0.22)
    assert found["gap"] == (270, pytest.approx(0.27), ("Elm", "Oak"))
    assert found["coverage"] == (2727 - 1500, pytest.approx(2.5 * 0.22), ("Elm", "Oak"))
    assert found["single deal"] == (270, pytest.approx(270 / 730), ("Elm",))


@pytest.mark.parametrize(
    ("line", "rate", "kinds"),
    [
        (Standing(7, "Ann", None, 400, 0, 730, None, (OAK,)), 0.22, set()),  # no target: neither gap nor coverage
        (Standing(7, "Ann", 0, 0, 0, 0, None, ()), 0.22, set()),  # a target of nothing is reached
        (Standing(7, "Ann", 1000, 1000, 0, 1000, 0.9, ()), 0.22, set()),  # reached: nothing is missing, whatever is open
        (Standing(7, "Ann", 1000, 400, 1500, None, None, ()), None, set()),  # no forecast, nobody ever won: nothing to judge by
        (Standing(7, "Ann", 1000, 400, 1500, None, None, ()), 0.22, {"coverage"}),
        (Standing(7, "Ann", 1000, 400, 2728, 999, 0.4, (OAK,)), 0.22, {"gap"}),
        (Standing(7, "Ann", None, -500, 0, -230, None, (ELM,)), 0.22, set()),  # more was taken back than is expected: no share of it
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_not(line: Standing, rate: float | None, kinds: set[str]) -> None:
    assert set(told(line, rate)) == kinds


def test_commits() -> None:
    """Past its date is worse than quiet, and told once; each owner once a kind, the largest deal first; two of one name are two people."""
    deals = [
        Deal(1, "Elm", "Ann", 10, due=date(2026, 6, 1), quiet="no activity for 40 days", person=4),
        Deal(2, "Oak", "Ann", 30, due=date(2026, 7, 1), quiet="no activity for 50 days", person=4),
        Deal(3, "Fir", "Ann", 50, due=date(2026, 7, 1), quiet="no activity for 20 days", person=4),
        Deal(4, "Ash", "Ann", 70, due=date(2026, 5, 1), person=9),
        Deal(5, "Yew", "Ann", 90, due=None, person=9),
    ]
    found = in_order(of_commits(deals, date(2026, 6, 15)))
    assert [(one.kind, one.person, one.amount, [deal.name for deal in one.deals]) for one in found] == [
        ("past its close date", 9, 70, ["Ash"]), ("past its close date", 4, 10, ["Elm"]), ("stale commit", 4, 80, ["Fir", "Oak"]),
    ]  # fmt: skip
    assert found[2].words == "2 deals in commit without activity for longer than usual in the stage"


def test_patterns_need_periods_and_size() -> None:
    """Ann calls 100 and brings 60, ten periods; Bob the same, once; Cleo brings 150; Dan is right. Shrunk, only Ann and Cleo stand out."""
    who = [*["Ann"] * 10, "Bob", *["Cleo"] * 10, *["Dan"] * 10]
    period = [*range(10), 0, *range(10), *range(10)]
    came = [*[60.0] * 10, 60.0, *[150.0] * 10, *[100.0] * 10]
    found = caller_bias(who, period, [100.0] * 31, came)
    assert {name: pattern(one) for name, one in found.items()} == {
        "Ann": "happy ears",
        "Bob": "",
        "Cleo": "sandbagging",
        "Dan": "",
    }
    (ann,) = of_callers({4: found["Ann"]}, {4: "Ann"})
    assert (ann.person, ann.name, ann.amount) == (4, "Ann", None)
    assert ann.words.startswith("Calls are too high: 100 called bring 7")
    assert pattern(Caller("x", 2, 9, 0.1, 0.1, 0.1, "")) == ""


def test_amounts_stay_whole() -> None:
    """Nothing is rounded through a float: 10^15 units and one."""
    line = Standing(7, "Ann", 10**15 + 1, 0, 0, 10**15, None, ())
    assert told(line, None)["gap"][0] == 1
    assert Decimal(told(line, None)["gap"][1] or 0) > 0
