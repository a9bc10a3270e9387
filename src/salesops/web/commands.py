"""`salesops serve`: the pages and the API of a workspace over HTTP, with a worker beside them; `salesops worker`: one alone."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: a line of JSON for each request and each message, on the error stream.",
)
@click.option(
    "--worker/--no-worker",
    default=True,
    show_default=True,
    help="Run a worker beside it (reports, alerts, nightly refresh).",
)
@click.option("--openapi", is_flag=True, help="Write the API's OpenAPI document instead, and end.")
@click.pass_context
def serve(
    ctx: click.Context, host: str, port: int, workers: int, threads: int, log_format: str, worker: bool, openapi: bool
) -> None:
    """Serve the workspace to browsers and programs: pages at http://HOST:PORT, the API at /api/v1/docs.

    A program shows a token (salesops user token create). Without a certificate in front of it this is for this machine, or a
    network that you trust.
    """
    workspace = ctx.obj.workspace  # tables are brought up to date once, before the workers start
    if openapi:
        from .rest.root import api

        click.echo(json.dumps(api.get_openapi_schema(), indent=1, sort_keys=True, ensure_ascii=False))
        return
    run(workspace, ctx.obj.actor, host, port, workers, threads, log_format=log_format, worker=worker)


@click.command("worker")
@click.option(
    "--lease",
    type=click.FloatRange(0.5),
    default=60.0,
    show_default=True,
    help="Seconds after which the job of a silent worker is taken by another.",
)
@click.option(
    "--tick",
    type=click.FloatRange(0.1),
    default=15.0,
    show_default=True,
    help="Seconds between looking for what is due.",
)
@click.option("--parent", type=int, hidden=True, help="End when this is no longer the parent process.")
@click.pass_context
def worker(ctx: click.Context, lease: float, tick: float, parent: int | None) -> None:
    """Do the background work of the workspace until stopped: reports, alerts, nightly refresh, sweeping, interrupted imports.

    `salesops serve` runs one already. More may run, on this machine or (with PostgreSQL) others; each job is done by one of them.
    """
    workspace = ctx.obj.workspace
    import logging

    from salesops.jobs.worker import Worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    if parent:
        threading.Thread(target=_watch, args=(parent, stopped), daemon=True).start()
    click.echo(f"{workspace.config.name}: worker {os.getpid()} (stop with Ctrl-C)", err=True)
    Worker(lease, tick).run(stopped)


def _watch(parent: int, stopped: threading.Event) -> None:
    while os.getppid() == parent:
        if stopped.wait(1):
            return
    stopped.set()


@contextmanager
def beside(workspace: Any) -> Iterator[None]:
    """A worker in a process of its own; one that dies is started again, and it ends with this process."""
    command = [
        sys.executable,
        "-m",
        "salesops.cli",
        "worker",
        "--workspace",
        str(workspace.path),
        "--parent",
        str(os.getpid()),
    ]
    ended = threading.Event()
    held: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        wait = 1.0
        while not ended.is_set():
            held[:] = [subprocess.Popen(command)]
            held[0].wait()
            ended.wait(wait)
            wait = min(wait * 2, 60)

    thread = threading.Thread(target=keep, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        for process in held:
            process.terminate()
        thread.join(timeout=30)


def run(
    workspace: Any,
    actor: Any,
    host: str,
    port: int,
    workers: int = 1,
    threads: int = 4,
    *,
    browser: bool = False,
    log_format: str = "text",
    worker: bool = True,
) -> None:
    """Serve until stopped. Prints the address and a sign-in link of the actor; with `browser`, opens it where there is a screen.
    With `log_format="json"` everything said is lines of JSON, and no link is among them.

    Raises UsageError where the port is taken.
    """
    from salesops.records.actions_users import sign_in_link

    from .observed import begin_run, tell

    _check_port(host, port)
    os.environ["SALESOPS_HOME"] = str(workspace.path)
    os.environ["SALESOPS_SERVED_AT"] = host
    address = workspace.config.served_as or f"http://{_shown(host)}:{port}"
    begin_run(workspace.path)
    os.environ["SALESOPS_LOG_FORMAT"] = log_format
    multiprocessing.set_start_method("spawn", force=True)  # a worker inherits no connection of this process
    if log_format == "json":
        tell(level="info", log="salesops", message=f"{workspace.config.name}: {address}")
        with beside(workspace) if worker else nullcontext():
            _server(host, port, workers, threads, log_format).serve()
        return
    link = f"{address}{sign_in_link(actor, actor.username)}"
    click.echo(f"{workspace.config.name}: {address} (stop with Ctrl-C; the API: {address}/api/v1/docs)", err=True)
    click.echo(f"Sign in as {actor.username} within 15 minutes: {link}", err=True)
    if browser and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        threading.Timer(2, webbrowser.open, [link]).start()
    with beside(workspace) if worker else nullcontext():
        _server(host, port, workers, threads, log_format).serve()


def free_port(host: str, port: int) -> int:
    """This port, or the next one that nobody listens at."""
    while True:
        try:
            _check_port(host, port)
            return port
        except UsageError:
            port += 1


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"nobody can listen at {host}:{port} ({error.strerror})", remedy="Choose another: --port 8001"
            ) from None


def _server(host: str, port: int, workers: int, threads: int, log_format: str) -> Any:
    try:
        from granian import Granian
        from granian.constants import Interfaces
    except ImportError as error:
        raise UsageError(f"the server is not installed here ({error})", remedy="pip install granian") from error
    from .observed import logging_as_json

    return Granian(
        "salesops.web.wsgi:application", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=threads, respawn_failed_workers=True, respawn_interval=0.5, websockets=False, log_access=False,
        log_dictconfig=logging_as_json() if log_format == "json" else None,
    )  # fmt: skip


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
