"""What a serving process keeps: the workspace that it serves, and warehouse sessions that requests share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from salesops.records import context
from salesops.workspace import CONFIG, Workspace, read_config

KEPT = 4
"""How many sessions (days of knowing) stay open between questions."""


def workspace() -> Workspace:
    """The workspace that this process serves; its settings as they are in the file now."""
    folder = context.folder()
    return _workspace(folder, (folder / CONFIG).stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _workspace(folder: Path, stamp: int) -> Workspace:
    return Workspace(folder, read_config(folder))


@dataclass
class _Held:
    session: Any
    users: int = 0
    retired: bool = False


class Sessions:
    """Sessions by day of knowing. One that is outdated (records, or settings of the workspace, changed), or pushed out by others, is
    closed when its last question is answered."""

    def __init__(self) -> None:
        self._held: OrderedDict[date | None, _Held] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def use(self, as_known_on: date | None = None) -> Iterator[Any]:
        """A session over an up-to-date generation, as known on a day."""
        from salesops.api import up_to_date

        up_to_date(workspace())
        held = self._take(as_known_on)
        try:
            yield held.session
        finally:
            with self._lock:
                held.users -= 1
                self._close_idle(held)

    def close(self) -> None:
        """Close every session that no question uses; others when it is answered."""
        with self._lock:
            for held in list(self._held.values()):
                held.retired = True
                self._close_idle(held)
            self._held.clear()

    def _take(self, day: date | None) -> _Held:
        from salesops.warehouse.generations import load
        from salesops.warehouse.session import Session

        served = workspace()
        with self._lock:
            current = load(served.warehouse)
            assert current is not None  # it was brought up to date
            held = self._held.get(day)
            if held is None or held.session.generation != current.name or held.session.workspace != served:
                fresh = _Held(Session(served, current, day))
                if held is not None:
                    held.retired = True
                    self._close_idle(held)
                held = self._held[day] = fresh
            self._held.move_to_end(day)
            held.users += 1
            while len(self._held) > KEPT:
                _, oldest = self._held.popitem(last=False)
                oldest.retired = True
                self._close_idle(oldest)
            return held

    @staticmethod
    def _close_idle(held: _Held) -> None:
        if held.retired and held.users == 0:
            held.session.close()


sessions = Sessions()
