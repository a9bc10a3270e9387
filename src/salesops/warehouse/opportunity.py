"""What an opportunity's versions say beyond their fields: status, close day, value; and its stage history.

Needs the tables `stage_span` (stage, kind, position, probability by day), `line_span` (opportunity, product, quantity by day) and
`price_span` (product, currency, list price by day) in the connection: see `build_reference`.
"""

from __future__ import annotations

import duckdb

from salesops.records.columns import FOREVER

from .versions import ORDER


def build_reference(con: duckdb.DuckDBPyConnection, reporting_currency: str) -> None:
    """Create the spans that opportunities are read against from the views `stage`, `opportunity_line` and `price`.

    A stage means before its first recorded version what that version says: a deal may have entered it before it was described.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE stage_span AS
        SELECT id, kind, coalesce(position, 0) AS position,
               CASE WHEN day_from = min(day_from) OVER (PARTITION BY id) THEN DATE '0001-01-01' ELSE day_from END AS day_from,
               day_to
        FROM stage;
        CREATE OR REPLACE TEMP TABLE line_span AS
        SELECT opportunity, product, quantity, day_from, day_to FROM opportunity_line
        WHERE NOT deleted AND opportunity IS NOT NULL AND product IS NOT NULL AND quantity IS NOT NULL;
        CREATE OR REPLACE TEMP TABLE price_span AS
        SELECT product, coalesce(currency, '{reporting_currency}') AS currency, list_price, valid_from, valid_to
        FROM price WHERE list_price IS NOT NULL
        QUALIFY row_number() OVER (
            PARTITION BY product, coalesce(currency, '{reporting_currency}'), valid_from ORDER BY coalesce(price_book, 0), id) = 1;
    """)


def build_stage_history(con: duckdb.DuckDBPyConnection, into: str = "stage_visit") -> None:
    """Create `into`: one row per real entry into a stage; a repeated save of the same stage is no entry."""
    order = "PARTITION BY record ORDER BY effective, recorded, seq, id"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {into} AS
        WITH said AS (
            SELECT record, {ORDER}, day, coalesce(TRY_CAST(value AS BIGINT), 0) AS stage FROM fact WHERE field = 'stage'
            UNION ALL
            SELECT record, {ORDER}, day, coalesce(TRY_CAST(j.stage AS BIGINT), 0) AS stage FROM row_fact WHERE j.stage IS NOT NULL
        ), entered AS (
            SELECT record, {ORDER}, day, stage FROM said QUALIFY stage IS DISTINCT FROM lag(stage) OVER ({order})
        ), named AS (
            SELECT e.*, s.kind, s.position FROM entered e
            LEFT JOIN stage_span s ON s.id = e.stage AND e.day >= s.day_from AND e.day < s.day_to
            WHERE e.stage <> 0
        )
        SELECT record AS opportunity, row_number() OVER w AS visit, stage, coalesce(kind, 'open') AS kind,
               coalesce(position, 0) AS position, effective AS at, day,
               lead(stage) OVER w AS next_stage, lead(coalesce(kind, 'open')) OVER w AS next_kind,
               lead(coalesce(position, 0)) OVER w AS next_position, lead(effective) OVER w AS next_at, lead(day) OVER w AS next_day
        FROM named WINDOW w AS ({order})
    """)


def finish(con: duckdb.DuckDBPyConnection, reporting_currency: str, version: str = "version") -> None:
    """Add status, closed_on, value and value_source to the opportunity versions in the table `version`."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        SELECT v.* REPLACE (coalesce(v.currency, '{reporting_currency}') AS currency), coalesce(s.kind, 'open') AS status
        FROM {version} v LEFT JOIN stage_span s ON s.id = v.stage AND v.day_from >= s.day_from AND v.day_from < s.day_to
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE entered AS
        SELECT *, CASE WHEN status <> 'open' AND stage IS DISTINCT FROM lag(stage) OVER (PARTITION BY id ORDER BY day_from)
                       THEN day_from END AS entered_closed
        FROM staged
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE valued AS
        SELECT * EXCLUDE (entered_closed),
               CASE WHEN status <> 'open' THEN coalesce(actual_close, last_value(entered_closed IGNORE NULLS) OVER w) END AS closed_on,
               CASE WHEN status = 'lost' AND amount = 0
                    THEN last_value(CASE WHEN NOT (status = 'lost' AND amount = 0) THEN amount END IGNORE NULLS) OVER w
                    ELSE amount END AS value
        FROM entered
        WINDOW w AS (PARTITION BY id ORDER BY day_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    """)
    _list_values(con)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {version} AS
        SELECT v.* EXCLUDE (value), v.value, CASE WHEN v.value IS NOT NULL THEN 'amount' END AS value_source
        FROM valued v WHERE v.value IS NOT NULL OR NOT EXISTS (SELECT 1 FROM listed l WHERE l.id = v.id AND l.version = v.day_from)
        UNION ALL
        SELECT v.* EXCLUDE (value) REPLACE (l.day_from AS day_from, l.day_to AS day_to), l.value,
               CASE WHEN l.value IS NOT NULL THEN 'list_price' END AS value_source
        FROM valued v JOIN listed l ON l.id = v.id AND l.version = v.day_from
    """)
    for table in ("staged", "entered", "valued", "listed", "breakpoint"):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def _list_values(con: duckdb.DuckDBPyConnection) -> None:
    """`listed`: versions without an amount, cut wherever a line or a list price changes, with list price x quantity.

    A line without a price in the deal's currency on a day leaves the whole value of that day unknown.
    """
    overlap = "greatest(v.day_from, l.day_from) < least(v.day_to, l.day_to)"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE breakpoint AS
        SELECT DISTINCT id, version, until, currency, day FROM (
            SELECT v.id, v.day_from AS version, v.day_to AS until, v.currency, unnest([v.day_from, l.day_from, l.day_to,
                   p.valid_from, p.valid_to]) AS day
            FROM valued v JOIN line_span l ON l.opportunity = v.id AND {overlap}
            LEFT JOIN price_span p ON p.product = l.product AND p.currency = v.currency
            WHERE v.value IS NULL
        ) WHERE day IS NOT NULL AND day >= version AND day < until
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE listed AS
        WITH part AS (
            SELECT b.id, b.version, b.until, b.day,
                   CASE WHEN count(*) = count(p.list_price)
                        THEN sum((p.list_price::HUGEINT * l.quantity + 5000) // 10000)::BIGINT END AS value
            FROM breakpoint b
            JOIN line_span l ON l.opportunity = b.id AND b.day >= l.day_from AND b.day < l.day_to
            LEFT JOIN price_span p ON p.product = l.product AND p.currency = b.currency
                 AND b.day >= p.valid_from AND b.day < p.valid_to
            GROUP BY ALL
        ), every AS (
            SELECT b.id, b.version, b.until, b.day, p.value FROM breakpoint b
            LEFT JOIN part p ON p.id = b.id AND p.version = b.version AND p.day = b.day
        )
        SELECT id, version, day AS day_from,
               coalesce(lead(day) OVER (PARTITION BY id, version ORDER BY day), until, {FOREVER}) AS day_to, value
        FROM every
    """)
