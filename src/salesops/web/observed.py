"""What the server says of itself: counts of requests for `/health/metrics`, and a line of JSON for each request.

Each worker counts for itself and writes its counts every two seconds to `work/served/RUN/PID.json`; an answer to
`/health/metrics` adds up the files of this run, those of workers that have ended among them, so that no count falls while the server runs.
A line names the route, never the address that was asked for: links and queries may hold what is secret.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from salesops.records import context

Handler = Callable[[HttpRequest], HttpResponse]
BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds up to which requests are counted together, besides all of them."""
EVERY = 2.0
"""Seconds between two writings of a worker's counts."""
KEPT = 7 * 24 * 3600
"""Seconds for which the counts of former runs stay."""


class Counts:
    """Requests by (method, route, status) and seconds by route, of this worker."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, list[float]] = {}
        self._lock, self._changed, self._writer = threading.Lock(), False, 0

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self.requests[f"{method} {status} {route}"] += 1
            row = self.seconds.setdefault(route, [0.0] * (len(BOUNDS) + 2))
            for place, bound in enumerate(BOUNDS):
                row[place] += seconds <= bound
            row[-2] += 1
            row[-1] += seconds
            self._changed = True
            if self._writer != os.getpid():
                self._writer = os.getpid()
                threading.Thread(target=self._write_on, daemon=True).start()

    def write(self) -> None:
        """Put the counts where the other workers find them."""
        with self._lock:
            if not self._changed:
                return
            self._changed = False
            text = json.dumps({"requests": self.requests, "seconds": self.seconds})
        file = folder() / f"{os.getpid()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".new").write_text(text, encoding="utf-8")
        file.with_suffix(".new").replace(file)

    def _write_on(self) -> None:
        while True:
            time.sleep(EVERY)
            with suppress(OSError):
                self.write()


counts = Counts()


def folder() -> Path:
    """Where the workers of this run put their counts."""
    return context.folder() / "work" / "served" / (os.environ.get("SALESOPS_RUN") or "run")


def begin_run(workspace: Path) -> None:
    """A new run of the server counts from zero; counts of runs that ended long ago are removed."""
    os.environ["SALESOPS_RUN"] = f"{int(time.time())}-{os.getpid()}"
    for old in (workspace / "work" / "served").glob("*-*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old)


class Observed:
    """The outermost middleware: counts a request and, with `--log-format json`, writes its line."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.told = os.environ.get("SALESOPS_LOG_FORMAT") == "json"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        took = time.perf_counter() - began
        match = request.resolver_match
        route = "/" + match.route if match else "static" if request.path.startswith("/static/") else "unknown"
        method = request.method if request.method in METHODS else "OTHER"
        counts.add(str(method), route, response.status_code, took)
        if self.told:
            tell(user=_user(request), method=method, route=route, status=response.status_code, ms=round(took * 1000, 1))
        return response


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _user(request: HttpRequest) -> str:
    actor = getattr(request, "actor", None) or getattr(request, "auth", None)
    return getattr(actor, "username", "")


def tell(**facts: Any) -> None:
    """One line of JSON on the error stream, with the time."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}
    sys.stderr.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    sys.stderr.flush()


class JsonLines(logging.Formatter):
    """Log records as lines of JSON, a trace as one of their fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname.lower(), "log": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def logging_as_json() -> dict[str, Any]:
    """The logging settings of the server where every line is JSON."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    logger = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1, "disable_existing_loggers": False, "formatters": {"json": {"()": "salesops.web.observed.JsonLines"}},
        "handlers": {"stderr": handler}, "loggers": {"_granian": logger, "granian.access": logger, "salesops": logger},
    }  # fmt: skip


# /health/metrics


def metrics(request: HttpRequest) -> HttpResponse:
    """The server's figures in the text format of Prometheus (version 0.0.4): for this machine, or a token with the scope admin of
    somebody who manages accounts."""
    from salesops.records import access, actions_tokens
    from salesops.web.shell.client import is_local

    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = actions_tokens.authenticate(shown) if shown else None
    if not (
        is_local(request)
        if found is None and not shown
        else found and "admin" in found[1] and access.may(found[0], "manage_users")
    ):
        return JsonResponse(
            {"status": "not allowed", "remedy": "Ask from this machine, or with a token of an admin (scope admin)"},
            status=403,
        )
    return HttpResponse(
        "".join(f"{line}\n" for line in lines()), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def lines() -> Iterator[str]:
    """Every figure with its help and type."""
    requests, seconds = _added_up()
    yield from _head("salesops_requests_total", "counter", "Requests answered since the server started")
    for key, count in sorted(requests.items()):
        method, status, route = key.split(" ", 2)
        yield f'salesops_requests_total{{method="{method}",route="{_text(route)}",status="{status}"}} {count}'
    yield from _head("salesops_request_seconds", "histogram", "Seconds from a request to its answer")
    for route, row in sorted(seconds.items()):
        for bound, number in zip([*map(str, BOUNDS), "+Inf"], row[:-1], strict=True):
            yield f'salesops_request_seconds_bucket{{route="{_text(route)}",le="{bound}"}} {int(number)}'
        yield f'salesops_request_seconds_sum{{route="{_text(route)}"}} {row[-1]:.6f}'
        yield f'salesops_request_seconds_count{{route="{_text(route)}"}} {int(row[-2])}'
    for name, said, rows in _state():
        yield from _head(name, "gauge", said)
        for labels, value in rows:
            inner = ",".join(f'{label}="{_text(text)}"' for label, text in labels.items())
            yield f"{name}{{{inner}}} {value}" if inner else f"{name} {value}"


def _state() -> Iterator[tuple[str, str, list[tuple[dict[str, str], float]]]]:
    from django.contrib.sessions.models import Session
    from django.db.models import Count
    from django.utils import timezone

    from salesops import __version__
    from salesops.records import throttle
    from salesops.records.models import JobRun
    from salesops.records.writing import current_tick
    from salesops.warehouse.generations import load

    yield "salesops_info", "The version that runs", [({"version": __version__}, 1)]
    open_now = Session.objects.filter(expire_date__gt=timezone.now()).count()
    yield "salesops_sessions_open", "Sessions of browsers that have not ended", [({}, open_now)]
    waiting = [({"kind": kind}, number) for kind, number in throttle.state().items()]
    yield "salesops_sign_in_waiting", "Accounts and addresses whose next attempt waits", waiting
    jobs = JobRun.objects.values_list("kind", "status").annotate(number=Count("id")).order_by("kind", "status")
    yield (
        "salesops_jobs",
        "Jobs by kind and state",
        [({"kind": kind, "status": status}, number) for kind, status, number in jobs],
    )
    tick = current_tick()
    yield "salesops_state_tick", "The clock's tick: changes that went live", [({}, tick)]
    if generation := load(context.folder() / "warehouse"):
        age = max(0.0, (context.clock() - generation.created) / 1e6)
        yield "salesops_generation_age_seconds", "Age of the warehouse's current generation", [({}, round(age))]
        yield (
            "salesops_generation_behind_ticks",
            "Ticks that the current generation does not know",
            [({}, tick - generation.tick)],
        )


def _added_up() -> tuple[dict[str, int], dict[str, list[float]]]:
    counts.write()
    requests: dict[str, int] = defaultdict(int)
    seconds: dict[str, list[float]] = {}
    for file in folder().glob("*.json"):
        found = json.loads(file.read_text(encoding="utf-8"))
        for key, number in found["requests"].items():
            requests[key] += number
        for route, row in found["seconds"].items():
            seconds[route] = [a + b for a, b in zip(seconds.get(route, [0.0] * len(row)), row, strict=True)]
    return requests, seconds


def _head(name: str, kind: str, said: str) -> Iterator[str]:
    yield f"# HELP {name} {said}."
    yield f"# TYPE {name} {kind}"


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
