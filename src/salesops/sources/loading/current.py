"""The current row of each record: the latest thing said of every field."""

from __future__ import annotations

import json

import duckdb

from salesops.records.columns import DELETED, Column, columns_of, quote
from salesops.records.entities import Entity, Field


def current_select(con: duckdb.DuckDBPyConnection, entity: Entity, custom: list[Field]) -> str:
    """The SELECT of stored columns (id, fields, deleted, custom) from the relation `record_fact`.

    Undated facts count first: anything with a date comes after them.
    """
    columns = [*columns_of(entity, custom), DELETED]
    occurring = _occurring(con)
    keys = json.dumps({c.field: "VARCHAR" for c in columns})
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ranked AS
        SELECT record, field, value, CASE WHEN field = '*' THEN from_json(value, '{keys}') END AS j,
               row_number() OVER (PARTITION BY record ORDER BY effective NULLS FIRST, recorded, seq, id) AS n
        FROM record_fact
    """)
    cells = [
        f"arg_max({_cell(c)}, n) FILTER ({_cell(c)} IS NOT NULL) AS {quote(c.field)}"
        if c.field in occurring
        else f"NULL::VARCHAR AS {quote(c.field)}"
        for c in columns
    ]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE latest AS SELECT record AS id, {', '.join(cells)} FROM ranked GROUP BY record"
    )
    con.execute("DROP TABLE ranked")
    stored = [
        f"{_stored(c)} AS {quote(c.field)}"
        for c in columns
        if not c.field.startswith("custom.") and c.field != "deleted"
    ]
    own = sorted((c for c in columns if c.field.startswith("custom.")), key=lambda c: c.field)
    pairs = [
        f"CASE WHEN nullif({quote(c.field)}, chr(1)) IS NOT NULL THEN '\"{c.field[7:]}\":' || to_json({quote(c.field)}) END"
        for c in own
    ]
    custom_sql = f"'{{' || concat_ws(',', {', '.join(pairs)}) || '}}'" if pairs else "'{}'"
    deleted = "coalesce(nullif(deleted, chr(1)) = '1', FALSE)"
    return f"SELECT id, {', '.join(stored)}, {deleted} AS deleted, {custom_sql} AS custom FROM latest ORDER BY id"


def _occurring(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The fields that the facts speak of."""
    found = {r[0] for r in con.execute("SELECT DISTINCT field FROM record_fact").fetchall()}
    if "*" in found:
        shapes = con.execute("SELECT DISTINCT json_keys(value) FROM record_fact WHERE field = '*'").fetchall()
        found |= {name for (names,) in shapes for name in names}
    return found


def _cell(column: Column) -> str:
    field = column.field.replace("'", "''")
    return f"CASE WHEN field = '{field}' THEN coalesce(value, chr(1)) WHEN field = '*' THEN j.{quote(column.field)} END"


def _stored(column: Column) -> str:
    text = f"nullif({quote(column.field)}, chr(1))"
    if column.type == "VARCHAR":
        return text
    return f"({text} = '1')" if column.kind == "boolean" else f"TRY_CAST({text} AS {column.type})"
