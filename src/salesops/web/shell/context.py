"""What every template may use: the reader, the navigation, the scope bar."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from salesops.common.periods import Period
from salesops.records import actions_work

from . import nav, unread
from .question import Question
from .shown import day
from .toasts import told


def shell(request: HttpRequest) -> dict[str, Any]:
    """The shell's context; little for somebody who is not signed in."""
    actor = getattr(request, "actor", None)
    theme = request.COOKIES.get("theme", "")
    found: dict[str, Any] = {
        "actor": actor,
        "theme": theme if theme in ("light", "dark") else "",
        "density": "compact" if request.COOKIES.get("density") == "compact" else "",
        "rail": request.COOKIES.get("rail") == "1",
    }
    if actor is None:
        return found
    match = request.resolver_match
    here = match.url_name or "" if match else ""
    page, tabs = nav.place(actor, here)
    name = getattr(request, "user_name", actor.username)
    return {
        **found,
        "here": here, "menu": nav.menu(actor, here), "page_here": page, "tabs": tabs, "reader": name, "initials": initials(name),
        "workspace_name": _workspace_name(), "bar": _bar(request), "toast": told(request), "unread": unread.waiting(request),
    }  # fmt: skip


def initials(name: str) -> str:
    """Two letters for an avatar."""
    words = name.split()
    return "".join(word[0] for word in (words if len(words) < 2 else (words[0], words[-1]))).upper()


def _workspace_name() -> str:
    from salesops.web.serving import workspace

    return workspace().config.name


def _bar(request: HttpRequest) -> dict[str, Any] | None:
    question: Question | None = getattr(request, "question", None)
    if question is None:
        return None
    given = [(name, value) for name, values in request.GET.lists() for value in values]
    return {
        "question": question, "as_of": day(question.as_of), "periods": periods(question),
        "views": actions_work.list_work(request.actor, "saved_view"),  # type: ignore[attr-defined]
        "kept": [pair for pair in given if pair[0] != "scope"],
        "kept_days": [pair for pair in given if pair[0] not in ("as_of", "as_known_on")],
    }  # fmt: skip


def periods(question: Question) -> list[Period]:
    """The periods to choose from: this quarter, the one after it and the six before, this year and the last, the last three months."""
    calendar, day_ = question.calendar, question.today
    quarter = calendar.period_of(day_, "quarter")
    found = [calendar.next(quarter), quarter]
    for _ in range(6):
        found.append(calendar.previous(found[-1]))
    year, month = calendar.period_of(day_, "year"), calendar.period_of(day_, "month")
    months = [month, calendar.previous(month), calendar.previous(calendar.previous(month))]
    return [*found, year, calendar.previous(year), *months]
