"""Commands of the sources room: `import` (with `undo`, `list`, `errors`) and `mapping`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesops.common.errors import NotFound
from salesops.common.progress import RichProgress
from salesops.output import format_option, write_rows

from .reading import ReadOptions

if TYPE_CHECKING:
    from .imports import ImportResult


def _imports(ctx: click.Context) -> Any:
    """The actions, loaded when the workspace is open: stored models need it."""
    _ = ctx.obj.workspace
    from . import imports

    return imports


def _ready() -> Any:
    from . import ready

    return ready


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
    """Import files: `salesops import FILE ...` (CSV, XLSX, Parquet, JSON Lines, XES; folders too)."""


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
    show(result, form)
    if result.status in ("live", "resumed") and not no_refresh:
        ctx.obj.refresh(progress)
    if result.errors:
        ctx.exit(6)


def show(result: ImportResult, form: str) -> None:
    """Print what an import did: counts by entity, then what was detected and which rows are bad."""
    rows = [{"entity": name, **counts} for name, counts in result.counts.items()]
    if form != "table":
        write_rows(rows, form, columns=["entity", "rows", "new", "changed"], beside=result.to_dict())
        return
    words = {"live": "imported", "dry_run": "would import (nothing was changed)", "resumed": "taken up and finished"}
    title = words.get(result.status, "unchanged: these files are in already")
    batch = f"  batch {result.batch}" if result.batch else ""
    click.echo(f"{title}{batch}  mapping {result.mapping}  file date {result.file_date}")
    for file in result.files:
        detected = [f"{c['name']}: {c['kind']}{_how(c)}" for c in file["columns"] if c["kind"] not in ("text", "empty")]
        click.echo(f"  {file['file']}: {file['rows']:,} rows, {file['format']}"
                   + (f", {file['encoding']}, delimiter {file['delimiter']!r}" if file["delimiter"] else ""))  # fmt: skip
        if detected:
            click.echo("    " + "; ".join(detected[:12]))
    notes = [*result.notes, *(f"{name}: no part of the mapping reads it" for name in result.ignored_files)]
    if rows:
        write_rows(rows, "table", columns=["entity", "rows", "new", "changed"], notes=notes)
    else:
        for note in notes:
            click.echo(f"  {note}")
    if result.status == "dry_run":
        for row in result.preview[:12]:
            click.echo("  " + "  ".join(f"{k}={v}" for k, v in row.items()))
        click.echo(result.mapping_text)
    if result.problems:
        click.echo(f"{result.errors} rows kept out, {result.warnings} warnings:")
        write_rows(result.problems[:20], "table", columns=["source", "row", "field", "value", "problem", "remedy"])
        if result.batch and len(result.problems) > 20:
            click.echo(f"  all of them: salesops import errors {result.batch}")
    if result.conflicts:
        click.echo(
            f"{result.conflicts} values were not taken because the app owns the field: salesops import conflicts"
        )


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
    write_rows(rows, form, notes=[] if rows else ["No import yet: salesops import FILE ..."])


@import_group.command("errors")
@click.argument("batch", type=int)
@click.option("--limit", type=int, default=100, show_default=True)
@click.option("--offset", type=int, default=0)
@format_option
@click.pass_context
def errors(ctx: click.Context, batch: int, limit: int, offset: int, form: str) -> None:
    """The bad rows of an import: row, column, problem, remedy."""
    rows, total = _imports(ctx).row_errors(ctx.obj.actor, batch, limit, offset)
    columns = ["source", "row", "field", "value", "problem", "remedy", "severity"]
    write_rows(rows, form, columns=columns, notes=[f"{len(rows)} of {total}"], beside={"total": total})


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
    rows = [{"entity": name, "records": count} for name, count in done["counts"].items()]
    write_rows(rows, form, notes=[f"import {batch} is undone"], beside=done)
    ctx.obj.refresh()


@click.group("mapping")
def mapping_group() -> None:
    """Mappings: small text files that say how a source's files become records."""


@mapping_group.command("list")
@format_option
@click.pass_context
def mapping_list(ctx: click.Context, form: str) -> None:
    """The workspace's own mappings and the ready ones."""
    own = sorted(p.stem for p in ctx.obj.workspace.mappings.glob("*.toml"))
    rows = [{"mapping": name, "kind": "workspace", "where": f"mappings/{name}.toml"} for name in own]
    rows += [{"mapping": name, "kind": "ready", "where": ""} for name in sorted(_ready().ready_mappings())]
    write_rows(rows, form)


@mapping_group.command("show")
@click.argument("name")
@click.pass_context
def mapping_show(ctx: click.Context, name: str) -> None:
    """The text of a mapping."""
    from .mapping import render_mapping

    path = ctx.obj.workspace.mappings / f"{name}.toml"
    if path.exists():
        click.echo(path.read_text(encoding="utf-8"), nl=False)
    elif name in _ready().ready_mappings():
        click.echo(render_mapping(_ready().ready_mappings()[name]), nl=False)
    else:
        raise NotFound(f"there is no mapping {name!r}", remedy="salesops mapping list")


@mapping_group.command("suggest")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
@click.pass_context
def mapping_suggest(ctx: click.Context, files: tuple[Path, ...], out: Path | None) -> None:
    """The mapping that an import of these files would use, to be edited."""
    result = _imports(ctx).import_files(ctx.obj.workspace, ctx.obj.actor, files, dry_run=True)
    if out:
        out.write_text(result.mapping_text, encoding="utf-8")
        click.echo(f"written to {out}; use it with --mapping {out}")
    else:
        click.echo(result.mapping_text, nl=False)
    for note in result.notes:
        click.echo(f"# {note}", err=True)


GROUPS = (import_group, mapping_group)
"""What the root command takes from this room."""
