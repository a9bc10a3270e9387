"""Figures by month and rep, worked by hand over the generation's own files: DuckDB SQL, and pandas for the Kaplan-Meier medians.

What `catalogue` asks of salesops for the same names must give these rows exactly: `ROWS` reads them off its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .catalogue import FIRST, LAST
from .questions import _day, _money, _rate

NOW = _day(LAST)  # today of the benchmark's company
GONE: Final = "('cancelled', 'canceled', 'Cancelled', 'Canceled', 'draft', 'Draft')"
INSIDE: Final = f"BETWEEN {_day(FIRST)} AND {NOW}"
MONTHS: Final = f"""(SELECT DISTINCT month_key AS key, month_start AS first, least(month_end, {NOW}) AS snap, month_end AS last
    FROM calendar_day WHERE day {INSIDE})"""


def _live(alias: str) -> str:
    """The row of a record that is true today."""
    return (
        f"{alias}.day_from <= {NOW} AND {NOW} < {alias}.day_to AND {alias}.created_on <= {NOW} AND NOT {alias}.deleted"
    )


def _then(table: str, key: str, on: str) -> str:
    """Join b: the record's row of another day."""
    return f'LEFT JOIN "{table}" b ON b.id = {key} AND b.day_from <= {on} AND {on} < b.day_to'


OWNER: Final = "coalesce(CASE WHEN b.id IS NULL THEN o.owner ELSE b.owner END, -1)"


def _closed() -> str:
    return f"""
        SELECT strftime(o.closed_on, '%Y-%m') AS month, {OWNER} AS owner, o.status, {_money("o.value", "o.currency", "r.rate")} AS value
        FROM opportunity o {_then("opportunity", "o.id", "o.closed_on")} {_rate("r", "o.currency", "o.closed_on")}
        WHERE {_live("o")} AND o.status <> 'open' AND o.closed_on {INSIDE}
    """


def win_rate() -> str:
    return f"SELECT month, owner, count(*) FILTER (WHERE status = 'won') AS won, count(*) AS closed FROM ({_closed()}) GROUP BY ALL ORDER BY ALL"


def bookings() -> str:
    return f"""
        SELECT month, owner, CASE WHEN known = 0 AND won > 0 THEN NULL ELSE coalesce(value, 0) END::BIGINT AS value, known
        FROM (
            SELECT month, owner, sum(value) FILTER (WHERE status = 'won') AS value, count(*) FILTER (WHERE status = 'won') AS won,
                   count(value) FILTER (WHERE status = 'won') AS known
            FROM ({_closed()}) GROUP BY month, owner
        )
    """


def created_deals() -> str:
    return f"""
        SELECT strftime(o.created_on, '%Y-%m') AS month, {OWNER} AS owner, count(*) AS n
        FROM opportunity o {_then("opportunity", "o.id", "o.created_on")}
        WHERE {_live("o")} AND o.created_on {INSIDE} GROUP BY ALL ORDER BY ALL
    """


def slip_rate() -> str:
    return f"""
        SELECT p.key, coalesce(o.owner, -1) AS owner, count(*) FILTER (WHERE e.status = 'open'
               AND (e.expected_close IS NULL OR e.expected_close NOT BETWEEN p.first AND p.last)) AS slipped, count(*) AS due
        FROM {MONTHS} p JOIN opportunity o ON o.expected_close BETWEEN p.first AND p.last
         AND o.day_from < p.first AND p.first <= o.day_to AND o.created_on < p.first
        LEFT JOIN opportunity e ON e.id = o.id AND e.day_from <= p.snap AND p.snap < e.day_to AND NOT e.deleted
        LEFT JOIN opportunity x ON x.id = o.id AND x.deleted AND x.day_from <= {NOW} AND {NOW} < x.day_to
        WHERE o.status = 'open' AND NOT o.deleted AND x.id IS NULL GROUP BY ALL ORDER BY ALL
    """


def order_revenue() -> str:
    return f"""
        SELECT strftime(o.ordered_on, '%Y-%m') AS month, {OWNER} AS owner,
               sum({_money("o.amount", "o.currency", "r.rate")})::BIGINT AS value, count(o.amount) AS n
        FROM "order" o {_then("order", "o.id", "o.ordered_on")} {_rate("r", "o.currency", "o.ordered_on")}
        WHERE {_live("o")} AND o.ordered_on {INSIDE} AND coalesce(o.status, '') NOT IN {GONE} GROUP BY ALL ORDER BY ALL
    """


def repeat_purchase_share() -> str:
    return f"""
        WITH days AS (
            SELECT o.account, o.ordered_on AS day FROM "order" o
            WHERE {_live("o")} AND o.ordered_on <= {NOW} AND coalesce(o.status, '') NOT IN {GONE} AND o.account IS NOT NULL GROUP BY ALL
        ), buyer AS (
            SELECT account, min(day) AS first, min(day) FILTER (WHERE place = 2) AS again
            FROM (SELECT *, row_number() OVER (PARTITION BY account ORDER BY day) AS place FROM days) GROUP BY account
        )
        SELECT p.key, {OWNER} AS owner, count(*) FILTER (WHERE y.again <= p.snap) AS again, count(*) AS customers
        FROM buyer y JOIN {MONTHS} p ON y.first <= p.snap {_then("account", "y.account", "p.snap")}
        LEFT JOIN account o ON o.id = y.account AND o.day_from <= {NOW} AND {NOW} < o.day_to
        GROUP BY ALL ORDER BY ALL
    """


def cohorts_of_wins() -> str:
    """By month of the first win, rep at that time (by name) and month: customers who won again, and what they brought."""
    return f"""
        WITH won AS (
            SELECT o.account, o.closed_on AS day, {_money("o.value", "o.currency", "r.rate")} AS value,
                   min(o.closed_on) OVER (PARTITION BY o.account) AS first_day
            FROM opportunity o {_rate("r", "o.currency", "o.closed_on")}
            WHERE {_live("o")} AND o.status = 'won' AND o.account IS NOT NULL AND o.closed_on <= {NOW}
        ), named AS (
            SELECT w.*, {OWNER} AS owner FROM won w {_then("account", "w.account", "w.first_day")}
            LEFT JOIN account o ON o.id = w.account AND o.day_from <= {NOW} AND {NOW} < o.day_to
        )
        SELECT strftime(n.first_day, '%Y-%m') AS cohort, coalesce(p.name, '(none)') AS rep, strftime(n.day, '%Y-%m') AS month,
               count(DISTINCT n.account) AS active, sum(n.value)::BIGINT AS revenue
        FROM named n LEFT JOIN person p ON p.id = n.owner AND p.day_to = DATE '9999-12-31'
        GROUP BY cohort, n.owner, p.name, month ORDER BY ALL
    """


def _visits() -> str:
    return f"""
        SELECT strftime(h.day, '%Y-%m') AS month, {OWNER} AS owner,
               date_diff('day', h.day, CASE WHEN h.next_day <= {NOW} THEN h.next_day ELSE {NOW} END) AS days,
               coalesce(h.next_day <= {NOW}, FALSE) AS completed
        FROM stage_history h JOIN opportunity o ON o.id = h.opportunity AND {_live("o")}
        {_then("opportunity", "o.id", "o.created_on")} WHERE h.kind = 'open' AND h.day {INSIDE}
    """


def time_in_stage(con: Any) -> list[list[Any]]:
    """Kaplan-Meier medians of stays in a stage: the rows by DuckDB, the curves by pandas."""
    frame = con.execute(_visits()).df()
    keys = ["month", "owner"]
    at = frame.groupby([*keys, "days"]).completed.agg(["size", "sum"])
    at_risk = at["size"][::-1].groupby(level=keys).cumsum()[::-1]
    survival = (1 - at["sum"] / at_risk).groupby(level=keys).cumprod()
    reached = survival[survival <= 0.5 + 1e-12].reset_index().groupby(keys).days.first()
    sizes = frame.groupby(keys).size()
    medians = reached.reindex(sizes.index)
    return [
        [month, int(owner), None if days != days else int(days), int(n)]
        for (month, owner), days, n in zip(sizes.index, medians, sizes, strict=True)
    ]


SQL: Final[dict[str, Callable[[], str]]] = {
    "win_rate": win_rate, "bookings": bookings, "created_deals": created_deals, "slip_rate": slip_rate,
    "order_revenue": order_revenue, "repeat_purchase_share": repeat_purchase_share, "cohorts of wins": cohorts_of_wins,
}  # fmt: skip
TABLES: Final = ("opportunity", "order", "account", "person", "stage_history", "rate_day", "calendar_day")


def by_hand(name: str, con: Any) -> list[list[Any]]:
    """The rows of one figure, over views of the generation's tables."""
    if name == "time_in_stage_days":
        return sorted(time_in_stage(con), key=str)
    return sorted((list(row) for row in con.execute(SQL[name]()).fetchall()), key=str)


def product(name: str, rows: Any) -> list[list[Any]]:
    """The same rows from the answer of salesops."""
    found = []
    for row in rows.to_pylist():
        if name == "cohorts of wins":
            if row["cohort"] != "(all)" and row["active"]:
                found.append([row["cohort"], row["owner"], row["period"], row["active"], _units(row["revenue"])])
            continue
        owner = -1 if row["owner_id"] is None else row["owner_id"]
        found.append([row["period"], owner, *(_units(row[column]) for column in COLUMNS[name])])
    return sorted(found, key=str)


def _units(value: Any) -> Any:
    return (
        value if value is None or isinstance(value, int) else int(value if isinstance(value, float) else value * 10_000)
    )


COLUMNS: Final = {
    "win_rate": ("win_rate__won", "win_rate__closed"),
    "bookings": ("bookings__won", "bookings__won__n"),
    "created_deals": ("created_deals",),
    "slip_rate": ("slip_rate__slipped", "slip_rate__due"),
    "order_revenue": ("order_revenue__value", "order_revenue__value__n"),
    "repeat_purchase_share": ("repeat_purchase_share__again", "repeat_purchase_share__customers"),
    "time_in_stage_days": ("time_in_stage_days", "time_in_stage_days__days__n"),
}
NAMES: Final = (*SQL, "time_in_stage_days")
