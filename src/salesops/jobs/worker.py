"""The worker: notes what is due, takes jobs one after the other, and holds each by its lease. Several may run; any may be killed.

Its loop has three parts. `tick` notes what is due (reports, the nightly refresh, sweeping, alerts, interrupted imports); every note has a key,
so that nothing is due twice. `step` takes a job and does it. A thread extends the lease while the job runs.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, close_old_connections, connection

from salesops.common.errors import Busy, SalesopsError

from . import queue
from .queue import Job

log = logging.getLogger("salesops.worker")
LEASE, TICK, IDLE = 60.0, 15.0, 1.0
"""Seconds: how long a job is held without a sign of life, how often is looked for what is due, and for jobs."""
Doing = Callable[[Job], Any]


class Worker:
    """One worker of the workspace that this process serves."""

    def __init__(self, lease: float = LEASE, tick: float = TICK) -> None:
        from .kinds import KINDS

        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lease, self.every, self.kinds = lease, tick, KINDS

    def run(self, stopped: threading.Event) -> None:
        """Work until stopped; a state database that is away for a while is waited for."""
        ticked, wait = 0.0, IDLE
        while not stopped.is_set():
            try:
                close_old_connections()
                if time.monotonic() - ticked >= self.every or not ticked:
                    self.tick()
                    ticked = time.monotonic()
                did, wait = self.step(), IDLE
            except DatabaseError:
                log.exception("the state database does not answer; trying again in %.0f s", wait)
                connection.close()
                did, wait = False, min(wait * 2, 60)
            if not did:
                stopped.wait(wait)

    def tick(self) -> None:
        """Note what is due."""
        from .kinds import note_due

        note_due()

    def step(self) -> bool:
        """Do one job; says whether there was one."""
        job = queue.take(self.name, self.kinds, self.lease)
        if job is None:
            return False
        log.info("%s (job %s, try %s)", job.key, job.number, job.turn)
        with self._held(job):
            try:
                result = self.kinds[job.kind](job)
            except DatabaseError:
                raise
            except Busy as error:
                queue.fail(job, str(error), again=True)
            except SalesopsError as error:  # what a person has to mend: another try would say the same
                queue.fail(
                    job,
                    f"{error.message}. {error.remedy}" if error.remedy else error.message,
                    again=error_passes(error),
                )
            except Exception as error:
                log.exception("job %s failed", job.number)
                queue.fail(job, f"{type(error).__name__}: {error}", again=True)
            else:
                queue.finish(job, result or {})
        return True

    @contextmanager
    def _held(self, job: Job) -> Any:
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self.lease / 3):
                try:
                    if not queue.hold(job, self.lease):
                        log.warning("job %s is another worker's now", job.number)
                        return
                except DatabaseError:
                    connection.close()
            connection.close()

        thread = threading.Thread(target=beat, name=f"lease-{job.number}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def error_passes(error: SalesopsError) -> bool:
    """Say whether an error may pass by itself (another side that does not answer) rather than wait for a person."""
    return bool(getattr(error, "passes", False))
