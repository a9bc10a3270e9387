"""Problems as values and exceptions that name their remedy."""

from __future__ import annotations

import pickle

import pytest

from salesops.common import errors
from salesops.common.errors import InvalidData, Problem, SalesopsError


def test_a_problem_reads_as_place_fault_and_remedy() -> None:
    problem = Problem(
        "deals.csv", 7, "close_value", "'abc' is not an amount", "Write a number", value="abc", record="D1"
    )
    assert str(problem) == "deals.csv, row 7, record D1, close_value: 'abc' is not an amount. Write a number."
    assert problem.to_dict()["severity"] == "error"
    assert str(Problem("a.csv", None, None, "Empty?", "", severity="warning")) == "a.csv: warning: Empty?"


def test_every_exception_has_an_exit_code_of_its_own() -> None:
    names = ["UsageError", "NotAllowed", "NotFound", "Conflict", "InvalidData", "WorkspaceError", "Busy"]
    assert [getattr(errors, name).exit_code for name in names] == [2, 3, 4, 5, 6, 7, 8]


def test_an_exception_carries_message_remedy_and_problems() -> None:
    problem = Problem("a.csv", 2, "day", "No date", "Add one")
    with pytest.raises(SalesopsError, match=r"2 rows failed\. Mend them\.") as caught:
        raise InvalidData("2 rows failed", "Mend them", [problem])
    assert caught.value.problems == (problem,)
    assert caught.value.render().splitlines()[1] == "  a.csv, row 2, day: No date. Add one."
    assert caught.value.to_dict()["problems"][0]["row"] == 2
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.message, again.problems, again.exit_code) == ("2 rows failed", (problem,), 6)
