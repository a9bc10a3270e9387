"""What changed since a day, deal by deal: created, won, lost, reopened, deleted, in and out of scope, amount, stage, close date, owner.

The first group are the bars of the waterfall, one by one, each with its effect on the open pipeline: their sum is the end less
the start. A move of stage, close date or owner is listed beside them; it has no effect of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column, money_column
from salesops.metrics.dimensions import labels
from salesops.metrics.request import names
from salesops.metrics.session import Actor
from salesops.metrics.sql import day, parse

from .queries import _hidden, _understand, _with, days_of
from .versions import versions
from .waterfall import SIGNS, bars

EFFECTS: Final = tuple(bucket for bucket in SIGNS if bucket not in ("start",))
MOVES: Final = ("stage", "close_date", "owner")
KINDS: Final = (*EFFECTS, *MOVES)
_MOVED: Final = {"stage": "stage", "close_date": "expected_close", "owner": "owner"}
_BOTH: Final = """
    SELECT e.id, l.label AS deal, e.day, e.kind, e.was, e.became, e.code, e.effect, e.place, NULL AS n, NULL AS deals
    FROM page AS e LEFT JOIN named AS l ON l.id = e.id
    UNION ALL
    SELECT NULL AS id, NULL AS deal, NULL AS day, t.kind, NULL AS was, NULL AS became, NULL AS code, t.effect, NULL AS place, t.n, t.deals
    FROM summed AS t
"""
"""The page and the sums of all kinds in one statement: the list itself is made once."""


def changes(
    session: Any,
    actor: Actor,
    from_: date | str | None = None,
    to: date | str | None = None,
    *,
    period: str | None = None,
    scope: str = "all_open",
    kinds: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    currency: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Answer:
    """A page of changes from the day `from_` to the day `to` (default: today), by day: deal, kind, was, became, effect in the asked
    currency. `kinds` keeps to some. Notes count them by kind; the effects of all kinds add up to the waterfall's end less its start.

    An amount's was and became are in the deal's own currency.
    """
    wanted = names(kinds)
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise UsageError(f"there is no change {unknown[0]!r}", f"Changes: {', '.join(KINDS)}")
    first, last = days_of(period, from_, to)
    if not period and last is None:
        last = session.as_known_on or session.manifest.today
    asked = _understand(session, first, last, scope, (), where, currency)
    text, slices, _ = versions(session, actor, asked.window, (), asked.where)
    mine = " AND b.mine = 1" if slices.mine else ""
    parts = [*bars(asked.window, slices, text), ("moved", _moved(asked.window, mine)), ("listed", _listed(mine))]
    only = [parse(f"e.kind IN ({', '.join(repr(kind) for kind in wanted)})")] if wanted else []
    body = exp.select("e.*").from_("listed AS e").where(*only)
    page = body.order_by("e.day", "e.id", "e.place", "e.kind", "e.effect").limit(limit).offset(offset)
    sums = exp.select(
        "e.kind", "COUNT(*) AS n", "COUNT(DISTINCT e.id) AS deals", "CAST(SUM(e.effect) AS BIGINT) AS effect"
    )
    summed = sums.from_("listed AS e").group_by("e.kind")
    named = labels("opportunity")
    parts += [(name, tree.sql("duckdb")) for name, tree in (("page", page), ("named", named), ("summed", summed))]
    found = session.query(_with(parse(_BOTH), parts)).to_pylist()
    totals = [row for row in found if row["n"] is not None]
    rows = sorted((row for row in found if row["n"] is None), key=_order)
    labelled = _labels(session, rows)
    kept = [one for one in totals if not wanted or one["kind"] in wanted]
    told = _told(
        sorted(kept, key=lambda one: KINDS.index(one["kind"])), sum(one["effect"] for one in totals), asked.currency
    )
    hidden = _hidden(session, actor, asked) if not actor.sees_all else 0
    if hidden:
        told.append(f"{hidden:,} more, not yours")
    total = sum(one["n"] for one in kept)
    if len(rows) < total:
        told.append(f"changes {offset + 1:,} to {offset + len(rows):,} of {total:,}")
    columns = (
        Column("day", "day", "dimension"), Column("deal", "deal", "dimension"), Column("deal_id", "deal id", "id"),
        Column("change", "change", "dimension"), Column("was", "was", "dimension"), Column("became", "became", "dimension"),
        Column("effect", "effect", "metric", "money"),
    )  # fmt: skip
    table = pa.table(
        {
            "day": pa.array([row["day"] for row in rows], pa.date32()), "deal": pa.array([row["deal"] for row in rows], pa.string()),
            "deal_id": pa.array([row["id"] for row in rows], pa.int64()), "change": pa.array([row["kind"] for row in rows], pa.string()),
            "was": pa.array([one[0] for one in labelled], pa.string()), "became": pa.array([one[1] for one in labelled], pa.string()),
            "effect": money_column(pa.array([row["effect"] for row in rows], pa.int64())),
        }
    )  # fmt: skip
    return Answer(
        rows=table, columns=columns, from_=asked.window.first, to=asked.window.last, as_of=asked.window.last,
        as_known_on=session.as_known_on, generation=session.generation, currency=asked.currency, notes=tuple(told), hidden=hidden,
        empty={} if rows else {"changes": "nothing changed in these days" + (" that fits" if where or wanted else "")},
        total=total,
    )  # fmt: skip


def _listed(mine: str) -> str:
    """Every change: id, day, kind, was, became, code (currency of an amount), effect, place in its day."""
    signs = " ".join(f"WHEN '{bucket}' THEN {sign}" for bucket, sign in SIGNS.items())
    buckets = ", ".join(f"'{bucket}'" for bucket in EFFECTS)
    text = f"""
        SELECT b.id, b.day, b.bucket AS kind,
               CASE WHEN b.bucket IN ('increased', 'decreased') THEN CAST(u.value AS VARCHAR) END AS was,
               CASE WHEN b.bucket IN ('increased', 'decreased') THEN CAST(v.value AS VARCHAR) END AS became,
               v.currency AS code, b.value * CASE b.bucket {signs} END AS effect, 1 AS place
        FROM bar AS b LEFT JOIN w AS v ON v.id = b.id AND v.since = b.day LEFT JOIN w AS u ON u.id = b.id AND u.until = b.day
        WHERE b.bucket IN ({buckets}){mine}
    """
    for kind, column in _MOVED.items():
        text += f"""
        UNION ALL
        SELECT m.id, m.day, '{kind}' AS kind, CAST(m.was_{column} AS VARCHAR) AS was, CAST(m.{column} AS VARCHAR) AS became,
               NULL AS code, 0 AS effect, 2 AS place
        FROM moved AS m WHERE {_differs(f"m.{column}", f"m.was_{column}")}
        """
    return text


def _moved(window: Any, mine: str) -> str:
    """Versions of the window in which the stage, the close date or the owner is another than the evening before, with both."""
    pairs = "".join(f", o.{column} AS {column}, p.{column} AS was_{column}" for column in _MOVED.values())
    differs = " OR ".join(_differs(f"o.{column}", f"p.{column}") for column in _MOVED.values())
    joined = f"JOIN w AS b ON b.id = o.id AND b.since = o.day_from{mine}" if mine else ""
    return f"""
        SELECT o.id, o.day_from AS day{pairs}
        FROM opportunity AS o JOIN opportunity AS p ON p.id = o.id AND p.day_to = o.day_from AND NOT p.deleted {joined}
        WHERE o.day_from >= {day(window.first)} AND o.day_from <= {day(window.last)} AND p.created_on < o.day_from
          AND p.day_to >= {day(window.first)} AND p.day_to <= {day(window.last)} AND NOT o.deleted AND ({differs})
    """


def _differs(now: str, before: str) -> str:
    return (
        f"({now} <> {before} OR ({now} IS NULL AND NOT {before} IS NULL) OR (NOT {now} IS NULL AND {before} IS NULL))"
    )


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["day"], row["id"], row["place"], row["kind"], row["effect"])


def _labels(session: Any, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, str | None]]:
    """Was and became as people read them."""
    known: dict[str, dict[str, str]] = {}
    for kind, table in (("stage", "stage"), ("owner", "person")):
        ids = {row[side] for row in rows if row["kind"] == kind for side in ("was", "became")} - {None}
        found = labels(table).where(parse(f"id IN ({', '.join(sorted(ids))})")) if ids else None
        known[kind] = {} if found is None else {str(r["id"]): r["label"] for r in session.query(found).to_pylist()}

    def shown(row: Mapping[str, Any], side: str) -> str | None:
        value: str | None = row[side]
        if value is None:
            return "(none)" if row["kind"] in MOVES or row["kind"] in ("increased", "decreased") else None
        if row["kind"] in known:
            return known[row["kind"]].get(value) or value
        if row["kind"] in ("increased", "decreased"):
            return f"{Decimal(value).scaleb(-4):,.2f} {row['code'] or ''}".strip()
        return value

    return [(shown(row, "was"), shown(row, "became")) for row in rows]


def _told(totals: Sequence[Mapping[str, Any]], effect: int, currency: str) -> list[str]:
    found = [
        f"{one['kind'].replace('_', ' ')}: {one['n']:,} of {one['deals']:,} deals"
        + (f", {Decimal(one['effect']).scaleb(-4):+,.2f} {currency}" if one["kind"] in EFFECTS else "")
        for one in totals
    ]
    return [*found, f"effects in all {Decimal(effect).scaleb(-4):+,.2f} {currency}: the waterfall's end less its start"]
