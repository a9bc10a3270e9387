"""Applies components' caps: what of exact pay to date is kept, rounded; what a cap takes is forfeited, lines stay as they are.

``calc.kept``  a row per step: k, cents (earned after the cap), forfeited. Hard and soft caps follow exact pay within their
scope (window, period, year): kept to date is the cap's function of pay to date, rounded half up, and a period earns what
that is more than before. A cap per deal looks at each deal's cents of a period.
"""

from __future__ import annotations

from collections.abc import Iterator

from salesops.compensation.plan import Cap
from salesops.compensation.setwise.work import PPM, Work

LIMIT = {"k": "BIGINT", "c": "INTEGER", "scope": "BIGINT", "num": "HUGEINT", "den": "HUGEINT"}
"""``calc.limit``: of each step of a capped component the limit in minor units, num/den, and the number of its scope."""


PLAN_LIMIT = {"p": "INTEGER", "t": "INTEGER", "num": "HUGEINT", "den": "HUGEINT"}
"""``calc.plan_limit``: where the plan has a cap its limit in minor units, by payee and period."""


def keep(work: Work) -> None:
    """Make ``calc.kept``; needs ``calc.result``, ``calc.paid``, ``calc.limit`` and ``calc.plan_limit``."""
    capped = [(number, one.cap) for number, one in enumerate(work.plan.components) if one.cap is not None]
    parts = [
        "SELECT k, computed AS cents, 0::BIGINT AS forfeited FROM calc.result WHERE k NOT IN (SELECT k FROM calc.limit)"
    ]
    parts += [_by_deal(number, cap) if cap.scope == "deal" else _to_date(number, cap) for number, cap in capped]
    work.make("kept", " UNION ALL ".join(parts))
    if work.plan.cap is not None:
        work.make("kept", _cut(work, work.plan.cap))


def _capped(cap: Cap, num: str, den: str) -> str:
    """SQL of what is kept of num/den, rounded half up."""
    whole = f"calc.half_up({num}, {den})"
    if cap.kind == "soft":
        above = f"calc.half_up(m.num * {den} * {PPM - cap.pay} + {cap.pay}::HUGEINT * {num} * m.den, m.den * {den} * {PPM}::HUGEINT)"
    else:
        above = "calc.half_up(m.num, m.den)"
    return f"CASE WHEN {num} * m.den <= m.num * {den} THEN {whole} ELSE {above} END"


def _to_date(number: int, cap: Cap) -> str:
    return f"""
        SELECT k, CAST(kept - coalesce(lag(kept) OVER scope_{number}, 0) AS BIGINT) AS cents,
            CAST(whole - coalesce(lag(whole) OVER scope_{number}, 0) - (kept - coalesce(lag(kept) OVER scope_{number}, 0)) AS BIGINT) AS forfeited
        FROM (SELECT r.k, r.p, r.t, m.scope, {_capped(cap, "r.num", "r.den")} AS kept, calc.half_up(r.num, r.den) AS whole
              FROM ({_spent(number, cap)}) r JOIN calc.limit m USING (k))
        WINDOW scope_{number} AS (PARTITION BY p, scope ORDER BY t)"""


def _cut(work: Work, cap: Cap) -> str:
    """SQL of results after the plan's cap: what all components earn above it is taken in proportion, by largest remainder.

    Components below zero, and awards in kind, neither count nor give; ties go to the smaller id.
    """
    ids = sorted(range(len(work.plan.components)), key=lambda n: work.plan.components[n].id)
    place = " ".join(f"WHEN {number} THEN {n}" for n, number in enumerate(ids))
    awards = ", ".join(str(number) for number, one in enumerate(work.plan.components) if one.award) or "-1"
    kept = _capped(cap, "m.total", "1::HUGEINT")
    if work.plan.rounding.mode == "half_even":
        kept = kept.replace("calc.half_up", "calc.half_even")
    return f"""
        WITH sums AS (
            SELECT s.p, s.t, CAST(sum(greatest(c.cents, 0)) AS HUGEINT) AS total FROM calc.kept c JOIN calc.step s USING (k)
            WHERE s.c NOT IN ({awards}) GROUP BY s.p, s.t),
        over AS (SELECT m.p, m.t, m.total, m.total - ({kept}) AS over FROM (SELECT * FROM sums JOIN calc.plan_limit USING (p, t)) m),
        part AS (
            SELECT c.k, o.over, o.over * greatest(c.cents, 0) // o.total AS part, o.over * greatest(c.cents, 0) % o.total AS rest, s.p, s.t,
                CASE s.c {place} END AS place
            FROM calc.kept c JOIN calc.step s USING (k) JOIN over o ON o.p = s.p AND o.t = s.t WHERE o.over > 0 AND s.c NOT IN ({awards})),
        cut AS (
            SELECT k, part + CASE WHEN row_number() OVER (PARTITION BY p, t ORDER BY rest DESC, place) <= over - sum(part) OVER (PARTITION BY p, t)
                THEN 1 ELSE 0 END AS cut FROM part)
        SELECT k, CAST(c.cents - coalesce(x.cut, 0) AS BIGINT) AS cents, CAST(c.forfeited + coalesce(x.cut, 0) AS BIGINT) AS forfeited
        FROM calc.kept c LEFT JOIN cut x USING (k)"""


def _spent(number: int, cap: Cap) -> str:
    """SQL of exact pay to date in the cap's scope, num/den in minor units."""
    if cap.scope == "window":
        return f"SELECT k, p, t, num, den FROM calc.result WHERE c = {number}"
    return f"""
        SELECT k, p, t, CAST(sum(grown) OVER (PARTITION BY p, scope ORDER BY t ROWS UNBOUNDED PRECEDING) AS HUGEINT) AS num, den
        FROM (SELECT r.*, m.scope, r.num - coalesce(lag(r.num) OVER (PARTITION BY r.g ORDER BY r.t), 0) AS grown
              FROM calc.result r JOIN calc.limit m USING (k) WHERE r.c = {number})"""


def _by_deal(number: int, cap: Cap) -> str:
    """SQL of each deal's cents of a period, capped, summed."""
    deals = f"""
        SELECT f.k, CASE WHEN f.ord < 0 THEN '(none)' ELSE l.deal END AS deal, CAST(sum(f.cents) AS HUGEINT) AS num
        FROM calc.paid f JOIN calc.step s USING (k) LEFT JOIN calc.line l ON l.n = f.n WHERE s.c = {number} GROUP BY ALL"""
    kept = f"""
        SELECT d.k, sum({_capped(cap, "d.num", "1::HUGEINT")}) AS kept FROM ({deals}) d JOIN calc.limit m USING (k) GROUP BY d.k"""
    return f"""
        SELECT r.k, CAST(coalesce(x.kept, 0) AS BIGINT) AS cents, CAST(r.computed - coalesce(x.kept, 0) AS BIGINT) AS forfeited
        FROM calc.result r LEFT JOIN ({kept}) x USING (k) WHERE r.c = {number}"""


def refused(cap: Cap, smooth: bool, by_day: bool) -> Iterator[str]:
    """Name what of a cap is not calculated."""
    if cap.kind == "defer":
        yield "cap: defer"
    if smooth and cap.scope in ("period", "year"):
        yield f"cap: scope {cap.scope} of a curve or steps"
    if by_day and cap.scope == "deal":
        yield "cap: scope deal with managers by day"
