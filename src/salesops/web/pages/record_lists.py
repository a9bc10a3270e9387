"""Lists of records of every entity: filter, sort, columns, pages, files, and one change over many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from salesops.common.errors import NotAllowed, NotFound, SalesopsError, UsageError
from salesops.output import as_csv
from salesops.records import access, actions, context, queries, values
from salesops.records.access import Actor
from salesops.records.approvals import Waiting
from salesops.records.entities import Entity, Field, entities
from salesops.records.entities import entity as entity_of
from salesops.records.writing import current_tick
from salesops.spreadsheet import book
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking, kept
from salesops.web.shell.question import equals
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell
from salesops.web.shell.words import GROUPS, field_title, many_of, one_of

from . import approvals
from . import record_parts as parts
from .records import back, days

PAGE = 100
MOST = 100_000
"""How many rows a file holds at most; more are asked for over the API."""
OWN = ("where", "offset", "deleted", "add", "value")
"""Parameters that the filter form writes itself."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("records", "records")
def index(request: Request) -> HttpResponse:
    """Every entity with how many records of it the reader sees."""
    with asking(request) as ask:
        actor = ask.actor
        key = ("records", current_tick(), actor.username, actor.roles, actor.person)
        counts = kept.get(key, lambda: {name: queries.list_records(actor, name, limit=0).total for name in entities()})
        groups = [
            (str(title), [(name, many_of(name), counts.get(name, 0)) for name in names if name in entities()])
            for title, names in GROUPS
        ]
        known = {name for _title, names in GROUPS for name in names}
        if other := [(name, many_of(name), counts[name]) for name in entities() if name not in known]:
            groups.append((_("Other"), other))
        return render(request, "records/index.html", {"groups": groups, "total": sum(counts.values())})


@page("records/<str:entity>", "record-list", methods=("GET", "POST"))
def listing(request: Request, entity: str) -> HttpResponse:
    """The records of an entity, 100 a page; a POST gives the chosen rows one value of one field."""
    with asking(request) as ask:
        kind = entity_of(entity)
        access.require(ask.actor, "read", kind)
        if request.method == "POST":
            return _bulk(request, ask, kind)
        return _list(request, ask, kind)


def _list(
    request: Request,
    ask: Asking,
    kind: Entity,
    problem: SalesopsError | None = None,
    typed: Mapping[str, Any] | None = None,
) -> HttpResponse:
    actor = ask.actor
    asked = _asked(request, kind)
    start = _start(request)
    as_of, known = days(ask)
    wrong: SalesopsError | None = None
    try:
        found = queries.list_records(
            actor, kind.name, where=asked["where"], contains=asked["contains"], order=asked["order"], limit=PAGE, offset=start, as_of=as_of, as_known_on=known,
            deleted=asked["deleted"],
        )  # fmt: skip
    except (UsageError, NotAllowed, SalesopsError) as error:
        wrong = error
        found = queries.list_records(actor, kind.name, where="id = ''", limit=0)
    chosen = parts.columns(found.fields, kind.name, asked["cols"])
    heads, rows = parts.table(found, chosen)
    rest = [one for one in chosen if one.name != kind.label_field]
    hidden = access.masked_fields(actor, kind)
    facts = {
        "kind": kind, "one": one_of(kind.name), "many": many_of(kind.name), "found": found, "wrong": wrong, "problem": problem, "typed": typed or {},
        "asked": asked, "first": start + 1 if rows else 0, "last": start + len(rows),
        "next": start + PAGE if start + PAGE < found.total else None, "before": max(start - PAGE, 0) if start else None,
        "name_head": _head(kind.label_field, parts.name_head(kind), asked, False, kind.label_field and kind.label_field not in hidden),
        "heads": [_head(one.name, title, asked, number, one.name not in hidden) for one, (title, number) in zip(rest, heads, strict=True)],
        "rows": [(id_, name, row, deleted) for (id_, name, row), deleted in zip(rows, (r["deleted"] for r in found.rows), strict=True)],
        "fields": _titled(found.fields, lambda one: one in chosen),
        "filters": _titled([one for one in found.fields if one.name not in hidden], lambda one: False),
        "given": [(f"f.{name}", field_title(name), value) for name, value in asked["simple"].items()],
        "kept": [(name, value) for name, all_ in request.GET.lists() for value in all_ if not name.startswith("f.") and name not in OWN],
        "may_create": access.may(actor, "create", kind), "may_edit": as_of is None and known is None and access.may(actor, "edit", kind),
        "editable": _editable(actor, kind), "file": request.GET.urlencode(), "as_of": as_of, "known": known, "most": MOST,
    }  # fmt: skip
    return render(request, "records/list.html", facts, status=422 if problem is not None or wrong is not None else 200)


def _titled(fields: Iterable[Field], on: Callable[[Field], bool]) -> list[tuple[str, str, bool]]:
    """Fields with their titles, by title, and what `on` says of each."""
    return sorted(((one.name, field_title(one.name), on(one)) for one in fields), key=lambda each: each[1])


def _asked(request: Request, kind: Entity) -> dict[str, Any]:
    """The list's own part of the address: filter, simple filters, order, columns, deleted ones."""
    given = request.GET
    simple = {
        name[2:]: str(value).strip() for name, value in given.items() if name.startswith("f.") and str(value).strip()
    }
    if (added := given.get("add")) and (value := str(given.get("value", "")).strip()):
        simple[str(added)] = value
    fields = values.all_fields(kind)
    contains = {name: value for name, value in simple.items() if name in fields and within(fields[name], value)}
    conditions = [
        condition(fields[name], value) for name, value in simple.items() if name in fields and name not in contains
    ]
    where = given.get("where", "").strip()
    every = " and ".join(f"({one})" for one in [*([where] if where else []), *conditions])
    cols = [name for one in given.getlist("cols") for name in one.split(",") if name]
    return {
        "where": every,
        "contains": contains,
        "written": where,
        "simple": simple,
        "order": given.get("order", ""),
        "cols": cols,
        "deleted": given.get("deleted") == "1",
    }


def within(one: Field, value: str) -> bool:
    """Whether a simple filter looks for a text within: that of texts and references does."""
    return one.kind in ("text", "ref") and value != "-" and not value.startswith((">", "<", "="))


def condition(one: Field, value: str) -> str:
    """A simple filter as an expression: it equals the value; `=`, `>`, `<`, `>=`, `<=` before it compare; `-` is empty."""
    if value == "-":
        return f"{one.name} is null"
    for sign in (">=", "<=", ">", "<", "="):
        if value.startswith(sign):
            return f"{one.name} {sign} {_literal(one, value.removeprefix(sign).strip())}"
    if one.kind == "kind":
        return equals(one.name, value.replace(" ", "_"))
    if one.kind == "boolean":
        return f"{one.name} = {'true' if value.lower() in ('yes', 'true', '1') else 'false'}"
    return f"{one.name} = {_literal(one, value)}"


def _literal(one: Field, value: str) -> str:
    if one.kind in ("date", "instant", "text", "ref", "kind"):
        return _quoted(value)
    number = value.replace(",", "").strip()
    if number.endswith("%") and number[:-1].replace(".", "", 1).isdigit():
        return format(Decimal(number[:-1]) / 100, "f")
    return number


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _start(request: Request) -> int:
    text = request.GET.get("offset", "0")
    return int(text) if text.isdigit() and len(text) < 12 else 0


def _head(name: str, title: str, asked: Mapping[str, Any], number: bool, sorts: Any) -> dict[str, Any]:
    order = asked["order"]
    down = order == f"-{name}"
    up = order == name
    return {
        "name": name, "title": title, "number": number, "sorts": bool(sorts), "sort": "descending" if down else "ascending" if up else "none",
        "next": name if down else f"-{name}" if up or number else name,
    }  # fmt: skip


# Many at once


def _editable(actor: Actor, kind: Entity) -> list[dict[str, Any]]:
    """The fields that one change may set over many rows."""
    hidden = access.masked_fields(actor, kind)
    found = []
    for one in values.all_fields(kind).values():
        if one.name in hidden or one.name in ("created", kind.label_field, "at", "valid_from"):
            continue
        found.append({"name": one.name, "title": field_title(one.name)})
    return sorted(found, key=lambda each: each["title"])


def _bulk(request: Request, ask: Asking, kind: Entity) -> HttpResponse:
    ids = [int(one) for one in request.POST.getlist("pick") if one.isdigit()]
    name, value = request.POST.get("field", ""), request.POST.get("value", "").strip()
    try:
        if not ids:
            raise UsageError(_("No row is chosen"), remedy=_("Tick the rows to change"))
        if not name:
            raise UsageError(_("No field is chosen"), remedy=_("Choose the field to change"))
        done = actions.edit_records(ask.actor, kind.name, ids, {name: value or None})
    except SalesopsError as error:
        return _list(request, ask, kind, error, {"field": name, "value": value, "pick": set(ids)})
    if isinstance(done, Waiting):
        tell(request, approvals.told(done))
        return back(request, reverse("record-list", args=[kind.name]))
    batch, count = done
    told = ngettext("Changed %(n)s record: %(field)s", "Changed %(n)s records: %(field)s", count) % {
        "n": shown.number(count),
        "field": field_title(name),
    }
    tell(request, told if count else _("Every chosen record has this value already"), batch)
    return back(request, reverse("record-list", args=[kind.name]))


# Files


@page("records/<str:entity>/file/<str:form>", "record-file", action="export")
def file(request: Request, entity: str, form: str) -> HttpResponse:
    """The whole list, under its filters, as CSV or XLSX."""
    if form not in ("csv", "xlsx"):
        raise NotFound(f"there is no file of kind {form}", remedy="Use csv or xlsx")
    with asking(request) as ask:
        kind = entity_of(entity)
        asked = _asked(request, kind)
        as_of, known = days(ask)
        found = queries.list_records(
            ask.actor,
            kind.name,
            where=asked["where"],
            contains=asked["contains"],
            order=asked["order"],
            limit=MOST,
            as_of=as_of,
            as_known_on=known,
            deleted=asked["deleted"],
        )
        if found.total > MOST:
            raise UsageError(
                _("The list has %(n)s rows; a file holds %(most)s")
                % {"n": shown.number(found.total), "most": shown.number(MOST)},
                remedy=_("Filter it, or read it over the API"),
            )
        chosen = parts.columns(found.fields, kind.name, asked["cols"]) if asked["cols"] else None
        table = found.table(chosen)
        name = f"{kind.name}-{(as_of or context.today()).isoformat()}.{form}"
        if form == "csv":
            response = HttpResponse(as_csv(table.rows, table.columns), content_type="text/csv; charset=utf-8")
        else:
            response = HttpResponse(book(table), content_type=XLSX)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
