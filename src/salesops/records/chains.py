"""The rows of one interval or event, in the order in which they were learned: each is ended by the next.

`recorded_to` and `closed_by` of a row follow from its successors among the live rows, so whatever comes or goes, they can be
worked out anew: imports and edits end rows, and undoing either opens them again, by this one rule. Rows of an undone batch are left as
they are: they count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import sqltools
from .entities import Entity


def rechain(entity: Entity, ids: str) -> int:
    """Work out the ends of the live rows whose id is among `ids` (a subquery, or a list of numbers); gives how many changed."""
    table = entity.table
    differs = "(recorded_to IS DISTINCT FROM c.ended OR closed_by IS DISTINCT FROM c.ender)"
    return sqltools.run(
        f"UPDATE {table} SET recorded_to = c.ended, closed_by = c.ender FROM ("
        "SELECT t.row AS place, LEAD(t.recorded_from) OVER w AS ended, LEAD(t.batch) OVER w AS ender "
        f"FROM {table} t WHERE t.{sqltools.LIVE} AND t.id IN ({ids}) WINDOW w AS (PARTITION BY t.id ORDER BY t.recorded_from, t.row)"
        f") c WHERE c.place = {table}.row AND {differs}"
    )


def touched_by(entity: Entity, batches: Iterable[int]) -> str:
    """SQL of the ids of which these batches wrote or ended a row."""
    listed = sqltools.ids(batches)
    return f"SELECT id FROM {entity.table} WHERE batch IN ({listed}) OR closed_by IN ({listed})"
