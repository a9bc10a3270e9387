"""What a workspace keeps of its imports beside the records: mappings by name, and an import's problems put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from salesops.common.errors import NotFound
from salesops.records import access
from salesops.records.access import Actor
from salesops.workspace import Workspace

MOST = 100_000
"""Problems that are read to be grouped."""


def list_mappings(workspace: Workspace, actor: Actor) -> list[dict[str, str]]:
    """The workspace's own mappings, then the ready ones: name, kind (workspace or ready), where its file is."""
    from .ready import ready_mappings

    access.require(actor, "read")
    rows = [{"mapping": name, "kind": "workspace", "where": f"mappings/{name}.toml"} for name in _own(workspace)]
    return rows + [{"mapping": name, "kind": "ready", "where": ""} for name in sorted(ready_mappings())]


def mapping_text(workspace: Workspace, actor: Actor, name: str) -> str:
    """The text of a mapping; the workspace's own come before ready ones of the same name. NotFound for an unknown name."""
    from .mapping import render_mapping
    from .ready import ready_mappings

    access.require(actor, "read")
    wanted = name.removesuffix(".toml")
    if wanted in _own(workspace):
        return (workspace.mappings / f"{wanted}.toml").read_text(encoding="utf-8")
    if wanted not in ready_mappings():
        known = ", ".join(dict.fromkeys([*_own(workspace), *sorted(ready_mappings())]))
        raise NotFound(f"there is no mapping {name!r}", remedy=f"Mappings: {known}")
    return render_mapping(ready_mappings()[wanted])


def _own(workspace: Workspace) -> list[str]:
    return sorted(path.stem for path in workspace.mappings.glob("*.toml"))


def grouped_errors(actor: Actor, batch: int) -> tuple[list[dict[str, Any]], int]:
    """An import's problems, those that are the same but for row and value as one; and how many there are in all."""
    from .imports import row_errors

    rows, total = row_errors(actor, batch, MOST)
    return grouped(rows), total


def grouped(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Problems that are the same but for their row and value, as one each: errors first, then the most frequent.

    >>> one = {"source": "a.csv", "field": "amount", "problem": "is no number", "remedy": "Write 12.50", "severity": "error"}
    >>> [group] = grouped([{**one, "row": n, "value": v} for n, v in ((2, "abc"), (3, "?"), (4, "-"), (9, "x"))])
    >>> group["times"], group["rows"], group["example"]
    (4, '2, 3, 4 ...', 'abc')
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in problems:
        text, value = str(one["problem"]), one.get("value")
        general = text.replace(repr(value), "it").replace(str(value), "it") if value and len(str(value)) > 2 else text
        key = (one["source"], one.get("field"), general, one.get("severity"))
        group = groups.setdefault(
            key,
            {
                "source": one["source"], "field": one.get("field"), "problem": text, "times": 0, "found": set(),
                "example": brief(value) if value is not None else None, "remedy": one.get("remedy"),
                "severity": one.get("severity") or "error",
            },
        )  # fmt: skip
        if one.get("row") is None or one["row"] not in group["found"]:  # two fields read from one cell: told once
            group["times"] += 1
            group["found"] |= {one["row"]} - {None}
    for group in groups.values():
        rows = sorted(group.pop("found"))
        group["rows"] = ", ".join(map(str, rows[:3])) + (" ..." if len(rows) > 3 else "")
        if group["severity"] == "warning":
            group["problem"] = f"warning: {group['problem']}"
    return sorted(groups.values(), key=lambda g: (g["severity"] == "warning", -g["times"]))


def brief(value: Any) -> Any:
    """A value as it is shown in a list: not longer than 30 characters."""
    text = str(value)
    return value if len(text) <= 30 else text[:29] + "…"
