"""Reads definitions from TOML: which tables there are, what stands in them, and on which line, so that mistakes have a place."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from salesops.common.errors import Problem

from ..definitions import Better

KINDS: Final = {
    "sum": ("fact", "measure", "where"),
    "count": ("fact", "where"),
    "ratio": ("numerator", "denominator"),
    "cumulative": ("of", "window"),
    "conversion": ("from", "to", "within"),
    "derived": ("formula",),
}
"""What each kind is made of, besides what all of them may say."""
NEEDED: Final = {
    "sum": ("fact", "measure"), "count": ("fact",), "ratio": ("numerator", "denominator"), "cumulative": ("of",),
    "conversion": ("from", "to", "within"), "derived": ("formula",),
}  # fmt: skip
COMMON: Final = ("kind", "title", "question", "better", "unit", "owner", "watch_for", "read_with")
PIECES: Final = {
    "numerator": ("fact", "measure", "where"),
    "denominator": ("fact", "measure", "where"),
    "from": ("fact", "where", "key"),
    "to": ("fact", "where", "key"),
}
BETTER: Final = ("up", "down", "none")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,58}")
MAX_TEXT: Final = 200_000
MAX_WITHIN: Final = 36_500
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_\"'.\- ]+?)\s*=")


@dataclass(frozen=True)
class Definition:
    """One definition as somebody wrote it: `values` of its table, `lines` of its fields, `source` the file or state it is from."""

    name: str
    values: Mapping[str, Any] = field(hash=False)
    source: str
    lines: Mapping[str, int] = field(hash=False)

    @property
    def kind(self) -> str:
        return str(self.values["kind"])

    @property
    def better(self) -> Better:
        found: Better = self.values.get("better", "none")
        return found

    @property
    def digest(self) -> str:
        """A digest of the content: the same words in another order or file are the same definition."""
        text = json.dumps({self.name: self.values}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def problem(self, place: str, problem: str, remedy: str, value: str | None = None) -> Problem:
        """A mistake in a field (dotted) of this definition, with its line."""
        head = place.split(",")[0]
        line = self.lines.get(head) or self.lines.get(head.partition(".")[0]) or self.lines.get("")
        return Problem(self.source, line, f"{self.name}.{place}" if place else self.name, problem, remedy, value)


def read(text: str, source: str) -> tuple[list[Definition], list[Problem]]:
    """The definitions of a text that are whole, and every mistake of form; what they name is checked by `compiled`."""
    if len(text) > MAX_TEXT:
        return [], [Problem(source, None, None, f"The text has more than {MAX_TEXT:,} characters", "Split the file")]
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at.group(1)) if at else len(text.splitlines()) or None
        return [], [Problem(source, line, None, f"This is no TOML: {error}", "Write for example: [my_metric]")]
    lines = places(text)
    found, problems = [], list[Problem]()
    for name, values in tables.items():
        own = {key.partition(".")[2]: line for key, line in lines.items() if key == name or key.startswith(f"{name}.")}
        if not isinstance(values, dict):
            what = f"{name!r} stands outside a definition"
            problems.append(Problem(source, lines.get(name), name, what, "Write it under a line such as [my_metric]"))
            continue
        one = Definition(name, values, source, own)
        wrong = list(_wrong(one))
        problems += wrong
        if not wrong:
            found.append(one)
    return found, problems


def places(text: str) -> dict[str, int]:
    """The line (from 1) of every table and key, dotted: `my_metric`, `my_metric.where`, `my_metric.to.where`."""
    found: dict[str, int] = {}
    table, quoted = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        inside = bool(quoted)
        for mark in ('"""', "'''"):
            if quoted in ("", mark) and line.count(mark) % 2:
                quoted = "" if quoted else mark
        if inside:
            continue
        if header := _HEADER.match(line):
            table = _dotted(header.group(1))
            found.setdefault(table, number)
            found.setdefault(table.partition(".")[0], number)
        elif key := _KEY.match(line):
            found.setdefault(".".join(filter(None, (table, _dotted(key.group(1))))), number)
    return found


def _dotted(text: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in text.split("."))


def near(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy that names what is nearest, else what there is."""
    listed = list(known)
    close = get_close_matches(name, listed, 1, 0.6)
    return f"Did you mean {close[0]}?" if close else otherwise or f"Use {', '.join(listed)}"


def _wrong(one: Definition) -> Iterable[Problem]:
    if not NAME.fullmatch(one.name):
        yield one.problem("", f"{one.name!r} is no name", "Use lower-case letters, digits and underscores")
    kind = one.values.get("kind")
    if kind is None:
        yield one.problem("kind", "The kind is missing", f"Write kind = one of {', '.join(KINDS)}")
        return
    if not isinstance(kind, str) or kind not in KINDS:
        yield one.problem("kind", f"There is no kind {kind!r}", near(str(kind), KINDS), str(kind))
        return
    allowed = (*COMMON, *KINDS[kind])
    for key in one.values:
        if key not in allowed:
            yield one.problem(key, f"A {kind} has no field {key!r}", near(key, allowed))
    for key in NEEDED[kind]:
        if key not in one.values:
            yield one.problem(key, f"A {kind} needs {key!r}", f"Write {key} = ...")
    for key, value in one.values.items():
        if key in PIECES and key in allowed:
            yield from _piece(one, key, value)
        elif key == "within":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_WITHIN:
                yield one.problem(key, f"{value!r} is no number of days", f"Write 0 to {MAX_WITHIN:,}")
        elif key in allowed and (not isinstance(value, str) or not value.strip()):
            yield one.problem(key, f"{key} must be text", f'Write {key} = "..."')
    if (better := one.values.get("better")) is not None and better not in BETTER:
        yield one.problem("better", f"{better!r} is no direction", near(str(better), BETTER))


def _piece(one: Definition, key: str, value: Any) -> Iterable[Problem]:
    if not isinstance(value, dict):
        yield one.problem(key, f"{key} must be a table", f'Write {key} = {{fact = "closed", where = "..."}}')
        return
    for name, text in value.items():
        if name not in PIECES[key]:
            yield one.problem(f"{key}.{name}", f"{key} has no field {name!r}", near(name, PIECES[key]))
        elif not isinstance(text, str) or not text.strip():
            yield one.problem(f"{key}.{name}", f"{name} must be text", f'Write {name} = "..."')
    if "fact" not in value:
        yield one.problem(f"{key}.fact", f"{key} needs a fact", 'Write for example fact = "closed"')
