"""The rows of one interval or event, in the order in which they were learned: each is ended by the next.

`recorded_to` and `closed_by` of a row follow from its successors among the live rows, so whatever comes or goes, they can be
worked out anew: imports and edits end rows, and undoing either opens them again, by this one rule: ordered by the moment at which they
were recorded; rows of one moment by what they say (decision 0010), so that the order in which files came does not matter. Rows of an undone batch are left as
they are: they count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import sqltools
from .entities import Entity

PLACE = ("stage_event", "line")


def said_columns(entity: Entity) -> list[str]:
    """The columns that say something. A log that grew at its front says nothing new: the place in it is none."""
    said = [f.name for f in entity.fields if (entity.name, f.name) != PLACE]
    return [*said, "custom", "deleted"]


def content_order(entity: Entity, alias: str = "", binary: str = "") -> str:
    """SQL: the order of what rows say, the same in SQLite, PostgreSQL (`binary` is its collation by bytes) and DuckDB."""
    texts = {f.name for f in entity.fields if f.kind in ("text", "kind")} | {"custom"}
    return ", ".join(f'{alias}"{name}"{binary if name in texts else ""} NULLS FIRST' for name in said_columns(entity))


def rechain(entity: Entity, ids: str) -> int:
    """Work out the ends of the live rows whose id is among `ids` (a subquery, or a list of numbers); gives how many changed."""
    table = entity.table
    differs = "(recorded_to IS DISTINCT FROM c.ended OR closed_by IS DISTINCT FROM c.ender)"
    return sqltools.run(
        f"UPDATE {table} SET recorded_to = c.ended, closed_by = c.ender FROM ("
        "SELECT t.row AS place, LEAD(t.recorded_from) OVER w AS ended, LEAD(t.batch) OVER w AS ender "
        f"FROM {table} t WHERE t.{sqltools.LIVE} AND t.id IN ({ids}) "
        f"WINDOW w AS (PARTITION BY t.id ORDER BY t.recorded_from, {content_order(entity, 't.', sqltools.binary())}, t.row)"
        f") c WHERE c.place = {table}.row AND {differs}"
    )


def touched_by(entity: Entity, batches: Iterable[int]) -> str:
    """SQL of the ids of which these batches wrote or ended a row."""
    listed = sqltools.ids(batches)
    return f"SELECT id FROM {entity.table} WHERE batch IN ({listed}) OR closed_by IN ({listed})"
