"""Building one entity's warehouse tables in a connection: used by the full refresh, the incremental one and as-known sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from salesops.records.columns import columns_of
from salesops.records.entities import Entity, Field

from . import opportunity
from .versions import build_versions, drop_working
from .zones import Zones

FACT_ORDER = "record, field, value, effective, recorded, seq, id, assumed"


@dataclass(frozen=True)
class Settings:
    """What the files of a generation depend on besides the records. `moved`: entities of which some record was merged."""

    reporting_currency: str
    zones: Zones
    custom: dict[str, list[Field]]
    moved: frozenset[str] = frozenset()


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

    The table `redirect` must exist where `settings.moved` names an entity; for `opportunity` also the reference spans
    (`opportunity.build_reference`).
    """
    columns = columns_of(entity, settings.custom.get(entity.name, []))
    is_deal = entity.name == "opportunity"
    always = opportunity.READ if is_deal else frozenset[str]()
    versions = build_versions(con, facts, columns, settings.zones, settings.moved, always)
    if is_deal:
        opportunity.build_stage_history(con, settings.moved)
        opportunity.finish(con, settings.reporting_currency)
        write("stage_history", "SELECT * FROM stage_visit")
        write(entity.name, versions.select("told", opportunity.TOLD))
    else:
        write(entity.name, versions.select())
    if keep_late:
        source = facts if versions.facts else "fact"
        late = f"{facts} WHERE recorded > effective" if versions.facts else "late_record WHERE late"
        found = con.execute(f"SELECT count(*) FROM {late}").fetchone() or (0,)
        which = f"SEMI JOIN (SELECT record FROM {late}) l USING (record) WHERE effective IS NOT NULL"
        write(f"{entity.name}_late", f"SELECT {FACT_ORDER} FROM {source} {which if found[0] else 'WHERE FALSE'}")
        write(
            f"undated:{entity.name}",
            f"SELECT DISTINCT '{entity.name}' AS entity, f.record AS id FROM {facts} f ANTI JOIN "
            f"(SELECT record FROM {facts} WHERE effective IS NOT NULL) d ON d.record = f.record WHERE f.effective IS NULL",
        )
    drop_working(con)
    for table in ("told", "stage_visit"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
