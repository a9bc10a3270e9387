"""The scope bar: team, period, against, as of. It stands in the address, moves every number of a page, and goes with the links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from salesops.common.errors import UsageError
from salesops.common.periods import FiscalCalendar, Period
from salesops.metrics.session import calendar_of

SCOPES = ("team", "manager", "owner", "business_unit", "region")
AGAINST = ("previous", "year_ago", "target", "none")
KEPT = ("scope", "period", "against", "as_of", "as_known_on", "currency")
"""Parameters that go with every link."""


@dataclass(frozen=True)
class Question:
    """What the scope bar says. `as_of` is the evening that counts, `today` the latest that is known."""

    scope: tuple[str, str] | None
    period: Period
    against: str
    as_of: date
    as_known_on: date | None
    currency: str
    today: date
    calendar: FiscalCalendar
    given: Mapping[str, str]

    @cached_property
    def where(self) -> str | None:
        """The scope as a filter."""
        return None if self.scope is None else equals(*self.scope)

    @property
    def is_past(self) -> bool:
        return self.as_of != self.today or self.as_known_on is not None

    @property
    def day(self) -> int:
        """Which day of the period the as-of day is."""
        return min(max((self.as_of - self.period.start).days + 1, 0), self.period.days)

    @cached_property
    def then(self) -> Period | None:
        """The period that this one is compared with."""
        if self.against == "previous":
            return self.calendar.previous(self.period)
        return self.calendar.year_ago(self.period) if self.against == "year_ago" else None

    @property
    def then_as_of(self) -> date | None:
        """The same day of the compared period: as many days in, at most its last; for a period that has ended, its end."""
        if self.then is None:
            return None
        if self.as_of >= self.period.end:
            return self.then.end
        return min(self.then.start + timedelta(days=max(self.day - 1, 0)), self.then.end)

    def asked(self, *, then: bool = False) -> dict[str, Any]:
        """What a metric question takes: period, as of, filter, currency; `then` asks the compared period's."""
        period, as_of = (self.then, self.then_as_of) if then else (self.period, self.as_of)
        assert period is not None
        asked: dict[str, Any] = {"period": period.key, "as_of": as_of, "where": self.where}
        return {**asked, "currency": self.currency} if self.currency else asked

    def link(self, **changes: Any) -> str:
        """The query string of this question with changes (None takes one out); empty when everything is at its default."""
        kept = {**self.given, **{k: None if v is None else str(v) for k, v in changes.items()}}
        text = urlencode({name: value for name, value in kept.items() if value})
        return f"?{text}" if text else ""


def question_of(request: HttpRequest, session: Any) -> Question:
    """The question of a request; raises UsageError that says which part cannot be read."""
    given = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    calendar, today = calendar_of(session), session.manifest.today
    known = _day(given, "as_known_on")
    as_of = _day(given, "as_of") or (min(today, known) if known else today)
    period = calendar.parse_period(given["period"]) if "period" in given else calendar.period_of(as_of, "quarter")
    against = given.get("against", "previous")
    if against not in AGAINST:
        raise UsageError(f"there is no comparison {against!r}", f"Use {', '.join(AGAINST)}")
    return Question(
        scope=_scope(given.get("scope", "")), period=period, against=against, as_of=min(as_of, today), as_known_on=known,
        currency=given.get("currency", ""), today=today, calendar=calendar, given=given,
    )  # fmt: skip


def equals(field: str, text: str) -> str:
    """A filter in the expression language: a field has this text."""
    quoted = text.replace("'", "''")
    return f"{field} = '{quoted}'"


def known_on(request: HttpRequest) -> date | None:
    """The day of knowing that a request asks for: which session answers it."""
    return _day(request.GET, "as_known_on")


def _scope(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    kind, colon, name = text.partition(":")
    if not colon or kind not in SCOPES or not name:
        raise UsageError(f"{text!r} is no scope", f"Write kind:name, where kind is {', '.join(SCOPES)}")
    return kind, name


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day for {name}", "Write for example 2026-09-30") from None
