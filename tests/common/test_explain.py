"""An explained number opens to its inputs."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from salesops.common.explain import Explanation
from salesops.common.money import Money

WIN_RATE = Explanation(
    "Win rate",
    Decimal("0.3"),
    "ratio",
    formula="won / (won + lost)",
    rule="by actual close date",
    definition="win_rate 1",
    inputs=(
        Explanation("won", 3, "deals", records={"stage": "won", "from": date(2017, 1, 1)}),
        Explanation("lost", 7, "deals", inputs=(Explanation("reopened", 1, "deals", notes=("left out",)),)),
    ),
)


def test_the_tree_reads_from_the_number_down() -> None:
    assert WIN_RATE.render().splitlines() == [
        "Win rate: 30.00 %",
        "│  = won / (won + lost)",
        "│  rule: by actual close date",
        "│  definition: win_rate 1",
        "├─ won: 3 deals",
        "│     records: stage=won, from=2017-01-01",
        "└─ lost: 7 deals",
        "   └─ reopened: 1 deals",
        "         note: left out",
    ]
    found = WIN_RATE.find("reopened")
    assert found is not None
    assert found.value == 1


def test_an_empty_value_says_why() -> None:
    nothing = Explanation("Win rate", empty_reason="nothing closed in 2017-Q1")
    assert nothing.render() == "Win rate: n/a (nothing closed in 2017-Q1)"
    assert nothing.to_dict() == {"title": "Win rate", "value": None, "empty_reason": "nothing closed in 2017-Q1"}


def test_the_mapping_is_json() -> None:
    pay = Explanation("Pay", Money.of("1234.5", "EUR"), inputs=(WIN_RATE,))
    told = json.loads(json.dumps(pay.to_dict()))
    assert told["value"] == {"amount": "1234.5000", "currency": "EUR"}
    assert told["inputs"][0]["value"] == "0.3"
    assert told["inputs"][0]["inputs"][0]["records"] == {"stage": "won", "from": "2017-01-01"}
    assert pay.render().startswith("Pay: 1,234.50 EUR")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (2 / 3, "ratio", "66.67 %"),
        (Money.of("0.3333", "EUR"), "", "0.33 EUR"),
        (Decimal("2777.7777777"), "EUR a day", "2,777.78 EUR a day"),
        (Decimal("1234.6"), "JPY", "1,235 JPY"),
        (47.0, "days", "47.00 days"),
        (1200, "deals", "1,200 deals"),
    ],
)
def test_people_read_rounded_figures_programs_exact_ones(value: object, unit: str, shown: str) -> None:
    assert Explanation("x", value, unit).render() == f"x: {shown}"
    if isinstance(value, float):
        assert Explanation("x", value, unit).to_dict()["value"] == value


def test_a_command_takes_the_place_of_the_query() -> None:
    opened = Explanation("won", 3, records={"stage": "won"}, command="salesops metrics drill won_deals")
    assert opened.render() == "won: 3\n   records: salesops metrics drill won_deals"
    assert opened.to_dict()["records"] == {"stage": "won"}
