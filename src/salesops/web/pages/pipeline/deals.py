"""Open deals as a list with filters in the address."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import UsageError
from salesops.metrics.sql import NONE
from salesops.pipeline.asking import stages_of
from salesops.pipeline.deals import open_deals
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .common import WHOLE, Head, file_of, listed, notes, own_link, pipelines, scoped

HEADS = (
    Head("name", gettext_lazy("Deal"), "name"),
    Head("account", gettext_lazy("Account"), wide=True),
    Head("owner", gettext_lazy("Owner"), wide=True),
    Head("pipeline", gettext_lazy("Pipeline"), wide=True),
    Head("stage", gettext_lazy("Stage")),
    Head("expected_close", gettext_lazy("Expected close"), "day", wide=True),
    Head("created_on", gettext_lazy("Created"), "day", wide=True),
    Head("value", gettext_lazy("Value"), "money"),
)
FILTERS = ("text", "stage", "pipeline", "owner", "month", "least", "most")


@page("pipeline/deals", "pipeline-deals", warm=True)
def deals(request: Request) -> HttpResponse:
    """Deals open as of the day of the scope bar that fit the filters."""
    with asking(request) as ask:
        given = {name: request.GET[name].strip() for name in FILTERS if request.GET.get(name, "").strip()}
        found = ask.of(open_deals, as_of=ask.question.as_of, limit=WHOLE, **filters(ask, given), **scoped(ask))
        file = file_of(request, found, "deals", HEADS)
        if file is not None:
            return file
        names = {
            "text": _("words"), "stage": _("stage"), "pipeline": _("pipeline"), "owner": _("owner"), "month": _("expected close"),
            "least": _("at least"), "most": _("at most"),
        }  # fmt: skip
        facts = {
            "list": listed(request, found, HEADS, known=found.total), "given": given, "notes": notes(found), "choices": _choices(ask),
            "chips": [(names[name], value, own_link(request, **{name: None})) for name, value in given.items()],
            "clear": own_link(request, **dict.fromkeys(FILTERS)), "none": NONE, "kept": _kept(request),
        }  # fmt: skip
        return render(request, "pipeline/deals.html", facts)


def filters(ask: Asking, given: dict[str, str]) -> dict[str, Any]:
    """The filters of the address as the room takes them; raises UsageError that names the one that cannot be read."""
    found: dict[str, Any] = {"text": given.get("text", "")}
    cell = {name: given[name] for name in ("stage", "owner", "pipeline") if name in given}
    if cell:
        found["cell"] = cell
    if month := given.get("month"):
        if month == NONE:
            found["undated"] = True
        else:
            period = ask.question.calendar.parse_period(month)
            found |= {"closing_from": period.start, "closing_to": period.end}
    for name in ("least", "most"):
        if name in given:
            found[name] = _amount(name, given[name])
    return found


def _amount(name: str, text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "").replace("\u00a0", "").replace(" ", ""))
    except InvalidOperation:
        raise UsageError(f"{text!r} is no amount for {name}", "Write for example 25000") from None


def _choices(ask: Asking) -> dict[str, list[str]]:
    """What the filters offer: stages in their order, owners of open deals, months of expected close."""
    asked = {**scoped(ask), "period": ask.question.period.key, "as_of": ask.question.as_of}
    count = "open_pipeline.all_open_count"
    owners = [row["owner"] for row in ask.metrics(count, by="owner", **asked).to_pylist() if row[count]]
    months = sorted(
        row["expected_month"] for row in ask.metrics(count, by="expected_month", **asked).to_pylist() if row[count]
    )
    stages = dict.fromkeys(one["name"] for one in stages_of(ask.session).values() if one["kind"] == "open")
    several = pipelines(ask)
    return {
        "stage": list(stages),
        "owner": sorted(owners),
        "month": months,
        "pipeline": several if len(several) > 1 else [],
    }


def _kept(request: Request) -> list[tuple[str, str]]:
    """Parameters that the form of filters carries along."""
    return [(name, str(value)) for name, value in request.GET.items() if name not in (*FILTERS, "offset", "format")]
