"""What an opportunity's versions say beyond their fields: status, close day, value; and its stage history.

Needs the tables `stage_span` (stage, kind, position, probability by day), `line_span` (opportunity, product, quantity by day) and
`price_span` (product, currency, list price by day) in the connection: see `build_reference`.
"""

from __future__ import annotations

import duckdb

from salesops.records.columns import FOREVER

from .merges import referred
from .versions import ORDER

READ = frozenset({"stage", "amount", "currency", "actual_close"})  # carried in any case: `finish` reads them
TOLD = ("status", "closed_on", "value", "value_source")


def build_reference(con: duckdb.DuckDBPyConnection, reporting_currency: str) -> None:
    """Create the spans that opportunities are read against from the views `stage`, `opportunity_line`, `price` and `price_book`.

    A stage means before its first recorded version what that version says: a deal may have entered it before it was described.
    So does a price book.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE stage_span AS
        SELECT id, kind, coalesce(position, 0) AS position,
               CASE WHEN day_from = min(day_from) OVER (PARTITION BY id) THEN DATE '0001-01-01' ELSE day_from END AS day_from,
               day_to, late
        FROM stage;
        CREATE OR REPLACE TEMP TABLE line_span AS
        SELECT opportunity, product, quantity, day_from, day_to FROM opportunity_line
        WHERE NOT deleted AND opportunity IS NOT NULL AND product IS NOT NULL AND quantity IS NOT NULL;
    """)
    con.execute(_price_span(reporting_currency))


def _price_span(reporting_currency: str) -> str:
    """One list price at most of a product in a currency on a day.

    A price without a currency is in that of its book. Of several books the standard one counts, then prices that stand in no book, then the
    others; where those differ, nobody said which one is meant, and there is no list price. In one book the interval that began last counts.
    """
    return f"""
        CREATE OR REPLACE TEMP TABLE price_span AS
        WITH book AS (
            SELECT id, currency, coalesce(standard, FALSE) AS standard, deleted, day_to,
                   CASE WHEN day_from = min(day_from) OVER (PARTITION BY id) THEN DATE '0001-01-01' ELSE day_from END AS day_from
            FROM price_book
        ), offered AS (
            SELECT p.id, p.product, coalesce(p.currency, b.currency, '{reporting_currency}') AS currency, p.price_book, p.list_price,
                   CASE WHEN b.standard THEN 0 WHEN p.price_book IS NULL THEN 1 ELSE 2 END AS turn, p.valid_from AS began,
                   greatest(p.valid_from, coalesce(b.day_from, p.valid_from)) AS valid_from,
                   least(p.valid_to, coalesce(b.day_to, p.valid_to)) AS valid_to
            FROM price p LEFT JOIN book b ON b.id = p.price_book AND p.valid_from < b.day_to AND b.day_from < p.valid_to
            WHERE p.list_price IS NOT NULL AND NOT coalesce(b.deleted, FALSE)
        ), stretch AS (
            SELECT product, currency, day AS valid_from, lead(day) OVER (PARTITION BY product, currency ORDER BY day) AS valid_to
            FROM (SELECT DISTINCT product, currency, unnest([valid_from, valid_to]) AS day FROM offered)
        ), counted AS (
            SELECT s.*, o.turn, o.price_book, o.list_price FROM stretch s
            JOIN offered o ON o.product = s.product AND o.currency = s.currency AND o.valid_from <= s.valid_from AND s.valid_from < o.valid_to
            QUALIFY row_number() OVER (PARTITION BY s.product, s.currency, s.valid_from, o.price_book ORDER BY o.turn, o.began DESC, o.id) = 1
                AND o.turn = min(o.turn) OVER (PARTITION BY s.product, s.currency, s.valid_from)
        )
        SELECT product, currency, valid_from, valid_to, min(list_price) AS list_price FROM counted
        GROUP BY ALL HAVING min(list_price) = max(list_price)
    """


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

    Closed on the declared day, else on that of the latest entry into a closed stage (`stage_visit`: it may have been left and entered again
    within a day). A deal worth list price x quantity counts as late, and so does one that was ever in a stage of which something was
    learned late: what is known of it depends on when its lines, prices and stages were.
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
                   e.day AS entered_closed
            FROM carried v LEFT JOIN stage_span s ON s.id = v.stage AND v.day_from >= s.day_from AND v.day_from < s.day_to
            LEFT JOIN (SELECT DISTINCT opportunity, day FROM stage_visit WHERE kind <> 'open') e
                 ON e.opportunity = v.record AND e.day = v.day_from
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
    con.execute("""
        UPDATE late_record SET late = TRUE WHERE NOT late AND record IN (
            SELECT record FROM listed
            UNION SELECT opportunity FROM stage_visit WHERE stage IN (SELECT id FROM stage_span WHERE late)
        )
    """)
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
