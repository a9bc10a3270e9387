"""Statements kept as text. Building one takes longer than answering it, and the same one is asked of another day, by another
reader, of another generation: what differs then stands in the text as a slot (`$as_of`, `$me`), and is written in when it is asked.

What else a statement depends on is its key (`Builder.text`): what is asked, by and where, in which currencies, over tables of
which columns, and whether its reader sees everything. A slot is a value only, never a condition, so that a text kept for one
reader cannot show another more than theirs.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from .dimensions import REFS
from .facts import facts
from .session import custom_columns

KEPT: Final = 2000
"""How many texts stay in memory: some tens of kilobytes each."""
_SLOT: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w+)""")


class Text:
    """A text with slots, cut where they stand."""

    def __init__(self, sql: str) -> None:
        self.pieces: list[str] = []
        self.slots: list[str] = []
        start = 0
        for found in _SLOT.finditer(sql):
            if found[1] is not None:  # else what is quoted, in which a dollar is a dollar
                self.pieces.append(sql[start : found.start()])
                self.slots.append(found[1])
                start = found.end()
        self.pieces.append(sql[start:])

    def filled(self, values: Mapping[str, str]) -> str:
        """The SQL with the values of its slots."""
        parts = [part for piece, slot in zip(self.pieces, self.slots, strict=False) for part in (piece, values[slot])]
        return "".join([*parts, self.pieces[-1]])


class Texts:
    """The texts of late, the least used first."""

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, Text] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], str]) -> Text:
        """The text of this key, made when it is not there."""
        with self._lock:
            if (found := self._held.get(key)) is not None:
                self._held.move_to_end(key)
                return found
        made = Text(make())
        with self._lock:
            self._held[key] = made
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return made


texts: Final = Texts()


def layout(session: Any) -> Hashable:
    """The columns of every table of whose columns a statement may be made, with their types; read once a session."""
    cache = session.__dict__.setdefault("_metric_columns", {})
    if "layout" not in cache:
        tables = {*REFS.values(), *(one.record or one.entity for one in facts().values() if one.attributes)}
        there = getattr(session.manifest, "rows", tables)  # a generation of an earlier version may lack some
        found = tuple((name, tuple(custom_columns(session, name).items())) for name in sorted(tables & set(there)))
        cache["layout"] = found
    return cache["layout"]
