"""Whatever people define gives the same answer on every engine, or is refused with a reason before it is asked."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.engines.comparing import differences
from tests.engines.conftest import ENGINES, Move
from tests.engines.definitions import FACTS, asking, company, definitions
from tests.metrics.build import BOSS

from salesops.common.errors import InvalidData, NotFound, UsageError, WorkspaceError
from salesops.metrics import lint
from salesops.metrics.defined.fields import fields_of
from salesops.metrics.defined.kept import found
from salesops.metrics.definitions import Asked
from salesops.metrics.engines import RAN
from salesops.metrics.query import query

EXAMPLES = {"postgres": RAN["postgres"].examples, "spark": 60} if os.environ.get("SALESOPS_ENGINES") == "all" else {}


def answered(session: Any, text: str, question: dict[str, Any]) -> Any:
    """The rows of an answer, or why there is none."""
    session.__dict__["definitions"] = (("mine.toml", text),)
    try:
        return query(session, BOSS, "made", **question).rows
    except (UsageError, NotFound, InvalidData) as error:
        return str(error)
    except (duckdb.OutOfRangeException, duckdb.ConversionException, WorkspaceError) as error:
        if any(words in str(error).lower() for words in ("out of range", "overflow", "does not fit")):
            return "too large"
        raise


def refused(session: Any, text: str) -> bool:
    """Whether the definition is refused: by its own check, or by the lint that the catalogue passes."""
    session.__dict__["definitions"] = (("mine.toml", text),)
    compiled = found(session).compiled
    if "made" not in compiled.metrics:
        assert all(problem.remedy for problem in compiled.problems)
        return True
    one = compiled.metrics["made"]
    return bool(lint.metric_problems(Asked(one, one.variants[0]), session))


@pytest.mark.parametrize("moved", ENGINES[1:], indirect=True)
def test_a_random_definition_means_the_same_or_is_refused(moved: Move) -> None:
    """Sums, counts, ratios, conversions, running totals and formulas; by any dimension and period, filtered, in either currency."""
    duck = company().session()
    other = moved(company().session())
    examples = EXAMPLES.get(other.engine.dialect, 25)
    known = {fact: {name: one.type for name, one in fields_of(duck, fact).items()} for fact in FACTS}
    seen = Counter[str]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(definitions(known), st.lists(asking(known["closed"]), min_size=1, max_size=2))
    def same(text: str, asked: list[dict[str, Any]]) -> None:
        note(text)
        if refused(duck, text):
            assert refused(other, text)
            seen["refused"] += 1
            return
        for question in asked:
            note(str(question))
            if not alike(text, question):
                plain = {name: value for name, value in question.items() if name not in ("by", "where")}
                alike(text, plain)  # no such dimension or field: at least the whole

    def alike(text: str, question: dict[str, Any]) -> bool:
        expected, given_ = answered(duck, text, question), answered(other, text, question)
        if isinstance(expected, str) or isinstance(given_, str):
            assert expected == given_
            seen["no such question"] += 1
            return False
        assert list(differences(expected, given_)) == []
        seen["equal" if any(v is not None for v in expected.column("made").to_pylist()) else "empty"] += 1
        return True

    same()
    assert seen["equal"] >= examples / 4, seen  # the test is not idle
