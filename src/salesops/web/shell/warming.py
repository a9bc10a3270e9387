"""Pages made again after a refresh, before their readers come: answers of a former generation are of no use to anybody.

The process that serves remembers who opened which of the costly pages of late (`page(..., warm=True)`), and opens them again, one after
the other, as these readers with the rights that they have then: what is kept is kept for each reader alone (`asking`). At most
a fifth of the time is spent so, and a reader's question waits for one statement at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import Any, Final

from django.db import close_old_connections
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import resolve

from salesops.common.errors import SalesopsError
from salesops.records import access
from salesops.web.serving import workspace

log = logging.getLogger("salesops.web")
MOST: Final = 200
"""How many pages of readers are remembered, the latest."""
FOR_S: Final = 4 * 24 * 3600.0
"""For how long: over a weekend."""
LOOK_S: Final = 15.0
"""How often it looks; a generation that is another at every look is one that people are working on."""
MARK: Final = "salesops.warming"
"""What tells our requests from those of readers."""
REST: Final = 4.0
"""How long it rests, as a multiple of what the last round took."""


class Warming:
    """Who opened what, and a thread that opens it again when the generation is another."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def noted(self, reader: str, path: str) -> None:
        """Remember that a reader opened a page."""
        with self._lock:
            self._recent[reader, path] = time.monotonic()
            self._recent.move_to_end((reader, path))
            while len(self._recent) > MOST:
                self._recent.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="warming", daemon=True)
                self._thread.start()

    def recent(self) -> list[tuple[str, str]]:
        """Readers and their pages, the latest first."""
        since = time.monotonic() - FOR_S
        with self._lock:
            return [one for one, at in reversed(self._recent.items()) if at >= since]

    def warm(self) -> int:
        """Open every remembered page once, for as long as the generation stays; how many could be."""
        made, generation = 0, current()
        for reader, path in self.recent():
            if made and current() != generation:
                break
            made += opened(reader, path)
        return made

    def _watch(self) -> None:
        made = seen = current()
        while True:
            time.sleep(LOOK_S)
            before, seen = seen, current()
            if seen == made or seen != before:
                continue
            made, started = seen, time.monotonic()
            try:
                log.info("%s pages made again for their readers", self.warm())
            except Exception:  # it is tried again after the next refresh, and every page makes itself when it is asked
                log.exception("pages could not be made again")
            finally:
                close_old_connections()
            time.sleep(REST * (time.monotonic() - started))


def current() -> str:
    """The name of the current generation."""
    try:
        return (workspace().warehouse / "CURRENT").read_text(encoding="utf-8")
    except OSError:
        return ""


def opened(reader: str, path: str) -> bool:
    """Open a page as a reader, as it would be opened now; says whether they may."""
    from salesops.records.models import User

    user = User.objects.filter(username=reader, is_active=True).first()
    if user is None:
        return False
    request: Any = RequestFactory(HTTP_HOST="localhost").get(path)
    request.META[MARK] = "1"
    request.actor = access.Actor(
        user.username, frozenset(user.roles.split()) & frozenset(access.ROLES), user.person, "web"
    )
    request.user_name, request.must_set_up, request.session = user.username, False, {}
    request.resolver_match = match = resolve(request.path)
    try:
        return bool(match.func(request, *match.args, **match.kwargs).status_code == 200)
    except SalesopsError:
        return False


warming: Final = Warming()


def note(request: HttpRequest) -> None:
    """Remember a page that somebody opened as a whole."""
    if request.method == "GET" and "HX-Request" not in request.headers and MARK not in request.META:
        warming.noted(request.actor.username, request.get_full_path())  # type: ignore[attr-defined]
