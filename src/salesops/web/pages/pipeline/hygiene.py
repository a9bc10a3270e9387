"""Deals that want care: those that slip out of the period they were due in, and those where nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow.compute as pc
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from salesops.metrics.answer import Answer
from salesops.pipeline.attention import slipping, stale
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .common import WHOLE, Head, chosen, file_of, listed, notes, own_link, scoped, spanned

LISTS = {"slipping": gettext_lazy("Slipping"), "stale": gettext_lazy("Stale")}
REASONS = {
    "close date removed": gettext_lazy("Close date removed"),
    "close date moved out, to a later day": gettext_lazy("Close date moved to a later period"),
    "close date moved out, to an earlier day": gettext_lazy("Close date moved to an earlier period"),
    "open, and the close date is past": gettext_lazy("Open, and the close date is past"),
}


def _quiet(row: Mapping[str, Any]) -> str:
    """Why a deal is stale, in words."""
    usual = shown.number(row["usual_days"])
    if row["reason"].startswith("no activity for"):
        text = ngettext("No activity for %(n)s day; three of four deals leave this stage within %(usual)s",
                        "No activity for %(n)s days; three of four deals leave this stage within %(usual)s", row["quiet_days"])  # fmt: skip
    else:
        text = ngettext("No activity since it entered the stage %(n)s day ago; three of four leave it within %(usual)s",
                        "No activity since it entered the stage %(n)s days ago; three of four leave it within %(usual)s", row["quiet_days"])  # fmt: skip
    return text % {"n": shown.number(row["quiet_days"]), "usual": usual}


def _was_due(row: Mapping[str, Any]) -> str:
    """When it was due, where that is another day than now."""
    return shown.day(row["was_due"]) if row["was_due"] != row["due_now"] else ""


OWNER = Head("owner_now", gettext_lazy("Owner"), wide=True)
DEAL, STAGE, VALUE = (
    Head("name", gettext_lazy("Deal"), "name"),
    Head("stage", gettext_lazy("Stage"), wide=True),
    Head("value", gettext_lazy("Value"), "money"),
)
HEADS = {
    "slipping": (
        DEAL, Head("reason", gettext_lazy("Why"), "reason", True, lambda row: str(REASONS.get(row["reason"], row["reason"]))), OWNER,
        Head("due_now", gettext_lazy("Close date"), "diff", True, lambda row: shown.day(row["due_now"]) or str(_("none")), _was_due),
        Head("days", gettext_lazy("Days late"), "count"), Head("pushes_in_all", gettext_lazy("Pushes"), "count", True), VALUE,
    ),
    "stale": (
        DEAL, Head("reason", gettext_lazy("Why"), "reason", True, _quiet), OWNER, STAGE, Head("touched_on", gettext_lazy("Since"), "day", True),
        Head("quiet_days", gettext_lazy("Days"), "count"), Head("pushes_in_all", gettext_lazy("Pushes"), "count", True), VALUE,
    ),
}  # fmt: skip


@page("pipeline/hygiene", "pipeline-hygiene", warm=True)
def hygiene(request: Request) -> HttpResponse:
    """The list of deals that slip, or of those that have gone quiet."""
    with asking(request) as ask:
        which, owner = chosen(request, "show", tuple(LISTS)), request.GET.get("owner", "")
        both = {name: _whole(ask, name) for name in LISTS}
        found = both[which]
        owners = sorted(one for one in pc.unique(found.rows.column("owner_now")).to_pylist() if one)
        kept = found.rows.filter(pc.equal(found.rows.column("owner_now"), owner)) if owner else found.rows
        answer = _with(found, kept)
        file = file_of(request, answer, which, HEADS[which])
        if file is not None:
            return file
        facts = {
            "which": which, "list": listed(request, answer, HEADS[which], known=answer.total), "owner": owner, "owners": owners,
            "lists": [
                (name, title, one.total, shown.money(_value(one), one.currency, compact=True), own_link(request, show=name, sort=None, owner=None))
                for (name, title), one in zip(LISTS.items(), both.values(), strict=True)
            ],
            "by_owner": _by_owner(request, answer) if not owner else [], "all_owners": own_link(request, owner=None),
            "kept": [(name, value) for name, value in request.GET.items() if name not in ("owner", "offset", "format")], "notes": notes(found),
        }  # fmt: skip
        return render(request, "pipeline/hygiene.html", facts)


def _whole(ask: Asking, name: str) -> Answer:
    if name == "slipping":
        return ask.of(
            slipping,
            ask.question.period.key if ask.question.period.grain != "range" else None,
            limit=WHOLE,
            **_span(ask),
            **scoped(ask),
        )
    return ask.of(stale, as_of=ask.question.as_of, limit=WHOLE, **scoped(ask))


def _span(ask: Asking) -> dict[str, Any]:
    span = spanned(ask)
    return span if ask.question.period.grain == "range" else {"as_of": span["as_of"]}


def _with(found: Answer, rows: Any) -> Answer:
    return found if rows is found.rows else replace(found, rows=rows, total=rows.num_rows)


def _value(found: Answer) -> Any:
    return pc.sum(found.rows.column("value")).as_py() or 0


def _by_owner(request: Request, found: Answer) -> list[dict[str, Any]]:
    """Whose deals they are: count and value, the largest first."""
    groups = found.rows.group_by("owner_now").aggregate([("value", "sum"), ("id", "count")]).to_pylist()
    ranked = sorted(groups, key=lambda row: -(row["value_sum"] or 0))
    return [
        {"name": row["owner_now"], "count": row["id_count"], "value": shown.money(row["value_sum"] or 0, found.currency, compact=True),
         "link": own_link(request, owner=row["owner_now"])}
        for row in ranked if row["owner_now"]
    ][:8]  # fmt: skip
