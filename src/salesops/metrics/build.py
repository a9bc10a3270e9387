"""Builds the one SQL statement that answers a question: a scan per fact, then one join of small results.

WITH period, period_day           the periods asked for
     r0 (sums of fact A), r1 (sums of fact B), q0 (a median), ...   by period and dimension
     k                            every period and dimension value that any of them has
SELECT k.*, values FROM k LEFT JOIN r0 ... LEFT JOIN labels
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlglot import exp

from salesops.common.instants import end_of_day

from .clocks import zone_shift
from .defined.columns import AMOUNT, Beside, amount
from .definitions import Asked, Part
from .dimensions import FANNED, Dimensions, Resolved, labels
from .facts import Fact, fact
from .fanout import ANNUAL, by_days, by_product
from .filters import Filter
from .pieces import QUANTILES, Group, grouped, kaplan_meier, missing, own, when
from .request import BEGINNING, Request, closed_before, widened
from .scope import visible
from .session import Actor, currencies_of
from .sql import UNIT, bind, expand, literal, parse, prune, sql_of, subquery
from .texts import layout, texts

OWN_TABLES = ("period", "period_day", "past_period", "zone_shift")
"""Tables that a question makes itself (`Builder.tables`)."""


class Builder:
    """Builds statements for one request of one actor.

    `window`: days before the period's end over which it counts (`over`). `slots`: days, the reader and the period's name are left
    open in the SQL (`texts`), not written into it.
    """

    def __init__(self, session: Any, actor: Actor, request: Request, window: str = "", slots: bool = False) -> None:
        self.session, self.actor, self.request = session, actor, request
        self.window, self.slots = window, slots
        self.many = len(request.cells) > 1
        self._dimensions: dict[str, Dimensions] = {}
        self._resolved: dict[tuple[str, str], Resolved] = {}

    # Facts --------------------------------------------------------------------------------------------------------------

    def dimensions(self, one: Fact) -> Dimensions:
        if one.name not in self._dimensions:
            self._dimensions[one.name] = Dimensions(self.session, one, self.request.unit)
        return self._dimensions[one.name]

    def resolved(self, one: Fact, names: Iterable[str] | None = None) -> list[Resolved]:
        found = []
        for name in self.request.by if names is None else names:
            key = (one.name, name)
            if key not in self._resolved:
                self._resolved[key] = self.dimensions(one).resolve(name)
            found.append(self._resolved[key])
        return found

    @cached_property
    def units(self) -> tuple[str, ...]:
        """The asked currency, then the others that quotas are in: an attainment is worked in one of them."""
        asked, found = self.request.currency, currencies_of(self.session, "target") or frozenset()
        return (asked, *sorted(found - {asked})) if self.request.convert else (asked,)

    @cached_property
    def worked(self) -> tuple[str, ...]:
        """Those of `units` that attainments of this question are worked in, asked of the quotas beforehand: each costs a copy of all."""
        if len(self.units) == 1:
            return self.units
        text = self.text(
            "units", lambda one: exp.select("u.unit").distinct().from_(one.quota_units().subquery("u", copy=False))
        )
        found = {row["unit"] for row in self.session.query(text).to_pylist()}
        return tuple(unit for unit in self.units if unit in found or unit == self.request.currency)

    def source(self, one: Fact, columns: Iterable[str], units: Sequence[str] = ()) -> exp.Select:
        """The fact with these columns only, macros expanded, parameters bound, the period worked in; its amounts in the
        currencies `units` (default: the asked one), of several each record once in each, which its column `unit` names."""
        wanted = set(columns)
        tree = one.select()
        _in_units(tree, units or self.units[:1])
        for name in sorted(wanted - set(one.columns)):
            if name.startswith(AMOUNT):
                own_amount = self._amount(one, tree, name)
                tree = tree.select(exp.alias_(own_amount, exp.to_identifier(name, quoted=True), copy=False), copy=False)
            elif name in self.dimensions(one).attributes:
                named = exp.alias_(self._attribute(one, name), exp.to_identifier(name, quoted=True), copy=False)
                tree = tree.select(named, copy=False)
        for table in list(tree.find_all(exp.Table)):
            if table.name.startswith(("fact_", "each_")):
                each, _, name = table.name.partition("_")
                parent = table.find_ancestor(exp.Select)
                assert parent is not None
                used = {column.name for column in parent.find_all(exp.Column) if column.table == table.alias}
                body = self.source(fact(name), used, self.units if each == "each" else units)
                table.replace(exp.alias_(body.subquery(copy=False), table.alias, table=True, copy=False))
        tree = prune(tree, wanted)
        for _ in range(3):  # macros may stand inside the arguments of macros
            expand(tree, self.request.currency, self.request.convert, self.session.manifest.reporting_currency)
        if not self.many:
            _single(tree)
        bound = bind(tree, self._values())
        assert isinstance(bound, exp.Select)
        return bound

    def _amount(self, one: Fact, tree: exp.Select, name: str) -> exp.Expression:
        """An amount of the record that a definition names, in the asked currency."""
        found = amount(tree, self._attribute(one, name.removeprefix(AMOUNT)))
        assert found is not None  # `defined.fields` offers such amounts only where the fact converts
        return found

    def _attribute(self, one: Fact, name: str) -> exp.Expression:
        first, *rest = one.attributes
        if not rest:
            return parse(f'{first}."{name}"')
        return parse(f'CASE WHEN {first}.id IS NULL THEN {rest[0]}."{name}" ELSE {first}."{name}" END')

    def _values(self) -> dict[str, Any]:
        found = self.written
        if self.slots:  # under both names: what another fact is made of is bound already
            found = {
                given: exp.Placeholder(this=name + self.ending)
                for name in found
                for given in (name, name + self.ending)
            }
        more = {"currency": self.request.currency, "reporting": self.session.manifest.reporting_currency}
        return {**found, **more, "overlay": self.request.overlay, "many": self.many}

    def at(self, name: str) -> str:
        """A value of the question in SQL: itself, or a slot for it."""
        return f"${name}{self.ending}" if self.slots else sql_of(self.written[name])

    @property
    def ending(self) -> str:
        """How names of slots and own tables end."""
        return f"_{self.window}" if self.window else ""

    @cached_property
    def written(self) -> dict[str, Any]:
        """What stands in the slots: the days, the reader, and of a single period its name and days."""
        request, cell, person = self.request, self.request.cells[0], self.actor.person
        return {
            "as_of": request.as_of, "as_of_end": end_of_day(request.as_of, self.session.manifest.time_zone),
            "gone_on": BEGINNING if request.each else request.as_of, "first": request.first, "last": request.last,
            "key": cell.key, "start": cell.start, "end": cell.end, "snap": cell.snap, "eve": cell.eve,
            "today": self.session.manifest.today, "me": None if person is None else int(person),
        }  # fmt: skip

    def text(
        self,
        what: Hashable,
        make: Callable[[Builder], exp.Expression],
        *,
        own: bool = False,
        windows: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> str:
        """The SQL of a statement that `make` builds, with the question's own tables; built once for all days and readers (`texts`).

        `what` tells it from others of an equal request. `own`: amounts may be worked in the currencies of quotas (`worked`);
        `windows`: it counts over the windows of the asked metrics, too; `more` are the values of its own placeholders.
        """
        request, ends = self.request, self.ends() if windows else ()
        values = {name + one.ending: value for one in (self, *ends) for name, value in one.written.items()} | dict(
            more or {}
        )
        parts = [part for one in request.asked for part in one.variant.parts.values()]
        if any(
            part.reach is not None for part in parts
        ):  # its days follow from those of the question by a rule of its own
            return _with_tables(self.tables(ends), bind(make(self), values).sql("duckdb"))
        key = (
            what, self.many, request.by, repr(request.where), repr(request.within), tuple((one.unit, repr(one.variant)) for one in request.asked),
            request.currency, request.convert, request.overlay, request.unit.number if request.unit else None,
            self.units, self.worked if own else (), self.session.manifest.reporting_currency, layout(self.session),
            self.actor.sees_all, self.actor.person is None, self.ending,
        )  # fmt: skip

        def made() -> str:
            other = Builder(self.session, self.actor, request, self.window, slots=True)
            if own:
                other.worked = self.worked
            return make(other).sql("duckdb")

        written = {name: sql_of(value) for name, value in values.items()}
        return _with_tables(self.tables(ends), texts.get(key, made).filled(written))

    def ends(self) -> tuple[Builder, ...]:
        """This builder over every window that the asked metrics count over."""
        found = {part.window for one in self.request.asked for part in one.variant.parts.values()}
        return tuple(self.over(window) for window in sorted(found - {""}))

    def tables(self, ends: Iterable[Builder] = ()) -> dict[str, str]:
        """SQL of the tables that the question makes itself, and those of its windows."""
        return {name: sql for one in (self, *ends) for name, sql in one._tables()}

    def rows(
        self,
        one: Fact,
        needs: Iterable[str],
        by: Sequence[str] | None = None,
        *,
        seen: bool = True,
        where: bool = True,
        own: bool = False,
        across: Sequence[str] = (),
    ) -> exp.Select:
        """`SELECT` of nothing yet from the fact `f`, joined and filtered; add columns to it. Keys: `keys`.

        `own`: every record once for each of `units`, its amounts in the currency `f.unit`. `across`: dimensions of the cell
        (of a drill) that do not limit it."""
        resolved = self.resolved(one, by)
        within = {name: value for name, value in (self.request.within or {}).items() if name not in across}
        limits = Filter(self.dimensions(one), *((self.request.where, within) if where else ()))
        scope = visible(self.session, self.actor, one.owned, self.at)
        beside = Beside(self, one, needs)
        plain = set(needs) - set(beside.names)
        columns = {
            *plain,
            "day",
            *limits.columns,
            *beside.columns,
            *(name for each in resolved for name in each.columns),
        }
        if one.times == "snapshot":
            columns.add("period")
        if scope is not None and one.owned:
            columns |= {"owner", "owner_now", "basis"}
        if any(each.joins for each in resolved) or limits.joins:
            columns.add("basis")
        divided = (*FANNED, "team", "manager") if one.spans else FANNED
        fan = sorted(name for name in columns if name in divided and name not in one.columns)
        units = self.worked if own else self.units[:1]
        columns |= {"unit"} if own else set()
        body = beside.over(self._fanned(one, columns, fan, units) if fan else self.source(one, columns, units))
        fact_ = exp.alias_(body.subquery(copy=False), "f", table=True, copy=False)
        select = exp.select().from_(fact_, copy=False)
        taken: set[str] = set()
        for join in [*(join for each in resolved for join in each.joins), *limits.joins]:
            if join.this.alias_or_name not in taken:
                taken.add(join.this.alias_or_name)
                select.append("joins", join.copy())
        if one.times == "day":
            self._in_period(select)
        if limits.condition is not None:
            select = select.where(limits.condition.copy(), copy=False)
        if scope is not None:
            select = select.where(parse(scope if seen else f"NOT ({scope})"), copy=False)
        return select

    def _fanned(self, one: Fact, columns: set[str], fan: list[str], units: Sequence[str]) -> exp.Query:
        if len(fan) > 1:
            from salesops.common.errors import UsageError

            raise UsageError(f"cannot split by {' and '.join(fan)} at once", "Ask for one of them")
        money: list[str] = [name for name in ("value", "prorated") if name in columns]
        if own_amounts := sorted(name[1:] for name in columns if name.startswith(AMOUNT)):
            from salesops.common.errors import UsageError

            raise UsageError(
                f"{', '.join(own_amounts)} cannot be split by {fan[0]}", "Only value is divided: ask without"
            )
        if fan[0] in FANNED:
            inner = self.source(one, (columns - set(FANNED)) | {"id", "basis", "value"}, units)
            if one.name == "annual":
                return by_product(inner, fan[0], columns, False, ANNUAL, self.at("as_of"))
            return by_product(inner, fan[0], columns, one.times == "snapshot")
        inner = self.source(one, (columns - {fan[0]}) | {"id", "owner", "starts_on", "ends_on"}, units)
        return by_days(inner, fan[0], money)

    def _in_period(self, select: exp.Select) -> None:
        if self.many:
            select.append("joins", exp.Join(this=parse_table("period_day", "c"), on=parse("c.day = f.day")))
        select.where(parse(f"f.day >= {self.at('first')} AND f.day <= {self.at('last')}"), copy=False)

    def period_key(self, one: Fact) -> str:
        if not self.many:
            return self.at("key")
        return "c.key" if one.times == "day" else "f.period"

    # The statement ------------------------------------------------------------------------------------------------------

    def statement(self) -> exp.Select:
        """The whole question, with the tables that it makes itself."""
        select, first = self.body(), exp.select("1")
        for name, sql in self.tables(self.ends()).items():
            first = first.with_(name, as_=parse(sql), copy=False)
        own = select.ctes[0].parent
        assert own is not None
        own.set("expressions", [*first.ctes, *own.expressions])
        return select

    def body(self) -> exp.Select:
        """The whole question, without the tables that it makes itself."""
        groups: dict[str, Group] = {}
        ranked: dict[Part, str] = {}
        outputs: list[str] = []
        for number, one in enumerate(self.request.asked):
            outputs += self._outputs(number, one, groups, ranked)
        ctes: list[tuple[str, exp.Expression]] = []
        results = []
        shared: dict[str, dict[str, str]] = {}
        for name in dict.fromkeys(part.fact for part in ranked):  # what is summed and ranked, too, is read once
            needs = set(groups[name].needs) if name in groups else set()
            for part in (one for one in ranked if one.fact == name):
                for text in filter(None, (part.measure, part.where, part.event)):
                    own(text, needs)
            shared[name], listed = self._listed(fact(name), needs)
            ctes.append((f"s_{name}", listed))
        for name, group in groups.items():
            ctes.append((f"r_{name}", self._windowed(group, name in shared)))
            results.append(f"r_{name}")
        owned = {f"r_{name}" for name, group in groups.items() if group.own}
        for part, alias in ranked.items():
            ctes.append((alias, self._ranked(part, list(shared[part.fact]))))
            results.append(alias)
        keys = ["period", *(f"d{n}" for n in range(len(self.request.by)))]
        across = {
            f"r_{name}": group.across for name, group in groups.items() if set(group.across) & set(self.request.by)
        }
        ctes.append(("k", self._keys([one for one in results if one not in across], keys)))
        select = exp.select(*(f"k.{key}" for key in keys)).from_("k")
        if owned:
            ctes.append(("u", self.quota_units()))
        for result in [*(["u"] if owned else []), *results]:
            kept = ["period", *(f"d{n}" for n in self._split(across.get(result, ())))]
            on = [f"{result}.{key} = k.{key}" for key in kept]
            on += [f"{result}.unit = {self._unit()}"] if result in owned else []
            select = select.join(result, on=parse(" AND ".join(on)), join_type="left", copy=False)
        tables = self._labels()
        for n, table in enumerate(tables):
            if table:
                select = select.select(f"l{n}.label AS n{n}", copy=False)
                select = select.join(
                    exp.alias_(labels(table).subquery(copy=False), f"l{n}", table=True, copy=False),
                    on=parse(f"l{n}.id = k.d{n}"),
                    join_type="left",
                    copy=False,
                )
        select = select.select(*(parse(one) for one in outputs), copy=False)
        for alias, tree in ctes:
            select = select.with_(alias, as_=tree, copy=False)
        return select

    def _listed(self, one: Fact, needs: set[str]) -> tuple[dict[str, str], exp.Select]:
        """The keys, and the rows of a fact that count, with these columns of it beside the keys: `period`, `d0`.."""
        keys = self.keys(one)
        select = self.rows(one, needs)
        select = select.select(*(parse(f"{sql} AS {alias}") for alias, sql in keys.items()), copy=False)
        columns = (exp.column(name, table="f", quoted=True) for name in sorted(needs))
        return keys, select.select(*columns, copy=False)

    def _windowed(self, group: Group, shared: bool = False) -> exp.Expression:
        """The sums of a group, over its window."""
        if shared:
            keys = list(self.keys(group.fact))
            aggregates = (parse(f"{sql} AS {alias}") for sql, alias in group.columns.items())
            return exp.select(*keys, *aggregates).from_(f"s_{group.fact.name} AS f").group_by(*keys)
        return apart(self.over(group.window), lambda builder: builder._sums(group))

    def over(self, window: str) -> Builder:
        """A builder of the same question over a window that ends with each period."""
        if not window:
            return self
        return Builder(self.session, self.actor, widened(self.request, window), window, self.slots)

    def _split(self, across: Sequence[str]) -> list[int]:
        """The numbers of the dimensions by which a part is split that is taken across some."""
        return [n for n, name in enumerate(self.request.by) if name not in across]

    def _labels(self) -> list[str]:
        """The table that names each dimension's ids (the same for every fact)."""
        first = next(iter(self.request.asked[0].variant.parts.values()))
        return [one.table for one in self.resolved(fact(first.fact))]

    def periods(self) -> Iterable[tuple[str, exp.Expression]]:
        """The tables that the question itself makes, as trees."""
        return ((name, parse(sql)) for name, sql in self._tables())

    def _tables(self) -> Iterable[tuple[str, str]]:
        """The tables that the question itself makes: its periods, and the time zones of units where a fact needs them."""
        facts, end = self._texts(), self.ending
        if any("past_period" in text for text in facts):
            yield f"past_period{end}", self._past()
        if any("zone_shift" in text for text in facts):
            yield f"zone_shift{end}", zone_shift(self.session, self.request.first, self.request.as_of)
        if not self.many:
            return
        rows = ", ".join(
            f"({', '.join(sql_of(one) for one in (c.key, c.start, c.end, c.snap, c.eve))})" for c in self.request.cells
        )
        columns = 'v.key, v."start", v."end", v.snap, v.eve'
        yield f"period{end}", f'SELECT {columns} FROM (VALUES {rows}) AS v(key, "start", "end", snap, eve)'
        if self._covered():
            yield (
                f"period_day{end}",
                f'SELECT c.day, p.key FROM calendar_day AS c JOIN period{end} AS p ON p."start" <= c.day AND c.day <= p."end"',
            )
        else:
            yield f"period_day{end}", self._days_outside()

    def _texts(self) -> set[str]:
        return {fact(part.fact).text for one in self.request.asked for part in one.variant.parts.values()}

    def _past(self) -> str:
        """The closed periods before each one, the latest first (`n` = 1), and the evening as far into each as the as-of day
        is into the asked one: `at`, in the period or before it."""
        rows = []
        for cell in self.request.cells:
            for n, one in enumerate(closed_before(self.request, cell), 1):
                at = min(one.end, one.start + (self.request.as_of - cell.start))
                rows.append(f"({', '.join(map(sql_of, (cell.key, n, one.start, one.end, at)))})")
        none = f"('', 0, {', '.join([sql_of(BEGINNING)] * 3)})"
        found = f'SELECT v.key, v.n, v."start", v."end", v."at" FROM (VALUES {", ".join(rows) or none}) AS v(key, n, "start", "end", "at")'
        return found + ("" if rows else " WHERE v.n > 0")

    def _covered(self) -> bool:
        cache = self.session.__dict__.setdefault("_metric_columns", {})
        if "calendar" not in cache:
            found = self.session.query("SELECT MIN(day) AS a, MAX(day) AS b FROM calendar_day").to_pylist()[0]
            cache["calendar"] = (found["a"], found["b"])
        first, last = cache["calendar"]
        return first is not None and first <= self.request.first and self.request.last <= last

    def _days_outside(self) -> str:
        """Days as a table where the calendar table does not reach."""
        from datetime import timedelta

        rows = []
        for cell in self.request.cells:
            key = sql_of(cell.key)
            rows += [f"({sql_of(cell.start + timedelta(n))}, {key})" for n in range((cell.end - cell.start).days + 1)]
        return f"SELECT v.day, v.key FROM (VALUES {', '.join(rows)}) AS v(day, key)"

    def _keys(self, results: list[str], keys: list[str]) -> exp.Expression:
        if not self.request.by:
            return parse(
                "SELECT p.key AS period FROM period AS p" if self.many else f"SELECT {self.at('key')} AS period"
            )
        return parse(" UNION ".join(f"SELECT {', '.join(keys)} FROM {result}" for result in results))

    def _outputs(self, number: int, one: Asked, groups: dict[str, Group], ranked: dict[Part, str]) -> list[str]:
        columns: dict[str, str] = {}
        outputs = []
        own = one.variant.own_currency and len(self.units) > 1
        if one.variant.own_currency:
            asked = literal(self.request.currency).sql("duckdb")
            outputs.append(f"{self._unit() if own else asked} AS m{number}__currency")
            outputs.append(f"{'COALESCE(u.several, 0)' if own else '0'} AS m{number}__several")
        for name, part in one.variant.parts.items():
            found = self._columns(part, groups, ranked, own)
            for suffix, sql in found.items():
                columns[name + suffix] = sql
                outputs.append(f"CAST({sql} AS BIGINT) AS m{number}__{name}{suffix}")
        value = self._value(one.variant.value, columns, one.unit.startswith("money"))
        if one.variant.fallback:
            fallback = self._value(one.variant.fallback, columns, one.unit.startswith("money"))
            value = f"CASE WHEN SUM({columns[one.variant.needs]}) OVER (PARTITION BY 1) = 0 THEN {fallback} ELSE {value} END"
        return [f"{value} AS m{number}", *outputs]

    def _columns(self, part: Part, groups: dict[str, Group], ranked: dict[Part, str], own: bool) -> dict[str, str]:
        name = "_".join((part.fact, *(["own"] if own else []), *part.across, *filter(None, (part.window,))))
        group = groups.setdefault(name, Group(fact(part.fact), own, part.across, part.window))
        result = f"r_{name}"
        measure, where, _ = (self._own(group, text) for text in (part.measure, part.where, part.event))
        used = f"COUNT({when(where, measure)})" if where or measure != "1" else "COUNT(*)"
        n = f"COALESCE({result}.{group.add(used)}, 0)"
        found = {}
        if part.how != "sum":
            key = Part(part.fact, part.measure, part.where, part.how, part.event)
            found[""] = f"{ranked.setdefault(key, f'q{len(ranked)}')}.v"
        elif measure == "1":
            found[""] = n
        else:
            total = f"{result}.{group.add(f'SUM({when(where, measure)})')}"
            lost = f"{result}.{group.add(missing(where, measure))}"
            found[""] = f"CASE WHEN {n} = 0 AND COALESCE({lost}, 0) > 0 THEN NULL ELSE COALESCE({total}, 0) END"
        found["__n"] = n
        if part.left_out:
            found["__out"] = f"COALESCE({result}.{group.add(missing(where, measure))}, 0)"
        if part.told_when:
            told = self._own(group, part.told_when)
            condition = f"({where}) AND ({told})" if where else told
            found["__told"] = f"COALESCE({result}.{group.add(f'COUNT({when(condition, measure)})')}, 0)"
        return found

    def _own(self, group: Group, text: str) -> str:
        """A definition's SQL over bare column names, as SQL over the fact `f`."""
        if not text:
            return ""
        return own(text, group.needs)

    def _value(self, text: str, columns: dict[str, str], money: bool) -> str:
        tree = parse(text)
        divides = tree.find(exp.Div) is not None

        def exact(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Column):
                return parse(f"({columns[node.name]})")
            return node

        tree = tree.transform(exact)
        for node in reversed(list(tree.find_all(exp.Div))):  # the inner ones first
            node.set("expression", exp.Nullif(this=exp.paren(node.expression), expression=exp.Literal.number(0)))
            node.set("this", exp.cast(exp.paren(node.this), "DOUBLE"))
        sql = tree.sql("duckdb")
        if not divides:
            return f"CAST({sql} AS BIGINT)"
        return f"({sql}) / 10000" if money else sql

    def _sums(self, group: Group) -> exp.Expression:
        select = self.rows(
            group.fact,
            group.needs,
            [self.request.by[n] for n in self._split(group.across)],
            own=group.own,
            across=group.across,
        )
        keys = self.keys(group.fact, group.across) | ({"unit": "f.unit"} if group.own else {})
        select = select.select(*(parse(f"{sql} AS {alias}") for alias, sql in keys.items()), copy=False)
        select = select.select(*(parse(f"{sql} AS {alias}") for sql, alias in group.columns.items()), copy=False)
        return grouped(select, keys)

    def quota_units(self) -> exp.Select:
        """By period and dimensions, the currency that an attainment is worked in: the one of all its quotas, else the asked
        one; `several` is 1 where there are several."""
        one = fact("quota")
        keys = self.keys(one)
        select = self.rows(one, {"quota_currency"})
        select = select.select(*(parse(f"{sql} AS {alias}") for alias, sql in keys.items()), copy=False)
        least, most = "MIN(f.quota_currency)", "MAX(f.quota_currency)"
        asked = literal(self.request.currency).sql("duckdb")
        select = select.select(
            parse(f"CASE WHEN {least} = {most} THEN {least} ELSE {asked} END AS unit"),
            parse(f"CASE WHEN {least} = {most} THEN 0 ELSE 1 END AS several"),
        )
        return grouped(select, keys)

    def _unit(self) -> str:
        return f"COALESCE(u.unit, {literal(self.request.currency).sql('duckdb')})"

    def keys(self, one: Fact, across: Sequence[str] = ()) -> dict[str, str]:
        """The SQL of period and dimension keys on a fact, by alias; none for dimensions which it is taken across."""
        found = {"period": self.period_key(one)}
        found |= {f"d{n}": self.resolved(one, [self.request.by[n]])[0].keyed for n in self._split(across)}
        return found

    def _ranked(self, part: Part, keys: Sequence[str]) -> exp.Expression:
        """A quantile or a survival time by key, from the listed rows of its fact."""
        needs: set[str] = set()
        measure, where, event = (own(text, needs) if text else "" for text in (part.measure, part.where, part.event))
        select = exp.select(*keys, f"{measure} AS x").from_(f"s_{part.fact} AS f")
        select = select.where(parse(f"NOT ({measure}) IS NULL"), copy=False)
        if where:
            select = select.where(parse(where), copy=False)
        names = ", ".join(keys)
        if part.how in QUANTILES:
            share, of = QUANTILES[part.how]
            inner = (
                exp.select("*")
                .from_(select.subquery("x0", copy=False), copy=False)
                .select(
                    parse(f"ROW_NUMBER() OVER (PARTITION BY {names} ORDER BY x) AS place"),
                    parse(f"COUNT(*) OVER (PARTITION BY {names}) AS size"),
                )
            )
            return (
                exp.select(*keys, parse(f"MAX(CASE WHEN place = (size * {share} + {of - 1}) // {of} THEN x END) AS v"))
                .from_(inner.subquery("x1", copy=False), copy=False)
                .group_by(*keys)
            )
        select = select.select(parse(f"CASE WHEN {event} THEN 1 ELSE 0 END AS e"))
        return kaplan_meier(select, list(keys), part.how)


def apart(builder: Builder, make: Callable[[Builder], exp.Expression]) -> exp.Expression:
    """What a builder over a window makes: its own tables have names that end as its `ending`."""
    tree = make(builder)
    if builder.ending:
        for table in tree.find_all(exp.Table):
            if table.name in OWN_TABLES and not table.db:
                table.set("this", exp.to_identifier(table.name + builder.ending))
    return tree


def _with_tables(tables: Mapping[str, str], sql: str) -> str:
    """A statement with more tables before its own."""
    if not tables:
        return sql
    more = ", ".join(f"{name} AS ({text})" for name, text in tables.items())
    return f"WITH {more}, {sql[5:]}" if sql.startswith("WITH ") else f"WITH {more} {sql}"


def _in_units(tree: exp.Expression, units: Sequence[str]) -> None:
    """The table `unit` of a fact: of one currency a constant, of several a row each."""
    rows = ", ".join(f"({sql_of(unit)})" for unit in units)
    for select in list(tree.find_all(exp.Select)):
        for join in select.args.get("joins") or []:
            if join.alias_or_name != UNIT:
                continue
            if len(units) > 1:
                join.set("this", subquery(f"SELECT v.unit FROM (VALUES {rows}) AS v(unit)", UNIT))
            else:
                select.set("joins", [other for other in select.args["joins"] if other is not join])
    if len(units) == 1:
        for column in [one for one in tree.find_all(exp.Column) if one.table == UNIT]:
            own = literal(units[0])
            column.replace(exp.alias_(own, column.name) if isinstance(column.parent, exp.Select) else own)


def _single(tree: exp.Expression) -> None:
    """Work one period into a fact: the join of `period` becomes conditions on constants, which scans can use."""
    for select in list(tree.find_all(exp.Select)):
        joins = select.args.get("joins") or []
        for join in joins:
            if join.this.name != "period":
                continue
            select.set("joins", [other for other in joins if other is not join])
            select.where(join.args["on"], copy=False)
    for column in list(tree.find_all(exp.Column)):
        if column.table == "p":
            column.replace(exp.Placeholder(this=column.name))


def parse_table(name: str, alias: str) -> Any:
    """A table under an alias."""
    return exp.alias_(exp.to_table(name), alias, table=True)
