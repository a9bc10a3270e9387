"""Computes earning lines as tables: what each credit earns in each band, and where quota, band or gate move earlier ones.

``calc.axis``  a row per credit that counts in a component: k (step), g, t, c, p, ord (place in the total order), y, n,
               credited_on, counted, paid, s0, s1 (accumulated credit of the window before and after).
``calc.fresh`` the lines that a step brings: k, g, then the order of lines - phase (0 the quota moved, 1 a credit),
               cause_ord, own (0 what a credit moved, 1 its own), ord, tier - then y, n, credited_on, kind (0 own, 1 true-up,
               2 reversal), cause_n, low, high, base, rate (null where F is no band), raw (10^-6 minor units).

A marginal credit covers [s0, s1) of the axis; its base in a band is the overlap, with the sign of the credit. Raws of a
step sum to F(now) - F(before) exactly, whatever the order of credits.
"""

from __future__ import annotations

from collections.abc import Iterator

from salesops.compensation.plan import EARNS_BY_CREDIT, Measure, Windfall
from salesops.compensation.setwise.facts import amounts
from salesops.compensation.setwise.work import PPM, Work

COLUMNS = "k, g, phase, cause_ord, own, ord, tier, y, n, credited_on, kind, cause_n, low, high, base, rate, raw"
_WIDE = "BIGINT"


def accumulate(work: Work) -> None:
    """Make ``calc.counted`` (credits of each component's measure) and ``calc.axis`` (where they lie in their window)."""
    parts = [part for number, one in enumerate(work.plan.components) if isinstance(one, EARNS_BY_CREDIT)
             for part in component_credit(work, number, work.plan.measure(one.measure))]  # fmt: skip
    union = " UNION ALL ".join(parts)
    work.make(
        "axis",
        f"""
        SELECT s.k, s.g, s.t, s.c, s.p, x.ord, x.y, x.n, x.credited_on, x.counted, x.paid,
            CAST(sum(x.counted) OVER (PARTITION BY s.g ORDER BY x.ord ROWS UNBOUNDED PRECEDING) AS BIGINT) AS s1
        FROM ({union}) x JOIN calc.step s ON s.c = x.c AND s.p = x.p AND s.t = x.t""",
    )


_SERVED = "JOIN calc.who w ON w.p = c.p AND {0}.credited_on BETWEEN w.first AND w.last"
"""Only what is credited while a payee is under the plan counts."""


def component_credit(work: Work, number: int, measure: Measure | None) -> Iterator[str]:
    """SQL of the credits that count in a component: by payee, in the total order (day, number of the line, type)."""
    one = next((one for one in amounts(work) if one.measure is measure and one.part == ""), None)
    if measure is None or one is None:
        return
    types = (
        "(SELECT y FROM calc.kind WHERE credit_type IN ("
        + ", ".join(f"'{kind}'" for kind in measure.credit if kind != "rollup")
        + "))"
    )
    place = "((credited_on - DATE '1970-01-01')::BIGINT << 40) + (n << 6) + y AS ord"
    plain = f"SELECT {number} AS c, p, t, {place}, y, n, credited_on, cents AS counted, cents AS paid FROM"
    sources = []
    if any(kind != "rollup" for kind in measure.credit):
        sources.append(
            "(SELECT c.p, c.y, c.n, c.cents, l.t, l.credited_on FROM calc.credit c JOIN calc.line l USING (n) "
            f"{_SERVED.format('l')} WHERE c.a = {one.number} AND c.y IN {types})"
        )
    if "rollup" in measure.credit:
        sources.append(
            f"(SELECT c.p, c.y, c.n, c.cents, c.t, c.credited_on FROM calc.rolled c {_SERVED.format('c')} WHERE c.a = {one.number})"
        )
    windfall = work.plan.windfall
    for source in sources:
        if windfall is not None and windfall.measure == measure.name:
            yield f"SELECT {number} AS c, p, t, {place}, y, n, credited_on, counted, paid FROM ({_with_windfall(windfall, source)})"
        else:
            yield f"{plain} {source}"


def _with_windfall(windfall: Windfall, source: str) -> str:
    """SQL of credits of which only a part counts: by payee, type and deal, each line carries the difference it makes."""
    counted = f"""CASE WHEN abs(x) <= {windfall.above} THEN x
        WHEN x > 0 THEN {windfall.above} + calc.half_up((x - {windfall.above})::HUGEINT * {windfall.count}, {PPM}::HUGEINT)
        ELSE -{windfall.above} - calc.half_up((-x - {windfall.above})::HUGEINT * {windfall.count}, {PPM}::HUGEINT) END"""
    now, before = counted.replace("x", "so_far"), counted.replace("x", "(so_far - cents)")
    part = f"CAST({now} - ({before}) AS BIGINT)"
    return f"""
        SELECT *, {part} AS counted, {part if "pay" in windfall.affects else "cents"} AS paid
        FROM (SELECT x.*, CAST(sum(x.cents) OVER (PARTITION BY x.p, x.y, d.deal ORDER BY x.n ROWS UNBOUNDED PRECEDING) AS BIGINT) AS so_far
              FROM {source} x JOIN calc.line d ON d.n = x.n)"""


# Lines ----------------------------------------------------------------------------------------------------------------


def make_lines(work: Work) -> None:
    """Make ``calc.fresh``: the lines of every step, by what forms of F there are."""
    forms = {form for (form,) in work.rows("SELECT DISTINCT form FROM calc.step")}
    gated, moved = work.rows(
        "SELECT coalesce(bool_or(gate IS NOT NULL), false), coalesce(bool_or(moved), false) FROM calc.step"
    )[0]
    spread = bool(work.rows("SELECT 1 FROM calc.axis WHERE paid <> counted LIMIT 1"))
    parts = [_own_bands(spread)]
    if work.rows("SELECT 1 FROM calc.step WHERE smooth AND form <> 'smooth' LIMIT 1"):
        parts.append(_OWN_WITHOUT_QUOTA)
    if gated and "band" in forms:
        parts.append(_gate_moves(spread))
    if "retroactive" in forms:
        work.make("rated", _rated("SELECT *, k AS at_k, k AS for_k, 1 AS side FROM calc.axis"))
        parts += [_retroactive_own(), _retroactive_moves()]
    if "smooth" in forms:
        work.make("smooth_axis", _SMOOTH_AXIS)
        parts.append(_smooth_own())
    if moved:
        _moved_steps(work)
        parts += _quota_moves(work, forms, spread)
    work.make("fresh", " UNION ALL ".join(f"SELECT {COLUMNS} FROM ({part})" for part in parts))
    work.drop("rated", "smooth_axis", "moved", "pair", "rated_then")


def _own_bands(spread: bool) -> str:
    """Own lines by band, where the gate (if any) is open after the credit."""
    pieces = _pieces("SELECT *, k AS at_k, ord AS cause_ord FROM calc.axis", spread)
    return f"""
        SELECT k, g, 1 AS phase, ord AS cause_ord, 1 AS own, ord, tier, y, n, credited_on, 0 AS kind, NULL::BIGINT AS cause_n,
            low, high, base, rate, CAST(base AS {_WIDE}) * rate AS raw
        FROM ({pieces}) WHERE gate IS NULL OR s1 >= gate"""


_OWN_WITHOUT_QUOTA = """
    SELECT a.k, a.g, 1 AS phase, ord AS cause_ord, 1 AS own, ord, 0 AS tier, y, n, credited_on, 0 AS kind, NULL::BIGINT AS cause_n,
        NULL::BIGINT AS low, NULL::BIGINT AS high, paid AS base, NULL::BIGINT AS rate, 0::BIGINT AS raw
    FROM calc.axis a JOIN calc.step s USING (k) WHERE s.smooth AND s.form <> 'smooth'"""
"""Own lines of tiers at a zero quota that pays nothing: they show the credit, at no rate."""


def _overlap(low: str, high: str) -> str:
    """SQL of the length that a band shares with a credit ``a``; ``greatest`` and ``least`` pass nulls over."""
    return (
        f"greatest(least(greatest(a.s1, a.s1 - a.counted), {high}) - greatest(least(a.s1, a.s1 - a.counted), {low}), 0)"
    )


def _pieces(credits: str, spread: bool) -> str:
    """SQL of credits by band of the step ``at_k``: base is the overlap with the sign of the credit.

    Where pay has another base than the bands (a windfall), it is spread over the bands in proportion, by largest
    remainder, ties to the lower band.
    """
    cut = f"""
        SELECT a.*, s.gate, b.tier, b.low, b.high, b.rate, {_overlap("b.low", "b.high")} AS size
        FROM ({credits}) a JOIN calc.step s ON s.k = a.at_k JOIN calc.slab b ON b.k = a.at_k WHERE NOT s.retroactive"""
    plain = f"SELECT *, sign(counted) * size AS base FROM ({cut}) WHERE size > 0"
    if not spread:
        return plain
    group = "PARTITION BY at_k, cause_ord, ord"
    shared = f"""
        SELECT * EXCLUDE (whole, part, rest, place),
            CAST(sign(paid) * (part + CASE WHEN place <= abs(paid) - sum(part) OVER ({group}) THEN 1 ELSE 0 END) AS BIGINT) AS base
        FROM (SELECT *, row_number() OVER ({group} ORDER BY rest DESC, tier) AS place FROM (
            SELECT *, abs(paid)::HUGEINT * size // whole AS part, abs(paid)::HUGEINT * size % whole AS rest FROM (
                SELECT *, CAST(sum(size) OVER ({group}) AS HUGEINT) AS whole FROM ({cut}) WHERE size > 0 AND paid <> counted)))"""
    return f"{plain} AND paid = counted UNION ALL BY NAME {shared}"


def _gate_moves(spread: bool) -> str:
    """Lines of earlier credits of the window where a credit opens the gate (true-up) or shuts it (reversal)."""
    turns = """
        SELECT a.k AS at_k, a.g, a.ord AS cause_ord, a.n AS cause_n, a.s1 >= s.gate AS opens
        FROM calc.axis a JOIN calc.step s ON s.k = a.k
        WHERE s.gate IS NOT NULL AND NOT s.retroactive AND (a.s1 >= s.gate) <> (a.s1 - a.counted >= s.gate)"""
    earlier = f"SELECT a.*, u.at_k, u.cause_ord, u.cause_n, u.opens FROM calc.axis a JOIN ({turns}) u ON u.g = a.g AND a.ord < u.cause_ord"
    return f"""
        SELECT at_k AS k, g, 1 AS phase, cause_ord, 0 AS own, ord, tier, y, n, credited_on, CASE WHEN opens THEN 1 ELSE 2 END AS kind,
            cause_n, low, high, CASE WHEN opens THEN base ELSE -base END AS base, rate,
            CAST(CASE WHEN opens THEN base ELSE -base END AS {_WIDE}) * rate AS raw
        FROM ({_pieces(earlier, spread)})"""


# Retroactive tiers ----------------------------------------------------------------------------------------------------


def _rated(credits: str) -> str:
    """SQL of credits with the rate of all at ``at_k`` before (rate0) and after (rate1), and the band that is reached."""

    def reached(name: str, s: str) -> str:
        return f"JOIN calc.slab {name} ON {name}.k = a.at_k AND ({name}.low IS NULL OR {s} >= {name}.low) AND ({name}.high IS NULL OR {s} < {name}.high)"

    def rate(name: str, s: str) -> str:
        return f"CASE WHEN v.gate IS NULL OR {s} >= v.gate THEN {name}.rate ELSE 0 END"

    return f"""
        SELECT a.*, b1.tier, b1.low, b1.high, {rate("b1", "a.s1")} AS rate1, {rate("b0", "(a.s1 - a.counted)")} AS rate0
        FROM ({credits}) a JOIN calc.step v ON v.k = a.at_k {reached("b1", "a.s1")} {reached("b0", "(a.s1 - a.counted)")}
        WHERE v.retroactive"""


def _retroactive_own() -> str:
    return f"""
        SELECT k, g, 1 AS phase, ord AS cause_ord, 1 AS own, ord, tier, y, n, credited_on, 0 AS kind, NULL::BIGINT AS cause_n,
            low, high, paid AS base, rate1 AS rate, CAST(paid AS {_WIDE}) * rate1 AS raw FROM calc.rated"""


def _retroactive_moves() -> str:
    """Lines of every earlier credit of the window where a credit moves the rate of all."""
    return f"""
        SELECT j.k, j.g, 1 AS phase, j.ord AS cause_ord, 0 AS own, a.ord, j.tier, a.y, a.n, a.credited_on,
            CASE WHEN j.rate1 > j.rate0 THEN 1 ELSE 2 END AS kind, j.n AS cause_n, j.low, j.high, a.paid AS base, j.rate1 - j.rate0 AS rate,
            CAST(a.paid AS {_WIDE}) * (j.rate1 - j.rate0) AS raw
        FROM calc.rated j JOIN calc.axis a ON a.g = j.g AND a.ord < j.ord WHERE j.rate1 <> j.rate0"""


# Curves and steps -----------------------------------------------------------------------------------------------------


def _smooth_raw(s: str, name: str) -> tuple[str, str]:
    """SQL of F(s) at ``at_k``, and the join that it needs."""
    join = f"""JOIN calc.segment {name} ON {name}.k = a.at_k AND ({name}.from_s IS NULL OR {s} >= {name}.from_s)
        AND ({name}.to_s IS NULL OR {s} < {name}.to_s)"""
    return f"calc.half_even({name}.a + {name}.b * {s}, {name}.d)", join


def _smooth_lines(credits: str) -> str:
    """SQL of what credits earn at ``at_k``: F after less F before; the row before all credits earns F(0)."""
    after, join_after = _smooth_raw("a.s1", "b1")
    before, join_before = _smooth_raw("(a.s1 - a.counted)", "b0")
    return f"""
        SELECT a.*, CAST({after} - CASE WHEN a.ord < 0 THEN 0 ELSE {before} END AS {_WIDE}) AS raw
        FROM ({credits}) a {join_after} {join_before}"""


_SMOOTH_AXIS = """
    SELECT a.k, a.g, a.t, a.ord, a.y, a.n, a.credited_on, a.counted, a.paid, a.s1 FROM calc.axis a JOIN calc.step s USING (k) WHERE s.form = 'smooth'
    UNION ALL SELECT k, g, t, -1, NULL, NULL, NULL, 0, 0, 0 FROM calc.step WHERE form = 'smooth' AND place = 0"""
"""Credits of smooth components, and before all credits of a window a row for what is paid before anything is sold."""


def _smooth_own() -> str:
    return f"""
        SELECT k, g, 1 AS phase, ord AS cause_ord, 1 AS own, ord, 0 AS tier, y, n, credited_on, 0 AS kind, NULL::BIGINT AS cause_n,
            NULL::BIGINT AS low, NULL::BIGINT AS high, paid AS base, NULL::BIGINT AS rate, raw
        FROM ({_smooth_lines("SELECT *, k AS at_k FROM calc.smooth_axis")}) WHERE ord >= 0 OR raw <> 0"""


# Where the quota moved ------------------------------------------------------------------------------------------------


def _moved_steps(work: Work) -> None:
    """Make ``calc.moved``: steps whose F is another than the period before, and whether gates are open for what was before."""
    work.make("moved", """
        WITH pairs AS (
            SELECT s.k, b.k AS before_k, s.g, s.t, s.form, s.gate, b.gate AS before_gate
            FROM calc.step s JOIN calc.step b ON b.g = s.g AND b.place = s.place - 1 WHERE s.moved),
        reached AS (
            SELECT m.k, arg_max(a.s1, a.ord) AS s FROM pairs m JOIN calc.axis a ON a.g = m.g AND a.t < m.t
            WHERE m.gate IS NOT NULL OR m.before_gate IS NOT NULL GROUP BY m.k)
        SELECT p.*, p.gate IS NULL OR coalesce(r.s, 0) >= p.gate AS is_open,
            p.before_gate IS NULL OR coalesce(r.s, 0) >= p.before_gate AS was_open
        FROM pairs p LEFT JOIN reached r USING (k)""")  # fmt: skip


def _quota_moves(work: Work, forms: set[str], spread: bool) -> Iterator[str]:
    if "band" in forms:
        work.make("pair", _pairs())
        yield _moved_bands(" AND a.paid = a.counted" if spread else "")
        if spread:
            yield _net(_spread_then_and_now())
    earlier = "SELECT a.*, m.k AS for_k, {0} AS at_k, {1} AS side FROM calc.axis a JOIN calc.moved m ON m.g = a.g AND a.t < m.t"
    both = earlier.format("m.k", "1") + " UNION ALL " + earlier.format("m.before_k", "-1")
    if "retroactive" in forms:
        work.make("rated_then", _rated(both))
        yield _net(_retroactive_then_and_now(both))
    if "smooth" in forms:
        lines = _smooth_lines(both.replace("calc.axis", "calc.smooth_axis"))
        yield _net(
            f"SELECT for_k, g, ord, y, n, credited_on, 0 AS tier, NULL::BIGINT AS rate, side * paid AS base, side * raw AS raw FROM ({lines})"
        )


def _pairs() -> str:
    """SQL of bands now beside the same bands of the period before, where their edges differ: none is empty (0 to 0)."""
    side = f"""SELECT m.k, m.g, m.t, b.tier, b.rate, coalesce(b.low, -{_FAR}) AS low, coalesce(b.high, {_FAR}) AS high
        FROM calc.moved m JOIN calc.slab b ON b.k = m.{{0}} WHERE m.form = 'band' AND m.{{1}} AND b.rate <> 0"""
    return f"""
        SELECT *, coalesce(x.low, 0) AS now_low, coalesce(x.high, 0) AS now_high, coalesce(z.low, 0) AS then_low, coalesce(z.high, 0) AS then_high
        FROM ({side.format("k", "is_open")}) x FULL JOIN ({side.format("before_k", "was_open")}) z USING (k, g, t, tier, rate)
        WHERE x.low IS DISTINCT FROM z.low OR x.high IS DISTINCT FROM z.high"""


_FAR = 2**62


def _moved_bands(also: str) -> str:
    return f"""
        SELECT k, g, 0 AS phase, 0::BIGINT AS cause_ord, 0 AS own, ord, tier, y, n, credited_on, 1 AS kind, NULL::BIGINT AS cause_n,
            NULL::BIGINT AS low, NULL::BIGINT AS high, base, rate, CAST(base AS {_WIDE}) * rate AS raw
        FROM (SELECT q.k, a.g, a.ord, q.tier, a.y, a.n, a.credited_on, q.rate,
                sign(a.counted) * ({_overlap("q.now_low", "q.now_high")} - {_overlap("q.then_low", "q.then_high")}) AS base
              FROM calc.axis a JOIN calc.pair q ON q.g = a.g AND a.t < q.t{also})
        WHERE base <> 0"""


def _spread_then_and_now() -> str:
    earlier = """SELECT a.*, m.k AS for_k, {0} AS at_k, m.k AS cause_ord, {1} AS side FROM calc.axis a
        JOIN calc.moved m ON m.g = a.g AND a.t < m.t WHERE m.form = 'band' AND m.{2} AND a.paid <> a.counted"""
    both = earlier.format("m.k", "1", "is_open") + " UNION ALL " + earlier.format("m.before_k", "-1", "was_open")
    return f"""SELECT for_k, g, ord, y, n, credited_on, tier, rate, side * base AS base, CAST(side * base AS {_WIDE}) * rate AS raw
        FROM ({_pieces(both, True)})"""


def _retroactive_then_and_now(both: str) -> str:
    """SQL of what earlier credits earned in all, own lines and moves, at the F of now (side 1) and of then (side -1)."""
    own = f"SELECT for_k, g, ord, y, n, credited_on, tier, rate1 AS rate, side * paid AS base, CAST(side * paid AS {_WIDE}) * rate1 AS raw FROM calc.rated_then"
    moves = f"""
        SELECT j.for_k, j.g, a.ord, a.y, a.n, a.credited_on, j.tier, j.rate1 - j.rate0 AS rate, j.side * a.paid AS base,
            CAST(j.side * a.paid AS {_WIDE}) * (j.rate1 - j.rate0) AS raw
        FROM calc.rated_then j JOIN calc.axis a ON a.g = j.g AND a.ord < j.ord WHERE j.rate1 <> j.rate0"""
    at_zero = f"""
        SELECT for_k, g, ord, y, n, credited_on, tier, rate, side * base AS base, CAST(side * base AS {_WIDE}) * rate AS raw
        FROM ({_pieces(f"SELECT *, for_k AS cause_ord FROM ({both}) WHERE for_k IN (SELECT k FROM calc.moved WHERE form = 'retroactive')", True)})"""
    return f"{own} UNION ALL {moves} UNION ALL {at_zero}"


def _net(lines: str) -> str:
    """SQL of true-up lines: what earlier credits earn now less then, by band and rate, where that is not nothing."""
    return f"""
        SELECT for_k AS k, g, 0 AS phase, 0::BIGINT AS cause_ord, 0 AS own, ord, tier, y, n, credited_on, 1 AS kind, NULL::BIGINT AS cause_n,
            NULL::BIGINT AS low, NULL::BIGINT AS high, CAST(sum(base) AS BIGINT) AS base, rate, CAST(sum(raw) AS {_WIDE}) AS raw
        FROM ({lines}) GROUP BY for_k, g, ord, tier, y, n, credited_on, rate HAVING sum(raw) <> 0"""
