"""Opens and shuts components by conditions on how a measure or another component stands at the end of a period.

``calc.opening``  a row per step of a component with a gate: k, is_open, was_open (the period before of the window; the first
counts as open before). While a gate is shut pay to date is nothing: what was shown before is reversed when it shuts, and
everything accrued in the window so far is shown when it opens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from salesops.compensation.exact import rounded
from salesops.compensation.plan import EARNS_BY_CREDIT, Component, Gate, GateComponent, Measure, Plan
from salesops.compensation.quotas import window_of
from salesops.compensation.setwise.earning import COLUMNS, component_credit
from salesops.compensation.setwise.windows import Payee, Windows
from salesops.compensation.setwise.work import PPM, Work

LEVEL = {
    "c": "INTEGER",
    "p": "INTEGER",
    "t": "INTEGER",
    "m": "INTEGER",
    "from_t": "INTEGER",
    "op": "VARCHAR",
    "level": "BIGINT",
}


def gates_of(plan: Plan, component: Component) -> list[Gate]:
    """Give the conditions of a component: its own, and those of gate components that apply to it."""
    own = [component.gate] if component.gate else []
    return own + [one.when for one in plan.modifiers_of(component.id) if isinstance(one, GateComponent)]


def gated(plan: Plan) -> list[tuple[int, Component, list[Gate]]]:
    """Give the numbered components that have gates."""
    found = [(n, one, gates_of(plan, one)) for n, one in enumerate(plan.components) if isinstance(one, EARNS_BY_CREDIT)]
    return [one for one in found if one[2]]


def refused(plan: Plan, component: Component) -> Iterator[str]:
    """Name what of a component's gates is not calculated."""
    for gate in gates_of(plan, component):
        measure = plan.measure(_measure(plan, gate))
        if gate.of in ("earned", "value") or measure is None or measure.ratio is not None:
            yield f"gate on {gate.ref}.{gate.of}"


def _measure(plan: Plan, gate: Gate) -> str:
    component = plan.component(gate.ref)
    return gate.ref if component is None else component.measure or ""


def make_openings(work: Work, windows: Windows, who: Sequence[Payee]) -> None:
    """Make ``calc.opening``, where any component has a gate."""
    listed = gated(work.plan)
    if not listed:
        return
    work.put("level", LEVEL, _levels(work, windows, who))
    measures = {name: n for n, name in enumerate(_referenced(work.plan))}
    parts = [part for name, n in measures.items() for part in component_credit(work, n, _known(work.plan, name))]
    work.make(
        "attained",
        f"SELECT c AS m, p, t, CAST(sum(counted) AS BIGINT) AS cents FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL",
    )
    work.make("opening", """
        WITH standing AS (
            SELECT v.c, v.p, v.t, v.op, v.level, v.m, coalesce(sum(a.cents), 0) AS attained
            FROM calc.level v LEFT JOIN calc.attained a ON a.m = v.m AND a.p = v.p AND a.t BETWEEN v.from_t AND v.t GROUP BY ALL),
        passed AS (
            SELECT c, p, t, bool_and(level IS NOT NULL AND CASE op WHEN '>=' THEN attained >= level WHEN '>' THEN attained > level
                WHEN '<=' THEN attained <= level ELSE attained < level END) AS is_open
            FROM standing GROUP BY c, p, t)
        SELECT s.k, s.g, s.t, o.is_open, lag(o.is_open, 1, true) OVER (PARTITION BY s.g ORDER BY s.place) AS was_open
        FROM passed o JOIN calc.step s ON s.c = o.c AND s.p = o.p AND s.t = o.t""")  # fmt: skip


def _referenced(plan: Plan) -> list[str]:
    return sorted({_measure(plan, gate) for _, _, gates in gated(plan) for gate in gates})


def _known(plan: Plan, name: str) -> Measure:
    return next(one for one in plan.measures if one.name == name)


def _levels(work: Work, windows: Windows, who: Sequence[Payee]) -> Iterator[tuple[Any, ...]]:
    """Give what must be attained: money, or the rounded break-point of the quota to date; null where there is no quota."""
    plan = work.plan
    measures = {name: n for n, name in enumerate(_referenced(plan))}
    for number, _, gates in gated(plan):
        for gate in gates:
            name = _measure(plan, gate)
            other, quota = plan.component(gate.ref), plan.quota_of(name)
            kind = plan.window_of(other) if other is not None else quota.window if quota else plan.pay_period
            for t, period in enumerate(work.periods):
                window = window_of(work.calendar, period.start, kind)
                from_t = next(n for n, one in enumerate(work.periods) if one.start >= window.start or n == t)
                for payee in who:
                    if period.end < payee.first or period.start > payee.last:
                        continue
                    level: int | None = gate.at
                    if gate.of == "attainment":
                        aim = windows.quota(payee, name, window, period.end)
                        level = rounded(aim * gate.at / PPM) if aim is not None and aim > 0 else None
                    yield number, payee.number, t, measures[name], from_t, gate.op, level


def show(work: Work) -> None:
    """Make ``calc.fresh`` what is shown: of gated steps what is open, what opens, and what shuts, in the order it accrued.

    ``phase`` of such a line is 8 x (its period + 1) + 2 x its phase + 1 if a gate takes it back.
    """
    if not gated(work.plan):
        return
    born = "8 * (s.t + 1) + 2 * f.phase"
    columns = COLUMNS.replace("phase, ", "").replace("k, g, ", "")
    plain = ", ".join(f"f.{name}" for name in columns.split(", "))
    back = plain.replace("f.base", "-f.base AS base").replace("f.raw", "-f.raw AS raw").replace("f.kind", "2 AS kind")
    origin = "calc.fresh f JOIN calc.step s ON s.k = f.k"
    work.make("shown", f"""
        SELECT {COLUMNS} FROM calc.fresh WHERE k NOT IN (SELECT k FROM calc.opening WHERE NOT (is_open AND was_open))
        UNION ALL BY NAME SELECT o.k, f.g, {born} AS phase, {plain} FROM {origin} JOIN calc.opening o ON o.g = f.g AND s.t <= o.t
        WHERE o.is_open AND NOT o.was_open
        UNION ALL BY NAME SELECT o.k, f.g, {born} + 1 AS phase, {back} FROM {origin} JOIN calc.opening o ON o.g = f.g AND s.t < o.t
        WHERE o.was_open AND NOT o.is_open""")  # fmt: skip
    work.drop("fresh")
    work.run("ALTER TABLE calc.shown RENAME TO fresh")
