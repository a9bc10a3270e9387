"""From assertions to versions: the stretches of days during which a versioned record kept the same values.

Input is a relation `facts(record, field, value, effective, recorded, seq, id, assumed)` of canonical text; output one row per
record and stretch of days `[day_from, day_to)` with every field typed. Set-oriented: fields that move are carried forward by one
window pass, fields that were said once are joined. Order of assertions: (effective, recorded, seq, id), as `terms.md` settles.
"""

from __future__ import annotations

import json

import duckdb

from salesops.records.columns import DELETED, FOREVER, Column, day_sql, quote

ORDER = "effective, recorded, seq, id"


def build_versions(
    con: duckdb.DuckDBPyConnection, facts: str, columns: list[Column], time_zone: str, into: str = "version"
) -> None:
    """Create the temporary table `into` with the versions of the records in the relation `facts`.

    Columns: id, day_from, day_to, deleted, late, assumed, created_on, and one per field. Undated facts are ignored. The
    working tables `fact` and `row_fact` stay for `opportunity.build_stage_history`; `drop_working` ends them.
    """
    columns = [*columns, DELETED]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE fact AS SELECT *, {day_sql('effective', time_zone)} AS day "
        f"FROM {facts} WHERE effective IS NOT NULL"
    )
    keys = json.dumps({c.field: "VARCHAR" for c in columns})
    con.execute(
        "CREATE OR REPLACE TEMP TABLE row_fact AS "
        f"SELECT record, from_json(value, '{keys}') AS j, {ORDER}, day, assumed FROM fact WHERE field = '*'"
    )
    moving, static = _split(con, columns)
    _carry_forward(con, moving)
    _late(con)
    _join(con, moving, static, time_zone, into)


def drop_working(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the working tables of `build_versions`."""
    for table in ("fact", "row_fact", "carried", "late_record"):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def _split(con: duckdb.DuckDBPyConnection, columns: list[Column]) -> tuple[list[Column], list[Column]]:
    """Fields that are said more than once for some record, and the rest."""
    single = {row[0] for row in con.execute("SELECT DISTINCT field FROM fact WHERE field <> '*'").fetchall()}
    rows, records = con.execute("SELECT count(*), count(DISTINCT record) FROM row_fact").fetchone() or (0, 0)
    if rows == records:
        moving = [c for c in columns if c.field in single]
        return moving, [c for c in columns if c.field not in single]
    return columns, []


def _cell(column: Column) -> str:
    typed = f"TRY_CAST(value AS {column.type})" if column.type != "VARCHAR" else "value"
    field = column.field.replace("'", "''")
    return f"CASE WHEN field = '{field}' THEN coalesce({typed}, {column.empty}) END AS {quote(column.name)}"


def _star(column: Column) -> str:
    text = f"j.{quote(column.field)}"
    if column.type == "VARCHAR":
        return f"{text} AS {quote(column.name)}"
    return f"CASE WHEN {text} = chr(1) THEN {column.empty} ELSE TRY_CAST({text} AS {column.type}) END AS {quote(column.name)}"


def _carry_forward(con: duckdb.DuckDBPyConnection, moving: list[Column]) -> None:
    """One row per record and day, with the last value of every moving field up to that evening."""
    cells = "".join(f", {_cell(c)}" for c in moving)
    stars = "".join(f", {_star(c)}" for c in moving)
    carried = "".join(f", last_value({quote(c.name)} IGNORE NULLS) OVER w AS {quote(c.name)}" for c in moving)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE carried AS
        SELECT record, day AS day_from, lead(day) OVER o AS day_to, assumed{carried}
        FROM (
            SELECT record, {ORDER}, day, assumed{cells} FROM fact WHERE field <> '*'
            UNION ALL
            SELECT record, {ORDER}, day, assumed{stars} FROM row_fact
        )
        WINDOW o AS (PARTITION BY record ORDER BY {ORDER}),
               w AS (PARTITION BY record ORDER BY {ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        QUALIFY day_to IS DISTINCT FROM day_from
    """)


def _late(con: duckdb.DuckDBPyConnection) -> None:
    """Records with a fact learned after it became true: what was known of them depends on the day asked."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE late_record AS SELECT record, bool_or(recorded > effective) AS late, "
        "min(effective) AS first_effective FROM fact GROUP BY record"
    )


def _join(
    con: duckdb.DuckDBPyConnection, moving: list[Column], static: list[Column], time_zone: str, into: str
) -> None:
    values = {c.name: c.out(f"v.{quote(c.name)}") for c in moving}
    values |= {c.name: c.out(_star(c).rsplit(" AS ", 1)[0].replace("j.", "s.j.")) for c in static}
    deleted = f"coalesce({values.pop('deleted')}, FALSE)"
    created = f"coalesce({values['created']}, l.first_effective)"
    listed = ", ".join(f"{sql} AS {quote(name)}" for name, sql in values.items() if name != "created")
    join = "LEFT JOIN row_fact s ON s.record = v.record" if static else ""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {into} AS
        SELECT v.record AS id, v.day_from, coalesce(v.day_to, {FOREVER}) AS day_to, {deleted} AS deleted, l.late,
               v.assumed, {created} AS created, {day_sql(created, time_zone)} AS created_on{", " + listed if listed else ""}
        FROM carried v JOIN late_record l ON l.record = v.record {join}
    """)
