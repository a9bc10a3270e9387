"""How long deals usually stay in a stage: the norms against which single deals are held."""

from __future__ import annotations

from datetime import date
from typing import Any

from salesops.metrics.sql import day, live


def stage_norms_sql(as_of: str) -> str:
    """Rows (stage, visits, median, p75): days of the completed visits to each open stage by deals that live as of the day, by
    row number: row ceil(p x n) of the ascending days."""
    return f"""
        SELECT stage, MAX(size) AS visits, MAX(CASE WHEN place = (size + 1) // 2 THEN days END) AS median,
               MAX(CASE WHEN place = (3 * size + 3) // 4 THEN days END) AS p75
        FROM (
            SELECT h.stage, DATE_DIFF('day', h.day, h.next_day) AS days,
                   ROW_NUMBER() OVER (PARTITION BY h.stage ORDER BY DATE_DIFF('day', h.day, h.next_day)) AS place,
                   COUNT(*) OVER (PARTITION BY h.stage) AS size
            FROM stage_history AS h JOIN opportunity AS o ON o.id = h.opportunity AND {live("o", as_of)}
            WHERE h.kind = 'open' AND h.next_day <= {as_of}
        ) AS v GROUP BY stage
    """


def stage_norms(session: Any, as_of: date) -> dict[int, dict[str, int]]:
    """Visits, median and p75 in days of every stage with a completed visit. Of the whole company: a norm is no deal."""
    rows = session.query(stage_norms_sql(day(as_of))).to_pylist()
    return {row["stage"]: row for row in rows}
