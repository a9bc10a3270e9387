"""A lock between processes on one machine, held by an open file: a killed process holds nothing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Busy


@contextmanager
def exclusive(path: Path, *, wait: float = 0.0, what: str = "another process") -> Iterator[None]:
    """Hold `path` exclusively; raises Busy when somebody else still holds it after `wait` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy(f"{what} is at work ({path.name})", remedy="Try again when it has finished") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
