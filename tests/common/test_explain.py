"""An explained number opens to its inputs."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from salesops.common.explain import Explanation
from salesops.common.money import Money

WIN_RATE = Explanation(
    "Win rate",
    Decimal("0.3"),
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
        "Win rate: 0.3",
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
