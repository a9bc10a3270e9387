"""Asks the warehouse for data quality: scores of every rule by source system, object and owner, and the lists to fix.

A score is 1 - failing / checked; over several rules, 1 - the sum of failing / the sum of checked. Nothing checked, no
score. People see what they and those below them in the reporting line own; roles that see all records see all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import duckdb
import pyarrow as pa

from salesops.common.errors import NotFound, UsageError
from salesops.spreadsheet import Exported, Table

from .rules import DIMENSIONS, Rule, rule_sql, rules

if TYPE_CHECKING:
    from salesops.records.access import Actor

NONE = "(none)"


class Session(Protocol):
    """What is needed of a warehouse session."""

    @property
    def manifest(self) -> Any: ...

    def query(self, sql: Any) -> pa.Table: ...


class Asker(Protocol):
    """What is needed of the acting user."""

    @property
    def person(self) -> int | None: ...
    @property
    def sees_all(self) -> bool: ...


@dataclass(frozen=True)
class Score:
    """`failing` of `checked` records break a rule; `label` says of what."""

    label: str
    checked: int
    failing: int

    @property
    def score(self) -> float | None:
        return None if self.checked == 0 else 1 - self.failing / self.checked


@dataclass(frozen=True)
class RuleResult:
    """What a rule found, by source system and by owner. `left_out` says why it could not be asked."""

    rule: Rule
    checked: int = 0
    failing: int = 0
    by_system: tuple[Score, ...] = ()
    by_owner: tuple[Score, ...] = ()
    left_out: str = ""

    @property
    def score(self) -> float | None:
        return None if self.checked == 0 else 1 - self.failing / self.checked


@dataclass(frozen=True)
class Freshness:
    """When records of an entity from one source system last changed."""

    system: str
    entity: str
    records: int
    last_change: Any
    days: int | None


@dataclass(frozen=True)
class QualityReport(Exported):
    """All rules asked, in the order of their dimensions, and the freshness of every source."""

    results: tuple[RuleResult, ...]
    freshness: tuple[Freshness, ...] = ()
    owners: dict[str, str] = field(default_factory=dict)

    def table(self) -> Table:
        """A row for every rule that had something to check, as it is written to a file."""
        names = ["rule", "title", "entity", "dimension", "severity", "checked", "to_fix", "score"]
        rows = [
            {
                "rule": r.rule.id, "title": r.rule.title, "entity": r.rule.entity, "dimension": r.rule.dimension,
                "severity": r.rule.severity, "checked": r.checked, "to_fix": r.failing, "score": r.score,
            }
            for r in self.results if r.checked
        ]  # fmt: skip
        about: list[tuple[str, Any]] = [(s.label, s.score) for s in (self.overall, *self.by_dimension) if s.checked]
        about += [("not asked, for want of its records", r.rule.id) for r in self.results if r.left_out]
        told = [{"column": "rule", "rule": r.rule.id, "definition": r.rule.why} for r in self.results if r.checked]
        told += [{"column": "score", "definition": "1 - to_fix / checked"}]
        return Table(
            rows, names, {"checked": "count", "to_fix": "count", "score": "ratio"}, about=about, definitions=told
        )

    def _over(self, label: str, results: Iterable[RuleResult]) -> Score:
        found = list(results)
        return Score(label, sum(r.checked for r in found), sum(r.failing for r in found))

    @property
    def overall(self) -> Score:
        return self._over("all", self.results)

    @property
    def by_entity(self) -> tuple[Score, ...]:
        names = dict.fromkeys(r.rule.entity for r in self.results)
        return tuple(self._over(n, (r for r in self.results if r.rule.entity == n)) for n in names)

    @property
    def by_dimension(self) -> tuple[Score, ...]:
        return tuple(self._over(d, (r for r in self.results if r.rule.dimension == d)) for d in DIMENSIONS)

    @property
    def by_system(self) -> tuple[Score, ...]:
        return _sum(s for r in self.results for s in r.by_system)

    @property
    def by_owner(self) -> tuple[Score, ...]:
        return _sum(s for r in self.results for s in r.by_owner)


@dataclass(frozen=True)
class Issue:
    """One record to fix."""

    rule: str
    entity: str
    id: int
    name: str | None
    owner: int | None
    owner_name: str | None
    system: str | None
    value: str | None
    remedy: str


@dataclass(frozen=True)
class Issues:
    """A page of the list to fix, and how long the whole list is."""

    rule: Rule
    total: int
    rows: tuple[Issue, ...]


def find_rule(name: str) -> Rule:
    """The rule of this id; raises NotFound."""
    found = rules().get(name)
    if found is None:
        raise NotFound(f"there is no quality rule {name!r}", remedy="salesops quality rules shows those that exist")
    return found


def check(session: Session, actor: Asker, entity: str | None = None, rule: str | None = None) -> QualityReport:
    """Ask every rule, those of one entity, or one; raises NotFound for an unknown rule or an entity without rules."""
    _allowed(session, actor)
    chosen = [find_rule(rule)] if rule else [r for r in rules().values() if entity in (None, r.entity)]
    if not chosen:
        known = ", ".join(dict.fromkeys(r.entity for r in rules().values()))
        raise NotFound(f"there are no quality rules for {entity!r}", remedy=f"Entities with rules: {known}")
    owners = _owner_names(session)
    results = tuple(_result(session, actor, one, owners) for one in chosen)
    fresh = () if rule else tuple(f for f in freshness(session) if entity in (None, f.entity))
    return QualityReport(results, fresh if actor.sees_all else ())


def issues(session: Session, actor: Asker, rule: str, limit: int = 50, offset: int = 0) -> Issues:
    """A page of the records that break a rule, by owner and id; raises UsageError for a negative page."""
    if limit < 0 or offset < 0:
        raise UsageError("limit and offset must not be negative", remedy="Start with offset 0")
    _allowed(session, actor)
    one = find_rule(rule)
    scoped = _scoped(session, actor, one)
    try:
        total = session.query(f"SELECT count(*) FILTER (failing) AS n FROM ({scoped})").to_pylist()[0]["n"]
        rows = session.query(
            f"SELECT * FROM ({scoped}) WHERE failing ORDER BY owner NULLS FIRST, id LIMIT {limit} OFFSET {offset}"
        ).to_pylist()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise NotFound(
            f"{one.id} cannot be asked: {_reason(error)}", remedy="Import the records that it is about"
        ) from error
    owners = _owner_names(session)
    return Issues(
        one,
        int(total),
        tuple(
            Issue(
                one.id,
                one.entity,
                r["id"],
                r["name"],
                r["owner"],
                owners.get(r["owner"]),
                r["system"],
                r["value"],
                one.remedy,
            )
            for r in rows
        ),
    )


def freshness(session: Session) -> list[Freshness]:
    """For each source system and entity: records, the day of the last change, and days since then."""
    if not _has(session, "source_system"):
        return []
    today = _today(session)
    parts = [
        f"SELECT s.system, '{name}' AS entity, count(DISTINCT s.id) AS records, "
        f"max(CASE WHEN v.day_from <= {today} THEN v.day_from END) AS last_change "
        f'FROM source_system s JOIN "{name}" v ON v.id = s.id '
        f"WHERE s.entity = '{name}' GROUP BY 1"
        for name in ("opportunity", "account", "contact", "lead", "person", "product", "order")
        if _has(session, name)
    ]
    sql = f"SELECT *, DATE_DIFF('day', last_change, {today}) AS days FROM ({' UNION ALL '.join(parts)}) ORDER BY system, entity"
    return [Freshness(**row) for row in session.query(sql).to_pylist()] if parts else []


def row_errors(actor: Asker, limit: int = 50, offset: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """Rows of live imports that were kept out or let in with a warning: how many, and a page, newest import first."""
    from salesops.records import access
    from salesops.records.models import Batch, RowError

    access.require(cast("Actor", actor), "quality")
    if not actor.sees_all:
        return 0, []
    live = Batch.objects.filter(status=Batch.LIVE).values("pk")
    found = RowError.objects.filter(batch__in=live).order_by("-batch", "pk")
    names = ("batch", "source", "row", "field", "problem", "remedy", "value", "severity")
    return found.count(), list(found[offset : offset + limit].values(*names))


def _allowed(session: Session, actor: Asker) -> None:
    """Raise NotAllowed unless the actor may ask about quality; a session over tables alone has no accounts."""
    from salesops.records import access

    if getattr(session, "workspace", None) is not None:
        access.require(cast("Actor", actor), "quality")


# SQL ------------------------------------------------------------------------------------------------------------------


def _today(session: Session) -> str:
    return f"DATE '{session.manifest.today.isoformat()}'"


def _has(session: Session, table: str) -> bool:
    sql = f"SELECT count(*) AS n FROM (SELECT table_name FROM information_schema.tables WHERE table_name = '{table}')"
    return bool(session.query(sql).to_pylist()[0]["n"])


def _scoped(session: Session, actor: Asker, rule: Rule) -> str:
    """The rule's records that the actor sees, with their source systems."""
    sql = rule_sql(rule, _today(session), session.manifest.reporting_currency)
    system = "NULL::VARCHAR"
    joined = ""
    if _has(session, "source_system"):
        first = "SELECT id, min(system) AS system FROM source_system"
        joined = f"LEFT JOIN ({first} WHERE entity = '{rule.entity}' GROUP BY 1) s ON s.id = q.id"
        system = "s.system"
    where = "TRUE"
    if not actor.sees_all:
        day = _today(session)
        below = f"SELECT person FROM reporting_closure WHERE ancestor = {int(actor.person or 0)}"
        below += f" AND valid_from <= {day} AND {day} < valid_to"
        where = f"(q.owner = {int(actor.person)} OR q.owner IN ({below}))" if actor.person is not None else "FALSE"
    return f"SELECT q.*, {system} AS system FROM ({sql}) q {joined} WHERE {where}"


def _result(session: Session, actor: Asker, rule: Rule, owners: dict[int, str]) -> RuleResult:
    for table in (rule.entity, *rule.needs):
        if not rule.source and not _has(session, table):
            return RuleResult(rule, left_out=f"there is no table {table}")
    sql = (
        f"SELECT system, owner, count(*) AS checked, count(*) FILTER (failing) AS failing "
        f"FROM ({_scoped(session, actor, rule)}) GROUP BY 1, 2"
    )
    try:
        rows = session.query(sql).to_pylist()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        return RuleResult(rule, left_out=_reason(error))
    systems = _sum(Score(r["system"] or NONE, r["checked"], r["failing"]) for r in rows)
    people = _sum(
        Score(owners.get(r["owner"], NONE if r["owner"] is None else str(r["owner"])), r["checked"], r["failing"])
        for r in rows
    )
    return RuleResult(rule, sum(r["checked"] for r in rows), sum(r["failing"] for r in rows), systems, people)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Catalog Error: ").removeprefix("Binder Error: ")


def _owner_names(session: Session) -> dict[int, str]:
    if not _has(session, "person"):
        return {}
    rows = session.query("SELECT id, arg_max(name, day_from) AS name FROM person GROUP BY 1").to_pylist()
    return {r["id"]: r["name"] or str(r["id"]) for r in rows}


def _sum(scores: Iterable[Score]) -> tuple[Score, ...]:
    found: dict[str, tuple[int, int]] = {}
    for one in scores:
        checked, failing = found.get(one.label, (0, 0))
        found[one.label] = (checked + one.checked, failing + one.failing)
    return tuple(Score(label, *counts) for label, counts in sorted(found.items()))
