"""The pipeline waterfall as one SQL statement: what came into scope, what changed, what left, between two evenings.

    start + created + reopened + pulled in + reassigned in + increased + currency
          - decreased - won - lost - pushed out - reassigned out - deleted = end

Every evening of a deal is a state: in scope or not, with a value, in a slice (its owner, team, ...). A deal enters a slice
at most once, at its first evening there, for the reason of that evening; every change of value after it counts, until the
window ends or the deal goes to another slice; it leaves at most once, by its state on the window's last evening. A closed
deal stays in the slice of its close day. Closing counts as the last moment in scope: a deal that was out of scope is pulled
in by it, and then won or lost. See terms.md, "Settled readings: Pipeline".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from salesops.metrics.sql import converted, day

ENTRIES: Final = ("created", "reopened", "pulled_in", "reassigned_in")
EXITS: Final = ("won", "lost", "pushed_out", "reassigned_out", "deleted")
BUCKETS: Final = ("start", *ENTRIES, "increased", "currency", "decreased", *EXITS, "end")
SIGNS: Final = {
    "start": 1,
    **dict.fromkeys((*ENTRIES, "increased", "currency"), 1),
    **dict.fromkeys(("decreased", *EXITS), -1),
}
SCOPES: Final = ("closing_in_period", "all_open")


@dataclass(frozen=True)
class Window:
    """What a waterfall is asked about. `currency` None: every amount is in the asked currency already."""

    first: date
    last: date
    scope: str = "closing_in_period"
    currency: str | None = None

    @property
    def eve(self) -> date:
        """The evening at which it starts."""
        return self.first - timedelta(days=1)


@dataclass(frozen=True)
class Slice:
    """How versions are told apart: `keys` are columns k0, k1, ... of `versions`; `mine` says whether it has a column
    `mine` (1 where the reader sees the row and the filter holds)."""

    keys: int = 0
    mine: bool = False

    @property
    def names(self) -> list[str]:
        return [*(f"k{n}" for n in range(self.keys)), *(["mine"] if self.mine else [])]


def bars(window: Window, slices: Slice, versions: str) -> list[tuple[str, str]]:
    """The statement's parts (name, SQL); the last, `bar`, has one row per deal and bar: id, keys, bucket, n, value, day.

    `versions` is SQL of the versions that were true on some evening from the eve to the last day: id, since, until,
    created_on, state (open, won, lost, deleted), inside (1 or 0), value, currency, closed_on, and the keys. `since` is
    never before creation; the versions of a deal follow each other without a gap.
    """
    names = slices.names
    keys = "".join(f", {name}" for name in names)
    eve, first, last = day(window.eve), day(window.first), day(window.last)
    parts = [("w", versions), ("closing", _closing(names, first))]
    rows = "w"
    if names:
        parts.append(("v", _frozen(names)))
        rows = "v"
    finally_ = f"since <= {last} AND {last} < until"
    at_start = f"inside = 1 AND since <= {eve} AND {eve} < until"
    parts.append(("g", f"""
        SELECT id{keys},
               MIN(CASE WHEN inside = 1 THEN CASE WHEN since < {eve} THEN {eve} ELSE since END END) AS entered,
               MAX(CASE WHEN inside = 1 THEN until END) AS left_on,
               MAX(CASE WHEN {at_start} THEN value END) AS start_value,
               {"MAX(CASE WHEN " + at_start + " THEN currency END) AS start_currency," if window.currency else ""}
               MAX(CASE WHEN {finally_} THEN state END) AS final_state,
               MAX(CASE WHEN {finally_} THEN inside END) AS final_inside,
               MAX(CASE WHEN {finally_} THEN value END) AS final_value,
               {"MAX(CASE WHEN " + finally_ + " THEN currency END) AS final_currency," if window.currency else ""}
               MAX(CASE WHEN {finally_} THEN closed_on END) AS closed_on
        FROM {rows} GROUP BY id{keys}
        HAVING NOT MIN(CASE WHEN inside = 1 THEN since END) IS NULL
            OR MAX(CASE WHEN {finally_} THEN state END) IN ('won', 'lost')
    """))  # fmt: skip
    parts.append(("entry", _entries(window, names, rows)))
    parts.append(("change", _changes(window, names, rows)))
    parts.append(("leaving", _leaving(window, names, rows)))
    parts.append(("bar", _bars(window, names)))
    return parts


def _same(names: Sequence[str], left: str, right: str) -> str:
    return "".join(f" AND {left}.{name} = {right}.{name}" for name in names)


def _columns(names: Sequence[str], alias: str) -> str:
    return "".join(f", {alias}.{name}" for name in names)


def _differs(names: Sequence[str], left: str, right: str) -> str:
    return " OR ".join(f"{left}.{name} <> {right}.{name}" for name in names) or "1 = 0"


def _money(window: Window, value: str, currency: str, at: str, rate: str) -> str:
    """A known value in the asked currency; unknown amounts and rates count as nothing here."""
    if window.currency is None:
        return f"COALESCE({value}, 0)"
    own = f"{currency} = '{window.currency}'"
    return f"COALESCE(CASE WHEN {own} THEN {value} ELSE {converted(value, f'{rate}.rate')} END, 0)"


def _rate(window: Window, alias: str, currency: str, at: str) -> str:
    if window.currency is None:
        return ""
    return (
        f" LEFT JOIN rate_day AS {alias} ON {alias}.kind = 'spot' AND {alias}.currency = {currency}"
        f" AND {alias}.to_currency = '{window.currency}' AND {alias}.day = {at}"
    )


def _closing(names: Sequence[str], first: str) -> str:
    """The last time that each deal was closed inside the window: its day, its slice, and the evening before."""
    before = "".join(f", u.{name} AS before_{name}" for name in names)
    return f"""
        SELECT * FROM (
            SELECT c.id, c.since, c.value, c.currency{_columns(names, "c")}, u.id AS had, u.inside AS was_inside{before},
                   ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.since DESC) AS place
            FROM w AS c LEFT JOIN w AS u ON u.id = c.id AND u.until = c.since
            WHERE c.state IN ('won', 'lost') AND c.since >= {first} AND (u.id IS NULL OR u.state = 'open')
        ) AS x WHERE place = 1
    """


def _frozen(names: Sequence[str]) -> str:
    """Versions in which a closed deal stays in the slice of its close day."""
    shut = "w.state IN ('won', 'lost') AND w.since >= c.since"  # not in the join: it would be no hash join any more
    keys = ", ".join(f"CASE WHEN {shut} THEN c.{name} ELSE w.{name} END AS {name}" for name in names)
    return f"""
        SELECT w.id, w.since, w.until, w.created_on, w.state, w.inside, w.value, w.currency, w.closed_on, {keys}
        FROM w LEFT JOIN closing AS c ON c.id = w.id
    """


def _entries(window: Window, names: Sequence[str], rows: str) -> str:
    """One row per deal and slice that was ever in scope: the bucket, day and value of its entry."""
    eve = day(window.eve)
    keys = _columns(names, "g")
    moved = _differs([f"before_{name}" for name in names], "c", "g").replace("g.before_", "g.")
    start = _money(window, "g.start_value", "g.start_currency", eve, "r")
    first = _money(window, "f.value", "f.currency", "g.entered", "r")
    close = _money(window, "c.value", "c.currency", "c.since", "r")
    carried = "g.left_on, g.final_state, g.final_inside, g.final_value, g.closed_on" + (
        ", g.final_currency" if window.currency else ""
    )
    return f"""
        SELECT g.id{keys}, 'start' AS bucket, {eve} AS day, {start} AS value, {carried}
        FROM g{_rate(window, "r", "g.start_currency", eve)} WHERE g.entered = {eve}
        UNION ALL
        SELECT g.id{keys},
               CASE WHEN u.id IS NULL THEN 'created' WHEN u.state <> 'open' THEN 'reopened'
                    WHEN u.inside = 1 THEN 'reassigned_in' ELSE 'pulled_in' END AS bucket,
               g.entered AS day, {first} AS value, {carried}
        FROM g JOIN {rows} AS f ON f.id = g.id AND f.since = g.entered AND f.inside = 1
        LEFT JOIN {rows} AS u ON u.id = g.id AND u.until = g.entered{_rate(window, "r", "f.currency", "g.entered")}
        WHERE g.entered > {eve}
        UNION ALL
        SELECT g.id{keys},
               CASE WHEN c.had IS NULL THEN 'created' WHEN c.was_inside = 1 AND ({moved}) THEN 'reassigned_in'
                    ELSE 'pulled_in' END AS bucket,
               c.since AS day, {close} AS value, {carried}
        FROM g JOIN closing AS c ON c.id = g.id{_same(names, "c", "g")}{_rate(window, "r", "c.currency", "c.since")}
        WHERE g.entered IS NULL AND g.final_state IN ('won', 'lost')
    """


def _changes(window: Window, names: Sequence[str], rows: str) -> str:
    """Every change of value after the entry, at its own day's rate."""
    first, last = day(window.first), day(window.last)
    now = _money(window, "v.value", "v.currency", "v.since", "a")
    before = _money(window, "u.value", "u.currency", "v.since", "b")
    other = " OR v.currency <> u.currency" if window.currency else ""
    return f"""
        SELECT e.id{_columns(names, "e")}, v.day, v.value
        FROM entry AS e JOIN (
            SELECT v.id, v.since AS day, {now} - {before} AS value
            FROM {rows} AS v JOIN {rows} AS u ON u.id = v.id AND u.until = v.since
                {_rate(window, "a", "v.currency", "v.since")}{_rate(window, "b", "u.currency", "v.since")}
            WHERE v.since >= {first} AND v.since <= {last}
              AND (COALESCE(v.value, 0) <> COALESCE(u.value, 0){other})
        ) AS v ON v.id = e.id AND v.day > e.day
        WHERE NOT e.final_state IS NULL OR v.day < e.left_on
    """


def _leaving(window: Window, names: Sequence[str], rows: str) -> str:
    """One row per entry: how it stood on the last evening, and what it was worth there."""
    last = day(window.last)
    exit_day = f"""CASE WHEN e.final_inside = 1 THEN {last} WHEN e.final_state IN ('won', 'lost')
                   THEN COALESCE(e.closed_on, e.left_on, {last}) ELSE COALESCE(e.left_on, {last}) END"""
    value = _money(window, "e.final_value", "e.final_currency", exit_day, "r")
    carried = "e.id" + _columns(names, "e") + ", e.bucket AS entry, e.value AS entry_value"
    stayed = f"""
        SELECT {carried}, CASE WHEN e.final_inside = 1 THEN 'end' WHEN e.final_state = 'open' THEN 'pushed_out'
                    ELSE e.final_state END AS bucket, {exit_day} AS day, {value} AS value
        FROM entry AS e{_rate(window, "r", "e.final_currency", exit_day)} WHERE NOT e.final_state IS NULL
    """
    if not names:
        return stayed
    gone = _money(window, "x.value", "x.currency", "e.left_on", "r")
    return f"""{stayed}
        UNION ALL
        SELECT {carried}, 'reassigned_out' AS bucket, e.left_on AS day, {gone} AS value
        FROM entry AS e JOIN {rows} AS x ON x.id = e.id AND x.until = e.left_on{_rate(window, "r", "x.currency", "e.left_on")}
        WHERE e.final_state IS NULL
    """


def _bars(window: Window, names: Sequence[str]) -> str:
    keys = "".join(f", {name}" for name in names)
    text = f"""
        SELECT id{keys}, bucket, day, 1 AS n, value FROM entry
        UNION ALL
        SELECT id{keys}, CASE WHEN value > 0 THEN 'increased' ELSE 'decreased' END AS bucket, day, 1 AS n, ABS(value) AS value
        FROM change WHERE value <> 0
        UNION ALL
        SELECT id{keys}, bucket, day, 1 AS n, value FROM leaving
    """
    if window.currency is None:
        return text
    total = f"SELECT id{keys}, SUM(value) AS value FROM change GROUP BY id{keys}"
    return f"""{text}
        UNION ALL
        SELECT l.id{_columns(names, "l")}, 'currency' AS bucket, {day(window.last)} AS day, 1 AS n,
               l.value - l.entry_value - COALESCE(c.value, 0) AS value
        FROM leaving AS l LEFT JOIN ({total}) AS c ON c.id = l.id{_same(names, "c", "l")}
        WHERE l.value - l.entry_value - COALESCE(c.value, 0) <> 0
    """
