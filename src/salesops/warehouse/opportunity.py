"""What an opportunity's versions say beyond their fields: status, close day, value; and its stage history.

Needs the tables `stage_span` (stage, kind, position, probability by day), `line_span` (opportunity, product, quantity by day) and
`price_span` (product, currency, list price by day) in the connection: see `build_reference`.
"""

from __future__ import annotations

import duckdb

from salesops.records.columns import FOREVER

from .versions import ORDER, referred

READ = frozenset({"stage", "amount", "currency", "actual_close"})  # carried in any case: `finish` reads them
TOLD = ("status", "closed_on", "value", "value_source")


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


def build_stage_history(con: duckdb.DuckDBPyConnection, moved: frozenset[str], into: str = "stage_visit") -> None:
    """Create `into`: one row per real entry into a stage; a repeated save of the same stage is no entry."""
    order = "PARTITION BY record ORDER BY effective, recorded, seq, id"
    single = referred("stage", "TRY_CAST(value AS BIGINT)", moved)
    whole = referred("stage", "TRY_CAST(j.stage AS BIGINT)", moved)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {into} AS
        WITH said AS (
            SELECT record, {ORDER}, day, coalesce({single}, 0) AS stage FROM fact WHERE field = 'stage'
            UNION ALL
            SELECT record, {ORDER}, day, coalesce({whole}, 0) AS stage FROM row_fact WHERE j.stage IS NOT NULL
        ), entered AS (
            SELECT record, {ORDER}, day, stage FROM said QUALIFY stage IS DISTINCT FROM lag(stage) OVER ({order})
        ), named AS (
            SELECT e.*, coalesce(s.kind, 'open') AS kind, coalesce(s.position, 0) AS position FROM entered e
            LEFT JOIN stage_span s ON s.id = e.stage AND e.day >= s.day_from AND e.day < s.day_to
            WHERE e.stage <> 0
        )
        SELECT record AS opportunity, row_number() OVER w AS visit, stage, kind, position, effective AS at, day,
               lead(stage) OVER w AS next_stage, lead(kind) OVER w AS next_kind, lead(position) OVER w AS next_position,
               lead(effective) OVER w AS next_at, lead(day) OVER w AS next_day
        FROM named WINDOW w AS ({order})
    """)


def finish(con: duckdb.DuckDBPyConnection, reporting_currency: str) -> None:
    """Make `told` of `carried`: with status, closed_on, value and value_source, cut where a list price or line changes.

    A deal worth list price x quantity counts as late: what is known of it depends on when its lines and prices were.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE valued AS
        SELECT * EXCLUDE (entered_closed),
               CASE WHEN status <> 'open' THEN coalesce(actual_close, last_value(entered_closed IGNORE NULLS) OVER w) END AS closed_on,
               CASE WHEN status = 'lost' AND amount = 0
                    THEN last_value(CASE WHEN NOT (status = 'lost' AND amount = 0) THEN amount END IGNORE NULLS) OVER w
                    ELSE amount END AS value
        FROM (
            SELECT v.* REPLACE (coalesce(v.currency, '{reporting_currency}') AS currency), coalesce(s.kind, 'open') AS status,
                   CASE WHEN coalesce(s.kind, 'open') <> 'open' AND v.stage IS DISTINCT FROM
                        lag(v.stage) OVER (PARTITION BY v.record ORDER BY v.day_from) THEN v.day_from END AS entered_closed
            FROM carried v LEFT JOIN stage_span s ON s.id = v.stage AND v.day_from >= s.day_from AND v.day_from < s.day_to
        )
        WINDOW w AS (PARTITION BY record ORDER BY day_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    """)
    _list_values(con)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT v.*, CASE WHEN v.value IS NOT NULL THEN 'amount' END AS value_source
        FROM valued v ANTI JOIN listed l ON l.record = v.record AND l.version = v.day_from
        UNION ALL
        SELECT v.* REPLACE (l.day_from AS day_from, l.day_to AS day_to, l.value AS value),
               CASE WHEN l.value IS NOT NULL THEN 'list_price' END AS value_source
        FROM valued v JOIN listed l ON l.record = v.record AND l.version = v.day_from
    """)
    con.execute("UPDATE late_record SET late = TRUE WHERE NOT late AND record IN (SELECT record FROM listed)")
    for table in ("valued", "listed", "breakpoint", "carried"):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def _list_values(con: duckdb.DuckDBPyConnection) -> None:
    """`listed`: versions without an amount, cut wherever a line or a list price changes, with list price x quantity.

    A line without a price in the deal's currency on a day leaves the whole value of that day unknown.
    """
    overlap = "greatest(v.day_from, l.day_from) < least(v.day_to, l.day_to)"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE breakpoint AS
        SELECT DISTINCT record, version, until, currency, day FROM (
            SELECT v.record, v.day_from AS version, v.day_to AS until, v.currency, unnest([v.day_from, l.day_from, l.day_to,
                   p.valid_from, p.valid_to]) AS day
            FROM valued v JOIN line_span l ON l.opportunity = v.record AND {overlap}
            LEFT JOIN price_span p ON p.product = l.product AND p.currency = v.currency
            WHERE v.value IS NULL
        ) WHERE day IS NOT NULL AND day >= version AND day < until
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE listed AS
        WITH part AS (
            SELECT b.record, b.version, b.day,
                   CASE WHEN count(*) = count(p.list_price)
                        THEN sum((p.list_price::HUGEINT * l.quantity + 5000) // 10000)::BIGINT END AS value
            FROM breakpoint b
            JOIN line_span l ON l.opportunity = b.record AND b.day >= l.day_from AND b.day < l.day_to
            LEFT JOIN price_span p ON p.product = l.product AND p.currency = b.currency
                 AND b.day >= p.valid_from AND b.day < p.valid_to
            GROUP BY b.record, b.version, b.day
        )
        SELECT b.record, b.version, b.day AS day_from,
               coalesce(lead(b.day) OVER (PARTITION BY b.record, b.version ORDER BY b.day), b.until, {FOREVER}) AS day_to, p.value
        FROM breakpoint b LEFT JOIN part p ON p.record = b.record AND p.version = b.version AND p.day = b.day
    """)
