"""Holds what can go wrong: problems in people's data as values, and exceptions that name their remedy and exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in somebody's data or configuration: where it is, what is wrong and what to do about it.

    ``source`` is a file, table or setting; ``row`` the 1-based row or line in it; ``value`` the offending value as
    text; ``record`` the id of the record concerned. Problems are collected and shown all at once, never one by one.

    >>> print(Problem("deals.csv", 7, "close_value", "'abc' is not an amount", "Write a number such as 1200.50"))
    deals.csv, row 7, close_value: 'abc' is not an amount. Write a number such as 1200.50.
    """

    source: str
    row: int | None
    field: str | None
    problem: str
    remedy: str
    value: str | None = None
    record: str | None = None
    severity: Severity = "error"

    def to_dict(self) -> dict[str, Any]:
        """Give all fields as a JSON-ready mapping."""
        return asdict(self)

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.source,
                None if self.row is None else f"row {self.row}",
                None if self.record is None else f"record {self.record}",
                self.field,
            )
            if part
        )
        text = _sentences(self.problem, self.remedy)
        if self.severity == "warning":
            text = f"warning: {text}"
        return f"{place}: {text}" if place else text


class SalesopsError(Exception):
    """The base of everything that salesops raises on purpose.

    Carries a message, the remedy, the exit code of the command line, and the problems behind it if there are several.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "", problems: Iterable[Problem] = ()) -> None:
        self.message = message
        self.remedy = remedy
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(message, remedy, self.problems)

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy) if self.remedy else self.message

    def to_dict(self) -> dict[str, Any]:
        """Give message, remedy, exit code and problems as a JSON-ready mapping."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
            "problems": [problem.to_dict() for problem in self.problems],
        }

    def render(self) -> str:
        """Give the message followed by every problem on a line of its own."""
        return "\n".join([str(self), *(f"  {problem}" for problem in self.problems)])


class UsageError(SalesopsError):
    """A command, parameter or question that cannot be understood."""

    exit_code = 2


class NotAllowed(SalesopsError):
    """The acting user may not do or see this."""

    exit_code = 3


class NotFound(SalesopsError):
    """The thing that was named does not exist (or is not visible)."""

    exit_code = 4


class Conflict(SalesopsError):
    """Somebody or something else changed the same thing."""

    exit_code = 5


class Changed(Conflict):
    """A record has another version than the one that an edit expected."""


class InvalidData(SalesopsError):
    """Data that breaks a rule; ``problems`` lists every one of them."""

    exit_code = 6


class WorkspaceError(SalesopsError):
    """The workspace folder is missing, damaged, of another version, or already open elsewhere in this process."""

    exit_code = 7


class Busy(SalesopsError):
    """Another process holds what is needed; trying again later helps."""

    exit_code = 8


def _sentences(*parts: str) -> str:
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)
