"""Commands of the sources room: `import` (with `undo`, `list`, `errors`) and `mapping`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesops.common.errors import Conflict, NotFound
from salesops.common.progress import RichProgress
from salesops.output import format_option, say, write_rows, write_text
from salesops.records.approvals import Waiting

from .kept import brief, grouped, grouped_errors, list_mappings, mapping_text
from .reading import ReadOptions

if TYPE_CHECKING:
    from .imports import ImportResult

COUNTED = ["entity", "rows", "new", "changed"]
HIDDEN = {"entity", "batch", "custom", "deleted", "recorded_from", "recorded_to", "closed_by", "system"}
MOST = 100_000
"""Problems on one page that is to hold all."""


def _imports(ctx: click.Context) -> Any:
    """The actions, loaded when the workspace is open: stored models need it."""
    _ = ctx.obj.workspace
    from . import imports

    return imports


class ImportGroup(click.Group):
    """`import FILES` runs an import; `import undo`, `list` and `errors` are about past ones."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("import", cls=ImportGroup, no_args_is_help=True, context_settings={"ignore_unknown_options": True})
def import_group() -> None:
    """Take in files: `salesops import FILE ...`; list, look into and undo imports.

    \b
    salesops import exports/                          CSV, XLSX, Parquet, JSON Lines, XES; folders, too
    salesops import exports/ --dry-run                what it would do: the mapping, a preview, every problem
    salesops import deals.csv --mapping mine          with a mapping of yours
    salesops import deals.csv --mode snapshot         rows that are absent are gone as of the file's date
    salesops import list | errors N | undo N          past imports

    All options: salesops import run --help.
    """


@import_group.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mapping", default="", help="A mapping file, or the name of one of the workspace's or a ready one.")
@click.option("--system", default="", help="Whose ids these are (default: as the mapping says).")
@click.option("--mode", type=click.Choice(["delta", "snapshot"]), default="delta", show_default=True,
              help="snapshot: absent rows are gone as of the file's date.")  # fmt: skip
@click.option("--file-date", type=click.DateTime(["%Y-%m-%d"]), help="The day that the files speak of.")
@click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing.")
@click.option("--encoding", help="Default: detected.")
@click.option("--delimiter", help="Default: detected.")
@click.option("--decimal", type=click.Choice([".", ","]), help="Default: detected.")
@click.option("--date-order", type=click.Choice(["ymd", "dmy", "mdy"]), help="Default: detected.")
@click.option("--sheet", help="The sheet of a workbook (default: the first with data).")
@click.option("--currency", help="The currency of amounts that name none.")
@click.option("--no-refresh", is_flag=True, help="Leave the warehouse as it is.")
@format_option
@click.pass_context
def run(
    ctx: click.Context, files: tuple[Path, ...], mapping: str, system: str, mode: str, file_date: datetime | None,
    dry_run: bool, no_refresh: bool, form: str, **reading: Any,
) -> None:  # fmt: skip
    """Import files together, as one batch. The same files twice change nothing; a killed import is taken up again."""
    progress = RichProgress()
    result = _imports(ctx).import_files(
        ctx.obj.workspace, ctx.obj.actor, files, mapping=mapping, system=system, mode=mode,
        file_date=file_date.date() if file_date else None, dry_run=dry_run,
        options=ReadOptions(**{k: v for k, v in reading.items() if v is not None}), progress=progress,
    )  # fmt: skip
    everything = None
    if result.batch and form == "table" and result.errors + result.warnings > len(result.problems):
        everything, _ = _imports(ctx).row_errors(ctx.obj.actor, result.batch, MOST)
    show(result, form, everything)
    if result.status in ("live", "resumed") and not no_refresh:
        ctx.obj.refresh(progress)
    if result.errors:
        ctx.exit(6)


def show(result: ImportResult, form: str, everything: list[dict[str, Any]] | None = None) -> None:
    """Print what an import did: what was detected, counts by entity, and the bad rows, grouped by what is wrong."""
    rows = [{"entity": name, **counts} for name, counts in result.counts.items()]
    if form != "table":
        write_rows(rows, form, columns=COUNTED, beside={**result.to_dict(), "written": result.rows})
        return
    if result.status == "unchanged":
        click.echo(f"Nothing new: these files are in already (import {result.batch})."
                   if result.batch else "Nothing new: the records are as these files say.")  # fmt: skip
        _show_problems(result, everything)
        return
    title = {"dry_run": "Would import (nothing was changed)", "resumed": "Taken up and finished: import"}.get(
        result.status, "Import"
    )
    batch = f" {result.batch}" if result.batch else ""
    click.echo(f"{title}{batch}: mapping {result.mapping}, file date {result.file_date}")
    for file in result.files:
        _show_file(file)
    if rows:
        click.echo()
        write_rows(rows, "table", columns=COUNTED, units=dict.fromkeys(COUNTED[1:], "count"))
    notes = [*result.notes, *(f"{name}: no part of the mapping reads it" for name in result.ignored_files)]
    if notes:
        click.echo()
    for note in notes:
        click.echo(f"  {note}")
    if result.status == "dry_run":
        _show_preview(result)
    _show_problems(result, everything)
    if result.conflicts:
        click.echo(f"\n{_counted(result.conflicts, 'value')} not taken, because the app owns the field: "
                   "salesops field conflicts")  # fmt: skip
    if result.batch:
        click.echo(f"\nTake it back: salesops import undo {result.batch}")


def _show_file(file: dict[str, Any]) -> None:
    """One line a file, and under it how its dates, numbers and currencies were read."""
    written = f", {file['encoding']}, delimiter {file['delimiter']!r}" if file["delimiter"] else ""
    click.echo(f"  {file['file']}: {_counted(file['rows'], 'row')}, {file['format']}{written}")
    detected = [f"{c['name']}: {c['kind']}{_how(c)}" for c in file["columns"] if c["kind"] not in ("text", "empty")]
    if detected:
        more = f"; {len(detected) - 12} more" if len(detected) > 12 else ""
        click.echo("    " + "; ".join(detected[:12]) + more)


def _show_preview(result: ImportResult) -> None:
    """The first rows of every entity, and the mapping, to be corrected before the import."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for row in result.preview:
        shown.setdefault(row["entity"], []).append({k: brief(v) for k, v in row.items() if k not in HIDDEN})
    for entity, rows in shown.items():
        click.echo(f"\n{entity}")
        columns = list(dict.fromkeys(name for row in rows for name in row))
        write_rows(rows[:3], "table", columns=columns[:9])
    click.echo("\nThe mapping (salesops mapping suggest FILE ... --out mine.toml writes it to a file):\n")
    click.echo("".join(f"    {line}\n" if line else "\n" for line in result.mapping_text.splitlines()), nl=False)


def _show_problems(result: ImportResult, everything: list[dict[str, Any]] | None) -> None:
    """Bad rows by file, field and problem: how many, which rows first, an example, what to do."""
    if not result.problems:
        return
    found = everything or result.problems
    groups = grouped(found)
    click.echo(f"\n{_counted(result.errors, 'value or row', 'values or rows')} refused, "
               f"{_counted(result.warnings, 'warning')}; the rest is in:"
               if result.status != "dry_run" else f"\n{_counted(result.errors + result.warnings, 'problem')}:")  # fmt: skip
    columns = ["source", "field", "problem", "times", "rows", "example", "remedy"]
    write_rows(groups[:20], "table", columns=columns, units={"times": "count"})
    if len(groups) > 20:
        click.echo(f"  and {len(groups) - 20} other kinds")
    if result.batch:
        click.echo(f"  every one of them: salesops import errors {result.batch}")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _how(column: dict[str, Any]) -> str:
    """How a column is written, where that was a question."""
    said = [str(column[k]) for k in ("date_format", "currency") if column.get(k)]
    if column.get("decimal") == ",":
        said.append("decimal comma")
    if not column.get("certain", True):
        said.append("look it over: " + (column.get("note") or "not certain"))
    return f" ({', '.join(said)})" if said else ""


@import_group.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, form: str) -> None:
    """Every import, latest first."""
    rows = [
        {
            "batch": r["id"], "status": r["status"], "mapping": r["mapping"], "mode": r["mode"], "file_date": r["file_date"],
            "rows": r["summary"].get("rows"), "errors": r["summary"].get("errors"), "user": r["user"],
        }
        for r in _imports(ctx).list_imports(ctx.obj.actor)
    ]  # fmt: skip
    columns = ["batch", "status", "mapping", "mode", "file_date", "rows", "errors", "user"]
    write_rows(rows, form, columns=columns, units={"rows": "count", "errors": "count"})


@import_group.command("errors")
@click.argument("batch", type=int)
@click.option(
    "--grouped", "together", is_flag=True, help="One line for problems that are the same but for row and value."
)
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Problems on the page; 0 = all.")
@click.option("--offset", type=click.IntRange(0), default=0)
@format_option
@click.pass_context
def errors(ctx: click.Context, batch: int, together: bool, limit: int, offset: int, form: str) -> None:
    """What was wrong in an import: row, column, problem, remedy."""
    imports = _imports(ctx)
    if batch not in {one["id"] for one in imports.list_imports(ctx.obj.actor)}:
        raise NotFound(f"there is no import {batch}", remedy="salesops import list")
    if together:
        rows, total = grouped_errors(ctx.obj.actor, batch)
        columns = ["source", "field", "problem", "times", "rows", "example", "remedy"]
        write_rows(rows, form, columns=columns, units={"times": "count"}, beside={"total": total})
        return
    rows, total = imports.row_errors(ctx.obj.actor, batch, limit or MOST, offset)
    columns = ["source", "row", "field", "value", "problem", "remedy", "severity"]
    shown = [{**row, "value": brief(row["value"])} if form == "table" and row.get("value") else row for row in rows]
    notes = [f"{offset + 1:,} to {offset + len(rows):,} of {total:,}"] if rows else []
    write_rows(shown, form, columns=columns, notes=notes, beside={"total": total})


@import_group.command("conflicts")
@format_option
@click.pass_context
def conflicts(ctx: click.Context, form: str) -> None:
    """Values that a source offered for fields that the app owns."""
    from salesops.records import access
    from salesops.records.models import ImportConflict

    access.require(ctx.obj.actor, "import")
    rows = list(ImportConflict.objects.filter(resolved="").order_by("id").values())
    write_rows(rows, form, columns=["id", "batch", "entity", "record", "field", "kept", "offered"])


@import_group.command("undo")
@click.argument("batch", type=int)
@format_option
@click.pass_context
def undo(ctx: click.Context, batch: int, form: str) -> None:
    """Take an import back."""
    done = _imports(ctx).undo_import(ctx.obj.workspace, ctx.obj.actor, batch)
    if isinstance(done, Waiting):
        return say(str(done), **done.to_dict())
    rows = [{"entity": name, "records": count} for name, count in done["counts"].items()]
    notes = [f"Import {batch} is undone; the records are as they were before it."]
    write_rows(rows, form, columns=["entity", "records"], units={"records": "count"}, notes=notes, beside=done)
    ctx.obj.refresh()


@click.group("mapping")
def mapping_group() -> None:
    """Mappings: small text files that say how a source's files become records."""


@mapping_group.command("list")
@format_option
@click.pass_context
def mapping_list(ctx: click.Context, form: str) -> None:
    """The workspace's own mappings and the ready ones."""
    rows = list_mappings(ctx.obj.workspace, ctx.obj.actor)
    write_rows(rows, form)


@mapping_group.command("show")
@click.argument("name")
@format_option
@click.pass_context
def mapping_show(ctx: click.Context, name: str, form: str) -> None:
    """The text of a mapping."""
    wanted = name.removesuffix(".toml")
    text = mapping_text(ctx.obj.workspace, ctx.obj.actor, name)
    write_text(text.rstrip("\n"), form, mapping=wanted, text=text)


@mapping_group.command("suggest")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
@format_option
@click.pass_context
def mapping_suggest(ctx: click.Context, files: tuple[Path, ...], out: Path | None, form: str) -> None:
    """The mapping that an import of these files would use, to be edited."""
    result = _imports(ctx).import_files(ctx.obj.workspace, ctx.obj.actor, files, dry_run=True)
    if out and out.exists():
        raise Conflict(f"{out} exists already", remedy="Choose another name")
    if out:
        out.write_text(result.mapping_text, encoding="utf-8")
    text = f"Written to {out}; use it with --mapping {out}" if out else result.mapping_text.rstrip("\n")
    facts = (
        {"mapping": result.mapping, "file": str(out)}
        if out
        else {"mapping": result.mapping, "text": result.mapping_text}
    )
    write_text(text, form, **facts, notes=result.notes)
    for note in result.notes if form == "table" else ():
        click.echo(f"# {note}", err=True)


GROUPS = (import_group, mapping_group)
"""What the root command takes from this room."""
