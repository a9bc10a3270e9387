"""The commands of definitions: `metrics define`, `undefine`, `check`, `definitions`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from salesops.common.errors import InvalidData, NotFound, UsageError
from salesops.common.instants import from_us
from salesops.output import format_option, say, write_rows, write_text

from . import kept
from .text import MAX_TEXT


def text_of(file: Path) -> tuple[str, str]:
    """The text of a file of definitions, and the name by which mistakes refer to it."""
    try:
        if file.stat().st_size > MAX_TEXT * 4:
            raise UsageError(f"{file} is too large to be a file of definitions", "Split it")
        return file.read_text(encoding="utf-8"), file.name
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}", "Name a file of definitions, such as mine.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", "Save it as UTF-8 text") from None


@click.command("define")
@click.argument("file", type=click.Path(path_type=Path))
@format_option
@click.pass_context
def define(ctx: click.Context, file: Path, form: str) -> None:
    """Take the metrics that FILE (TOML) defines into the workspace: all of them, or none where one has a mistake."""
    text, source = text_of(file)
    with ctx.obj.session() as session:
        done = kept.define(session, ctx.obj.actor, text, source)
    write_rows(done, form)


@click.command("undefine")
@click.argument("name")
@click.pass_context
def undefine(ctx: click.Context, name: str) -> None:
    """End the definition of NAME; its history stays."""
    with ctx.obj.session() as session:
        kept.undefine(session, ctx.obj.actor, name)
    say(f"undefined {name}", undefined=name)


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@format_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, form: str) -> None:
    """Say what is wrong with the definitions of FILE, or with all of the workspace; nothing is changed."""
    text, source = text_of(file) if file is not None else (None, "")
    with ctx.obj.session() as session:
        problems = kept.check(session, ctx.obj.actor, text, source)
    if problems:
        count = f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}"
        raise InvalidData(f"The definitions have {count}", "Mend each of them", problems)
    say("the definitions hold", mistakes=0)


@click.command("definitions")
@click.argument("name", default="")
@click.option("--history", is_flag=True, help="Every definition that there was, too: since and until when, by whom.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Those of the state that counted at the end of this day, as they were.",
)
@click.option("--page", is_flag=True, help="Write the documentation of the defined metrics, as Markdown.")
@format_option
@click.pass_context
def definitions(ctx: click.Context, name: str, history: bool, as_of: datetime | None, page: bool, form: str) -> None:
    """List the metrics that people defined (or NAME): kind, unit, where the definition stands, its version, its mistakes."""
    if history or as_of:
        rows = kept.history(ctx.obj.actor, name, as_of.date() if as_of else None)
        for row in rows:
            row |= {at: _moment(row[at]) for at in ("created", "ended")}
            row["definition"] = row["definition"] if form != "table" else " ".join(row["definition"].split())
        write_rows(rows, form)
        return
    with ctx.obj.session() as session:
        rows = [row for row in kept.listed(session, ctx.obj.actor) if name in ("", row["metric"])]
        known = {one: made for one, made in kept.defined(session).items() if name in ("", one)}
    if page:
        from ..document import page as written

        write_text(written("# Metrics defined in this workspace\n", known), form)
        return
    write_rows(rows, form, columns=["metric", "kind", "title", "unit", "from", "version", "computed", "mistakes"])


def _moment(instant: int | None) -> Any:
    return "" if instant is None else from_us(instant).astimezone(UTC).isoformat(timespec="seconds")
