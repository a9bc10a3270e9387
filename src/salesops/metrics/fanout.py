"""Dimensions that divide a record: by product (over its lines), and quotas by team or manager (over the days).

The parts of a whole add up to it: largest remainder, ties by id; what cannot be divided is "(none)".
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from .dimensions import by_owner
from .sql import allocate, parse, shared

FAR = "CAST('9999-12-31' AS DATE)"
NET = """CASE WHEN NOT l.amount IS NULL THEN l.amount
         ELSE (CAST(l.quantity AS HUGEINT) * l.price // 10000) * (1000000 - COALESCE(l.discount, 0)) // 1000000 END"""


ANNUAL = f"""CASE WHEN COALESCE(l.recurring, p.recurring) AND l.term_months > 0
         THEN {shared(f"({NET})", "12", "l.term_months")} END"""


def by_product(
    inner: exp.Select, dimension: str, columns: Collection[str], snapshots: bool, weight: str = NET, at: str = "f.basis"
) -> exp.Query:
    """One row per deal and product (or product line), `value` allocated over `weight` of the lines of the day `at` (default:
    their net value on the day of the date basis) by largest remainder."""
    source = inner.sql("duckdb")
    label = "l.product" if dimension == "product" else "p.line"
    more = [*(["period"] if snapshots else []), *(["unit"] if "unit" in columns else [])]
    group = ", ".join(["id", *more])
    with_it = "".join(f", f.{name}" for name in more)
    lines = f"""
        SELECT f.id{with_it}, f.value, l.id AS line, {label} AS {dimension}, {weight} AS weight
        FROM ({source}) AS f
        JOIN opportunity_line AS l ON l.opportunity = f.id AND l.day_from <= {at} AND {at} < l.day_to AND NOT l.deleted
        LEFT JOIN product AS p ON p.id = l.product AND p.day_from <= f.basis AND f.basis < p.day_to
    """
    whole, _ = allocate("value", "weight", "whole", group, "line")
    product = "(CAST(ABS(value) AS HUGEINT) * weight)"
    parts = f"""
        SELECT {group}, {dimension}, SUM(CAST(SIGN(value) * (floor + CASE WHEN place <= rest THEN 1 ELSE 0 END) AS BIGINT)) AS part
        FROM (
          SELECT {group}, {dimension}, value, {whole} AS floor,
                 ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY {product} % whole DESC, line) AS place,
                 ABS(value) - SUM({product} // whole) OVER (PARTITION BY {group}) AS rest
          FROM (SELECT *, SUM(weight) OVER (PARTITION BY {group}) AS whole FROM ({lines}) AS a WHERE weight > 0) AS b
        ) AS c
        GROUP BY {group}, {dimension}
    """
    kept = sorted(set(columns) - {"value", dimension})
    carried = "".join(f', f."{name}"' for name in kept)
    same = " AND ".join(f"x.{name} = f.{name}" for name in ("id", *more))
    query = parse(
        f"SELECT CASE WHEN x.id IS NULL THEN f.value ELSE x.part END AS value, x.{dimension}{carried} "
        f"FROM ({source}) AS f LEFT JOIN ({parts}) AS x ON {same}"
    )
    assert isinstance(query, exp.Query)
    return query


def by_days(inner: exp.Select, dimension: str, money: list[str]) -> exp.Query:
    """One row per quota and team (or manager) of its person, amounts allocated by days; days without one are (none)."""
    source = inner.sql("duckdb")
    stretches = by_owner(dimension)
    gaps = f"""
        SELECT person, day_from, day_to, {dimension} FROM ({stretches}) AS s
        UNION ALL
        SELECT person, day_to AS day_from, COALESCE(LEAD(day_from) OVER (PARTITION BY person ORDER BY day_from), {FAR}) AS day_to,
               NULL AS {dimension} FROM ({stretches}) AS s
        UNION ALL
        SELECT person, CAST('0001-01-01' AS DATE) AS day_from, MIN(day_from) AS day_to, NULL AS {dimension}
        FROM ({stretches}) AS s GROUP BY person
    """
    overlap = """DATE_DIFF('day', CASE WHEN s.day_from > f.starts_on THEN s.day_from ELSE f.starts_on END,
                 CASE WHEN s.day_to <= f.ends_on THEN s.day_to ELSE f.ends_on + 1 END)"""
    pieces = f"""
        SELECT f.*, s.{dimension}, CASE WHEN s.person IS NULL THEN 1 ELSE {overlap} END AS weight,
               CASE WHEN s.person IS NULL THEN 1 ELSE DATE_DIFF('day', f.starts_on, f.ends_on) + 1 END AS whole,
               COALESCE(s.day_from, f.starts_on) AS piece
        FROM ({source}) AS f
        LEFT JOIN ({gaps}) AS s ON s.person = f.owner AND s.day_from <= f.ends_on AND f.starts_on < s.day_to
          AND s.day_from < s.day_to
    """
    kept = [one.alias_or_name for one in inner.expressions if one.alias_or_name not in money]
    group = "y.id, y.unit" if "unit" in kept else "y.id"
    items = [f'y."{name}"' for name in kept] + [f"y.{dimension}"]
    for name in money:
        product = f"(CAST(ABS(y.{name}) AS HUGEINT) * y.weight)"
        place = f"ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY {product} % y.whole DESC, y.piece)"
        rest = f"ABS(y.{name}) - SUM({product} // y.whole) OVER (PARTITION BY {group})"
        items.append(
            f"CAST(SIGN(y.{name}) * ({product} // y.whole + CASE WHEN {place} <= {rest} THEN 1 ELSE 0 END) AS BIGINT) AS {name}"
        )
    query = parse(f"SELECT {', '.join(items)} FROM ({pieces}) AS y")
    assert isinstance(query, exp.Query)
    return query
