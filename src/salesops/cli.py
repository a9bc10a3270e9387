"""The command line: the rooms' commands gathered, a workspace opened, a user acting.

`--workspace` and `--as` may stand anywhere. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not allowed, 4 not found, 5 conflict,
6 data with errors (what was good is in), 7 workspace, 8 busy.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from salesops import __version__
from salesops.common.errors import SalesopsError
from salesops.common.progress import RichProgress
from salesops.output import format_option, write_rows
from salesops.workspace import Config, Workspace, create, open_workspace

ANYWHERE = {"--workspace": "--workspace", "-w": "--workspace", "--as": "--as"}
DEMO = Path(".state/demo")


class Door:
    """What every command gets: the workspace, opened when it is first asked for, and the acting user."""

    def __init__(self, path: Path, username: str | None) -> None:
        self.path, self.username = path, username

    @cached_property
    def workspace(self) -> Workspace:
        return open_workspace(self.path)

    @cached_property
    def actor(self) -> Any:
        from salesops.records.access import actor_for

        return actor_for(self.workspace, self.username, door="cli")

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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="salesops")
@click.option("--workspace", "-w", type=click.Path(path_type=Path), envvar="SALESOPS_HOME", default=Path(),
              help="The workspace's folder (default: this one, or SALESOPS_HOME).")  # fmt: skip
@click.option("--as", "username", help="Act as this user (default: the workspace's owner).")
@click.pass_context
def cli(ctx: click.Context, workspace: Path, username: str | None) -> None:
    """Run a sales operations department: records, figures that hold, and where they come from."""
    if ctx.obj is None:
        ctx.obj = Door(workspace, username)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="My company", help="The company's name.")
@click.option("--currency", default="USD", help="Reporting currency (ISO 4217).")
@click.option("--time-zone", default="UTC", help="Where days end, for example Europe/Warsaw.")
@click.option("--fiscal-start-month", type=int, default=1, help="First month of the fiscal year.")
@click.option("--fiscal-pattern", type=click.Choice(["month", "445", "454", "544"]), default="month")
@click.option("--database-url", default="", help="Keep the records in PostgreSQL: postgresql://user:password@host/name")
def init(folder: Path, **settings: Any) -> None:
    """Make a workspace in FOLDER."""
    workspace = create(folder, Config(**settings))
    from salesops.records.access import ensure_owner

    ensure_owner()
    click.echo(f"{workspace.path} is ready. Next: salesops import FILE ... --workspace {folder}")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--reps", type=int, default=60, show_default=True)
@click.option("--years", type=int, default=3, show_default=True)
@click.option("--seed", type=int, help="Another company of the same kind.")
def demo(folder: Path | None, reps: int, years: int, seed: int | None) -> None:
    """Build (once) and open the demo company, and print its scorecard."""
    from salesops.demo.build import open_demo
    from salesops.demo.parameters import Parameters

    path = folder or DEMO
    asked = {"reps": reps, "years": years, **({"seed": seed} if seed is not None else {})}
    made = open_demo(path, Parameters.load(None, **asked), RichProgress())
    from salesops.demo.scorecard import print_scorecard

    print_scorecard(made.workspace)
    click.echo(f"\nThe demo company is in {path}. Ask it: salesops metrics query win_rate,bookings --by owner "
               f"--period quarter --workspace {path}")  # fmt: skip


@cli.command()
@click.option("--full", is_flag=True, help="Build everything anew.")
@format_option
@click.pass_context
def refresh(ctx: click.Context, full: bool, form: str) -> None:
    """Bring the warehouse up to the records."""
    from salesops.records import access
    from salesops.warehouse import refresh as run

    access.require(ctx.obj.actor, "refresh")
    done = run(ctx.obj.workspace, full=full, progress=RichProgress())
    write_rows(
        [
            {
                "generation": done.generation,
                "kind": done.kind,
                "records": done.records,
                "seconds": round(done.seconds, 2),
            }
        ],
        form,
    )


@cli.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_context
def backup(ctx: click.Context, target: Path) -> None:
    """Write the whole workspace, as of one moment, to the file TARGET."""
    from salesops.backup import backup as run

    done = run(ctx.obj.workspace, target, actor=ctx.obj.actor, progress=RichProgress())
    click.echo(f"{target} written. Audit head (note it elsewhere): {getattr(done, 'audit_head', '')}")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def restore(file: Path, folder: Path) -> None:
    """Put the workspace of the backup FILE into the empty FOLDER."""
    from salesops.backup import restore as run

    run(file, folder, progress=RichProgress())
    click.echo(f"restored into {folder}")


def _gather() -> None:
    from salesops.metrics import commands as metrics
    from salesops.pipeline import commands as pipeline
    from salesops.records import commands as records
    from salesops.sources import commands as sources
    from salesops.sources.quality import commands as quality

    for command in (*records.GROUPS, *sources.GROUPS, quality.quality, metrics.metrics, pipeline.pipeline):
        cli.add_command(command)
    cli.add_command(metrics.metrics.commands["explain"], "explain")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _gather()
        code = cli.main(_front(given), prog_name="salesops", standalone_mode=False)
    except SalesopsError as error:
        click.echo(error.render(), err=True)
        return error.exit_code
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _front(given: list[str]) -> list[str]:
    """Move the options that may stand anywhere to the front, up to a bare `--`."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            return [*front, *rest, word, *words]
        if name not in ANYWHERE:
            rest.append(word)
        elif equals:
            front += [ANYWHERE[name], value]
        else:
            front += [ANYWHERE[name], next(words, "")]
    return [*front, *rest]


if __name__ == "__main__":
    sys.exit(main())
