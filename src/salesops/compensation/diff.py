"""Compares two plans by what they mean: each change as a path and a sentence, matched by id, comments and order left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from salesops.compensation.plan import Plan
from salesops.compensation.shapes import plain


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is another in the new plan. None: it is not there. ``where`` is in words."""

    path: str
    where: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.where}: {self.after} (new)"
        return (
            f"{self.where}: {self.before} (removed)"
            if self.after is None
            else f"{self.where}: {self.before} -> {self.after}"
        )


def changes(before: Plan, after: Plan, tests: bool = False) -> list[Change]:
    """Give every change from one plan to another; worked tests and the version number are left out unless asked for."""
    skipped = () if tests else ("tests", "version")
    old, new = ({path: text for path, text in _flat(plain(one)) if path[0] not in skipped} for one in (before, after))
    found: list[Change] = []
    for path in [*new, *(path for path in old if path not in new)]:
        if old.get(path) != new.get(path):
            found.append(Change(".".join(path), _where(path), old.get(path), new.get(path)))
    return found


def _flat(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give every single value with its path; items are named by their id, else counted from 1."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _flat(value, (*path, str(key)))
    elif isinstance(node, list) and any(isinstance(one, dict) for one in node):
        for n, one in enumerate(node, 1):
            name = one.get("id", one.get("of", n)) if isinstance(one, dict) else n
            yield from _flat(one, (*path, str(name)))
    elif isinstance(node, list):
        yield path, ", ".join(" : ".join(one) if isinstance(one, list) else str(one) for one in node)
    else:
        yield path, str(node)


def _where(path: tuple[str, ...]) -> str:
    """Write a path in words: ``commission, band 2, rate``."""
    words: list[str] = []
    for part in path[1:] if path[0] in ("components", "measures") and len(path) > 1 else path:
        if part.isdigit() and words:
            words[-1] = f"{words[-1].removesuffix('s')} {part}"
        else:
            words.append(part.replace("_", " "))
    return ", ".join(words)
