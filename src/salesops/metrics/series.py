"""Open pipeline over many evenings in one pass: what each version adds at its first evening and takes away after its last.

Gives the same numbers as asking every evening by itself; used where nothing but the deals' own columns is involved (`fits`).
Counts, and amounts in the asked currency, are running totals: no join of versions with evenings. An amount in another currency is
worth something else every evening, deal by deal: deals of one currency and amount are counted together, their number is a
running total too, and each different amount is converted once an evening.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from sqlglot import exp

from .build import Builder
from .definitions import Part
from .pieces import Group
from .request import Request
from .scope import visible
from .session import Actor
from .sql import converted, day, parse

OWN = ("owner", "account", "stage", "pipeline", "type", "source", "campaign", "business_unit")
LEAST = 3


def fits(session: Any, actor: Actor, request: Request) -> bool:
    """Whether the fast way applies."""
    facts = {part.fact for one in request.asked for part in one.variant.parts.values()}
    return (
        facts == {"open_state"}
        and all(_plain(part) for one in request.asked for part in one.variant.parts.values())
        and len(request.cells) >= LEAST
        and not (request.where or request.within)
        and set(request.by) <= set(OWN)
        and visible(session, actor) is None
        and all(a.snap < b.snap for a, b in pairwise(request.cells))
    )


def _plain(part: Part) -> bool:
    """Whether a part is the number or the amount of all open deals: definitions of users may be more."""
    return not part.where and part.measure in ("1", "value") and part.how == "sum"


class SeriesBuilder(Builder):
    """A builder whose sums over the fact `open_state` come from running totals."""

    def _sums(self, group: Group) -> exp.Expression:
        resolved = self.resolved(group.fact)
        by = "".join(f", d{n}" for n in range(len(resolved)))
        keys = "".join(f", {one.keyed.replace('f.', 'o.')} AS d{n}" for n, one in enumerate(resolved))
        snaps = [cell.snap for cell in self.request.cells]
        worth = any("value" in sql for sql in group.columns)
        abroad = worth and self.request.convert
        value = self._value_columns(abroad) if worth else ""
        gone = (
            ""
            if self.request.each
            else f""" AND NOT EXISTS (
            SELECT 1 FROM opportunity AS x WHERE x.id = o.id AND x.deleted
              AND x.day_from <= {day(self.request.as_of)} AND {day(self.request.as_of)} < x.day_to)"""
        )
        start = "CASE WHEN o.created_on > o.day_from THEN o.created_on ELSE o.day_from END"
        versions = f"""
            SELECT {start} AS since, o.day_to AS until{value}{keys}
            FROM opportunity AS o
            WHERE o.status = 'open' AND NOT o.deleted AND o.day_from <= {day(snaps[-1])} AND o.day_to > {day(snaps[0])}
              AND o.created_on <= {day(snaps[-1])} AND o.created_on < o.day_to{gone}
        """
        # By day first, and only then by evening: there are a thousand days, and millions of versions.
        sums = "COUNT(*) AS n, SUM(value) AS s, COUNT(value) AS c" if worth else "COUNT(*) AS n, 0 AS s, 0 AS c"
        moves = f"""
            SELECT {place("since", snaps)} AS i{by}, n, s, c
            FROM (SELECT since{by}, {sums} FROM v GROUP BY since{by}) AS begun
            UNION ALL
            SELECT {place("until", snaps)} AS i{by}, -n AS n, -s AS s, -c AS c
            FROM (SELECT until{by}, {sums} FROM v WHERE until <= {day(snaps[-1])} GROUP BY until{by}) AS ended
        """
        cells = ", ".join(
            f"({n}, {exp.Literal.string(cell.key).sql('duckdb')})" for n, cell in enumerate(self.request.cells)
        )
        same = "".join(f" AND m.d{n} = g.d{n}" for n in range(len(resolved)))
        partition = f"PARTITION BY {by[2:]} " if by else ""
        more = self._abroad(by) if abroad else ""
        also = f" LEFT JOIN y ON y.i = g.i{same.replace('m.', 'y.')}" if abroad else ""
        plus = {"n": "", **dict.fromkeys("sc", " + COALESCE(y.{0}, 0)" if abroad else "")}
        who = f", (SELECT DISTINCT {by[2:]} FROM m) AS w" if by else ""
        what = "".join(f", w.d{n}" for n in range(len(resolved)))
        over = f"OVER ({partition.replace('d', 'g.d')}ORDER BY g.i)"
        running = ", ".join(f"SUM(COALESCE(m.{x}, 0)) {over}{plus[x].format(x)} AS {x}" for x in "nsc")
        grid = f"SELECT t.i, t.key{what} FROM (VALUES {cells}) AS t(i, key){who}"
        own = "".join(f", g.d{n}" for n in range(len(resolved)))
        aggregates = ", ".join(f"{_from(sql)} AS {alias}" for sql, alias in group.columns.items())
        return parse(f"""
            WITH v AS ({versions}), m AS (
                SELECT i{by}, SUM(n) AS n, SUM(s) AS s, SUM(c) AS c FROM ({moves}) AS u GROUP BY i{by}
            ){more}
            SELECT period{by}, {aggregates} FROM (
                SELECT g.key AS period{own}, {running} FROM ({grid}) AS g LEFT JOIN m ON m.i = g.i{same}{also}
            ) AS r WHERE n > 0
        """)

    def _value_columns(self, abroad: bool) -> str:
        if not abroad:
            return ", o.value"
        home = exp.Literal.string(self.request.currency).sql("duckdb")
        return f""", CASE WHEN o.currency = {home} THEN o.value END AS value,
            CASE WHEN o.currency <> {home} THEN o.value END AS other, o.currency"""

    def _abroad(self, by: str) -> str:
        """Common table expressions of the amounts in other currencies; the last one is y: i, s, c by evening and dimension."""
        snaps = [cell.snap for cell in self.request.cells]
        home = exp.Literal.string(self.request.currency).sql("duckdb")
        evenings = ", ".join(f"({n}, {day(snap)})" for n, snap in enumerate(snaps))
        # x0: by how many deals of one amount there are more or fewer from evening i on; x1: how many from i to before j;
        # span: the steps of a stretch of evenings. Equal joins only, and no conversion of an amount that nobody has.
        return f""", x0 AS (
                SELECT currency, other{by}, i, SUM(n) AS n FROM (
                    SELECT currency, other{by}, {place("since", snaps)} AS i, 1 AS n FROM v WHERE NOT other IS NULL
                    UNION ALL
                    SELECT currency, other{by}, {place("until", snaps)} AS i, -1 AS n FROM v
                    WHERE NOT other IS NULL AND until <= {day(snaps[-1])}
                ) AS u GROUP BY currency, other{by}, i HAVING SUM(n) <> 0
            ), x1 AS (
                SELECT currency, other{by}, i, SUM(n) OVER (PARTITION BY currency, other{by} ORDER BY i) AS n,
                       COALESCE(LEAD(i) OVER (PARTITION BY currency, other{by} ORDER BY i), {len(snaps)}) AS j
                FROM x0
            ), evening AS (SELECT t.i, t.snap FROM (VALUES {evenings}) AS t(i, snap)
            ), span AS (SELECT a.i AS size, b.i AS step FROM evening AS a JOIN evening AS b ON b.i < a.i
                UNION ALL SELECT {len(snaps)} AS size, i AS step FROM evening
            ), rate AS (
                SELECT e.i, r.currency, r.rate FROM evening AS e JOIN rate_day AS r
                ON r.day = e.snap AND r.kind = 'spot' AND r.to_currency = {home}
            ), y AS (
                SELECT rate.i{by}, SUM(n * {converted("other", "rate.rate")}) AS s, SUM(n) AS c
                FROM x1 JOIN span ON span.size = x1.j - x1.i
                JOIN rate ON rate.currency = x1.currency AND rate.i = x1.i + span.step
                WHERE x1.n > 0 GROUP BY rate.i{by}
            )"""


def _from(sql: str) -> str:
    """An aggregate over rows, as the running total that stands for it."""
    if sql == "COUNT(*)":
        return "n"
    if sql.startswith("SUM("):
        return "CASE WHEN c > 0 THEN s END"
    return "n - c" if "IS NULL" in sql else "c"


def place(at: str, snaps: Sequence[date]) -> str:
    """SQL of the number of the first evening on or after the day `at`, which is not after the last."""
    gaps = {(b - a).days for a, b in pairwise(snaps[:-1])}
    if len(gaps) == 1:
        gap = gaps.pop()
        inside = f"(DATE_DIFF('day', {day(snaps[0])}, {at}) + {gap - 1}) // {gap}"
        return f"CASE WHEN {at} <= {day(snaps[0])} THEN 0 ELSE {inside} END"
    return _tree(at, snaps, 0, len(snaps) - 1)


def _tree(at: str, snaps: Sequence[date], low: int, high: int) -> str:
    if low == high:
        return str(low)
    middle = (low + high) // 2
    left, right = _tree(at, snaps, low, middle), _tree(at, snaps, middle + 1, high)
    return f"CASE WHEN {at} <= {day(snaps[middle])} THEN {left} ELSE {right} END"
