"""Which records an actor sees, as conditions in SQL over current rows.

A record is visible to its owner now and at its date basis (the close of a deal, the day of an order or activity, the
creation of a lead), to the people above either on that day, and by role. A record without an owner takes the visibility
of what it belongs to. Catalogue and organisation records are open to every signed-in user; everything else is closed.
Editing takes the owner of now: who owned a deal when it was won reads it, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from . import context, sqltools
from .access import Actor
from .entities import Entity
from .entities import entity as entity_of

NOBODY = "1 = 0"


@dataclass(frozen=True)
class Scope:
    """How one entity is reached: the person that a row is of, the day that decides, and what it belongs to."""

    person: str = ""
    basis: str = ""  # close, at, created, or the name of a date field; empty: only today counts
    parents: tuple[tuple[str, str], ...] = ()  # (field, entity)
    inherit: str = "unowned"  # unowned: only rows without a person take their parents' visibility; always
    open: bool = False


OPEN = Scope(open=True)
_OPEN_TO_ALL = """
    business_unit calendar holiday working_time person employment reporting_line team team_member
    absence person_skill territory territory_assignment territory_member campaign product price_book
    price stock_level pipeline stage exchange_rate benchmark
""".split()  # noqa: SIM905
SCOPES: dict[str, Scope] = {
    **dict.fromkeys(_OPEN_TO_ALL, OPEN),
    "account": Scope("owner"),
    "contact": Scope("owner", parents=(("account", "account"),)),
    "lead": Scope("owner", "created"),
    "consent": Scope(parents=(("contact", "contact"), ("lead", "lead"))),
    "campaign_member": Scope(parents=(("contact", "contact"), ("lead", "lead"))),
    "opportunity": Scope("owner", "close"),
    "opportunity_line": Scope(parents=(("opportunity", "opportunity"),)),
    "opportunity_split": Scope("person", parents=(("opportunity", "opportunity"),), inherit="always"),
    "opportunity_contact": Scope(parents=(("opportunity", "opportunity"),)),
    "stage_event": Scope("person", "at", parents=(("opportunity", "opportunity"),), inherit="always"),
    "activity": Scope(
        "owner",
        "at",
        parents=(("opportunity", "opportunity"), ("lead", "lead"), ("account", "account"), ("contact", "contact")),
    ),
    "engagement_event": Scope(parents=(("contact", "contact"), ("lead", "lead"), ("account", "account"))),
    "time_report": Scope("person", "at"),
    "order": Scope("owner", "ordered_on", parents=(("opportunity", "opportunity"), ("account", "account"))),
    "order_line": Scope(parents=(("order", "order"),)),
    "invoice": Scope(parents=(("order", "order"), ("account", "account"))),
    "invoice_line": Scope(parents=(("invoice", "invoice"),)),
    "payment": Scope(parents=(("invoice", "invoice"), ("account", "account"))),
    "subscription": Scope(parents=(("account", "account"),)),
    "cost": Scope("person", "at"),
    "target": Scope("person", "starts_on"),
    "forecast_call": Scope("person", "at"),
}


# People


def below_sql(person: int) -> str:
    """The body of the recursive table `below`: everybody below a person and when, the person themselves always.

    Columns person, day_from, day_to (exclusive).
    """
    first, last = sqltools.day(sqltools.FIRST_DAY), sqltools.day(sqltools.LAST_DAY)
    start, end = f"COALESCE(l.valid_from, {first})", f"COALESCE(l.valid_to, {last})"
    low = f"CASE WHEN {start} > b.day_from THEN {start} ELSE b.day_from END"
    high = f"CASE WHEN {end} < b.day_to THEN {end} ELSE b.day_to END"
    return (
        "below(person, day_from, day_to) AS ("
        f"SELECT CAST({int(person)} AS BIGINT), {first}, {last} UNION SELECT l.person, {low}, {high} "
        "FROM below b JOIN records_reportingline l ON l.manager = b.person "
        f"WHERE COALESCE(l.kind, 'line') = 'line' AND l.recorded_to IS NULL AND NOT l.deleted AND l.{sqltools.LIVE} "
        f"AND {start} < b.day_to AND b.day_from < {end} AND {start} < {end})"
    )


def people_below(actor: Actor) -> list[tuple[int, date, date]]:
    """(person, from, to) of everybody below the actor, themselves included; `to` is exclusive. For other rooms."""
    if actor.person is None:
        return []
    found = sqltools.rows(
        f"WITH RECURSIVE {below_sql(actor.person)} SELECT person, day_from, day_to FROM below ORDER BY 1, 2, 3"
    )
    return [(int(person), _date(start), _date(end)) for person, start, end in found]


def visible_people(actor: Actor, day: date | None = None) -> set[int]:
    """The people whose records the actor sees by the reporting line of a day (default today), themselves included."""
    day = day or context.today()
    return {person for person, start, end in people_below(actor) if start <= day < end}


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


# Records


def visible_sql(actor: Actor, entity: Entity, alias: str, *, now_only: bool = False) -> str:
    """The condition under which the actor sees the row `alias` of an entity ('' when all are visible).

    `now_only` leaves the date basis out: what the actor may edit.
    """
    if actor.sees_all:
        return ""
    scope = SCOPES.get(entity.name)
    if scope is None or not actor.roles:
        return NOBODY
    if scope.open:
        return ""
    if actor.person is None:
        return NOBODY
    tables: dict[str, str] = {}
    _add_seen(tables, entity, now_only)
    day = sqltools.day(context.today())
    people = f"now_below(person) AS (SELECT person FROM below WHERE day_from <= {day} AND {day} < day_to)"
    named = [below_sql(actor.person), people, *tables.values()]
    return f"{alias}.{_key(entity)} IN (WITH RECURSIVE {', '.join(named)} SELECT key FROM seen_{entity.name})"


def visible_filter(actor: Actor, entity: Entity, *, now_only: bool = False) -> Any:
    """The same condition as a Django `Q` over the entity's model."""
    from django.db.models import Q
    from django.db.models.expressions import RawSQL

    condition = visible_sql(actor, entity, "v", now_only=now_only)
    if not condition:
        return Q()
    sqltools.prepare()
    key = _key(entity)
    return Q(**{f"{key}__in": RawSQL(f"SELECT v.{key} FROM {entity.table} v WHERE {condition}", ())})


def may_see(actor: Actor, entity: Entity, record: int, *, now_only: bool = False) -> bool:
    """Say whether the actor sees a record (`now_only`: may change it)."""
    condition = visible_sql(actor, entity, "v", now_only=now_only)
    sql = f"SELECT 1 FROM {entity.table} v WHERE v.id = {int(record)}"
    return bool(sqltools.rows(sql + (f" AND ({condition})" if condition else "") + " LIMIT 1"))


def visible_ids(actor: Actor, entity: Entity, records: Iterable[int]) -> set[int]:
    """Those of the given records that the actor sees."""
    condition = visible_sql(actor, entity, "v")
    sql = f"SELECT v.id FROM {entity.table} v WHERE v.id IN ({sqltools.ids(records)})"
    return {row[0] for row in sqltools.rows(sql + (f" AND ({condition})" if condition else ""))}


def _key(entity: Entity) -> str:
    return "id" if entity.shape == "versioned" else "row"


def _add_seen(tables: dict[str, str], entity: Entity, now_only: bool) -> None:
    """Add the named table `seen_<entity>` of visible keys, and before it those that it takes its sight from."""
    if entity.name in tables:
        return
    scope = SCOPES[entity.name]
    parents = [(name, target) for name, target in scope.parents if not SCOPES[target].open]
    needed = [target for _, target in parents] + (["opportunity"] if entity.name == "account" else [])
    for target in needed:
        _add_seen(tables, entity_of(target), now_only)
    ways = _own(entity, scope, now_only) + _inherited(entity, scope, parents)
    key = _key(entity)
    tables[entity.name] = f"seen_{entity.name}(key) AS (SELECT v.{key} FROM {entity.table} v WHERE {' OR '.join(ways)})"


def _own(entity: Entity, scope: Scope, now_only: bool) -> list[str]:
    """Rows whose person is the actor or somebody below: now, or at their date basis on that day."""
    if not scope.person:
        return []
    ways = [f"v.{scope.person} IN (SELECT person FROM now_below)"]
    if scope.basis and not now_only:
        who, day, source = _basis(entity, scope)
        ways.append(
            f"v.{_key(entity)} IN (SELECT q.key FROM (SELECT t.{_key(entity)} AS key, {who} AS person, {day} AS day "
            f"FROM {source}) q JOIN below b ON b.person = q.person AND b.day_from <= q.day AND q.day < b.day_to)"
        )
    return ways


def _inherited(entity: Entity, scope: Scope, parents: list[tuple[str, str]]) -> list[str]:
    unowned = "" if not scope.person or scope.inherit == "always" else f"v.{scope.person} IS NULL AND "
    if entity.name == "activity":
        unowned = "(v.owner IS NULL OR v.visibility = 'all') AND "
    found = [f'({unowned}v."{name}" IN (SELECT key FROM seen_{target}))' for name, target in parents]
    if entity.name == "account":  # a customer that nobody owns is known to those who sell to it
        deals = "SELECT o.account FROM records_opportunity o JOIN seen_opportunity s ON s.key = o.id"
        found.append(f"(v.owner IS NULL AND v.id IN ({deals}))")
    if entity.name == "target":
        found.append(_team_targets())
    return found


def _team_targets() -> str:
    """A team's target is seen by its members of today and the people above them."""
    day = sqltools.day(context.today())
    return (
        "(v.person IS NULL AND v.team IN (SELECT m.team FROM records_teammember m "
        "JOIN now_below b ON b.person = m.person "
        f"WHERE m.recorded_to IS NULL AND NOT m.deleted AND m.{sqltools.LIVE} "
        f"AND COALESCE(m.valid_from, {day}) <= {day} AND (m.valid_to IS NULL OR m.valid_to > {day})))"
    )


def _basis(entity: Entity, scope: Scope) -> tuple[str, str, str]:
    """(person, day, source) in SQL of an entity's date basis."""
    if entity.shape != "versioned":
        return f"t.{scope.person}", sqltools.day_of("t.at"), f"{entity.table} t"
    if scope.basis == "close":
        closed = _latest(entity, "t.id", "stage", None, "y.effective")
        source = f"{entity.table} t JOIN records_stage s ON s.id = t.stage AND s.kind IN ('won', 'lost')"
        day = f"COALESCE(t.actual_close, {sqltools.day_of(f'({closed})')})"
    elif scope.basis == "created":
        source, day = f"{entity.table} t", sqltools.day_of("t.created")
    else:
        source, day = f"{entity.table} t", f"t.{scope.basis}"
    inner = f"(SELECT t.*, {day} AS basis_day FROM {source}) t"
    owner = _latest(entity, "t.id", scope.person, sqltools.end_of_day("t.basis_day"), "")
    return f"COALESCE(({owner}), t.{scope.person})", "t.basis_day", f"{inner} WHERE t.basis_day IS NOT NULL"


def _latest(entity: Entity, record: str, field: str, before: str | None, column: str) -> str:
    """The value (or another column) of the deciding change of one field, as of an instant."""
    said = sqltools.asserted("y", field)
    until = f" AND y.effective < {before}" if before else ""
    value = column or f"CAST(NULLIF({said}, {sqltools.null_mark()}) AS BIGINT)"
    return (
        f"SELECT {value} FROM records_change y WHERE y.entity = {entity.code} AND y.record = {record} "
        f"AND y.{sqltools.LIVE} AND {said} IS NOT NULL{until} ORDER BY {sqltools.order('y')} LIMIT 1"
    )
