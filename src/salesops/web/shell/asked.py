"""A request as pages get it: with who acts, and (once a session answers it) what the scope bar says."""

from __future__ import annotations

from django.http import HttpRequest

from salesops.records.access import Actor

from .question import Question


class Request(HttpRequest):
    """Set by the middleware `Acting` (`actor`, `user_name`, `must_set_up`) and by `asking` (`question`, `generation`)."""

    actor: Actor
    user_name: str
    must_set_up: bool
    question: Question
    generation: str
