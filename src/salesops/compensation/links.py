"""Computes in which order components are worked out, and finds cycles: links make a directed graph without them."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from salesops.compensation.plan import GateComponent, Matrix, Multiplier, Plan


def links(plan: Plan) -> dict[str, set[str]]:
    """Give, for each component, the components that it reads: by its gate, its modifiers, and what those read."""
    names = {one.id for one in plan.components}
    found: dict[str, set[str]] = {one.id: set() for one in plan.components}
    for one in plan.components:
        reads: set[str | None] = {one.gate.ref} if one.gate else set()
        if isinstance(one, GateComponent):
            reads.add(one.when.ref)
        if isinstance(one, Multiplier) and one.measure in names:
            reads.add(one.measure)
        if isinstance(one, Matrix):
            reads |= {one.rows.measure, one.cols.measure}
        found[one.id] |= {name for name in reads if name in names}
        if isinstance(one, (Multiplier, Matrix, GateComponent)):
            for name in one.applies_to:
                if name in names:
                    found[name].add(one.id)
    return found


def ordered(plan: Plan) -> list[str]:
    """Give the components, each behind those that it reads, else in the plan's order. Raises CycleError."""
    graph = links(plan)
    place = {one.id: n for n, one in enumerate(plan.components)}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=lambda name: place.get(name, 0))
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found


def cycle(plan: Plan) -> list[str]:
    """Give a cycle of components, from one back to itself; empty if there is none."""
    try:
        ordered(plan)
    except CycleError as error:
        return list(error.args[1])
    return []
