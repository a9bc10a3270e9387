"""The catalogue: every metric of `terms.md` that the warehouse can answer, as data."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache

from salesops.common.errors import InvalidData, NotFound, UsageError

from ..definitions import Asked, Metric
from . import activity, cost, customers, forecast, funnel, pipeline, process, revenue, sales


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by id, in the order of the catalogue."""
    return {
        one.id: one
        for group in (sales, pipeline, forecast, activity, funnel, cost, customers, revenue, process)
        for one in group.METRICS
    }


def metric(name: str, own: Mapping[str, Metric] | None = None) -> Metric:
    """The metric of this id, of the catalogue or the users' `own`; raises NotFound with what is near."""
    known = {**metrics(), **(own or {})}
    if problems := getattr(own, "broken", {}).get(name):
        raise InvalidData(f"the definition of {name} has mistakes", "salesops metrics check shows them all", problems)
    if name not in known:
        near = get_close_matches(name, known, 3, 0.7)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"Metrics: {', '.join(known)}"
        raise NotFound(f"there is no metric {name!r}", remedy)
    return known[name]


def asked(name: str, own: Mapping[str, Metric] | None = None) -> Asked:
    """A metric and variant from a name such as `win_rate`, `win_rate.value`, `win_rate:value` or, as terms.md writes some,
    `created_win_rate`, `sales_cycle_days_km` and `sales_cycle_days_km.any_close`."""
    head, _, tail = name.strip().replace(":", ".").partition(".")
    if head not in metrics() and head not in (own or {}):  # terms.md names some variants as if they were metrics
        for one in metrics().values():
            if (variant := one.variant(head)) is not None and variant.name and not tail:
                return Asked(one, variant)
            end = f"{head.removeprefix(one.id + '_')}{'_' + tail if tail else ''}"
            if head.startswith(f"{one.id}_") and (variant := one.variant(end)) is not None:
                return Asked(one, variant)
    found = metric(head, own)
    if found.table:
        raise UsageError(f"{found.id} is a table, not a number", f"salesops {found.table}")
    variant = found.variant(tail)
    if variant is None:
        raise NotFound(
            f"{found.id} has no variant {tail!r}",
            f"Variants: {', '.join(one.name or 'default' for one in found.variants)}",
        )
    return Asked(found, variant)


def every() -> list[Asked]:
    """Every metric in every variant, tables left out."""
    return [Asked(one, variant) for one in metrics().values() for variant in one.variants]
