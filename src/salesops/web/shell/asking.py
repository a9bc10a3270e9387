"""Answers for pages: asked of the shared session, kept as long as its generation and the reader's rights are the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from salesops.metrics.answer import Answer
from salesops.metrics.defined.kept import stamp_of
from salesops.metrics.query import query
from salesops.records.access import Actor
from salesops.web.serving import sessions

from .asked import Request
from .question import Question, known_on, question_of

T = TypeVar("T")
KEPT = 2000
"""How many answers stay in memory."""


@dataclass
class Kept:
    """The answers of late, the least used first."""

    held: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """The answer of this key, made when it is not there."""
        with self.lock:
            if key in self.held:
                self.held.move_to_end(key)
                return self.held[key]
        made = make()
        with self.lock:
            self.held[key] = made
            while len(self.held) > KEPT:
                self.held.popitem(last=False)
        return made


kept = Kept()


@dataclass(frozen=True)
class Asking:
    """One reader's questions to one session, under what the scope bar says."""

    session: Any
    actor: Actor
    question: Question
    definitions: tuple[Any, ...] = ()  # which user metrics hold

    def metrics(self, names: str, **asked: Any) -> Answer:
        """The answer to a metric question (`metrics.query.query`)."""
        return self.of(query, names, **asked)

    def of(self, ask: Callable[..., T], *first: Any, **asked: Any) -> T:
        """The answer of a query of the rooms, `ask(session, actor, *first, **asked)`."""
        reader = (self.actor.username, self.actor.roles, self.actor.person)
        what = (ask.__module__, ask.__qualname__, repr(first), repr(sorted(asked.items())))
        key = (self.session.generation, self.session.as_known_on, self.definitions, reader, what)
        return kept.get(key, lambda: ask(self.session, self.actor, *first, **asked))


@contextmanager
def asking(request: Request) -> Iterator[Asking]:
    """The session that a page asks: as known on the day that the scope bar says. It leaves the question for the shell's templates."""
    with sessions.use(known_on(request)) as session:
        question = question_of(request, session)
        request.question = question
        request.generation = session.generation
        yield Asking(session, request.actor, question, stamp_of(session))
