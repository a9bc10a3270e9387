"""`salesops serve`: the pages and the API of a workspace over HTTP."""

from __future__ import annotations

import json
import multiprocessing
import os
from typing import Any

import click

from salesops.common.errors import UsageError


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1), default=4, show_default=True, help="Requests at once in each process."
)
@click.option("--openapi", is_flag=True, help="Write the API's OpenAPI document instead, and end.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, threads: int, openapi: bool) -> None:
    """Serve the workspace to browsers and programs: pages at http://HOST:PORT, the API at /api/v1/docs.

    A program shows a token (salesops user token create). Without a certificate in front of it this is for this machine, or a
    network that you trust.
    """
    workspace = ctx.obj.workspace  # tables are brought up to date once, before the workers start
    if openapi:
        from .rest.root import api

        click.echo(json.dumps(api.get_openapi_schema(), indent=1, sort_keys=True, ensure_ascii=False))
        return
    os.environ["SALESOPS_HOME"] = str(workspace.path)
    os.environ["SALESOPS_SERVED_AT"] = host
    from salesops.records.actions_users import sign_in_link

    name = ctx.obj.actor.username
    address = f"http://{_shown(host)}:{port}"
    click.echo(f"{workspace.config.name}: {address} (stop with Ctrl-C; the API: {address}/api/v1/docs)", err=True)
    click.echo(f"Sign in as {name} within 15 minutes: {address}{sign_in_link(ctx.obj.actor, name)}", err=True)
    multiprocessing.set_start_method("spawn", force=True)  # a worker inherits no connection of this process
    _server(host, port, workers, threads).serve()


def _server(host: str, port: int, workers: int, threads: int) -> Any:
    try:
        from granian import Granian
        from granian.constants import Interfaces
    except ImportError as error:
        raise UsageError(f"the server is not installed here ({error})", remedy="pip install granian") from error
    return Granian(
        "salesops.web.wsgi:application", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=threads, respawn_failed_workers=True, respawn_interval=0.5, websockets=False, log_access=False,
    )  # fmt: skip


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
