"""Stored alerts: "tell me when win_rate is below 0.2", checked after every refresh, told in the inbox and to the alert's recipients.

    below 0.2 · above 50 · drops by 10% · rises by 10% · drops by 5 pp    each with: in this month (default: this quarter)

A drop or rise compares the period so far with the former one up to the same day: of a share in points (pp), else in percent. An alert
tells once, when it begins to hold in a period, and again after it has ceased to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from salesops.common.errors import NotFound, SalesopsError, UsageError
from salesops.common.periods import FiscalCalendar
from salesops.jobs.queue import Job, enqueue
from salesops.metrics.catalogue import asked
from salesops.records import access, audit, context
from salesops.records.access import Actor
from salesops.records.notices import notify
from salesops.records.writing import emit
from salesops.web.shell import shown

from . import content
from .running import address, deliver
from .sending import Message, NotSent, recipients_of

FORM = re.compile(r"(?:(below|above) (-?[\d.]+) ?(%?)|(drops|rises) by ([\d.]+) ?(%|pp))(?: in (\S.*))?")
EXAMPLES = "below 0.2, above 50, drops by 10%, drops by 5 pp, or rises by 10% in this month"


@dataclass(frozen=True)
class Rule:
    """`kind` below, above, drops or rises; `limit` a value (a share for below 20%), or a change in percent or points; `period` of which."""

    kind: str
    limit: Decimal
    unit: str
    period: str = "this quarter"

    def __str__(self) -> str:
        if self.kind in ("below", "above"):
            return f"{self.kind} {self.limit.normalize():f} in {self.period}"
        return f"{self.kind} by {self.limit.normalize():f}{' ' * (self.unit == 'pp')}{self.unit} in {self.period}"


def parse(text: str) -> Rule:
    """Read a rule; raises UsageError with examples.

    >>> str(parse("Below 20%")), str(parse("drops by 5 pp in this month"))
    ('below 0.2 in this quarter', 'drops by 5 pp in this month')
    """
    found = FORM.fullmatch(" ".join(text.lower().split()))
    try:
        if found is None:
            raise ValueError
        kind, limit, percent, moves, change, unit, period = found.groups()
        period = period or "this quarter"
        content.period_of(period, FiscalCalendar(), date(2026, 1, 1))
        if kind:
            return Rule(kind, Decimal(limit) / (100 if percent else 1), "", period)
        return Rule(moves, Decimal(change), unit, period)
    except (ValueError, ArithmeticError):
        raise UsageError(f"{text!r} is no rule of an alert", f"Write for example {EXAMPLES}") from None


def list_alerts(actor: Actor) -> list[dict[str, Any]]:
    """The actor's alerts, oldest first."""
    from salesops.records.models import Alert

    access.require(actor, "report")
    return [_shown(row) for row in Alert.objects.filter(user=actor.username).order_by("id")]


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk, "metric": row.metric, "rule": row.rule, "active": row.active, "firing": row.firing,
        "recipients": [one["shown"] for one in json.loads(row.recipients)],
    }  # fmt: skip


def create_alert(actor: Actor, metric: str, rule: str, recipients: Iterable[str] = ()) -> int:
    """Store an alert of a metric; raises UsageError or NotFound for a rule or metric that is none. Gives its number."""
    from salesops.records.models import Alert

    access.require(actor, "report")
    columns = _checked(actor, metric, rule, recipients, ())
    with transaction.atomic():
        audit.lock()
        row = Alert.objects.create(**columns, user=actor.username, created=context.clock())
        _written(actor, "alert.create", row)
    return int(row.pk)


def edit_alert(
    actor: Actor,
    number: int,
    *,
    metric: str | None = None,
    rule: str | None = None,
    recipients: Iterable[str] | None = None,
    active: bool | None = None,
) -> None:
    """Change one's own alert; what is None stays, `active` False pauses it. With another metric or rule, or after a pause, it is judged anew:
    it tells again where it holds."""
    access.require(actor, "report")
    with transaction.atomic():
        audit.lock()
        row = _mine(actor, number)
        found: dict[str, Any] = {}
        if active or not (
            metric is None and rule is None and recipients is None
        ):  # one that cannot be asked any more may still be paused
            held = json.loads(row.recipients)
            to = [one["shown"] for one in held] if recipients is None else recipients
            found = _checked(actor, metric or row.metric, rule or row.rule, to, held)
        another = bool({"metric": row.metric, "rule": row.rule}.items() - found.items()) if found else False
        for name, value in found.items():
            setattr(row, name, value)
        if another or (active and not row.active):
            row.firing = ""
        row.active = row.active if active is None else active
        row.save()
        _written(actor, "alert.edit", row)


def delete_alert(actor: Actor, number: int) -> None:
    """Delete one's own alert."""
    access.require(actor, "report")
    with transaction.atomic():
        audit.lock()
        row = _mine(actor, number)
        _written(actor, "alert.delete", row)
        row.delete()


def _checked(
    actor: Actor, metric: str, rule: str, recipients: Iterable[str], held: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The columns of an alert; its question is asked once, so that a fault in it is told now."""
    read = parse(rule)
    with content.asking(actor, read.period) as ask:
        ask.metrics(metric, **ask.question.asked())
    to = recipients_of(actor, [one for one in recipients if one.strip()], held)
    return {"metric": metric, "rule": str(read), "recipients": json.dumps(to, ensure_ascii=False)}


def _mine(actor: Actor, number: int) -> Any:
    from salesops.records.models import Alert

    row = Alert.objects.filter(pk=number, user=actor.username).first()
    if row is None:
        raise NotFound(f"there is no alert {number}", remedy="salesops report alerts shows yours")
    return row


def _written(actor: Actor, action: str, row: Any) -> None:
    detail = {name: value for name, value in _shown(row).items() if name not in ("id", "firing")}
    audit.write(actor, action, entity="alert", record=row.pk, rows=1, detail=detail)
    emit(action, {"id": row.pk})


# Checking


def check_all() -> dict[str, Any]:
    """Check every active alert as its owner; one that cannot be asked any more is switched off and told."""
    from salesops.records.models import Alert

    told, failed = 0, 0
    for row in Alert.objects.filter(active=True).order_by("id"):
        try:
            actor = access.actor_for(username=row.user, door="worker")
            told += _check(row, actor)
        except SalesopsError as error:
            failed += 1
            Alert.objects.filter(pk=row.pk).update(active=False)
            notify(
                row.user,
                f"alert:{row.pk}:off:{context.clock()}",
                f"The alert on {row.metric} is switched off",
                str(error),
                "/alerts",
            )
    return {"told": told, "switched_off": failed}


def _check(row: Any, actor: Actor) -> int:
    """Tell where an alert begins to hold; all that belongs to it is written in one transaction."""
    from salesops.records.models import Alert

    rule = parse(row.rule)
    fires, words, period = holds(rule, row.metric, actor)
    state = period if fires else ""
    if state == row.firing:
        return 0
    with transaction.atomic():
        if not Alert.objects.filter(pk=row.pk, firing=row.firing).update(firing=state) or not fires:
            return 0
        key = f"alert:{row.pk}:{period}:{context.clock()}"
        notify(row.user, key, words, "", f"/metric/{row.metric}")
        if json.loads(row.recipients):
            enqueue("alert", key, row.user, subject=f"alert:{row.pk}", alert=row.pk, words=words)
    return 1


def holds(rule: Rule, metric: str, actor: Actor) -> tuple[bool, str, str]:
    """Whether a rule holds for an actor's figures now, that in words, and the key of its period."""
    moves = rule.kind in ("drops", "rises")
    with content.asking(actor, rule.period, "previous" if moves else "") as ask:
        q = ask.question
        answer = ask.metrics(metric, **q.asked())
        one = answer.asked[0]
        value = answer.value(one.name)
        before = ask.metrics(metric, **q.asked(then=True)).value(one.name) if moves else None
    title, currency = one.metric.title, answer.currency
    seen = shown.shown(value, one.unit, currency)
    if value is None or (moves and before is None):
        return False, "", q.period.key
    now = Decimal(str(value))
    if not moves:
        fires = now < rule.limit if rule.kind == "below" else now > rule.limit
        limit = shown.shown(rule.limit, one.unit, currency)
        return fires, f"{title} is {seen}, {rule.kind} {limit} ({q.period.label})", q.period.key
    was = Decimal(str(before))
    if rule.unit == "pp":
        change = (now - was) * 100
    elif was == 0:
        return False, "", q.period.key
    else:
        change = (now - was) / abs(was) * 100
    fires = -change >= rule.limit if rule.kind == "drops" else change >= rule.limit
    way = "fell" if change < 0 else "rose"
    size = f"{shown.number(abs(change), 1)}{'%' if rule.unit == '%' else ' pp'}"
    words = f"{title} {way} by {size} to {seen}, from {shown.shown(before, one.unit, currency)} ({q.period.label})"
    return fires, words, q.period.key


def send(job: Job) -> dict[str, Any]:
    """Send what an alert tells to its recipients."""
    from salesops.records.models import Alert

    row = Alert.objects.filter(pk=job.parameters["alert"]).first()
    if row is None:
        return {"skipped": "deleted"}
    actor = access.actor_for(username=row.user, door="worker")
    words = job.parameters["words"]
    text = "\n\n".join(part for part in (words + ".", address(f"/metric/{row.metric}")) if part) + "\n"
    message = Message(words, text, (), {"alert": row.pk, "metric": row.metric, "rule": row.rule})
    faults = []
    for recipient in json.loads(row.recipients):
        try:
            deliver(job.number, recipient, message, actor, "alert.send", row.pk, {"metric": asked_title(row.metric)})
        except SalesopsError as error:
            faults.append(error)
    if faults:
        raise NotSent("; ".join(map(str, faults)), passes=any(getattr(one, "passes", False) for one in faults))
    return {"told": words}


def asked_title(metric: str) -> str:
    """The title of a metric of the catalogue; a metric of one's own by its name."""
    try:
        return asked(metric).metric.title
    except SalesopsError:
        return metric
