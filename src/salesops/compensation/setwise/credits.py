"""Credits deal lines to payees as tables: precedence, splits by largest remainder, overlays with caps, roll-ups, windfalls.

``calc.credit`` has a row per amount, payee, type and deal line (direct credit); ``calc.rolled`` the managers' credit:

    a INTEGER (number of the amount), p INTEGER (payee), y INTEGER (type), n BIGINT (line), cents BIGINT, and for direct
    credit w, whole (the exact share w/whole) and k BIGINT (the winning rule).

``calc.payee`` and ``calc.kind`` number payees and types in the order of their bytes, ``calc.rule`` the claims' rules in
the order in which they win: source by ``crediting.PRECEDENCE``, priority, name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from salesops.common.errors import Problem
from salesops.compensation.crediting import PRECEDENCE
from salesops.compensation.plan import HOUSE, PRIMARY, ROLLUP, Measure
from salesops.compensation.setwise.facts import Amount, amounts
from salesops.compensation.setwise.work import PPM, Work


def number_names(work: Work) -> None:
    """Make ``calc.claim`` (the claims of the lines that are read), ``calc.payee``, ``calc.kind`` and ``calc.rule``."""
    wanted = "" if work.subset is None else " WHERE deal IN (SELECT deal FROM calc.wanted)"
    work.make("claim", f"SELECT * FROM given.claim{wanted}")
    people = (
        "SELECT payee FROM calc.claim UNION SELECT ancestor FROM given.closure UNION SELECT payee FROM given.assignment"
    )
    kinds = f"SELECT credit_type FROM calc.claim UNION SELECT '{PRIMARY}' UNION SELECT '{ROLLUP}'"
    if work.subset is not None:
        people += f" UNION SELECT payee FROM ({work.subset.stored})"
        kinds += f" UNION SELECT credit_type FROM ({work.subset.stored})"
    work.make("payee", f"""
        SELECT CAST(row_number() OVER (PARTITION BY 1 ORDER BY payee) AS INTEGER) AS p, payee
        FROM ({people} UNION SELECT '{HOUSE}') WHERE payee IS NOT NULL""")  # fmt: skip
    work.make(
        "kind",
        f"SELECT CAST(row_number() OVER (PARTITION BY 1 ORDER BY credit_type) AS INTEGER) AS y, credit_type FROM ({kinds})",
    )
    order = " ".join(f"WHEN '{source}' THEN {place}" for place, source in enumerate(PRECEDENCE))
    work.make(
        "rule",
        f"""
        SELECT row_number() OVER (PARTITION BY 1 ORDER BY CASE source {order} END, priority, rule) AS k, source, priority, rule
        FROM (SELECT DISTINCT source, priority, rule FROM calc.claim)""",
    )


def credit_directly(work: Work) -> list[Problem]:
    """Make ``calc.credit`` and ``calc.uncredited`` from lines and claims; needs ``calc.line`` and the numbers of names."""
    _winners(work)
    problems = [*_wrong_splits(work), *_over_caps(work)]
    _uncredited(work)
    parts = [_amount_credit(one) for one in amounts(work)]
    work.make("credit", " UNION ALL ".join(parts) or _NOTHING)
    work.drop("shared", "claim")
    if work.subset is not None:  # of others not all deals are read
        work.run("DELETE FROM calc.credit WHERE p NOT IN (SELECT p FROM calc.payee JOIN calc.person USING (payee))")
    return problems


_NOTHING = "SELECT 0 AS a, 0 AS p, 0 AS y, 0::BIGINT AS n, 0::BIGINT AS cents, 0::BIGINT AS w, 0::BIGINT AS whole, 0::BIGINT AS k WHERE false"


def _winners(work: Work) -> None:
    """Make ``calc.sole`` (one payee has all of a line) and ``calc.shared`` (the others) of the rule that wins.

    A share is exact: the claims' fractions brought to one denominator ``whole`` for each line and type.
    """
    work.make(
        "offer",
        f"""
        SELECT l.n, y.y, p.p, r.k, c.num, c.den
        FROM calc.claim c JOIN calc.line l ON l.deal = c.deal JOIN calc.kind y ON y.credit_type = c.credit_type
        JOIN calc.payee p ON p.payee = c.payee
        JOIN calc.rule r ON r.source = c.source AND r.priority = c.priority AND r.rule = c.rule
        WHERE (c.line IS NULL OR c.line = l.claim_line) AND NOT l.unpriced AND c.credit_type <> '{ROLLUP}'""",
    )
    work.make("won", """
        SELECT o.n, o.y, o.k, count(*) AS claims, any_value(o.p) AS p, min(o.num) AS num, min(o.den) AS den, max(o.den) AS most_den
        FROM offer o JOIN (SELECT n, y, min(k) AS k FROM offer GROUP BY n, y) USING (n, y, k) GROUP BY o.n, o.y, o.k
        """.replace("offer", "calc.offer"))  # fmt: skip
    work.make("sole", "SELECT n, y, k, p FROM calc.won WHERE claims = 1 AND num = den")
    work.make("shared", """
        WITH part AS (
            SELECT o.n, o.y, o.k, o.p, o.num, o.den,
                CASE WHEN w.den = w.most_den THEN w.den ELSE d.whole END AS whole
            FROM calc.offer o JOIN calc.won w USING (n, y, k) LEFT JOIN (
                SELECT n, y, k, list_reduce(list(DISTINCT o.den), lambda a, b: calc.common(a, b)) AS whole
                FROM calc.offer o JOIN calc.won w USING (n, y, k) WHERE w.den <> w.most_den GROUP BY n, y, k) d USING (n, y, k)
            WHERE NOT (w.claims = 1 AND w.num = w.den))
        SELECT n, y, k, p, w, whole, CAST(sum(w) OVER (PARTITION BY n, y) AS HUGEINT) AS given, least_num
        FROM (SELECT n, y, k, p, CAST(sum(CAST(num AS HUGEINT) * (whole // den)) AS HUGEINT) AS w, whole, min(num) AS least_num
              FROM part GROUP BY n, y, k, p, whole)""")  # fmt: skip
    work.drop("offer", "won")


def _wrong_splits(work: Work) -> Iterator[Problem]:
    """Take lines out whose shares of type primary do not sum to one exactly, or are below zero."""
    wrong = f"""SELECT s.n, s.y FROM calc.shared s JOIN calc.kind y USING (y)
        WHERE (y.credit_type = '{PRIMARY}' AND s.given <> s.whole) OR s.least_num < 0 GROUP BY s.n, s.y"""
    found = work.rows(f"""SELECT l.deal, y.credit_type, min(s.given), min(s.whole) FROM calc.shared s JOIN ({wrong}) x USING (n, y)
        JOIN calc.line l USING (n) JOIN calc.kind y USING (y) GROUP BY l.deal, y.credit_type, s.given, s.whole ORDER BY 1, 2, 3""")
    work.make("refused", wrong)
    work.run("DELETE FROM calc.shared WHERE (n, y) IN (SELECT (n, y) FROM calc.refused)")
    for deal, kind, given, whole in found:
        text = f"{float(given) / float(whole) * 100:.6f}".rstrip("0").rstrip(".")
        which = "split" if kind == PRIMARY else f"split of type {kind}"
        yield Problem(
            "splits", None, "share", f"The {which} of deal {deal} sums to {text} %, not 100 %" if kind == PRIMARY
            else f"The {which} of deal {deal} has a share below zero",
            "Correct the shares; until then nobody is paid on this deal", record=deal,
        )  # fmt: skip


def _over_caps(work: Work) -> Iterator[Problem]:
    """Take overlay types out where all types of a cap group together are above the group's most on a line."""
    rules = [rule for rule in work.plan.crediting if rule.max_total is not None]
    groups = sorted({(rule.cap_group, rule.max_total or 0) for rule in rules})
    for group, most in groups:
        types = ", ".join(f"'{rule.type}'" for rule in rules if rule.cap_group == group)
        numbers = f"(SELECT y FROM calc.kind WHERE credit_type IN ({types}))"
        work.make("over", f"""
            WITH share AS (
                SELECT n, w, whole FROM calc.shared WHERE y IN {numbers}
                UNION ALL SELECT n, 1, 1 FROM calc.sole WHERE y IN {numbers}),
            common AS (SELECT n, list_reduce(list(DISTINCT CAST(whole AS HUGEINT)), lambda a, b: calc.common(a, b)) AS whole FROM share GROUP BY n)
            SELECT n, sum(w * (c.whole // s.whole)) AS given, min(c.whole) AS whole FROM share s JOIN common c USING (n)
            GROUP BY n HAVING sum(w * (c.whole // s.whole)) * {PPM} > min(c.whole) * {most}::HUGEINT""")  # fmt: skip
        for table in ("shared", "sole"):
            work.run(f"DELETE FROM calc.{table} WHERE y IN {numbers} AND n IN (SELECT n FROM calc.over)")
        found = work.rows(
            "SELECT l.deal, max(o.given * 100 / o.whole) FROM calc.over o JOIN calc.line l USING (n) GROUP BY l.deal ORDER BY l.deal"
        )
        for deal, share in found:
            yield Problem(
                "crediting", None, group,
                f"Overlay credit of deal {deal} is {float(share):g} %, above the most of {most / 10_000:g} %",
                "Remove an overlay from the deal, or raise max_total in the plan", record=deal,
            )  # fmt: skip


def _uncredited(work: Work) -> None:
    """Make ``calc.uncredited`` (lines that nobody claims), and give them to the house."""
    work.make(
        "uncredited",
        f"""
        SELECT l.n, (SELECT y FROM calc.kind WHERE credit_type = '{PRIMARY}') AS y FROM calc.line l
        WHERE NOT l.unpriced AND NOT EXISTS (
            SELECT 1 FROM (SELECT n, y FROM calc.sole UNION ALL SELECT n, y FROM calc.shared UNION ALL SELECT n, y FROM calc.refused) x
            JOIN calc.kind k USING (y) WHERE x.n = l.n AND k.credit_type = '{PRIMARY}')""",
    )
    work.run(
        f"""INSERT INTO calc.sole SELECT n, y, 0, (SELECT p FROM calc.payee WHERE payee = '{HOUSE}') FROM calc.uncredited"""
    )


def _amount_credit(one: Amount) -> str:
    """SQL of the direct credit of one amount: all of it to a sole payee, else shares by largest remainder.

    What is shared out is the amount, or its share (half up) where the shares do not sum to one; each part is the exact
    one, its size rounded down, and what is left goes to the largest remainders, ties to the smaller payee. A negative
    amount is divided as a positive one, and the sign put back.
    """
    column = one.column
    return f"""
        SELECT {one.number} AS a, s.p, s.y, s.n, l.{column} AS cents, 1::BIGINT AS w, 1::BIGINT AS whole, s.k
        FROM calc.sole s JOIN calc.line l USING (n) WHERE l.{column} IS NOT NULL
        UNION ALL
        SELECT {one.number}, p, y, n, CAST(sign * (part + CASE WHEN place <= left_over THEN 1 ELSE 0 END) AS BIGINT), w, whole, k FROM (
            SELECT *, size - sum(part) OVER (PARTITION BY n, y) AS left_over,
                row_number() OVER (PARTITION BY n, y ORDER BY rest DESC, p) AS place FROM (
                SELECT *, size * w // given AS part, size * w % given AS rest FROM (
                    SELECT s.*, CASE WHEN l.{column} < 0 THEN -1 ELSE 1 END AS sign,
                        CASE WHEN s.given = s.whole THEN CAST(abs(l.{column}) AS HUGEINT)
                             ELSE calc.half_up(abs(l.{column})::HUGEINT * s.given, s.whole::HUGEINT) END AS size
                    FROM calc.shared s JOIN calc.line l USING (n) WHERE l.{column} IS NOT NULL AND s.given > 0)))"""


# Managers -------------------------------------------------------------------------------------------------------------


def roll_up(work: Work) -> None:
    """Make ``calc.rolled``: per manager, amount and deal line (or day) the sum of what the subtree was credited.

    A deal that two reports of a manager share reaches the manager once, as one sum. By day ``n`` is 0: a manager's day
    stands before the deals of that day. ``t`` and ``credited_on`` are those of the line; ``parts`` counts the credits of
    the sum: a day without any is no row, a day on which they cancel out is.
    """
    parts = [_rolled(work, one) for one in amounts(work) if ROLLUP in one.measure.credit]
    nothing = (
        f"SELECT a, p, y, n, 0 AS t, DATE '2000-01-01' AS credited_on, cents, 0::BIGINT AS parts FROM ({_NOTHING})"
    )
    work.make("rolled", " UNION ALL ".join(parts) or nothing)


def _rolled(work: Work, one: Amount) -> str:
    _reach(work, one)
    own = f"(SELECT y FROM calc.kind WHERE credit_type = '{ROLLUP}')"
    before = ""
    if work.subset is not None and work.subset.rolled:
        before = f"""UNION ALL SELECT y.p, 0::BIGINT, t.t, s.credited_on, s.cents, s.parts
            FROM ({work.subset.rolled}) s JOIN calc.payee y USING (payee) JOIN calc.period t ON s.credited_on BETWEEN t.first AND t.last
            WHERE s.measure = '{one.measure.name}' AND s.part = '{one.part}' AND s.payee IN (SELECT payee FROM calc.dirty)"""
    return f"""
        SELECT {one.number} AS a, p, {own} AS y, n, t, credited_on, CAST(sum(cents) AS BIGINT) AS cents, CAST(sum(parts) AS BIGINT) AS parts
        FROM (SELECT r.ancestor AS p, d.n, d.t, d.credited_on, d.cents, d.parts FROM ({_below(work, one)}) d
              JOIN calc.reach{one.number} r ON r.person = d.p AND d.managed_on >= r.valid_from AND d.managed_on < r.valid_to
              {before})
        GROUP BY p, n, t, credited_on HAVING sum(parts) > 0"""


def _below(work: Work, one: Amount) -> str:
    """SQL of what payees were credited directly, by deal line or by day.

    Of a subset by day: where the run before has managers' sums, what changed in them (what was is taken off), else
    besides what the run before has of everybody else.
    """
    types = _types(one.measure.of)
    house = f"(SELECT p FROM calc.payee WHERE payee = '{HOUSE}')"
    place = "l.n" if work.grain == "deal" else "0::BIGINT"
    found = f"""
        SELECT c.p, {place} AS n, l.t, l.credited_on, l.managed_on, sum(c.cents) AS cents, count(*) AS parts
        FROM calc.credit c JOIN calc.line l ON l.n = c.n
        WHERE c.a = {one.number} AND c.y IN {types} AND c.p <> {house} GROUP BY ALL"""
    if work.subset is None or work.grain == "deal":
        return found
    sign = "-" if work.subset.rolled else ""
    return f"""{found} UNION ALL
        SELECT y.p, 0::BIGINT, t.t, s.credited_on, s.managed_on, {sign}sum(s.cents), {sign}count(*)
        FROM ({work.subset.stored}) s JOIN calc.payee y USING (payee) JOIN calc.kind k USING (credit_type)
        JOIN calc.period t ON s.credited_on BETWEEN t.first AND t.last
        WHERE s.measure = '{one.measure.name}' AND s.part = '{one.part}' AND k.y IN {types} AND y.p <> {house} GROUP BY ALL"""


def _types(types: Sequence[str]) -> str:
    return "(SELECT y FROM calc.kind WHERE credit_type IN (" + ", ".join(f"'{one}'" for one in types) + "))"


def _reach(work: Work, one: Amount) -> None:
    """Make ``calc.reachN``: who reaches whose credit when, stretches that overlap made one."""
    measure = one.measure
    only = "" if work.subset is None else " WHERE ancestor IN (SELECT p FROM calc.payee JOIN calc.dirty USING (payee))"
    work.make(f"reach{one.number}", f"""
        WITH line AS (
            SELECT a.p AS ancestor, b.p AS person, valid_from, coalesce(valid_to, DATE '9999-12-31') AS valid_to
            FROM given.closure k JOIN calc.payee a ON a.payee = k.ancestor JOIN calc.payee b ON b.payee = k.person
            WHERE {levels(measure)} AND valid_from < coalesce(valid_to, DATE '9999-12-31')
            {_selves(measure)}),
        marked AS (
            SELECT *, CASE WHEN valid_from <= max(valid_to) OVER (PARTITION BY ancestor, person ORDER BY valid_from, valid_to
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS fresh FROM line),
        numbered AS (
            SELECT *, sum(fresh) OVER (PARTITION BY ancestor, person ORDER BY valid_from, valid_to ROWS UNBOUNDED PRECEDING) AS stretch
            FROM marked)
        SELECT ancestor, person, min(valid_from) AS valid_from, max(valid_to) AS valid_to
        FROM numbered{only} GROUP BY ancestor, person, stretch""")  # fmt: skip


def levels(measure: Measure) -> str:
    """SQL of the reporting lines that a measure's roll-up follows."""
    most = {"1": " AND depth <= 1", "2": " AND depth <= 2"}.get(measure.levels, "")
    other = " AND ancestor <> person" if measure.exclude_own_direct else ""
    return f"depth >= 1{most}{other}"


def _selves(measure: Measure) -> str:
    if not measure.include_self or measure.exclude_own_direct:
        return ""
    return "UNION ALL SELECT p, p, DATE '0001-01-01', DATE '9999-12-31' FROM calc.payee"
