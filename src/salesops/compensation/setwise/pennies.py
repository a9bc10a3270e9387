"""Rounds earnings once per payee, component and period, and spreads the minor units over the lines as ``exact.pennies`` does.

``calc.result``  a row per step: k, g, c, p, t, num/den (exact pay of the window to date, minor units), total (rounded), computed (this
                 period's: total less the period's before).
``calc.paid``    the lines of ``calc.fresh`` with ``cents``; lines of a step sum to ``computed``.
"""

from __future__ import annotations

from salesops.compensation.setwise.work import PPM, Work

_EXACT = """
    SELECT s.k, e.a + e.b * s.s AS num, e.d AS den FROM (
        SELECT s.k, CAST(coalesce(sum(r.counted) OVER (PARTITION BY s.g ORDER BY s.place ROWS UNBOUNDED PRECEDING), 0) AS BIGINT) AS s
        FROM calc.step s LEFT JOIN (SELECT k, sum(counted) AS counted FROM calc.axis GROUP BY k) r USING (k) WHERE s.form = 'smooth') s
    JOIN calc.segment e ON e.k = s.k AND (e.from_s IS NULL OR s.s >= e.from_s) AND (e.to_s IS NULL OR s.s < e.to_s)"""
"""F of smooth components at the end of each period, exact: their lines are rounded to 10^-6, what is paid is not."""


def round_totals(work: Work) -> None:
    """Make ``calc.result``: pay to date is the sum of raws, rounded; a period pays what that is more than before."""
    shown, end, join = "", "", ""
    if work.has("opening"):
        shown, end, join = (
            "CASE WHEN coalesce(o.is_open, true) THEN ",
            " ELSE 0 END",
            " LEFT JOIN calc.opening o USING (k)",
        )
    macro = "half_up" if work.plan.rounding.mode == "half_up" else "half_even"
    work.make(
        "result",
        f"""
        WITH summed AS (SELECT k, sum(raw) AS raw FROM calc.fresh GROUP BY k),
        to_date AS (
            SELECT s.k, s.g, s.c, s.p, s.t, s.place,
                CAST(sum(coalesce(f.raw, 0)) OVER (PARTITION BY s.g ORDER BY s.place ROWS UNBOUNDED PRECEDING) AS HUGEINT) AS raw
            FROM calc.step s LEFT JOIN summed f USING (k)),
        exact AS ({_EXACT}),
        rounded AS (
            SELECT *, CAST(calc.{macro}(num, den) AS BIGINT) AS total FROM (
                SELECT d.*, {shown}coalesce(e.num, d.raw){end} AS num,
                    coalesce(e.den, 1) * {PPM}::HUGEINT AS den FROM to_date d LEFT JOIN exact e USING (k){join}))
        SELECT *, total - coalesce(lag(total) OVER (PARTITION BY g ORDER BY place), 0) AS computed FROM rounded""",
    )


def spread(work: Work) -> None:
    """Make ``calc.paid``: each line its exact amount, its size rounded down, and what is left to the largest remainders.

    Within a step the positive lines sum to their own rounded sum (as far as the negative ones can give the rest).
    """
    work.make(
        "part",
        f"""
        WITH sides AS (
            SELECT k, CAST(coalesce(sum(raw) FILTER (raw > 0), 0) AS HUGEINT) AS above, count(*) FILTER (raw > 0) AS n_above,
                count(*) FILTER (raw < 0) AS n_below,
                CAST(coalesce(sum(raw // {PPM}) FILTER (raw > 0), 0) AS BIGINT) AS floor_above,
                CAST(coalesce(sum(-raw // {PPM}) FILTER (raw < 0), 0) AS BIGINT) AS least,
                CAST(coalesce(sum((-raw + {PPM - 1}) // {PPM}) FILTER (raw < 0), 0) AS BIGINT) AS most
            FROM calc.fresh GROUP BY k),
        aims AS (
            SELECT s.*, r.computed, CASE WHEN n_below = 0 THEN r.computed WHEN n_above = 0 THEN 0
                ELSE least(greatest(CAST(calc.half_up(above, {PPM}::HUGEINT) AS BIGINT), r.computed + least), r.computed + most) END AS aim
            FROM sides s JOIN calc.result r USING (k))
        SELECT k, aim - floor_above AS left_above, aim - computed - least AS left_below, n_above, n_below FROM aims""",
    )
    work.make(
        "paid",
        f"""
        SELECT * EXCLUDE (left_over, others, place), CAST(CASE WHEN raw < 0 THEN -1 ELSE 1 END * (
            abs(raw) // {PPM} + CASE WHEN raw = 0 OR left_over = 0 THEN 0
                ELSE sign(left_over) * (abs(left_over) // others + CASE WHEN place <= abs(left_over) % others THEN 1 ELSE 0 END) END) AS BIGINT) AS cents
        FROM (
            SELECT f.*, CASE WHEN f.raw > 0 THEN q.left_above ELSE q.left_below END AS left_over,
                CASE WHEN f.raw > 0 THEN q.n_above ELSE q.n_below END AS others,
                row_number() OVER (PARTITION BY f.k, sign(f.raw) ORDER BY
                    abs(f.raw) % {PPM} DESC, f.phase, f.cause_ord, f.own, f.ord, f.tier, f.rate) AS place
            FROM calc.fresh f JOIN calc.part q USING (k))""",
    )
    work.drop("fresh", "part")
