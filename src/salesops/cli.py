"""The command line: the rooms' commands gathered, a workspace opened, a user acting.

`--workspace`, `--as`, `--format` and `--output` may stand anywhere. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not allowed, 4 not found,
5 conflict, 6 data with errors (what was good is in), 7 workspace, 8 busy. A room's commands are loaded when one of them is run.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesops import __version__
from salesops.common.errors import Busy, Conflict, SalesopsError, UsageError, WorkspaceError
from salesops.output import FORMATS, asked_form, format_option, is_written, write_file, write_rows, write_text

if TYPE_CHECKING:
    from salesops.workspace import Workspace

ANYWHERE = {
    "--workspace": "--workspace",
    "-w": "--workspace",
    "--as": "--as",
    "--format": "--format",
    "--output": "--output",
}
DEMO = Path(".state/demo")


@dataclass(frozen=True)
class Elsewhere:
    """A command that lives in a room: where, and what `salesops --help` says of it without loading it."""

    module: str
    attribute: str
    help: str


ROOMS: Mapping[str, Elsewhere] = {
    "import": Elsewhere("sources.commands", "import_group", "Take in files; list, look into and undo imports."),
    "mapping": Elsewhere("sources.commands", "mapping_group", "How a source's files become records."),
    "quality": Elsewhere("sources.quality.commands", "quality", "How good the data is, and what is to be fixed."),
    "metrics": Elsewhere(
        "metrics.commands", "metrics", "Ask for numbers, see where they come from, open their records."
    ),
    "explain": Elsewhere("metrics.commands", "explain", "Say how a number came about."),
    "cohorts": Elsewhere(
        "metrics.commands", "cohorts", "Customers by first purchase: who stays, and what they bring, by age."
    ),
    "target": Elsewhere(
        "metrics.target_commands", "target", "What a metric should be: of the company, a unit, a team or a person."
    ),
    "scorecard": Elsewhere("metrics.commands", "scorecard", "The figures asked for first, this quarter and the last."),
    "people": Elsewhere(
        "metrics.people_commands", "people", "What people do, how newcomers come up, who stands out fairly."
    ),
    "pipeline": Elsewhere("pipeline.commands", "pipeline", "What is open, how it changed, where it moved."),
    "forecast": Elsewhere(
        "forecasting.commands", "forecast", "What will be booked: the board, calls, how good they were."
    ),
    "comp": Elsewhere("compensation.commands", "comp", "Compensation plans as tested text, and what one would pay."),
    "record": Elsewhere("records.commands", "record", "List, show, create and change records of every entity."),
    "field": Elsewhere("records.commands", "field", "Custom fields, who owns a field, conflicts with imports."),
    "word": Elsewhere("records.commands", "word", "Words of closed lists."),
    "rule": Elsewhere("records.commands", "rule", "Value rules: how a misspelt value is read in every import."),
    "task": Elsewhere("records.commands", "task", "Tasks: who does what by when."),
    "comment": Elsewhere("records.commands", "comment", "Comments on records."),
    "approval": Elsewhere(
        "records.commands_approvals", "approval", "Proposals that wait for somebody else's approval."
    ),
    "user": Elsewhere("records.commands", "user", "Accounts: who may be acted as, with which roles."),
    "audit": Elsewhere("records.commands", "audit_group", "Read, verify and export the audit log."),
    "mcp": Elsewhere("mcp.commands", "mcp", "Serve the workspace to an assistant (MCP)."),
    "report": Elsewhere(
        "reports.commands", "report", "Figures and pages that are sent at times, by e-mail or to a chat."
    ),
    "serve": Elsewhere("web.commands", "serve", "Serve the pages and the REST API of the workspace."),
    "worker": Elsewhere("web.commands", "worker", "Do the background work: reports, alerts, nightly refresh."),
}
SECTIONS: Mapping[str, Sequence[str]] = {
    "Start": ("demo", "init", "import", "mapping"),
    "Ask": (
        "scorecard",
        "metrics",
        "target",
        "explain",
        "cohorts",
        "people",
        "pipeline",
        "forecast",
        "comp",
        "quality",
        "report",
    ),
    "Records": ("record", "field", "word", "rule", "task", "comment", "approval"),
    "Run": ("serve", "worker", "mcp", "user", "audit", "refresh", "backup", "restore"),
}
OVERVIEW = """\
salesops {version} - the records, the numbers and the process of a sales organisation

{place}

  Look around           salesops demo
  Start your own        salesops init acme
  Bring in your CRM     salesops import exports/ --workspace acme
  Ask                   salesops metrics query win_rate,bookings --by owner --period quarter
  As of a past day      salesops metrics query open_pipeline.all_open --as-of 2017-09-30
  What moved            salesops pipeline waterfall --from 2017-Q3 --scope all_open
  Why is it so          salesops explain win_rate --period 2017-Q3
  What is wrong         salesops quality

All commands: salesops --help. A command's options: salesops COMMAND --help."""


class Commands(click.Group):
    """The root: its rooms are loaded when they are needed; answers of every command keep the format that was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ROOMS:
            return super().get_command(ctx, cmd_name)
        room = ROOMS[cmd_name]
        found = getattr(import_module(f"salesops.{room.module}"), room.attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, self._help(name)) for name in names])

    def _help(self, name: str) -> str:
        return ROOMS[name].help if name in ROOMS else self.commands[name].get_short_help_str(limit=90)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            raise UsageError(
                f"there is no command {name!r}",
                remedy=f"Did you mean {near[0]}?" if near else "salesops --help lists them",
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the few words of one that has no rows become JSON, CSV or XLSX too; an answer may go to a file."""
        form, file = asked_form(ctx), ctx.params.get("output")
        if form == "table" and file is None:
            return super().invoke(ctx)
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                found = super().invoke(ctx)
                if not is_written(ctx) and said.getvalue() and form != "table":
                    lines = said.getvalue().rstrip("\n").split("\n")
                    said.seek(said.truncate(0))
                    with ctx:
                        write_rows([{"result": line} for line in lines], form, columns=["result"])
        except BaseException:
            click.echo(said.getvalue(), nl=False)
            raise
        if file is None:
            click.echo(said.getvalue(), nl=False)
        else:
            click.echo(f"{write_file(ctx, said.getvalue())} written", err=True)
        return found


class Door:
    """What every command gets: the workspace, opened when it is first asked for, and the acting user."""

    def __init__(self, path: Path, username: str | None) -> None:
        self.path, self.username = path, username

    @cached_property
    def workspace(self) -> Workspace:
        return opened(self.path)

    @cached_property
    def actor(self) -> Any:
        workspace = self.workspace
        from salesops.records.access import actor_for

        return actor_for(workspace, self.username, door="cli")

    def refresh(self, progress: Any = None) -> None:
        """Bring the warehouse up to the records, after a command that changed many."""
        workspace = self.workspace
        from salesops.warehouse import refresh

        refresh(workspace, progress=progress)

    def session(self, as_known_on: date | None = None) -> Any:
        """A session over an up-to-date generation."""
        workspace = self.workspace
        from salesops.api import fresh_session

        return fresh_session(workspace, as_known_on)


def opened(path: Path) -> Workspace:
    """Open a workspace; a setting of the wrong kind is told as such."""
    from salesops.workspace import CONFIG, open_workspace

    try:
        return open_workspace(path)
    except (TypeError, ValueError) as error:
        raise WorkspaceError(
            f"{path / CONFIG} holds a value that cannot be used: {error}", remedy=f"Correct {CONFIG}"
        ) from error


def _progress() -> Any:
    from salesops.common.progress import RichProgress

    return RichProgress()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="salesops")
@click.option("--workspace", "-w", type=click.Path(path_type=Path), envvar="SALESOPS_HOME", default=Path(),
              help="The workspace's folder (default: this one, or SALESOPS_HOME).")  # fmt: skip
@click.option("--as", "username", help="Act as this user (default: the workspace's owner).")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to write the answer (default: table).")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the answer to this file (.xlsx, .csv, .json).")  # fmt: skip
@click.pass_context
def cli(ctx: click.Context, workspace: Path, username: str | None, form: str | None, output: Path | None) -> None:
    """Run a sales operations department: records, figures that hold, and where they come from.

    --workspace, --as, --format and --output may stand anywhere in a command. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not allowed,
    4 not found, 5 conflict, 6 data with errors (what was good is in), 7 workspace, 8 busy.
    """
    if ctx.obj is None:
        ctx.obj = Door(workspace, username)
    if ctx.invoked_subcommand is None:
        click.echo(OVERVIEW.format(version=__version__, place=_place(workspace)))


def _place(folder: Path) -> str:
    """What the folder is, in a sentence."""
    from salesops.workspace import CONFIG, read_config

    if not (folder / CONFIG).exists():
        return "This folder is no workspace yet." if folder == Path() else f"{folder} is no workspace yet."
    config = read_config(folder)
    return f"Workspace: {config.name} (amounts in {config.currency}, days of {config.time_zone})."


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--name", default="My company", show_default=True, help="The company's name.")
@click.option("--currency", default="USD", show_default=True, help="Reporting currency (ISO 4217).")
@click.option("--time-zone", default="UTC", show_default=True, help="Where days end, for example Europe/Warsaw.")
@click.option("--fiscal-start-month", type=int, default=1, show_default=True, help="First month of the fiscal year.")
@click.option("--fiscal-pattern", type=click.Choice(["month", "445", "454", "544"]), default="month", show_default=True)
@click.option(
    "--business-model", default="", help="What you sell, for example subscription: which metrics mean something."
)
@click.option("--database-url", default="", help="Keep the records in PostgreSQL: postgresql://user:password@host/name")
@format_option
@click.pass_context
def init(ctx: click.Context, folder: Path | None, form: str, **settings: Any) -> None:
    """Make a workspace in FOLDER."""
    from salesops.workspace import CONFIG, Config, create

    path = folder or ctx.obj.path
    fresh = not (path / CONFIG).exists()
    try:
        workspace = create(path, Config(**settings))
        from salesops.records.access import ensure_owner

        ensure_owner()
    except WorkspaceError:
        if fresh:  # so that it can be tried again with another database
            (path / CONFIG).unlink(missing_ok=True)
        raise
    write_text(
        f"{path} is ready. Next: salesops import FILE ... --workspace {path}", form, workspace=str(workspace.path)
    )


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--reps", type=click.IntRange(1), default=60, show_default=True)
@click.option("--years", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seed", type=int, help="Another company of the same kind.")
@click.option("--serve/--no-serve", default=None, help="Serve its pages afterwards (default: in a terminal).")
@format_option
@click.pass_context
def demo(
    ctx: click.Context, folder: Path | None, reps: int, years: int, seed: int | None, serve: bool | None, form: str
) -> None:
    """Build (once) and open the demo company; print its scorecard, and in a terminal serve its pages."""
    from salesops.demo.build import open_demo
    from salesops.demo.parameters import Parameters

    named = ctx.obj.path if ctx.obj.path != Path() else DEMO
    path = folder or named
    asked = {"reps": reps, "years": years, **({"seed": seed} if seed is not None else {})}
    made = open_demo(path, Parameters.load(None, **asked), _progress())
    if form != "table":
        write_text("", form, workspace=str(path), built=made.built)
        return
    from salesops.api import fresh_session
    from salesops.metrics.commands import write_scorecard
    from salesops.metrics.scorecard import scorecard
    from salesops.records.access import actor_for

    actor = actor_for(made.workspace, ctx.obj.username, door="cli")
    with fresh_session(made.workspace, None) as session:
        card = scorecard(session, actor)
    write_scorecard(card, made.workspace.config.name)
    click.echo(f"\nThe demo company is in {path}. Ask it:\n  salesops metrics query win_rate,bookings --by owner "
               f"--period quarter --workspace {path}")  # fmt: skip
    if serve or (serve is None and sys.stdin.isatty() and sys.stdout.isatty()):
        from salesops.web.commands import free_port, run

        click.echo("")
        run(made.workspace, actor, "127.0.0.1", free_port("127.0.0.1", 8000), browser=True)
    else:
        click.echo(f"  salesops serve --workspace {path}")


@cli.command()
@click.option("--full", is_flag=True, help="Build everything anew.")
@format_option
@click.pass_context
def refresh(ctx: click.Context, full: bool, form: str) -> None:
    """Bring the warehouse up to the records."""
    actor = ctx.obj.actor
    from salesops.warehouse import refresh as run

    done = run(ctx.obj.workspace, actor=actor, full=full, progress=_progress())
    row = {"generation": done.generation, "kind": done.kind, "records": done.records, "seconds": round(done.seconds, 2)}
    write_rows([row], form, units={"records": "count"})


@cli.command()
@click.argument("target", type=click.Path(path_type=Path))
@format_option
@click.pass_context
def backup(ctx: click.Context, target: Path, form: str) -> None:
    """Write the whole workspace, as of one moment, to a file."""
    actor = ctx.obj.actor
    from salesops.backup import backup as run

    done = run(ctx.obj.workspace, target, actor=actor, progress=_progress())
    write_text(
        f"{target} written: {done.files} files, {done.bytes:,} bytes.\nAudit head (note it elsewhere): {done.audit_head}",
        form, file=str(target), files=done.files, bytes=done.bytes, generation=done.generation, audit_head=done.audit_head,
    )  # fmt: skip


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@format_option
def restore(file: Path, folder: Path, form: str) -> None:
    """Put the workspace of a backup into an empty folder."""
    from salesops.backup import restore as run

    done = run(file, folder, progress=_progress())
    write_text(
        f"Restored into {folder}. Check it: salesops audit verify --head {done.audit_head} --workspace {folder}",
        form, folder=str(folder), generation=done.generation, audit_head=done.audit_head,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit code. What a person got wrong is told in words, never as a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    form = "table"
    try:
        front, rest = _front(given)
        form = next((front[n + 1] for n, word in enumerate(front) if word == "--format"), form)
        code = cli.main([*front, *rest], prog_name="salesops", standalone_mode=False)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.ClickException as error:
        if form == "json":
            _tell(UsageError(error.format_message(), remedy="See --help"), form)
        else:
            error.show()
        return error.exit_code
    except SalesopsError as error:
        _tell(error, form)
        return error.exit_code
    except Exception as error:
        if os.environ.get("SALESOPS_DEBUG"):
            raise
        understood = _understood(error)
        _tell(understood, form)
        return understood.exit_code
    return code if isinstance(code, int) else 0


def _tell(error: SalesopsError, form: str) -> None:
    """Write an error to standard error: a sentence and its problems, or JSON where JSON was asked for."""
    if form == "json":
        click.echo(json.dumps(error.to_dict(), ensure_ascii=False, indent=2), err=True)
        return
    repeated = len(error.problems) == 1 and error.problems[0].problem.rstrip(".") in error.message
    click.echo(f"Error: {error if repeated else error.render()}", err=True)


def _understood(error: Exception) -> SalesopsError:
    """What a failure of the machine (disk, rights, database) means to the person; anything else is a fault of ours."""
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("django.db")}
    if isinstance(error, FileExistsError):
        return Conflict(f"{error.filename} exists already and is no folder", remedy="Choose another name")
    if isinstance(error, OSError) and error.filename:
        return WorkspaceError(
            f"{error.filename}: {error.strerror}", remedy="Check that it exists and who may read and write it"
        )
    if isinstance(error, OSError):
        return WorkspaceError(error.strerror or str(error), remedy="Check the disk, the folder and who may write it")
    if "OperationalError" in kinds and "locked" in str(error):
        return Busy("another process is writing to this workspace", remedy="Try again in a moment")
    if "DatabaseError" in kinds:
        return WorkspaceError(
            f"the state database cannot be used: {error}", remedy="Check the disk and DATABASE_URL, or restore a backup"
        )
    return SalesopsError(
        f"something went wrong that salesops did not expect ({type(error).__name__}: {error})",
        remedy="Please report it; SALESOPS_DEBUG=1 before the command shows where it happened",
    )


def _front(given: list[str]) -> tuple[list[str], list[str]]:
    """The options that may stand anywhere, for the front, and the other words; those behind a bare `--` are left alone."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            return front, [*rest, word, *words]
        if name not in ANYWHERE:
            rest.append(word)
            continue
        if not equals:
            value = next(words, "")
        if not value or (value.startswith("--") and not equals):
            raise UsageError(f"{name} needs a value", remedy="salesops --help")
        front += [ANYWHERE[name], value]
    return front, rest


if __name__ == "__main__":
    sys.exit(main())
