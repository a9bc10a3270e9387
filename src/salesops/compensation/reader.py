"""Reads plans from YAML and writes them back: typed, with every mistake placed, order and comments kept.

Scalars are read as text and given their meaning by the field that they stand in, so no number ever is a float. An
unknown key is an error that names the nearest known one. ``edited`` writes a changed plan into the original document
and touches only what changed.
"""

from __future__ import annotations

import io
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import VersionedResolver

from salesops.common.errors import InvalidData, Problem
from salesops.common.expressions import Schema
from salesops.common.money import CURRENCIES, minor_digits
from salesops.compensation import shapes
from salesops.compensation.checks import problems_of
from salesops.compensation.counts import to_units
from salesops.compensation.plan import KINDS, SECTIONS, Component, Days, Duration, Gate, OfTarget, Per, Plan, Point

MAX_SIZE: Final = 400_000
MAX_NODES: Final = 20_000
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Document:
    """A plan with the text that it was read from."""

    plan: Plan
    text: str
    source: str


def read(text: str, source: str = "plan", schema: Schema | None = None) -> Document:
    """Read a plan; raise InvalidData with every problem if it cannot be used. ``schema`` adds fields of expressions."""
    plan, problems = _parse(text, source, schema)
    if plan is None or problems:
        summary = problems[0] if len(problems) == 1 else f"The plan has {len(problems)} problems"
        raise InvalidData(str(summary), "" if len(problems) == 1 else "Mend each of them", problems)
    return Document(plan, text, source)


def check(text: str, source: str = "plan", schema: Schema | None = None) -> list[Problem]:
    """Give every problem of a plan's text, none if it can be read."""
    return _parse(text, source, schema)[1]


def write(plan: Plan) -> str:
    """Write a plan as YAML in its canonical order and form, without what is left at its default."""
    return _dump(_commented(shapes.plain(plan)))


def edited(document: Document, plan: Plan) -> str:
    """Write a changed plan into its document: what did not change keeps its text, order and comments."""
    tree = _load(document.text, document.source)
    _merge(tree, shapes.plain(document.plan), shapes.plain(plan))
    return _dump(tree)


# YAML -----------------------------------------------------------------------------------------------------------------


class _TextOnly(VersionedResolver):
    """Takes every scalar for text: no float, no date, no ``no`` that becomes false."""

    @property
    def versioned_resolver(self) -> dict[str, Any]:
        return {}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver = _TextOnly
    yaml.width = 100_000  # a long line stays one
    yaml.preserve_quotes = True
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(text: str, source: str) -> CommentedMap:
    if len(text) > MAX_SIZE:
        raise InvalidData(f"{source} has more than {MAX_SIZE:,} characters", "A plan is a short text: split it")
    try:
        tree = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        row = None if mark is None else mark.line + 1
        remedy = "Check indentation, brackets and quotes; put a formula that holds brackets, colons or # in quotes"
        raise InvalidData(
            f"{source} is not YAML: {error.problem}",
            remedy,
            [Problem(source, row, None, f"not YAML: {error.problem}", remedy)],
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidData(f"{source} is not YAML: {str(error).splitlines()[0]}", "Check the text") from None
    if not isinstance(tree, CommentedMap):
        raise InvalidData(f"{source} holds no plan", "Begin with: plan: name-of-the-plan")
    return tree


def _dump(tree: Any) -> str:
    out = io.StringIO()
    _yaml().dump(tree, out)
    return out.getvalue()


def _commented(plain: Any) -> Any:
    """Give a plain tree as one that is written: short mappings and lists of scalars on one line."""
    if isinstance(plain, dict):
        found = CommentedMap((key, _commented(value)) for key, value in plain.items())
        if _short(plain):
            found.fa.set_flow_style()
        return found
    if isinstance(plain, list):
        listed = CommentedSeq(_commented(value) for value in plain)
        if all(isinstance(one, str) for one in plain) or all(isinstance(one, list) for one in plain):
            listed.fa.set_flow_style()
        return listed
    return plain


def _short(plain: Mapping[str, Any]) -> bool:
    return (
        len(str(dict(plain))) < 90
        and not any(isinstance(value, dict) for value in plain.values())
        and "id" not in plain
        and "plan" not in plain
    )


def _merge(tree: Any, old: Any, new: Any) -> None:
    """Change a document's mapping in place where the plan changed."""
    for key in [key for key in old if key not in new]:
        tree.pop(key, None)
    for key, value in new.items():
        if key in old and old[key] == value:
            continue
        there = tree.get(key)
        if isinstance(there, CommentedMap) and isinstance(value, dict) and isinstance(old.get(key), dict):
            _merge(there, old[key], value)
        elif (
            isinstance(there, CommentedSeq)
            and isinstance(value, list)
            and isinstance(old.get(key), list)
            and len(there) == len(old[key])
        ):
            _merge_list(there, old[key], value)
        else:
            tree[key] = _commented(value)


def _merge_list(tree: CommentedSeq, old: list[Any], new: list[Any]) -> None:
    """Change a document's list in place: items with an id are matched by it, others by their place."""
    names = [one.get("id") if isinstance(one, dict) else None for one in old]
    kept = list(tree)
    items: list[Any] = []
    for n, value in enumerate(new):
        name = value.get("id") if isinstance(value, dict) else None
        at = names.index(name) if name is not None and name in names else n if name is None and n < len(old) else None
        if at is None:
            items.append(_commented(value))
        elif old[at] == value:
            items.append(kept[at])
        elif isinstance(kept[at], CommentedMap) and isinstance(value, dict):
            _merge(kept[at], old[at], value)
            items.append(kept[at])
        else:
            items.append(_commented(value))
    if len(items) == len(tree):
        for n, item in enumerate(items):
            if tree[n] is not item:
                tree[n] = item
    else:
        tree[:] = items


# Typed reading --------------------------------------------------------------------------------------------------------


def _parse(text: str, source: str, schema: Schema | None) -> tuple[Plan | None, list[Problem]]:
    try:
        tree = _load(text, source)
    except InvalidData as error:
        return None, list(error.problems) or [Problem(source, None, None, error.message, error.remedy)]
    reader = _Reader(source)
    plan = reader.plan(tree)
    if plan is None or reader.problems:
        return None, reader.problems
    found = [_placed(problem, reader.lines) for problem in problems_of(plan, source, schema)]
    return plan, [problem for problem in found if problem.severity == "error"]


def _placed(problem: Problem, lines: Mapping[str, int]) -> Problem:
    field = problem.field or ""
    while field and field not in lines:
        field = re.sub(r"(\.[^.\[]*|\[[^\]]*\])$", "", field) if re.search(r"[.\[]", field) else ""
    return replace(problem, row=lines.get(field))


class _Reader:
    """Turns a YAML tree into a plan, collecting problems with their line and path."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}
        self.currency = "USD"
        self.nodes = 0
        self._row = 1

    def plan(self, tree: CommentedMap) -> Plan | None:
        self._places(tree, "", Plan)
        code = str(tree.get("currency", ""))
        if code in CURRENCIES:
            self.currency = code
        elif "currency" in tree:
            self.wrong(
                "currency", f"'{code}' is not a currency code", "Use an ISO 4217 code in capitals, such as EUR or USD"
            )
        found = self.object(Plan, tree, "")
        if not isinstance(found, Plan) or self.problems:
            return None
        try:
            return to_units(found)
        except ValueError as error:
            self.wrong("", f"A figure of a measure that counts: {error}", "Give whole units")
            return None

    def wrong(self, path: str, problem: str, remedy: str, value: object = None) -> None:
        self.problems.append(
            Problem(
                self.source,
                self.lines.get(path, self._row),
                path or None,
                problem,
                remedy,
                None if value is None else str(value),
            )
        )

    # Objects ----------------------------------------------------------------------------------------------------------

    def object(self, cls: type, node: Any, path: str) -> Any:
        """Read a dataclass from a mapping."""
        if cls in _SCALARS:
            return self.scalar(_SCALARS[cls], node, path)
        node = shapes.reshaped(cls, node, self.currency)
        if not isinstance(node, Mapping):
            self.wrong(
                path, f"{_shown(node)} is not a group of settings", "Write keys and values, such as {amount: 100}"
            )
            return None
        self._places(node, path, cls)
        hints = get_type_hints(cls, include_extras=True)
        known = {one.name: one for one in fields(cls)}
        for key in node:
            if key not in known:
                self.unknown(cls, str(key), [name for name in known if name not in _hidden(cls)], path)
        values: dict[str, Any] = {}
        before = len(self.problems)
        for name, one in known.items():
            place = _at(path, shapes.key_of(cls, name))
            if name in node:
                values[name] = self.value(hints[name], node[name], place)
            elif one.default is MISSING and one.default_factory is MISSING:
                self.wrong(path, f"'{name}' is missing", f"Add {name} here")
        return cls(**values) if len(self.problems) == before else None

    def unknown(self, cls: type, key: str, known: list[str], path: str) -> None:
        known = [shapes.key_of(cls, name) for name in known]
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        remedy = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(known)}"
        self.wrong(_at(path, key), f"There is no key '{key}'", remedy)

    def component(self, node: Any, path: str) -> Any:
        """Read a component of the kind that it names."""
        self._places(node, path)
        kind = str(node.get("kind", "")) if isinstance(node, Mapping) else ""
        if kind in KINDS:
            return self.object(KINDS[kind], node, path)
        if kind in SECTIONS:
            self.wrong(
                _at(path, "kind"),
                f"'{kind}' is no component",
                f"Write it as a section of the plan or of a component: {kind}: ...",
            )
        else:
            near = get_close_matches(kind, KINDS, n=1)
            remedy = f"Did you mean '{near[0]}'?" if near else f"Kinds: {', '.join(KINDS)}"
            self.wrong(_at(path, "kind"), f"'{kind}' is no kind of component" if kind else "'kind' is missing", remedy)
        return None

    def _places(self, node: Any, path: str, cls: type = type) -> None:
        if not isinstance(node, (CommentedMap, CommentedSeq)):
            return
        if node.lc.line is not None:
            self.lines.setdefault(path, node.lc.line + 1)
        for key in node if isinstance(node, CommentedMap) else range(len(node)):
            try:
                line = node.lc.key(key)[0] if isinstance(node, CommentedMap) else node.lc.item(key)[0]
            except (KeyError, TypeError, AttributeError):
                continue
            self.lines[_at(path, shapes.key_of(cls, key))] = line + 1

    # Values -----------------------------------------------------------------------------------------------------------

    def value(self, hint: Any, node: Any, path: str) -> Any:
        """Read a value of a type hint."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise InvalidData(f"{self.source} has more than {MAX_NODES:,} values", "A plan is a short text: split it")
        self._row = self.lines.get(path, self._row)
        options = _options(hint)
        if len(options) > 1:
            return self.one_of(options, node, path)
        hint = options[0]
        origin = get_origin(hint)
        if origin is tuple:
            return self.listed(get_args(hint), node, path)
        if origin is Literal:
            return self.choice(get_args(hint), node, path)
        if origin is Annotated:
            return self.scalar(get_args(hint)[1], node, path)
        if hint is Component or (isinstance(hint, type) and issubclass(hint, Component)):
            return self.component(node, path)
        if is_dataclass(hint):
            return self.object(hint, node, path)  # type: ignore[arg-type]
        return self.scalar(getattr(hint, "__name__", str(hint)), node, path)

    def one_of(self, options: list[Any], node: Any, path: str) -> Any:
        """Read the first of several types that fits; components by their kind."""
        if any(isinstance(one, type) and issubclass(one, Component) for one in options):
            return self.component(node, path)
        kept = len(self.problems)
        for n, option in enumerate(options):
            found = self.value(option, node, path)
            if len(self.problems) == kept:
                return found
            if n < len(options) - 1:
                del self.problems[kept:]
        return None

    def listed(self, args: tuple[Any, ...], node: Any, path: str) -> Any:
        if not isinstance(node, (list, tuple)):
            return (self.value(args[0], node, path),)  # one value may stand for a list of one
        self._places(node, path)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(self.value(args[0], one, _item(path, n, one)) for n, one in enumerate(node))
        if len(args) != len(node):
            self.wrong(path, f"{len(args)} values are needed, not {len(node)}", "Give each of them")
            return None
        return tuple(
            self.value(hint, one, f"{path}[{n}]") for n, (hint, one) in enumerate(zip(args, node, strict=True))
        )

    def choice(self, words: tuple[Any, ...], node: Any, path: str) -> Any:
        text = str(node)
        if text in words:
            return text
        shown = [str(word) for word in words if word]
        near = get_close_matches(text, shown, n=1)
        self.wrong(
            path,
            f"{_shown(node)} is not one of {', '.join(shown)}",
            f"Did you mean '{near[0]}'?" if near else "Use one of them",
        )
        return None

    def scalar(self, kind: str, node: Any, path: str) -> Any:
        if isinstance(node, (Mapping, list)) or node is None:
            self.wrong(path, f"{_shown(node)} is not {_WANTED.get(kind, 'a single value')}", "Write one value here")
            return None
        try:
            return _PARSERS[kind](str(node).strip(), self.currency)
        except _Wrong as wrong:
            self.wrong(path, wrong.problem, wrong.remedy, node)
            return None


def _at(path: str, key: object) -> str:
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)


def _item(path: str, n: int, node: Any) -> str:
    """Give the path of an item: by its name where it has one (measures), else by its place."""
    return f"{path}.{node['name']}" if isinstance(node, dict) and "name" in node else f"{path}[{n}]"


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [one for one in get_args(hint) if one is not type(None)]
    return [hint]


def _hidden(cls: type) -> tuple[str, ...]:
    return ()


def _shown(node: Any) -> str:
    if node is None:
        return "An empty value"
    return "A group of settings" if isinstance(node, Mapping) else "A list" if isinstance(node, list) else f"'{node}'"


# Scalars --------------------------------------------------------------------------------------------------------------


class _Wrong(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def number(text: str) -> Decimal:
    """Read a plain number: digits, ``_`` between them, a point."""
    if not re.fullmatch(r"[+-]?(\d[\d_]*)(\.\d[\d_]*)?", text):
        raise _Wrong(f"'{text}' is not a number", "Write for example 1_200.50")
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        raise _Wrong(f"'{text}' is not a number", "Write for example 1_200.50") from None


def cents(text: str, currency: str) -> int:
    """Read money in the plan's currency, as minor units: ``12_000.00`` or ``12_000 USD``."""
    amount, _, code = text.partition(" ")
    if code.strip() and code.strip() != currency:
        raise _Wrong(
            f"'{text}' is in {code.strip()}, but the plan is in {currency}", "Convert it: a plan has one currency"
        )
    if amount.endswith("%"):
        raise _Wrong(f"'{text}' is a share, but money is needed here", "Write an amount, such as 250_000")
    scaled = number(amount).scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise _Wrong(f"'{text}' is finer than the minor unit of {currency}", "Round it")
    return _bounded(int(scaled), text)


def share(text: str, _currency: str) -> int:
    """Read a share or factor as parts per million: ``8%``, ``0.08`` or ``1.136``."""
    part = number(text[:-1].strip()).scaleb(4) if text.endswith("%") else number(text).scaleb(6)
    if part != part.to_integral_value():
        raise _Wrong(f"'{text}' has more than six decimals as a share", "Round it to 0.0001 %")
    return _bounded(int(part), text)


def _bounded(value: int, text: str) -> int:
    if abs(value) > 10**15:
        raise _Wrong(f"'{text}' is far too large", "Check the figure")
    return value


def _int(text: str, _currency: str) -> int:
    value = number(text)
    if value != value.to_integral_value():
        raise _Wrong(f"'{text}' is not a whole number", "Write a whole number")
    return _bounded(int(value), text)


def _bool(text: str, _currency: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise _Wrong(f"'{text}' is neither yes nor no", "Write true or false")
    return text.lower() in ("true", "yes")


def _name(text: str, _currency: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,79}", text):
        raise _Wrong(f"'{text}' is no name", "Use letters, digits, _ and -, beginning with a letter")
    return text


def _text(text: str, _currency: str) -> str:
    if len(text) > 4_000:
        raise _Wrong("The text has more than 4,000 characters", "Shorten it")
    return text


def _date(text: str, _currency: str) -> date:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _Wrong(f"'{text}' is not a day", "Write it as 2026-03-31")


def days(text: str, currency: str) -> Days:
    """Read a range of days, both ends inside: ``2026-01-01 .. 2026-12-31``, or open: ``2026-01-01 ..``."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not dots:
        raise _Wrong(f"'{text}' is not a range of days", "Write it as 2026-01-01 .. 2026-12-31")
    start = _date(first, currency)
    end = _date(last, currency) if last else None
    if end is not None and end < start:
        raise _Wrong(f"'{text}' ends before it starts", "Write the earlier day first")
    return Days(start, None if end is None else end + timedelta(days=1))


def _duration(text: str, currency: str) -> Duration:
    found = re.fullmatch(r"(\d+)\s*(day|month|year)s?", text)
    if found is None or int(found[1]) == 0 or int(found[1]) > 36_500:
        raise _Wrong(f"'{text}' is not a length of time", "Write for example 365 days, 6 months or 5 years")
    return Duration(int(found[1]), f"{found[2]}s")  # type: ignore[arg-type]


def _per(text: str, currency: str) -> Per:
    amount, word, window = (part.strip() for part in text.partition(" per "))
    if not word or window not in ("month", "quarter", "half", "year"):
        raise _Wrong(f"'{text}' is not money for a period", "Write for example 4_000 per month")
    return Per(cents(amount, currency), window)  # type: ignore[arg-type]


def _of_target(text: str, currency: str) -> OfTarget:
    amount, word, of = (part.strip() for part in text.partition(" of "))
    if not word or of not in ("target_incentive", "target"):
        raise _Wrong(
            f"'{text}' is neither money nor a share of target_incentive", "Write 20_000 or 300% of target_incentive"
        )
    return OfTarget(share(amount, currency))


def _point(text: str, currency: str) -> Point:
    if text.endswith("%"):
        return Point(attainment=share(text, currency))
    return Point(amount=cents(text, currency))


def gate(text: str, currency: str) -> Gate:
    """Read a condition on another component or measure: ``revenue.attainment >= 50%``."""
    found = re.fullmatch(r"(?:([A-Za-z][\w-]*)\.)?(attainment|amount|earned|value)\s*(>=|>|<=|<)\s*(\S.*)", text)
    if found is None:
        raise _Wrong(
            f"'{text}' is no condition on a component",
            "Write for example revenue.attainment >= 50% (attainment, amount, earned or value)",
        )
    of, limit = found[2], found[4].strip()
    at = share(limit, currency) if of in ("attainment", "value") else cents(limit, currency)
    return Gate(found[1] or "", of, found[3], at)  # type: ignore[arg-type]


_PARSERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "money": cents, "share": share, "factor": share, "name": _name, "formula": _text, "str": _text, "int": _int, "bool": _bool,
    "date": _date, "days": days, "duration": _duration, "per": _per, "of_target": _of_target, "point": _point, "gate": gate,
}  # fmt: skip
_SCALARS: Final[dict[type, str]] = {
    Days: "days",
    Duration: "duration",
    Per: "per",
    OfTarget: "of_target",
    Point: "point",
    Gate: "gate",
}
_WANTED: Final = {
    "money": "an amount of money", "share": "a share", "factor": "a factor", "name": "a name", "formula": "a formula", "str": "a text",
    "int": "a whole number", "bool": "true or false", "date": "a day", "days": "a range of days", "per": "money for a period",
    "point": "a break-point", "gate": "a condition", "duration": "a length of time",
}  # fmt: skip
