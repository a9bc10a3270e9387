"""The dimensions that an answer can be split and filtered by, each resolved as of the record's date basis.

A dimension of a closed deal is that of its close day, of an open one that of the as-of day, of a cohort that of creation.
On every day exactly one team, manager or territory counts for a person or account (the row with the lowest id).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.common.periods import UnitCalendar

from .facts import Fact
from .session import custom_columns
from .sql import FOREVER, NO_ID, NONE, left_join, parse, primary

REFS = {
    "owner": "person",
    "manager": "person",
    "account": "account",
    "campaign": "campaign",
    "pipeline": "pipeline",
    "stage": "stage",
    "business_unit": "business_unit",
    "territory": "territory",
    "team": "team",
    "product": "product",
}
PLAIN = ("source", "type", "loss_reason", "competitor", "currency", "category", "status", "persona", "utm_source",
         "utm_medium", "utm_campaign", "activity", "kind", "role")  # fmt: skip
DERIVED = ("segment", "region", "industry", "country", "product_line")
FANNED = ("product", "product_line")
GRAINS = ("week", "month", "quarter", "year")
TITLES = {
    "forecast_category": "forecast category: closed when won, omitted when lost, else the deal's own, else its stage's, else pipeline",
    "type": "deal type",
    "owner": "rep (the owner)",
    "region": "region: the deal's, else its owner's, else the account's",
}


@dataclass(frozen=True)
class Resolved:
    """A dimension on one fact: the SQL of its key and label-free joins; `table` names where labels of ids come from."""

    name: str
    key: str
    table: str = ""
    columns: frozenset[str] = frozenset()
    joins: tuple[exp.Join, ...] = field(default=(), compare=False)

    @property
    def keyed(self) -> str:
        """The key that never is null: what belongs to nobody is a group of its own."""
        return f"COALESCE({self.key}, {NO_ID if self.table else repr(NONE)})"


class Dimensions:
    """Resolves dimensions on one fact of one session."""

    def __init__(self, session: Any, fact: Fact, unit: UnitCalendar | None = None) -> None:
        self.session, self.fact, self.unit = session, fact, unit
        self.attributes: Mapping[str, str] = {}
        if fact.attributes:
            self.attributes = custom_columns(session, fact.record or fact.entity)

    def has(self, column: str) -> bool:
        """Whether the fact has, or can take from its record, this column."""
        return column in self.fact.columns or column in self.attributes

    def resolve(self, name: str) -> Resolved:
        """The dimension of this name; raises UsageError with the known ones."""
        found = self._resolve(name)
        if found is None:
            raise UsageError(
                f"{self.fact.title} cannot be split by {name!r}",
                f"Dimensions: {', '.join(self.known())}; custom.<name>, owner.<field>, account.<field>",
            )
        return found

    def known(self) -> list[str]:
        """Names of the dimensions that this fact can be split by."""
        names = [
            *REFS,
            *PLAIN,
            *DERIVED,
            "forecast_category",
            *(f"{event}_{grain}" for event in ("created", "closed") for grain in GRAINS),
        ]
        return [name for name in names if self._resolve(name) is not None]

    def _resolve(self, name: str) -> Resolved | None:
        if "." in name:
            return self._dotted(name)
        if name in ("team", "manager") and name not in self.fact.columns:
            return self._by_owner(name)
        if name in FANNED:
            return self._product(name)
        if name == "region":
            return self._first_of(name, ("own", "owner", "account"))
        if name in ("segment", "industry", "country"):
            return self._first_of(name, ("own", "account"))
        if name == "territory":
            return self._territory()
        if name == "forecast_category":
            return self._forecast_category()
        event, _, grain = name.partition("_")
        if event in ("created", "closed", "expected") and grain in GRAINS:
            return self._calendar(name, {"expected": "expected_close"}.get(event, f"{event}_on"), grain)
        if name not in REFS and name not in PLAIN:
            return None
        if not self.has(name):
            return None
        return Resolved(name, f"f.{name}", REFS.get(name, ""), frozenset({name}))

    def _dotted(self, name: str) -> Resolved | None:
        head, _, tail = name.partition(".")
        if head == "custom":
            column = f"custom_{tail}"
            if column not in self.attributes:
                return None
            return Resolved(name, _text(f'f."{column}"', self.attributes[column]), "", frozenset({column}))
        table = REFS.get(head, head)
        column = tail.replace("custom.", "custom_", 1)
        if not self.has(head) or head not in REFS or column not in custom_columns(self.session, table):
            return None
        kind = custom_columns(self.session, table)[column]
        return Resolved(name, _text(f'd_{head}."{column}"', kind), "", frozenset({head}), (self._versions(head),))

    def _forecast_category(self) -> Resolved | None:
        """closed when won, omitted when lost; else the deal's own category, else that of its stage, else pipeline."""
        if not (self.has("category") and self.has("stage") and self.fact.entity == "opportunity"):
            return None
        alias = "d_called"
        own = "CASE WHEN f.category = 'closed' THEN 'commit' ELSE f.category END"
        key = (
            f"CASE WHEN {alias}.kind = 'won' THEN 'closed' WHEN {alias}.kind = 'lost' THEN 'omitted' "
            f"ELSE COALESCE({own}, {alias}.category, 'pipeline') END"
        )
        on = f"{alias}.id = f.stage AND {alias}.day_from <= f.basis AND f.basis < {alias}.day_to"
        return Resolved(
            "forecast_category", key, "", frozenset({"category", "stage"}), (left_join("stage", alias, on),)
        )

    def _versions(self, head: str) -> exp.Join:
        """The version of what a reference names, as of the date basis: at most one."""
        alias = f"d_{head}"
        on = f"{alias}.id = f.{head} AND {alias}.day_from <= f.basis AND f.basis < {alias}.day_to"
        return left_join(REFS[head], alias, on)

    def _by_owner(self, name: str) -> Resolved | None:
        if not self.has("owner"):
            return None
        if self.fact.spans:
            return Resolved(name, f"f.{name}", REFS[name], frozenset({name, "owner", "starts_on", "ends_on"}))
        stretches, alias = parse(by_owner(name)), f"d_{name}"
        on = f"{alias}.person = f.owner AND {alias}.day_from <= f.basis AND f.basis < {alias}.day_to"
        return Resolved(name, f"{alias}.{name}", REFS[name], frozenset({"owner"}), (left_join(stretches, alias, on),))

    def _first_of(self, name: str, places: tuple[str, ...]) -> Resolved | None:
        terms, columns, joins = [], set(), []
        for place in places:
            if place == "own" and self.has(name):
                terms.append(f"f.{name}")
                columns.add(name)
            elif place != "own" and self.has(place):
                terms.append(f"d_{place}.{name}")
                columns.add(place)
                joins.append(self._versions(place))
        if not terms:
            return None
        return Resolved(name, f"COALESCE({', '.join([*terms, 'NULL'])})", "", frozenset(columns), tuple(joins))

    def _territory(self) -> Resolved | None:
        if not self.has("account"):
            return None
        own = self.has("territory")
        stretches = parse(primary("territory_assignment", "account", "territory"))
        on = "d_territory.account = f.account AND d_territory.day_from <= f.basis AND f.basis < d_territory.day_to"
        key = "COALESCE(f.territory, d_territory.territory)" if own else "d_territory.territory"
        return Resolved(
            "territory",
            key,
            "territory",
            frozenset({"territory", "account"} if own else {"account"}),
            (left_join(stretches, "d_territory", on),),
        )

    def _calendar(self, name: str, column: str, grain: str) -> Resolved | None:
        if not self.has(column):
            return None
        days: exp.Expression | str = "calendar_day"
        if self.unit is not None:
            days = parse(f"SELECT * FROM unit_calendar_day AS u WHERE u.calendar = {self.unit.number}")
        join = left_join(days, f"d_{name}", f"d_{name}.day = f.{column}")
        return Resolved(name, f"d_{name}.{grain}_key", "", frozenset({column}), (join,))

    def _product(self, name: str) -> Resolved | None:
        own = name in self.fact.columns
        if not own and (self.fact.entity != "opportunity" or not self.fact.attributes):
            return None
        table = "product" if name == "product" else ""
        return Resolved(name, f"f.{name}", table, frozenset({name}))


def by_owner(name: str) -> str:
    """SQL of the disjoint stretches in which a person has one team or one manager: person, day_from, day_to, key."""
    if name == "team":
        return primary("team_member", "person", "team")
    return primary("reporting_line", "person", "manager", "COALESCE(kind, 'line') = 'line'")


def _text(column: str, arrow_type: str) -> str:
    return column if arrow_type in ("string", "large_string") else f"CAST({column} AS VARCHAR)"


def labels(table: str) -> exp.Select:
    """Today's name of every record of a table: (id, label)."""
    tree = parse(f'SELECT id, name AS label FROM "{table}" WHERE day_to = {FOREVER}')
    assert isinstance(tree, exp.Select)
    return tree


def of_metric(session: Any, one: Any) -> list[str]:
    """Names of the dimensions that a metric (`definitions.Asked`) can be split by: those that every fact of its parts has."""
    from .facts import fact

    found: list[str] = []
    for place, name in enumerate(sorted({part.fact for part in one.variant.parts.values()})):
        known = Dimensions(session, fact(name)).known()
        found = known if not place else [each for each in found if each in known]
    return found
