"""My week: the time survey that takes two minutes, and for managers who has not answered it yet."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import SalesopsError, UsageError
from salesops.metrics import survey
from salesops.records import access, actions_time
from salesops.web.shell import shown, toasts
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.words import Words

KINDS: dict[str, tuple[Words, Words]] = {
    "selling": (gettext_lazy("Meetings, demos and proposals"), gettext_lazy("with customers and prospects")),
    "outreach": (gettext_lazy("Calls, e-mails and messages"), gettext_lazy("to customers and prospects")),
    "customer": (gettext_lazy("Looking after customers"), gettext_lazy("service, renewals, questions")),
    "admin": (gettext_lazy("Office work"), gettext_lazy("expenses, orders, contracts")),
    "crm_entry": (gettext_lazy("Keeping records"), gettext_lazy("writing down deals and notes")),
    "internal": (gettext_lazy("Internal meetings"), gettext_lazy("with colleagues only")),
    "training": (gettext_lazy("Training"), gettext_lazy("learning and coaching")),
    "travel": (gettext_lazy("Travel"), gettext_lazy("on the road to and fro")),
    "other": (gettext_lazy("Something else"), gettext_lazy("whatever is left")),
}
"""The categories of the survey in the order of the form: what they are called, and what belongs to them."""
SELLING = 3
"""The first so many kinds are selling time."""


@page("playbook/my-week", "my-week", methods=("GET", "POST"))
def my_week(request: Request) -> HttpResponse:
    """Last week's hours by kind: prefilled with what was captured, saved at once, open to change until this week ends."""
    with asking(request) as ask:
        first, last = _last_week(ask)
        typed: dict[str, str] = {}
        problem: SalesopsError | None = None
        if request.method == "POST":
            typed = {name: request.POST.get(name, "").strip() for name in KINDS}
            try:
                day = request.POST.get("last", "")
                if day != last.isoformat():
                    raise UsageError(_("the week has ended meanwhile"), _("Load the page again and report last week"))
                actions_time.report_week(request.actor, last, {name: _minutes(text) for name, text in typed.items()})
                toasts.tell(request, _("Your week is saved"))
                return HttpResponseRedirect(reverse("my-week"))
            except SalesopsError as error:
                problem = error
        facts = {
            "first": first, "last": last, "until": last + timedelta(days=7), "problem": problem,
            **_mine(ask, first, last, typed), **_others(ask, first, last),
        }  # fmt: skip
        return render(request, "people/my_week.html", facts, status=400 if problem else 200)


def _last_week(ask: Asking) -> tuple[date, date]:
    return survey.week_to_report(ask.session)


def _mine(ask: Asking, first: date, last: date, typed: dict[str, str]) -> dict[str, Any]:
    """The form of the reader's own week; `may` says whether they have one."""
    actor = ask.actor
    if actor.person is None or not access.may(actor, "create", "time_report"):
        return {"may": False}
    told = actions_time.reported(actor, last)
    captured = ask.of(survey.captured, first=first, last=last)
    minutes = told or captured
    hours = {name: typed.get(name, _hours(minutes.get(name, 0))) for name in KINDS}
    total = sum(minutes.values())
    kinds = list(KINDS)
    rows = [
        {"name": name, "title": title, "says": says, "hours": hours[name], "captured": _hours(captured.get(name, 0))}
        for name, (title, says) in KINDS.items()
    ]  # fmt: skip
    selling = sum(minutes.get(name, 0) for name in kinds[:SELLING])
    return {
        "may": True, "told": bool(told), "groups": [(_("Selling"), rows[:SELLING]), (_("Everything else"), rows[SELLING:])],
        "total": _hours(total) or "0", "captured": bool(captured),
        "share": shown.shown(Decimal(selling) / total, "ratio", place="table") if total else None,
    }  # fmt: skip


def _others(ask: Asking, first: date, last: date) -> dict[str, Any]:
    """Who of the people that the reader sees has not answered; nothing for somebody who sees only themselves."""
    asked = {one: name for one, name in ask.of(survey.asked, first=first, last=last).items() if one != ask.actor.person}
    if not asked:
        return {"asked": 0}
    answered = actions_time.answered(ask.actor, first, last)
    missing = sorted(((name, one) for one, name in asked.items() if one not in answered), key=lambda each: each[0])
    return {"asked": len(asked), "answers": len(asked) - len(missing), "missing": missing}


def _minutes(text: str) -> int:
    """Hours as somebody typed them ("7.5", "7,5", "7:30"; empty is none), in minutes."""
    try:
        if ":" in text:
            hours, minutes = text.split(":")
            return int(hours) * 60 + int(minutes)
        exact = Decimal(text.replace(",", ".") or "0") * 60
    except (InvalidOperation, ValueError):
        raise UsageError(
            _("%(text)s is no number of hours") % {"text": repr(text)}, _("Write for example 7.5 or 7:30")
        ) from None
    if not exact.is_finite() or abs(exact) > 10**6:
        raise UsageError(_("%(text)s is no number of hours") % {"text": repr(text)}, _("Write for example 7.5 or 7:30"))
    return int(exact.to_integral_value())


def _hours(minutes: int) -> str:
    """Minutes as hours with a point, as an input wants them: 450 is 7.5; none is empty."""
    return f"{(Decimal(minutes) / 60).quantize(Decimal('0.01')).normalize():f}" if minutes else ""
