"""Imports: drop files, see how they are read, mend the mapping, load them, mend what was refused, take an import back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import NotFound, SalesopsError, UsageError
from salesops.records import actions_settings, context, values
from salesops.records.approvals import Waiting
from salesops.records.entities import entities
from salesops.sources.imports import list_imports, row_errors, undo_import
from salesops.sources.kept import grouped
from salesops.sources.mapping import Mapping, Part, Rule, Source, parse_mapping, render_mapping
from salesops.web.rest import jobs
from salesops.web.rest.imports import kept_file
from salesops.web.serving import workspace
from salesops.web.shell.asked import Request
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell

from .approvals import told

STEPS = ("upload", "check", "load")
PROBLEMS = 100


@page("data/imports", "imports", action="import")
def imports(request: Request) -> HttpResponse:
    """Every import, the latest first."""
    rows = list_imports(request.actor)
    return render(request, "imports/list.html", {"rows": [_shown(row) for row in rows]})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    summary = row["summary"]
    counts = summary.get("counts") or {}
    return {
        **row, "new": sum(one.get("new", 0) for one in counts.values()), "changed": sum(one.get("changed", 0) for one in counts.values()),
        "refused": summary.get("errors", 0), "files": [one["file"] if isinstance(one, dict) else one for one in summary.get("files") or ()],
    }  # fmt: skip


@page("data/imports/new", "import-new", action="import", methods=("GET", "POST"))
def new(request: Request) -> HttpResponse:
    """Files to upload; what comes is looked at before anything is loaded."""
    if request.method == "GET":
        return render(request, "imports/new.html", {"step": "upload"})
    try:
        kept = [kept_file(one) for one in request.FILES.getlist("files")]
        if not kept:
            raise UsageError(_("no file was chosen"), _("Drop files on the page, or choose them"))
        if len({name for name, *_rest in kept}) < len(kept):
            raise UsageError(_("two files have the same name"), _("Give every file a name of its own"))
        with transaction.atomic():
            upload = jobs.keep_upload(request.actor, kept)["upload"]
            number = jobs.start(request.actor, {"upload": upload, "dry_run": True})
    except SalesopsError as error:
        return render(request, "imports/new.html", {"step": "upload", "problem": error}, status=400)
    return HttpResponseRedirect(reverse("import-job", args=[number]))


@page("data/imports/job/<int:number>", "import-job", action="import", methods=("GET", "POST"))
def job(request: Request, number: int) -> HttpResponse:
    """A job under way, or how it ended: what a look found, or what an import did."""
    found = jobs.state(request.actor, number)
    if request.method == "POST":
        return _go_on(request, found)
    return _job_page(request, found)


def _job_page(
    request: Request, found: dict[str, Any], problem: SalesopsError | None = None, text: str = ""
) -> HttpResponse:
    dry = bool(found["parameters"].get("dry_run"))
    facts: dict[str, Any] = {"job": found, "dry": dry, "step": "check" if dry else "load", "problem": problem}
    if found["status"] == "running":
        facts["progress"] = jobs.progress_of(found["job"])
    elif found["status"] == "done":
        if not dry:
            batch = found["result"]["batch"]
            return HttpResponseRedirect(reverse("import-batch", args=[batch]))
        facts |= _look(found, text)
    return render(request, "imports/job.html", facts, status=400 if problem else 200)


@page("data/imports/job/<int:number>/state", "import-job-state", action="import")
def job_state(request: Request, number: int) -> HttpResponse:
    """The part of the page that follows a running job; tells the browser to load the page when it has ended."""
    found = jobs.state(request.actor, number)
    response = render(request, "imports/running.html", {"job": found, "progress": jobs.progress_of(number)})
    if found["status"] != "running":
        response["HX-Refresh"] = "true"
    return response


def _look(found: dict[str, Any], text: str) -> dict[str, Any]:
    """What a look at the files found: how each was read, the mapping by file, the first rows, the problems."""
    result = found["result"]
    mapping_text = text or result["mapping_text"]
    mapping = parse_mapping(result["mapping_text"])
    columns = {one["file"]: {column["name"]: column for column in one["columns"]} for one in result["files"]}
    left_out = found["parameters"].get("leave_out") or []
    return {
        "result": result, "mapping_text": mapping_text, "left_out": left_out,
        "parts": [_part(number, part, columns) for number, part in enumerate(mapping.parts)],
        "rules": mapping.rules, "counts": [(name, one) for name, one in result["counts"].items()],
        "groups": grouped(result["problems"]), "preview": _preview(result["preview"]),
        "total": sum(one.get("new", 0) + one.get("changed", 0) for one in result["counts"].values()),
    }  # fmt: skip


def _part(number: int, part: Part, columns: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A part of a mapping as a table: our field, the column it is read from, samples."""
    from fnmatch import fnmatch

    file = next((name for name in columns if fnmatch(name.lower(), part.match.lower())), part.match)
    known = columns.get(file, {})
    rows = []
    for field, source in part.fields.items():
        column = known.get(source.column, {})
        rows.append(
            {
                "field": field, "column": source.column, "simple": bool(source.column), "value": source.value,
                "kind": column.get("kind", ""), "format": column.get("date_format") or column.get("currency") or "",
                "samples": ", ".join(str(one) for one in (column.get("examples") or ())[:3]), "note": column.get("note", ""),
            }
        )  # fmt: skip
    entity = entities()[part.entity]
    return {
        "noted": any(row["note"] for row in rows),
        "number": number, "file": file, "entity": part.entity, "rows": rows, "columns": list(known),
        "more": sorted(set(entity.by_name) - set(part.fields)), "unread": sorted(set(known) - {row["column"] for row in rows} - set(part.id)),
    }  # fmt: skip


def _preview(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first rows of each entity, as tables of what people would read; references are not looked up yet."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(row["entity"], []).append(row)
    found = []
    for name, held in tables.items():
        fields = [one for one in entities()[name].fields if one.kind != "ref" and any(one.name in row for row in held)][
            :9
        ]
        shown = [
            [values.shown(one, row.get(one.name), currency=row.get("currency") or context.currency()) for one in fields]
            for row in held
        ]
        found.append({"entity": name, "names": [one.name for one in fields], "rows": shown})
    return found


def _go_on(request: Request, found: dict[str, Any]) -> HttpResponse:
    """From a look to the next: with another mapping, or to the import itself."""
    parameters = {name: found["parameters"][name] for name in ("upload",)}
    text = request.POST.get("mapping_text", "")
    try:
        if request.POST.get("do") == "resume":
            with transaction.atomic():
                return HttpResponseRedirect(reverse("import-job", args=[jobs.resume(request.actor, found["job"])]))
        if not text and found["result"]:
            text = found["result"]["mapping_text"]
        if found["result"] and request.POST.get("do") == "columns":
            text = render_mapping(_with_columns(parse_mapping(text), request.POST))
        elif request.POST.get("do") == "rule":
            text = render_mapping(_with_rule(parse_mapping(text), request.POST))
        elif text:
            parse_mapping(text)
        names = jobs.upload_names(request.actor, parameters["upload"])
        left_out = (
            [name for name in names if f"take:{name}" not in request.POST]
            if "files" in request.POST
            else found["parameters"].get("leave_out") or []
        )
        parameters |= {
            "mapping_text": text, "mode": request.POST.get("mode") or found["parameters"].get("mode", "delta"), "leave_out": left_out,
            "file_date": _date(request.POST.get("file_date", "")) or found["parameters"].get("file_date"),
            "dry_run": request.POST.get("do") != "load",
        }  # fmt: skip
        if request.POST.get("do") == "files":
            parameters["mapping_text"] = ""
        with transaction.atomic():
            number = jobs.start(request.actor, parameters)
    except SalesopsError as error:
        return _job_page(request, found, error, request.POST.get("mapping_text", ""))
    return HttpResponseRedirect(reverse("import-job", args=[number]))


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no day", "Write for example 2017-12-31") from None


def _with_columns(mapping: Mapping, given: Any) -> Mapping:
    """The mapping with the columns that a form names: `column:<part>:<field>`, empty to leave the field out; `more:<part>` adds one."""
    parts = []
    for number, part in enumerate(mapping.parts):
        fields = {}
        for name, source in part.fields.items():
            chosen = given.get(f"column:{number}:{name}")
            if chosen is None or chosen == source.column:
                fields[name] = source
            elif chosen:
                fields[name] = replace(source, column=chosen)
        if (more := given.get(f"more:{number}")) and (column := given.get(f"from:{number}")):
            fields[more] = Source(column=column)
        parts.append(replace(part, fields=fields))
    return replace(mapping, parts=tuple(parts))


def _with_rule(mapping: Mapping, given: Any) -> Mapping:
    """The mapping with one more value rule, which later imports of this mapping apply, too."""
    rule = Rule(given.get("entity", ""), given.get("field", ""), given.get("found", ""), given.get("becomes") or None)
    if rule.entity not in entities() or rule.field not in entities()[rule.entity].by_name:
        raise UsageError(
            _("a value rule names an entity and one of its fields"), _("For example opportunity_line and product")
        )
    kept = tuple(
        one for one in mapping.rules if (one.entity, one.field, one.found) != (rule.entity, rule.field, rule.found)
    )
    return replace(mapping, rules=(*kept, rule))


@page("data/imports/<int:batch>", "import-batch", action="import", methods=("GET", "POST"))
def batch_page(request: Request, batch: int) -> HttpResponse:
    """What an import did: counts, refused rows with their remedies, and the way back."""
    found = next((row for row in list_imports(request.actor) if row["id"] == batch), None)
    if found is None:
        raise NotFound(_("there is no import %(n)s") % {"n": batch}, _("The list of imports shows what there is"))
    problem: SalesopsError | None = None
    if request.method == "POST":
        try:
            return _act(request, found)
        except SalesopsError as error:
            problem = error
    start = int(request.GET["offset"]) if request.GET.get("offset", "").isdigit() else 0
    rows, total = row_errors(request.actor, batch, PROBLEMS, start)
    facts = {
        "batch": _shown(found), "counts": list((found["summary"].get("counts") or {}).items()), "rows": [_refused(row) for row in rows],
        "total": total, "first": start + 1, "last": min(start + PROBLEMS, total), "next": start + PROBLEMS if start + PROBLEMS < total else None,
        "before": max(start - PROBLEMS, 0) if start else None, "again": _upload_of(request, batch), "problem": problem, "step": "done",
    }  # fmt: skip
    return render(request, "imports/batch.html", facts, status=400 if problem else 200)


def _refused(row: dict[str, Any]) -> dict[str, Any]:
    """A refused row with the entity and field that a value rule for it names."""
    entity, _dot, field = (row["field"] or "").rpartition(".")
    return {**row, "entity": entity, "rule_field": field, "mendable": bool(row["value"] and row["field"])}


def _upload_of(request: Request, batch: int) -> int | None:
    """The upload of an import whose files are still here, to read them once more."""
    from salesops.records.models import JobRun

    for row in JobRun.objects.filter(kind=jobs.IMPORT, status="done").order_by("-pk")[:50]:
        if json.loads(row.result or "{}").get("batch") == batch:
            upload = json.loads(row.parameters)["upload"]
            try:
                jobs.upload_names(request.actor, upload)
            except NotFound:
                return None
            return int(row.pk)
    return None


def _act(request: Request, found: dict[str, Any]) -> HttpResponse:
    here = reverse("import-batch", args=[found["id"]])
    if request.POST.get("do") == "undo":
        done = undo_import(workspace(), request.actor, found["id"], wait=10)
        if isinstance(done, Waiting):
            tell(request, told(done))
            return HttpResponseRedirect(reverse("approval", args=[done.number]))
        return HttpResponseRedirect(here)
    if request.POST.get("do") == "rule":
        given = request.POST
        actions_settings.add_rule(
            request.actor, given.get("entity", ""), given.get("field", ""), given.get("found", ""), given.get("becomes") or None,
            system=found["system"] or "*",
        )  # fmt: skip
        return HttpResponseRedirect(here)
    if request.POST.get("do") == "again" and (number := _upload_of(request, found["id"])):
        parameters = {**jobs.state(request.actor, number)["parameters"], "dry_run": False}
        with transaction.atomic():
            return HttpResponseRedirect(reverse("import-job", args=[jobs.start(request.actor, parameters)]))
    raise UsageError(_("the files are not here any more"), _("Upload them again"))
