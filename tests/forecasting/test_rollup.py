"""The forecast board, worked by hand: Vera leads Mia and Noa; Mia leads Ann and Bob. Units of 10^-4 are left small."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.common.errors import UsageError
from salesops.forecasting.deadlines import parse_deadline
from salesops.forecasting.rollup import CATEGORIES, Call, cumulative, roll_up

VERA, MIA, NOA, ANN, BOB = 1, 2, 3, 4, 5
TREE = {VERA: None, MIA: VERA, NOA: VERA, ANN: MIA, BOB: MIA}
DEALS = {
    ANN: {"closed": 100, "commit": 20, "best_case": 30},
    BOB: {"closed": 50, "pipeline": 40},
    MIA: {"commit": 5},
    NOA: {"best_case": 7},
}


def said(
    number: int, person: int, amount: int, *, by: int | None = None, category: str = "commit", scope: str = "own", adjusts: int | None = None
) -> Call:  # fmt: skip
    """A call; `number` is its id and its moment."""
    return Call(number, person, scope, category, amount, person if by is None else by, number, adjusts=adjusts)


def commit(*calls: Call) -> dict[int, tuple[int, str]]:
    """What counts as commit of everybody, and where it is from."""
    return {
        person: (line.counted["commit"].amount, line.counted["commit"].origin)
        for person, line in roll_up(TREE, DEALS, calls).items()
    }


def test_without_calls_the_deals_count() -> None:
    """Ann 100 + 20; Bob 50; Mia's own 5 on top of both; everybody under Vera 175."""
    assert commit() == {
        VERA: (175, "deals"),
        MIA: (175, "deals"),
        NOA: (0, "deals"),
        ANN: (120, "deals"),
        BOB: (50, "deals"),
    }
    lines = roll_up(TREE, DEALS, ())
    assert lines[VERA].deals == {"closed": 150, "commit": 175, "best_case": 212, "pipeline": 252}
    assert lines[VERA].counted["commit"].missing == 4


def test_calls_roll_up_and_say_who_did_not_call() -> None:
    """Ann calls 130: Mia's team is 130 + Bob's 50 + her own 5, and Bob and Mia are missing."""
    found = commit(said(1, ANN, 130))
    assert found[ANN] == (130, "call")
    assert found[MIA] == (185, "rolled_up")
    lines = roll_up(TREE, DEALS, [said(1, ANN, 130)])
    assert lines[MIA].counted["commit"].missing == 2


def test_a_managers_figure_stands_beside_the_call_until_it_is_said_anew() -> None:
    """Mia makes 110 of Ann's 130 and the board counts 110, the 130 kept; when Ann says 140, that counts until Mia looks again."""
    first, less = said(1, ANN, 130), said(2, ANN, 110, by=MIA, adjusts=1)
    line = roll_up(TREE, DEALS, [less, first])[ANN]
    assert (line.counted["commit"].amount, line.counted["commit"].original) == (110, first)
    assert commit(first, less)[MIA] == (165, "rolled_up")
    assert commit(first, less, said(3, ANN, 140))[ANN] == (140, "call")


def test_a_managers_own_call_covers_those_below() -> None:
    """Mia calls 150 for her team: Vera's number has 150 of her, whatever Ann and Bob say."""
    assert commit(said(1, ANN, 130), said(2, MIA, 150, scope="team"))[VERA] == (150, "rolled_up")


def test_somebody_above_may_speak_of_who_has_not_called() -> None:
    """Vera puts 60 for Bob, who said nothing."""
    assert commit(said(1, BOB, 60, by=VERA))[BOB] == (60, "adjusted")


@given(
    st.lists(
        st.tuples(st.sampled_from([ANN, BOB, MIA, NOA]), st.integers(0, 500), st.sampled_from([None, VERA])), max_size=8
    )
)
def test_a_manager_without_a_call_is_the_sum_of_those_below(drawn: list[tuple[int, int, int | None]]) -> None:
    """Whoever calls what: the line of one who said nothing for the team is the own deals and what counts of everybody below."""
    calls = [
        said(n, person, amount, by=by) for n, (person, amount, by) in enumerate(drawn, 1) if person not in (MIA, VERA)
    ]
    lines = roll_up(TREE, DEALS, calls)
    for name in CATEGORIES:
        assert lines[VERA].counted[name].amount == sum(lines[one].counted[name].amount for one in (MIA, NOA))
        assert lines[MIA].counted[name].amount == lines[MIA].own[name] + sum(
            lines[one].counted[name].amount for one in (ANN, BOB)
        )
    assert lines == roll_up(dict(reversed(TREE.items())), DEALS, reversed(calls))


@given(st.dictionaries(st.sampled_from(["closed", *CATEGORIES]), st.integers(0, 10**12)))
def test_cumulative_amounts_never_fall(single: dict[str, int]) -> None:
    found = list(cumulative(single).values())
    assert found == sorted(found)
    assert found[-1] == sum(single.values())


def test_deadlines_over_a_change_of_the_clocks() -> None:
    """Monday 10:00 in Berlin is 08:00 UTC in October and 09:00 in November; the moment itself is in time."""
    due = parse_deadline("Mon 10:00 Europe/Berlin", "UTC")
    assert due.due(datetime(2026, 10, 19, 8, 0, tzinfo=UTC)) == datetime(2026, 10, 19, 8, 0, tzinfo=UTC)
    assert due.day(datetime(2026, 10, 19, 8, 0, 1, tzinfo=UTC)) == date(2026, 10, 26)
    assert due.due(datetime(2026, 10, 20, 0, 0, tzinfo=UTC)) == datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
    assert due.last(datetime(2026, 10, 20, 0, 0, tzinfo=UTC)) == datetime(2026, 10, 19, 8, 0, tzinfo=UTC)
    with pytest.raises(UsageError, match="no weekly deadline"):
        parse_deadline("Monday morning", "UTC")
