"""The pipeline waterfall as one SQL statement: what came into scope, what changed, what left, between two evenings.

    start + created + reopened + pulled in + reassigned in + increased + currency
          - decreased - won - lost - pushed out - reassigned out - deleted = end

Every evening of a deal is a state: in scope or not, with a value, in a slice (its owner, team, ...). A deal enters at most
once, at its first evening in scope, for the reason of that evening; every change of value after it counts; it leaves at most
once, by its state on the window's last evening. Closing counts as the last moment in scope: a deal that was out of scope is
pulled in by it, and then won or lost. See terms.md, "Settled readings: Pipeline".

Slices share out that one account of the deal, so that they add up to the whole in every bar and reassigned nets to zero. A
deal belongs to the slice of its latest moment in scope (out of scope it stays where it was). When that is another slice, its
value of the evening before is reassigned out of the one and into the other, and only then does the day's change count. A
slice that a deal leaves and comes back to has one entry and one exit; what it gained elsewhere is a reassigned amount, no deal.

A deal has a share in every product of its lines: its amounts are divided by the net values of the lines at its entry, what is
left at the end by those at its exit; what moved between products in between is reassigned, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from salesops.metrics.fanout import FAR, NET
from salesops.metrics.sql import NO_ID, NONE, allocate, converted, day

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
    `mine` (1 where the reader sees the row and the filter holds); `product` (product or product_line) adds a last key, by
    which amounts are divided over the lines of a deal."""

    keys: int = 0
    mine: bool = False
    product: str = ""

    @property
    def names(self) -> list[str]:
        """Columns of `versions` that tell slices apart."""
        return [*(f"k{n}" for n in range(self.keys)), *(["mine"] if self.mine else [])]

    @property
    def shown(self) -> list[str]:
        """Columns of `bar` that name its slice."""
        return [f"k{n}" for n in range(self.keys + bool(self.product))]


def bars(window: Window, slices: Slice, versions: str) -> list[tuple[str, str]]:
    """The statement's parts (name, SQL); the last, `bar`, has one row per deal and bar: id, keys, bucket, n, value, day.

    `versions` is SQL of the versions that were true on some evening from the eve to the last day: id, since, until,
    created_on, state (open, won, lost, deleted), inside (1 or 0), value, currency, closed_on, and the keys. `since` is
    never before creation; the versions of a deal follow each other without a gap.
    """
    names = slices.names
    parts = [("w", versions), ("closing", _closing(names, window)), ("g", _deals(window, names))]
    parts += [("entry", _entries(window, names)), ("leaving", _leaving(window, names))]
    if names:
        parts += [("moment", _moments(window, names)), ("run", _runs(names)), ("handed", _handed(window))]
    parts += [("stint", _stints(names)), ("change", _changes(window, names))]
    if slices.product:
        return [*parts, *_divided(window, slices)]
    return [*parts, ("bar", _bars(window, names))]


def _columns(names: Sequence[str], alias: str, become: str = "{}") -> str:
    return "".join(f", {alias}.{become.format(name)} AS {name}" for name in names)


def _money(window: Window, value: str, currency: str, rate: str) -> str:
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


def _closing(names: Sequence[str], window: Window) -> str:
    """The last time that each deal was closed inside the window: its day, its slice, and how it was the evening before."""
    return f"""
        SELECT * FROM (
            SELECT c.id, c.since, c.value, c.currency{_columns(names, "c")}, u.id AS had,
                   ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.since DESC) AS place
            FROM w AS c LEFT JOIN w AS u ON u.id = c.id AND u.until = c.since
            WHERE c.state IN ('won', 'lost') AND c.since >= {day(window.first)} AND (u.id IS NULL OR u.state = 'open')
        ) AS x WHERE place = 1
    """


def _deals(window: Window, names: Sequence[str]) -> str:
    """One row per deal that was in scope, or is closed at the end: when, how it started, how it ended, its lowest and highest
    slice."""
    eve, last = day(window.eve), day(window.last)
    finally_ = f"since <= {last} AND {last} < until"
    at_start = f"inside = 1 AND since <= {eve} AND {eve} < until"
    foreign = window.currency is not None
    ends = "".join(
        f", MIN(CASE WHEN inside = 1 THEN {name} END) AS lo_{name}, MAX(CASE WHEN inside = 1 THEN {name} END) AS hi_{name}"
        for name in names
    )
    return f"""
        SELECT id,
               MIN(CASE WHEN inside = 1 THEN CASE WHEN since < {eve} THEN {eve} ELSE since END END) AS entered,
               MAX(CASE WHEN inside = 1 THEN until END) AS left_on,
               MAX(CASE WHEN {at_start} THEN value END) AS start_value,
               {"MAX(CASE WHEN " + at_start + " THEN currency END) AS start_currency," if foreign else ""}
               MAX(CASE WHEN {finally_} THEN state END) AS final_state,
               MAX(CASE WHEN {finally_} THEN inside END) AS final_inside,
               MAX(CASE WHEN {finally_} THEN value END) AS final_value,
               {"MAX(CASE WHEN " + finally_ + " THEN currency END) AS final_currency," if foreign else ""}
               MAX(CASE WHEN {finally_} THEN closed_on END) AS closed_on{ends}
        FROM w GROUP BY id
        HAVING NOT MIN(CASE WHEN inside = 1 THEN since END) IS NULL
            OR MAX(CASE WHEN {finally_} THEN state END) IN ('won', 'lost')
    """


def _entries(window: Window, names: Sequence[str]) -> str:
    """One row per deal that was ever in scope: the bucket, day and value of its entry; `moved` where it changed slice."""
    eve = day(window.eve)
    start = _money(window, "g.start_value", "g.start_currency", "r")
    first = _money(window, "f.value", "f.currency", "r")
    close = _money(window, "c.value", "c.currency", "r")
    carried = "g.left_on, g.final_state, g.final_inside, g.final_value, g.closed_on" + (
        ", g.final_currency" if window.currency else ""
    )
    shut = "g.final_state IN ('won', 'lost') AND NOT c.id IS NULL"
    differs = [f"g.lo_{name} <> g.hi_{name} OR ({shut} AND c.{name} <> g.lo_{name})" for name in names]
    moved = f"CASE WHEN {' OR '.join(differs)} THEN 1 ELSE 0 END AS moved" if names else "0 AS moved"
    own = _columns(names, "g", "lo_{}")
    closing = " LEFT JOIN closing AS c ON c.id = g.id" if names else ""
    return f"""
        SELECT g.id{own}, 'start' AS bucket, {eve} AS day, {start} AS value, {carried}, {moved}
        FROM g{closing}{_rate(window, "r", "g.start_currency", eve)} WHERE g.entered = {eve}
        UNION ALL
        SELECT g.id{own},
               CASE WHEN u.id IS NULL THEN 'created' WHEN u.state <> 'open' THEN 'reopened' ELSE 'pulled_in' END AS bucket,
               g.entered AS day, {first} AS value, {carried}, {moved}
        FROM g JOIN w AS f ON f.id = g.id AND f.since = g.entered AND f.inside = 1
        LEFT JOIN w AS u ON u.id = g.id AND u.until = g.entered{closing}{_rate(window, "r", "f.currency", "g.entered")}
        WHERE g.entered > {eve}
        UNION ALL
        SELECT g.id{_columns(names, "c")}, CASE WHEN c.had IS NULL THEN 'created' ELSE 'pulled_in' END AS bucket,
               c.since AS day, {close} AS value, {carried}, 0 AS moved
        FROM g JOIN closing AS c ON c.id = g.id{_rate(window, "r", "c.currency", "c.since")}
        WHERE g.entered IS NULL AND g.final_state IN ('won', 'lost')
    """


def _leaving(window: Window, names: Sequence[str]) -> str:
    """One row per entry: how it stood on the last evening, and what it was worth there."""
    last = day(window.last)
    exit_day = f"""CASE WHEN e.final_inside = 1 THEN {last} WHEN e.final_state IN ('won', 'lost')
                   THEN COALESCE(e.closed_on, e.left_on, {last}) ELSE COALESCE(e.left_on, {last}) END"""
    value = _money(window, "e.final_value", "e.final_currency", "r")
    return f"""
        SELECT e.id{_columns(names, "e")}, e.moved, e.bucket AS entry, e.day AS entry_day, e.value AS entry_value,
               CASE WHEN e.final_inside = 1 THEN 'end' WHEN e.final_state = 'open' THEN 'pushed_out'
                    ELSE e.final_state END AS leaves, {exit_day} AS exit_day, {value} AS exit_value
        FROM entry AS e{_rate(window, "r", "e.final_currency", exit_day)}
    """


def _moments(window: Window, names: Sequence[str]) -> str:
    """When deals that changed slice were in scope, and where: every version in scope, and the closing."""
    eve = day(window.eve)
    return f"""
        SELECT w.id, CASE WHEN w.since < {eve} THEN {eve} ELSE w.since END AS day{_columns(names, "w")}
        FROM w JOIN entry AS e ON e.id = w.id AND e.moved = 1 WHERE w.inside = 1
        UNION ALL
        SELECT c.id, c.since AS day{_columns(names, "c")}
        FROM closing AS c JOIN entry AS e ON e.id = c.id AND e.moved = 1 AND e.final_state IN ('won', 'lost')
    """


def _runs(names: Sequence[str]) -> str:
    """Stays of a deal in one slice: from when until when (the last one: for ever), its number, and whether the deal was in that
    slice before (`again`) or comes back (`back`)."""
    keys = ", ".join(names)
    window = "OVER (PARTITION BY id ORDER BY day ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)"
    was = "".join(f", MAX({name}) {window} AS was_{name}" for name in names)
    new = " OR ".join(f"was_{name} IS NULL OR was_{name} <> {name}" for name in names)
    return f"""
        SELECT id, {keys}, day AS day_from, COALESCE(LEAD(day) OVER (PARTITION BY id ORDER BY day), {FAR}) AS day_to,
               ROW_NUMBER() OVER (PARTITION BY id ORDER BY day) AS no,
               CASE WHEN ROW_NUMBER() OVER (PARTITION BY id, {keys} ORDER BY day) > 1 THEN 1 ELSE 0 END AS again,
               CASE WHEN LEAD(day) OVER (PARTITION BY id, {keys} ORDER BY day) IS NULL THEN 0 ELSE 1 END AS back
        FROM (SELECT id, day, {keys}{was} FROM moment) AS m WHERE {new}
    """


def _handed(window: Window) -> str:
    """What deals were worth when they changed slice: the value of the evening before, at the day's rate."""
    return f"""
        SELECT r.id, r.day_from AS day, {_money(window, "u.value", "u.currency", "x")} AS value
        FROM run AS r JOIN w AS u ON u.id = r.id AND u.until = r.day_from{_rate(window, "x", "u.currency", "r.day_from")}
        WHERE r.no > 1
    """


def _stints(names: Sequence[str]) -> str:
    """Deals in slices: when and how each came, when and how it went. `final` is 1 for the last one of a deal."""
    text = f"""
        SELECT l.id{_columns(names, "l")}, 1 AS no, 0 AS again, 0 AS back, 1 AS final, l.entry, l.entry_day, l.entry_value,
               l.leaves, l.exit_day, l.exit_value
        FROM leaving AS l WHERE l.moved = 0
    """
    if not names:
        return text
    return f"""{text}
        UNION ALL
        SELECT r.id{_columns(names, "r")}, r.no, r.again, r.back, CASE WHEN r.day_to = {FAR} THEN 1 ELSE 0 END AS final,
               CASE WHEN r.no = 1 THEN l.entry ELSE 'reassigned_in' END AS entry,
               CASE WHEN r.no = 1 THEN l.entry_day ELSE r.day_from END AS entry_day,
               CASE WHEN r.no = 1 THEN l.entry_value ELSE a.value END AS entry_value,
               CASE WHEN r.day_to = {FAR} THEN l.leaves ELSE 'reassigned_out' END AS leaves,
               CASE WHEN r.day_to = {FAR} THEN l.exit_day ELSE r.day_to END AS exit_day,
               CASE WHEN r.day_to = {FAR} THEN l.exit_value ELSE b.value END AS exit_value
        FROM run AS r JOIN leaving AS l ON l.id = r.id
        LEFT JOIN handed AS a ON a.id = r.id AND a.day = r.day_from
        LEFT JOIN handed AS b ON b.id = r.id AND b.day = r.day_to
    """


def _changes(window: Window, names: Sequence[str]) -> str:
    """Every change of value after the entry, at its own day's rate, in the stint of its day."""
    first, last = day(window.first), day(window.last)
    now, before = _money(window, "v.value", "v.currency", "a"), _money(window, "u.value", "u.currency", "b")
    other = " OR v.currency <> u.currency" if window.currency else ""
    changed = f"""
        SELECT v.id, v.since AS day, {now} - {before} AS value
        FROM w AS v JOIN w AS u ON u.id = v.id AND u.until = v.since
            {_rate(window, "a", "v.currency", "v.since")}{_rate(window, "b", "u.currency", "v.since")}
        WHERE v.since >= {first} AND v.since <= {last} AND (COALESCE(v.value, 0) <> COALESCE(u.value, 0){other})
    """
    run = ""
    if names:
        run = " LEFT JOIN run AS r ON r.id = v.id AND r.day_from <= v.day AND v.day < r.day_to"
    return f"""
        SELECT v.id, {"COALESCE(r.no, 1)" if names else "1"} AS no, v.day, v.value
        FROM ({changed}) AS v JOIN entry AS e ON e.id = v.id{run} WHERE v.day > e.day AND v.value <> 0
    """


def _bars(window: Window, names: Sequence[str]) -> str:
    """A row for every bar of every deal and slice."""
    own, keys = _columns(names, "s"), "".join(f", {name}" for name in names)
    text = f"""
        SELECT s.id{own}, s.entry AS bucket, s.entry_day AS day, 1 AS n, s.entry_value AS value FROM stint AS s WHERE s.again = 0
        UNION ALL
        SELECT s.id{own}, CASE WHEN c.value > 0 THEN 'increased' ELSE 'decreased' END AS bucket, c.day, 1 AS n,
               ABS(c.value) AS value
        FROM change AS c JOIN stint AS s ON s.id = c.id AND s.no = c.no
        UNION ALL
        SELECT s.id{own}, s.leaves AS bucket, s.exit_day AS day, 1 AS n, s.exit_value AS value FROM stint AS s WHERE s.back = 0
    """
    if names:
        text += f"""
        UNION ALL
        SELECT id{keys}, CASE WHEN SUM(gain) > 0 THEN 'reassigned_in' ELSE 'reassigned_out' END AS bucket, MAX(day) AS day,
               0 AS n, ABS(SUM(gain)) AS value
        FROM (
            SELECT s.id{own}, s.entry_day AS day, s.entry_value AS gain FROM stint AS s WHERE s.again = 1
            UNION ALL
            SELECT s.id{own}, s.exit_day AS day, -s.exit_value AS gain FROM stint AS s WHERE s.back = 1
        ) AS elsewhere GROUP BY id{keys} HAVING SUM(gain) <> 0
        """
    if window.currency is None:
        return text
    return f"""{text}
        UNION ALL
        SELECT s.id{own}, 'currency' AS bucket, {day(window.last)} AS day, 1 AS n,
               s.exit_value - s.entry_value - COALESCE(c.value, 0) AS value
        FROM stint AS s LEFT JOIN (SELECT id, no, SUM(value) AS value FROM change GROUP BY id, no) AS c
            ON c.id = s.id AND c.no = s.no
        WHERE s.exit_value - s.entry_value - COALESCE(c.value, 0) <> 0
    """


def _divided(window: Window, slices: Slice) -> list[tuple[str, str]]:
    """The parts that divide every amount over products: `bar` is as that of `_bars`, with one key more.

    Every level that an amount reaches is divided by largest remainder, and a change is the difference of two levels: so the
    slices balance, and add up to the whole, to the last digit. `late` says which lines divide: those of the entry (0) or exit (1).
    """
    names = slices.names
    own, keys = _columns(names, "s"), "".join(f", {name}" for name in names)
    label = "l.product" if slices.product == "product" else "p.line"
    nobody = str(NO_ID) if slices.product == "product" else f"'{NONE}'"
    product = f"k{slices.keys}"
    lines = f"""
        SELECT n.id, n.late, COALESCE({label}, {nobody}) AS product, COALESCE(l.id, 0) AS line,
               CASE WHEN {NET} > 0 THEN {NET} ELSE 0 END AS weight
        FROM (SELECT id, 0 AS late, entry_day AS day FROM leaving UNION ALL SELECT id, 1 AS late, exit_day AS day FROM leaving) AS n
        LEFT JOIN opportunity_line AS l ON l.opportunity = n.id AND l.day_from <= n.day AND n.day < l.day_to AND NOT l.deleted
        LEFT JOIN product AS p ON p.id = l.product AND p.day_from <= n.day AND n.day < p.day_to
    """
    # Where no line is worth anything, nothing can be divided: all of it is "(none)".
    weights = f"""
        SELECT id, late, product, line, weight, SUM(weight) OVER (PARTITION BY id, late) AS whole,
               COUNT(*) OVER (PARTITION BY id, late) AS lines
        FROM line WHERE weight > 0
        UNION ALL
        SELECT id, late, {nobody} AS product, 0 AS line, 1 AS weight, 1 AS whole, 1 AS lines
        FROM line GROUP BY id, late HAVING SUM(weight) = 0
    """
    levels = """
        SELECT c.id, c.no, c.day, c.value,
               s.entry_value + SUM(c.value) OVER (PARTITION BY c.id, c.no ORDER BY c.day) AS level
        FROM change AS c JOIN stint AS s ON s.id = c.id AND s.no = c.no
    """
    amounts = f"""
        SELECT s.id, s.no{own}, s.entry AS bucket, s.entry_day AS day, 1 AS n, 0 AS late, 1 AS way, s.entry_value AS amount
        FROM stint AS s WHERE s.again = 0
        UNION ALL
        SELECT s.id, s.no{own}, s.leaves AS bucket, s.exit_day AS day, 1 AS n, s.final AS late, 1 AS way, s.exit_value AS amount
        FROM stint AS s WHERE s.back = 0
        UNION ALL
        SELECT s.id, s.no{own}, CASE WHEN c.value > 0 THEN 'increased' ELSE 'decreased' END AS bucket, c.day, 1 AS n, 0 AS late,
               CASE WHEN c.value > 0 THEN 1 ELSE -1 END AS way, c.level AS amount
        FROM level AS c JOIN stint AS s ON s.id = c.id AND s.no = c.no
        UNION ALL
        SELECT s.id, s.no{own}, CASE WHEN c.value > 0 THEN 'increased' ELSE 'decreased' END AS bucket, c.day, 1 AS n, 0 AS late,
               CASE WHEN c.value > 0 THEN -1 ELSE 1 END AS way, c.level - c.value AS amount
        FROM level AS c JOIN stint AS s ON s.id = c.id AND s.no = c.no
        UNION ALL
        SELECT s.id, s.no{own}, 'mix' AS bucket, s.exit_day AS day, 1 AS n, x.late, 2 * x.late - 1 AS way, s.exit_value AS amount
        FROM stint AS s
        JOIN (SELECT DISTINCT id FROM (SELECT id FROM weight GROUP BY id, line, product, weight HAVING COUNT(*) <> 2) AS d) AS m
          ON m.id = s.id
        JOIN (SELECT 0 AS late UNION ALL SELECT 1 AS late) AS x ON s.final = 1
        UNION ALL
        SELECT s.id, s.no{own}, 'elsewhere' AS bucket, s.entry_day AS day, 0 AS n, 0 AS late, 1 AS way, s.entry_value AS amount
        FROM stint AS s WHERE s.again = 1
        UNION ALL
        SELECT s.id, s.no{own}, 'elsewhere' AS bucket, s.exit_day AS day, 0 AS n, 0 AS late, -1 AS way, s.exit_value AS amount
        FROM stint AS s WHERE s.back = 1
    """
    if window.currency is not None:
        total = "SELECT id, no, SUM(value) AS value FROM change GROUP BY id, no"
        amounts += f"""
        UNION ALL
        SELECT s.id, s.no{own}, 'currency' AS bucket, {day(window.last)} AS day, 1 AS n, 0 AS late, 1 AS way, s.exit_value AS amount
        FROM stint AS s
        UNION ALL
        SELECT s.id, s.no{own}, 'currency' AS bucket, {day(window.last)} AS day, 1 AS n, 0 AS late, -1 AS way,
               s.entry_value + COALESCE(c.value, 0) AS amount
        FROM stint AS s LEFT JOIN ({total}) AS c ON c.id = s.id AND c.no = s.no
        """
    term = "id, no, bucket, day, late, way"  # what one amount is
    floor, place = allocate("amount", "weight", "whole", term, "line")
    weighed = f"""
        SELECT a.id, a.no{_columns(names, "a")}, a.bucket, a.day, a.n, a.late, a.way, a.amount, y.product, y.line, y.weight, y.whole
        FROM amount AS a JOIN weight AS y ON y.id = a.id AND y.late = a.late
    """
    shares = f"""
        SELECT id{keys}, bucket, day, n, late, product, CAST(way * amount AS BIGINT) AS part
        FROM ({weighed} WHERE y.lines = 1) AS b
        UNION ALL
        SELECT id{keys}, bucket, day, n, late, product,
               CAST(way * SIGN(amount) * (floor + CASE WHEN place <= rest THEN 1 ELSE 0 END) AS BIGINT) AS part
        FROM (
            SELECT *, {floor} AS floor, {place} AS place, ABS(amount) - SUM({floor}) OVER (PARTITION BY {term}) AS rest
            FROM ({weighed} WHERE y.lines > 1) AS b
        ) AS c
    """
    swung = "bucket IN ('mix', 'elsewhere')"
    only = "bucket = 'mix' AND MIN(late) = MAX(late)"  # the deal has this product at its entry or at its exit only
    gained = "side = 1 OR (side IS NULL AND value > 0)"
    sums = f"""
        SELECT id{keys}, product, bucket, MAX(day) AS day, MAX(n) AS n, CAST(SUM(part) AS BIGINT) AS value,
               CASE WHEN {only} THEN MIN(late) END AS side
        FROM share
        GROUP BY id{keys}, product, bucket, CASE WHEN {swung} THEN NULL ELSE day END
    """
    bar = f"""
        SELECT id{keys}, product AS {product}, day,
               CASE WHEN NOT {swung} THEN bucket WHEN {gained} THEN 'reassigned_in' ELSE 'reassigned_out' END AS bucket,
               CASE WHEN bucket = 'mix' AND side IS NULL THEN 0 ELSE n END AS n,
               CASE WHEN NOT {swung} OR {gained} THEN value ELSE -value END AS value
        FROM total
        WHERE value <> 0 OR NOT side IS NULL
           OR NOT bucket IN ('mix', 'elsewhere', 'increased', 'decreased', 'currency')
    """
    return [
        ("line", lines), ("weight", weights), ("level", levels), ("amount", amounts), ("share", shares), ("total", sums),
        ("bar", bar),
    ]  # fmt: skip
