"""Answers the guide's next questions: of a metric that went up or down, each with its answer for the one who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..answer import Answer
from ..query import query
from ..session import Actor
from .ask import when_it_moves
from .definitions import Question


@dataclass(frozen=True)
class Answers:
    """The questions for when a metric moved; the answer is None where nothing measures it yet, or another command answers it."""

    metric: str
    direction: str
    items: tuple[tuple[Question, Answer | None], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: each question with its command and its answer."""
        told = [{**one.to_dict(), "answer": found and found.to_dict()} for one, found in self.items]
        return {"metric": self.metric, "direction": self.direction, "answers": told}


def answers(
    session: Any, actor: Actor, metric: str, direction: str, *, period: str = "", where: str = "",
    business_model: str | None = None,
) -> Answers:  # fmt: skip
    """The next questions when a metric went `up` or `down`, answered. Raises NotFound and UsageError as `when_it_moves`."""
    asked = when_it_moves(metric, direction, period, where, business_model)
    return Answers(metric, direction, tuple((one, _answered(session, actor, one)) for one in asked))


def _answered(session: Any, actor: Actor, one: Question) -> Answer | None:
    return query(session, actor, **one.query) if one.askable and not one.table else None
