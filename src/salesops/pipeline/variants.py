"""Distinct paths of cases and how often each was taken, as SQL."""

from __future__ import annotations

from datetime import date

from salesops.metrics.sql import day

ARROW = " > "


def logged(as_of: date, pipeline: int | None, ordered_by: str) -> str:
    """Cases (case_key, path, events, duration in microseconds) of imported process logs; repeats are kept."""
    only = "" if pipeline is None else f" AND e.pipeline = {pipeline}"
    return f"""
        SELECT e.pipeline AS pipeline, e.case_id AS case_key,
               STRING_AGG(COALESCE(e.activity, '(none)'), '{ARROW}' ORDER BY {ordered_by}) AS path,
               COUNT(*) AS events, COUNT(DISTINCT COALESCE(e.activity, '(none)')) AS kinds,
               MAX(e.at) - MIN(e.at) AS duration
        FROM stage_event AS e WHERE e.on_day <= {day(as_of)}{only}
        GROUP BY e.pipeline, e.case_id
    """


def staged(as_of: date, pipeline: int | None) -> str:
    """Cases of deals' stage histories: a repeated save of the same stage is no event."""
    only = "" if pipeline is None else f" AND o.pipeline = {pipeline}"
    at = day(as_of)
    return f"""
        SELECT o.pipeline AS pipeline, CAST(h.opportunity AS VARCHAR) AS case_key,
               STRING_AGG(COALESCE(s.name, CAST(h.stage AS VARCHAR)), '{ARROW}' ORDER BY h.visit) AS path,
               COUNT(*) AS events, COUNT(DISTINCT h.stage) AS kinds, MAX(h.at) - MIN(h.at) AS duration
        FROM stage_history AS h
        JOIN opportunity AS o ON o.id = h.opportunity AND o.day_from <= {at} AND {at} < o.day_to AND o.created_on <= {at}
          AND NOT o.deleted
        LEFT JOIN stage AS s ON s.id = h.stage AND s.day_to = CAST('9999-12-31' AS DATE)
        WHERE h.day <= {at}{only}
        GROUP BY o.pipeline, h.opportunity
    """


def counted(cases: str) -> str:
    """Rows (path, cases, share denominators, mean duration parts), the most frequent first."""
    return f"""
        SELECT path, COUNT(*) AS cases, MAX(events) AS events, SUM(CASE WHEN events > kinds THEN 1 ELSE 0 END) AS rework,
               CAST(SUM(duration) AS DOUBLE) / NULLIF(COUNT(*), 0) / 86400000000 AS mean_days
        FROM ({cases}) AS c GROUP BY path ORDER BY cases DESC, path
    """
