"""Building one entity's warehouse tables in a connection: used by the full refresh, the incremental one and as-known sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from salesops.records.columns import DATED_BY_NATURE, columns_of
from salesops.records.entities import Entity, Field

from . import opportunity
from .versions import build_versions, drop_working

FACT_ORDER = "record, field, value, effective, recorded, seq, id, assumed"


@dataclass(frozen=True)
class Settings:
    """What the files of a generation depend on besides the records."""

    reporting_currency: str
    time_zone: str
    custom: dict[str, list[Field]]


def versioned_tables(entity: Entity) -> list[str]:
    """The warehouse tables that one versioned entity fills."""
    own = [entity.name, f"{entity.name}_late"]
    return [*own, "stage_history"] if entity.name == "opportunity" else own


Writer = Callable[[str, str], None]  # (table, SELECT) -> None


def build_versioned(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    facts: str,
    settings: Settings,
    write: Writer,
    *,
    keep_late: bool = True,
) -> None:
    """Build the tables of a versioned entity from the relation `facts` and hand each to `write(table, select)`.

    For `opportunity` the reference spans must exist (`opportunity.build_reference`).
    """
    columns = columns_of(entity, settings.custom.get(entity.name, []))
    build_versions(con, facts, columns, settings.time_zone)
    if entity.name == "opportunity":
        opportunity.build_stage_history(con)
        opportunity.finish(con, settings.reporting_currency)
        write("stage_history", "SELECT * FROM stage_visit ORDER BY opportunity, visit")
    write(entity.name, "SELECT * FROM version ORDER BY id, day_from")
    if keep_late:
        write(
            f"{entity.name}_late",
            f"SELECT {FACT_ORDER} FROM {facts} SEMI JOIN (SELECT record FROM late_record WHERE late) l USING (record) "
            "WHERE effective IS NOT NULL ORDER BY record",
        )
    if entity.name in DATED_BY_NATURE:
        write(
            f"undated:{entity.name}",
            f"SELECT '{entity.name}' AS entity, record AS id FROM {facts} GROUP BY record HAVING max(effective) IS NULL",
        )
    drop_working(con)
    for table in ("version", "stage_visit"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
