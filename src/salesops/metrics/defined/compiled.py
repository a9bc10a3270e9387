"""Compiles definitions into metrics of the catalogue; every mistake is a value with its place, reason and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from sqlglot import exp

from salesops.common.errors import InvalidData, Problem, SalesopsError
from salesops.common.expressions import Expression, FieldType, Kind, check, parse
from salesops.common.expressions.tree import Arithmetic, Constant, Field, Node, walk

from ..catalogue import asked, metrics
from ..definitions import Additive, Asked, Metric, Part, Reach, Unit, Variant
from ..facts import facts
from ..guide.terms import TERMS
from ..pieces import is_money
from ..request import names as listed
from ..sql import parse as parse_sql
from .columns import REACHED, quoted
from .fields import Counted, Known, countable, fields_of, has_key
from .text import Definition, near
from .units import LITERAL, MEASURES, Measure, added, multiplied, unit_of

CURRENCY: Final = "amounts as the fact converts them, in the asked currency, conditions on amounts too"
WINDOWS: Final = ("year", "quarter", "month")
FLOWS: Final = frozenset({"quota", "team_quota", "lead_converted"})
"""Facts by period that add up over time all the same."""
COUNTED: Final[tuple[Counted, ...]] = ("count", "days", "minutes", "months")


@dataclass
class Compiled:
    """What a set of definitions comes to: the metrics that hold, and what is wrong with the others by name."""

    metrics: dict[str, Metric] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: dict[str, list[Problem]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Term:
    """A numerator or denominator: its part, its unit, and by how many powers of ten its numbers are larger than they mean."""

    part: Part
    measure: Measure
    places: int
    text: str
    title: str


def compile_all(session: Any, definitions: Iterable[Definition]) -> Compiled:
    """Compile a set of definitions, which may use each other; what is used by a broken one is not in doubt, what uses it is."""
    return _Compiler(session, definitions).run()


def taken(name: str) -> str:
    """What already has this name among the metrics that come with the product; empty for nothing."""
    if name in metrics():
        return f"the metric {name} ({metrics()[name].title})"
    if name in TERMS:
        return f"{name}, which is a metric or table by definition"
    try:
        return f"a variant of {asked(name).metric.id}"
    except SalesopsError:
        return ""


class _Compiler:
    def __init__(self, session: Any, definitions: Iterable[Definition]) -> None:
        self.session = session
        self.done = Compiled()
        self.definitions: dict[str, Definition] = {}
        self.path: list[str] = []
        for one in definitions:
            there = self.definitions.get(one.name)
            if what := taken(one.name):
                self._tell(one, "", f"There already is {what}", "Choose another name", own=True)
            elif there is not None:
                self._tell(
                    one, "", f"{one.name} is defined in {there.source}, too", "Choose another name, or remove one"
                )
            else:
                self.definitions[one.name] = one

    def run(self) -> Compiled:
        for name in self.definitions:
            self.metric(name)
        order = [name for name in self.definitions if name in self.done.metrics]
        self.done.metrics = {name: self.done.metrics[name] for name in order}
        return self.done

    def metric(self, name: str) -> Metric | None:
        """The metric of a definition; None where it is broken, which is told once."""
        if name in self.done.metrics or name in self.done.broken:
            return self.done.metrics.get(name)
        one = self.definitions[name]
        self.path.append(name)
        before = len(self.done.problems)
        made = getattr(self, f"_{one.kind}")(one)
        self.path.pop()
        if made is None or len(self.done.problems) > before or name in self.done.broken:
            self.done.broken.setdefault(name, self.done.problems[before:])
            return None
        self.done.metrics[name] = made
        return made

    def _tell(self, one: Definition, place: str, problem: str, remedy: str, own: bool = False) -> None:
        found = one.problem(place, problem, remedy)
        self.done.problems.append(found)
        if own:
            self.done.broken.setdefault(one.name, []).append(found)

    # Kinds ----------------------------------------------------------------------------------------------------------------

    def _count(self, one: Definition) -> Metric | None:
        return self._sum(one)

    def _sum(self, one: Definition) -> Metric | None:
        term = self._term(one, "", one.values)
        if term is None:
            return None
        unit = unit_of(term.measure)
        if unit is None or unit == "ratio":
            self._tell(one, "measure", "A share or quotient cannot be added up over records",
                       "Define a ratio with it as the numerator, or sum an amount, count or number of days")  # fmt: skip
            return None
        if (unit := self._unit(one, unit)) is None:
            return None
        flow = facts()[term.part.fact].times == "day" or term.part.fact in FLOWS
        additive: Additive = "additive" if flow else "semi"
        notes = () if flow else ("the state of an evening: never add its periods",)
        variant = Variant("", term.title, term.text, "total", {"total": term.part})
        return self._made(one, unit, variant, additive, notes)

    def _ratio(self, one: Definition) -> Metric | None:
        above = self._term(one, "numerator", one.values["numerator"])
        below = self._term(one, "denominator", one.values["denominator"])
        if above is None or below is None:
            return None
        rule = ""
        n, d = above.part, below.part
        if n.measure != "1" and d.measure == "1" and (n.fact, n.where) == (d.fact, d.where):
            known = f"NOT ({n.measure}) IS NULL"
            below = replace(below, part=replace(d, where=f"({d.where}) AND {known}" if d.where else known))
            rule = "what is unknown is left out of both parts"
        unit = unit_of(multiplied(above.measure, below.measure, divided=True))
        if unit is None:
            self._tell(one, "denominator", f"{_said(above.measure)} divided by {_said(below.measure)} has no unit that can be shown",
                       "Divide amounts by amounts, counts or days, and counts by counts or days")  # fmt: skip
            return None
        if (unit := self._unit(one, unit)) is None:
            return None
        places = above.places - (4 if unit.startswith("money") else 0) - below.places
        top = f"numerator * {10**-places}" if places < 0 else "numerator"
        bottom = f"(denominator * {10**places})" if places > 0 else "denominator"
        parts = {"numerator": above.part, "denominator": below.part}
        variant = Variant(
            "", f"{above.title} / {below.title}", f"({above.text}) / ({below.text})", f"{top} / {bottom}", parts, rule
        )
        return self._made(one, unit, variant, "none")

    def _conversion(self, one: Definition) -> Metric | None:
        start, end = one.values["from"], one.values["to"]
        entry, goal = self._term(one, "from", start), self._term(one, "to", end)
        keys = [self._key(one, side) for side in ("from", "to")]
        if entry is None or goal is None or None in keys:
            return None
        bad = [side for side in ("from", "to") if not _dated(one.values[side]["fact"])]
        for side in bad:
            name = one.values[side]["fact"]
            self._tell(one, f"{side}.fact", f"{name} ({facts()[name].title}) is a state and has no days of its own",
                       f"Use one with days: {', '.join(filter(_dated, countable()))}")  # fmt: skip
        if bad:
            return None
        within = int(one.values["within"])
        reach = Reach(goal.part.fact, goal.part.where, str(keys[0]), str(keys[1]), within)
        column = quoted(REACHED + reach.id)
        where = " AND ".join(filter(None, (entry.part.where and f"({entry.part.where})", f"{column} = 1")))
        parts = {
            "reached": replace(entry.part, where=where, reach=reach),
            "entries": entry.part,
        }
        text = f"{entry.text} that reach {goal.text} within {within} days / {entry.text}"
        rule = (
            f"reached on the day of the entry or at most {within} days later, as of D; by the day of the entry, so the latest ones "
            "may still get there; who sees the entry sees whether it got there"
        )
        variant = Variant("", f"within {within} days", text, "reached / entries", parts, rule)
        return self._made(one, "ratio", variant, "none")

    def _cumulative(self, one: Definition) -> Metric | None:
        base = self._operand(one, "of", str(one.values["of"]))
        window = str(one.values.get("window", "year")).strip().lower()
        days = window.removesuffix("days").removesuffix("day").strip()
        if window not in WINDOWS and not (days.isdigit() and 1 <= int(days) <= 36_500):
            self._tell(
                one,
                "window",
                f"There is no window {window!r}",
                f"Use {', '.join(WINDOWS)} or a number of days: 365 days",
            )
            return None
        if base is None:
            return None
        parts = base.variant.parts
        for part in parts.values():
            known = facts()[part.fact]
            if part.how != "sum" or part.window or not (_dated(part.fact) or part.fact in FLOWS):
                why = (
                    "has a window already"
                    if part.window
                    else f"is made of {known.title}, which do not add up over time"
                )
                self._tell(
                    one,
                    "of",
                    f"{base.name} {why if part.how == 'sum' else 'is a quantile'}",
                    "Accumulate a sum or a ratio of sums",
                )
                return None
        if base.variant.fallback:
            self._tell(one, "of", f"{base.name} has a fallback", "Accumulate a metric that has none")
            return None
        span = window if window in WINDOWS else days
        shown = f"fiscal {span}" if span in WINDOWS else f"last {span} days"
        wide = {name: replace(part, window=span) for name, part in parts.items()}
        variant = replace(
            base.variant, name="", title=f"{base.variant.title}, {shown} to date", formula=f"{base.variant.formula}, {shown} to date",
            parts=wide, unit=None,
            rule="; ".join(filter(None, (base.variant.rule, f"from the start of the {shown} in which the period ends to its end"
                                  if span in WINDOWS else f"over the {span} days that end with the period"))),
        )  # fmt: skip
        if (unit := self._unit(one, base.unit)) is None:
            return None
        notes = ("a running total: never add its periods",)
        return self._made(
            one, unit, variant, "semi" if base.metric.additive == "additive" else "none", notes, base.metric
        )

    def _derived(self, one: Definition) -> Metric | None:
        text = str(one.values["formula"])
        names = {name: self._shape(name) for name in (*_catalogue_names(), *self.definitions)}
        used: dict[str, Asked] = {}
        schema = {name: FieldType(_LANGUAGE.get(unit, "count")) for name, unit in names.items() if unit}
        schema |= {
            name: FieldType("count") for name, unit in names.items() if not unit
        }  # broken, or in a circle: told below
        if problems := check(text, schema, None, one.source):
            for each in problems:
                said = each.problem.replace("There is no field", "There is no metric")
                self._tell(one, f"formula, {each.field}", said, each.remedy.replace("Known fields", "Metrics"))
            return None
        node = parse(text, schema).node
        if not node.type.numeric or any(not isinstance(part, (Arithmetic, Constant, Field)) for part in walk(node)):
            self._tell(
                one, "formula", f"A formula of metrics gives a number, but this is {node.type}", "Use + - * / only"
            )
            return None
        for part in walk(node):
            if isinstance(part, Field) and part.name not in used:
                found = self._operand(one, "formula", part.name)
                if found is None:
                    return None
                used[part.name] = found
        if not used:
            self._tell(one, "formula", "The formula names no metric", "Write for example bookings / created_deals")
            return None
        return self._combined(one, text, node, used)

    def _combined(self, one: Definition, text: str, node: Node, used: Mapping[str, Asked]) -> Metric | None:
        parts: dict[str, Part] = {}
        values: dict[str, str] = {}
        fallbacks: dict[str, str] = {}
        for number, (name, each) in enumerate(used.items(), 1):
            prefix = f"{name.replace('.', '_')}_" if len(used) > 1 else ""
            if any(f"{prefix}{part}" in parts for part in each.variant.parts):
                prefix = f"m{number}_"
            parts |= {f"{prefix}{part}": made for part, made in each.variant.parts.items()}
            values[name] = _renamed(each.variant.value, each.variant.parts, prefix)
            if each.variant.fallback:
                fallbacks[name] = _renamed(each.variant.fallback, each.variant.parts, prefix)
                needs = prefix + each.variant.needs
        if len(fallbacks) > 1:
            self._tell(
                one, "formula", f"{' and '.join(fallbacks)} each have a fallback", "Name a variant of one of them"
            )
            return None
        own = any(each.variant.own_currency for each in used.values())
        try:
            sql, measure = _formula(node, values, used)
        except InvalidData as error:
            self._tell(one, f"formula, {error.problems[0].field}", error.problems[0].problem, error.problems[0].remedy)
            return None
        unit = unit_of(measure)
        if unit is None:
            self._tell(one, "formula", f"{_said(measure)} has no unit that can be shown",
                       "Divide amounts by amounts, counts or days, and counts by counts or days")  # fmt: skip
            return None
        if own and (unit.startswith("money") or any(part.how != "sum" for part in parts.values())):
            self._tell(one, "formula", "Attainment is worked in the quota's currency, other amounts in the asked one",
                       "Use ratios and sums only beside it")  # fmt: skip
            return None
        if (unit := self._unit(one, unit)) is None:
            return None
        more: dict[str, Any] = {}
        if fallbacks:
            name = next(iter(fallbacks))
            fallback, _ = _formula(node, {**values, **fallbacks}, used)
            more = {"fallback": fallback, "needs": needs, "fallback_note": used[name].variant.fallback_note}
        rules = dict.fromkeys(f"{name}: {each.variant.rule}" for name, each in used.items() if each.variant.rule)
        variant = Variant(
            "", "of other metrics", text, sql, parts, "; ".join(rules),
            overlay=any(each.variant.overlay for each in used.values()), own_currency=own, **more,
        )  # fmt: skip
        adds = {each.metric.additive for each in used.values()}
        plain = all(not isinstance(each, Arithmetic) or each.operator in "+-" for each in walk(node))
        additive: Additive = (
            ("additive" if adds == {"additive"} else "semi") if plain and "none" not in adds else "none"
        )
        notes = (
            tuple(dict.fromkeys(note for each in used.values() for note in each.metric.notes))
            if additive == "semi"
            else ()
        )
        return self._made(one, unit, variant, additive, notes)

    # Pieces ---------------------------------------------------------------------------------------------------------------

    def _term(self, one: Definition, place: str, values: Mapping[str, Any]) -> _Term | None:
        """A fact, what is added up of it (default: its records) and where."""
        at = f"{place}." if place else ""
        name = str(values["fact"])
        if name not in countable():
            self._tell(one, f"{at}fact", f"There is no fact {name!r}", near(name, countable()))
            return None
        known = fields_of(self.session, name)
        where, measure = self._condition(one, f"{at}where", name, values.get("where")), values.get("measure")
        title = facts()[name].title
        text = f"{title} where {values['where']}" if values.get("where") else title
        if measure is None:
            return None if where is None else _Term(Part(name, where=where), Measure(), 0, f"number of {text}", title)
        expression = self._parsed(one, f"{at}measure", str(measure), known, None)
        if expression is None or where is None:
            return None
        kind: str = expression.type.kind
        whole = kind == "number" and _whole(expression.node)
        kind = "count" if whole else kind
        if kind not in ("money", "count", "rate", "number"):
            self._tell(
                one,
                f"{at}measure",
                f"{expression.type} cannot be added up",
                "Name an amount, a count or a number of days",
            )
            return None
        unit: Unit = _counted(expression.node, known) if kind == "count" else "money" if kind == "money" else "ratio"
        literal = not expression.fields
        if literal:
            self._tell(
                one, f"{at}measure", "The measure names no field", "Leave it out to count records, or name a field"
            )
            return None
        sql = expression.sql(lambda field_: parse_sql(known[field_].sql)).sql("duckdb")
        sql = f"({sql}) // {10**expression.scale}" if whole else sql
        part = Part(name, sql, where, left_out=f"{measure} is unknown", money=kind == "money")
        return _Term(
            part, MEASURES[unit], 0 if whole else expression.scale, f"sum of {measure} over {text}", str(measure)
        )

    def _condition(self, one: Definition, place: str, fact: str, text: Any) -> str | None:
        if text is None:
            return ""
        known = fields_of(self.session, fact)
        expression = self._parsed(one, place, str(text), known, "bool")
        if expression is None:
            return None
        return expression.sql(lambda name: parse_sql(known[name].sql)).sql("duckdb")

    def _parsed(
        self, one: Definition, place: str, text: str, known: Mapping[str, Known], expect: Kind | None
    ) -> Expression | None:
        schema = {name: each.type for name, each in known.items()}
        problems = check(text, schema, expect, one.source)
        for each in problems:
            remedy = each.remedy
            if "product" in each.problem and "no field" in each.problem:
                remedy = "A product divides a deal: ask the metric by product, or where product = ..."
            self._tell(one, f"{place}, {each.field}", each.problem, remedy)
        return None if problems else parse(text, schema, expect, one.source)

    def _key(self, one: Definition, side: str) -> str | None:
        """The column by which an entry and what it reaches are matched."""
        start, end = str(one.values["from"].get("fact")), str(one.values["to"].get("fact"))
        if start not in countable() or end not in countable():
            return None
        given = one.values[side].get("key")
        if given is None:
            both = (facts()[start].entity, facts()[end].entity)
            if both[0] == both[1]:
                return "id"
            if both == ("lead", "opportunity"):
                return "converted_opportunity" if side == "from" else "id"
            self._tell(one, f"{side}.key", f"{facts()[start].title} and {facts()[end].title} are other records",
                       'Say by what they are matched: key = "account" on both sides')  # fmt: skip
            return None
        here = facts()[one.values[side]["fact"]]
        if not has_key(self.session, here, str(given)):
            keys = [name for name in ("id", "account", "owner", "opportunity", "lead", "contact", "campaign", "converted_opportunity")
                    if has_key(self.session, here, name)]  # fmt: skip
            self._tell(one, f"{side}.key", f"{here.title} have no {given!r}", near(str(given), keys))
            return None
        return str(given)

    def _operand(self, one: Definition, place: str, name: str) -> Asked | None:
        """Another metric that this one is made of: one of the catalogue, or of another definition."""
        if name in self.path:
            circle = " -> ".join([*self.path[self.path.index(name) :], name])
            self._tell(
                one, place, f"The definition goes in a circle: {circle}", "Break it: define one of them over facts"
            )
            return None
        if name in self.definitions:
            made = self.metric(name)
            if made is None:
                if name in self.done.broken or name in self.path:
                    self._tell(
                        one, place, f"{name} cannot be used: its own definition has mistakes", f"Mend {name} first"
                    )
                return None
            return Asked(made, made.variants[0])
        try:
            found = asked(name)
        except SalesopsError as error:
            known = (*_catalogue_names(), *self.definitions)
            self._tell(one, place, error.message[0].upper() + error.message[1:], near(name, known, error.remedy))
            return None
        return found

    def _shape(self, name: str) -> Unit | None:
        """The unit of a metric; None for a definition that is broken or under way."""
        if name in self.definitions:
            if name in self.path:
                return None
            made = self.metric(name)
            return None if made is None else made.unit
        return asked(name).unit

    def _unit(self, one: Definition, found: Unit) -> Unit | None:
        """The unit, as it is declared where that is a choice: what a count counts."""
        declared = one.values.get("unit")
        if declared is None or declared == found:
            return found
        if found == "count" and declared in COUNTED:
            unit: Unit = declared
            return unit
        remedy = f"Use {', '.join(COUNTED)}, or leave it out" if found == "count" else f"Write {found}, or leave it out"
        self._tell(one, "unit", f"The unit is {found.replace('_', ' ')}, not {declared}", remedy)
        return None

    def _made(
        self,
        one: Definition,
        unit: Unit,
        variant: Variant,
        additive: Additive,
        notes: tuple[str, ...] = (),
        base: Metric | None = None,
    ) -> Metric:
        bases = dict.fromkeys(facts()[part.fact].basis for part in variant.parts.values())
        money = any(is_money(part) for part in variant.parts.values())
        title = str(one.values.get("title") or one.name.replace("_", " ").capitalize())
        question = str(one.values.get("question") or f"{title}: {variant.formula}")
        rule = base.currency_rule if base is not None else CURRENCY if money else "none"
        said = {name: str(one.values.get(name, "")).strip() for name in ("owner", "watch_for")}
        return Metric(
            one.name, title, question, unit, one.better, "; ".join(bases), (variant,), currency_rule=rule, additive=additive,
            notes=notes, reads_with=self._read_with(one), **said,
        )  # fmt: skip

    def _read_with(self, one: Definition) -> tuple[str, ...]:
        """What is to be read together with a metric; each must be one."""
        found = listed(str(one.values.get("read_with", "")))
        for name in found:
            if name not in self.definitions:
                try:
                    asked(name)
                except SalesopsError:
                    known = (*_catalogue_names(), *self.definitions)
                    self._tell(
                        one,
                        "read_with",
                        f"There is no metric {name!r}",
                        near(name, known, "Name metrics, separated by commas"),
                    )
        return found


_LANGUAGE: Final[Mapping[Unit, Any]] = {"money": "money", "money_per_day": "money", "ratio": "rate"}
"""Units as the language of formulas has them; all others are counts there, and told apart by `units`."""


def _catalogue_names() -> list[str]:
    """What a formula may name: metrics, and variants after a dot."""
    found = []
    for one in metrics().values():
        for variant in one.variants:
            found.append(f"{one.id}.{variant.name}" if variant.name else one.id)
    return found


def _dated(name: str) -> bool:
    return facts()[name].times == "day" and not facts()[name].ahead


def _counted(node: Node, known: Mapping[str, Known]) -> Unit:
    """What a count counts: days between dates, days, minutes or months where all its fields do, else things."""
    units = set()
    for each in walk(node):
        if isinstance(each, Field) and each.type.kind == "date":
            units.add("days")
        elif isinstance(each, Field):
            units.add(known[each.name].unit)
    return units.pop() if len(units) == 1 else "count"  # type: ignore[return-value]


def _whole(node: Node) -> bool:
    """Whether a plain number is whole whatever the record: made of counts and whole numbers without a division."""
    for each in walk(node):
        if isinstance(each, Arithmetic) and each.operator == "/":
            return False
        if isinstance(each, Field) and each.type.kind not in ("count", "date"):
            return False
        if (
            isinstance(each, Constant)
            and isinstance(each.value, Decimal)
            and each.value != each.value.to_integral_value()
        ):
            return False
    return True


def _said(one: Measure) -> str:
    unit = unit_of(one)
    return unit.replace("_", " ") if unit else " x ".join(f"{name}^{power}" for name, power in one.powers)


def _renamed(text: str, parts: Mapping[str, Part], prefix: str) -> str:
    """A formula over parts, with other names for them."""

    def other(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and node.name.removesuffix("__n") in parts:
            return exp.column(prefix + node.name)
        return node

    return parse_sql(text).transform(other).sql("duckdb")


def _formula(node: Node, values: Mapping[str, str], used: Mapping[str, Asked]) -> tuple[str, Measure]:
    """The SQL of a formula over the parts of its metrics, and its unit; amounts stay in 10^-4 on the way.

    Raises InvalidData with the place where units do not go together.
    """
    if isinstance(node, Field):
        return f"({values[node.name]})", MEASURES[used[node.name].unit]
    if isinstance(node, Constant):
        number = node.value
        assert isinstance(number, Decimal)
        places = max(0, -int(number.as_tuple().exponent))
        whole = int(number.scaleb(places))
        return (f"({whole} / {10**places})" if places else f"({whole})"), LITERAL
    assert isinstance(node, Arithmetic)
    (left, one), (right, other) = _formula(node.left, values, used), _formula(node.right, values, used)
    if node.operator in "*/":
        divided = node.operator == "/"
        if not divided and not (_quotient(left) or _quotient(right)):
            left, right = f"CAST({left} AS HUGEINT)", f"CAST({right} AS HUGEINT)"
        return f"({left} {node.operator} {right})", multiplied(one, other, divided)
    negation = node.operator == "-" and isinstance(node.left, Constant) and node.left.value == 0
    found = other if negation else added(one, other)
    if found is None:
        verb = "added to" if node.operator == "+" else "subtracted from"
        what = "a plain number" if other.literal else _said(other)
        whom = "a plain number" if one.literal else _said(one)
        problem = Problem(
            "formula", None, f"character {node.at + 1}", f"{what} cannot be {verb} {whom}", "Use values of one unit"
        )
        raise InvalidData(problem.problem, problem.remedy, [problem])
    return f"({left} {node.operator} {right})", found


def _quotient(text: str) -> bool:
    return parse_sql(text).find(exp.Div) is not None
