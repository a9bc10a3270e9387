"""What a metric is made of: frozen values, written down once in `catalogue`.

A *fact* is a set of records with a day that counts (its date basis). A *part* is one number taken from a fact: the sum of
an integer per record, or a quantile by row number. A *variant* gives its value by a formula over parts, in which every
`a / b` is the exact quotient of two integers, computed last, and has no value where b is zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

Unit = Literal["money", "money_per_day", "ratio", "count", "days", "months", "minutes", "per_day", "per_rep"]
Better = Literal["up", "down", "none"]
How = Literal["sum", "median", "p25", "p75", "p90", "km", "km_p75", "km_p90"]
Additive = Literal["additive", "semi", "none"]


@dataclass(frozen=True)
class Reach:
    """What a conversion reaches: a record of `fact` where `where` holds, whose `to` is the `key` of the entry, on its day or
    at most `within` days later. The entries have it as the column `>id`."""

    fact: str
    where: str
    key: str
    to: str
    within: int

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(repr((self.fact, self.where, self.key, self.to, self.within)).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Part:
    """One number: over the records of `fact` where `where` holds, the sum (or quantile) of `measure`.

    `measure` is an integer per record in SQL over the fact's columns; null leaves the record out, for the reason
    `left_out`. `median`, `p75` and so on are quantiles by row number. For `km`, `km_p75` and so on (Kaplan-Meier), `measure` is the time
    and `event` the condition under which it was not censored. `told_when` counts records for which the answer prints `told`.
    `across` names dimensions by which the part is not split: in an answer by reason, the part across reasons is that of all.
    `window` counts the days from the start of the fiscal year, quarter or month (or so many days) to the period's end; `reach`
    is what the column `>id` stands for; `money` says whether it is an amount where the columns do not tell.
    """

    fact: str
    measure: str = "1"
    where: str = ""
    how: How = "sum"
    event: str = ""
    left_out: str = ""
    told_when: str = ""
    told: str = ""
    across: tuple[str, ...] = ()
    window: str = ""
    reach: Reach | None = None
    money: bool | None = None


@dataclass(frozen=True)
class Variant:
    """One reading of a metric. `fallback` names the variant used when `needs` (a part) is zero in the whole answer.

    `own_currency`: a group whose quotas are all in one currency is worked in that currency, not in the asked one.
    """

    name: str
    title: str
    formula: str
    value: str
    parts: Mapping[str, Part] = field(hash=False)
    rule: str = ""
    unit: Unit | None = None
    fallback: str = ""
    needs: str = ""
    fallback_note: str = ""
    overlay: bool = False
    own_currency: bool = False


@dataclass(frozen=True)
class Metric:
    """A metric of the catalogue; its first variant is the default. `table` names the command that gives a table-valued
    one, which has no variants here. `owner` (who answers for it) and `watch_for` (what misleads) are said in users' definitions."""

    id: str
    title: str
    question: str
    unit: Unit
    better: Better
    date_basis: str
    variants: tuple[Variant, ...] = ()
    currency_rule: str = "none"
    empty_rule: str = "no value when the denominator is zero"
    additive: Additive = "none"
    table: str = ""
    reads_with: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    owner: str = ""
    watch_for: str = ""

    def variant(self, name: str = "") -> Variant | None:
        """The variant of this name; the default for an empty one."""
        if not name or name == "default":
            return self.variants[0] if self.variants else None
        return next((one for one in self.variants if one.name == name), None)


@dataclass(frozen=True)
class Asked:
    """One metric in one variant, as a question names it: `win_rate`, `win_rate.value`."""

    metric: Metric
    variant: Variant

    @property
    def name(self) -> str:
        return self.metric.id + (f".{self.variant.name}" if self.variant.name else "")

    @property
    def unit(self) -> Unit:
        return self.variant.unit or self.metric.unit

    @cached_property
    def version(self) -> str:
        """A digest of everything that decides the value: formula, parts and the SQL of their facts."""
        from .facts import fact

        texts = [self.metric.id, repr(_told(asdict(self.variant)))]
        parts = self.variant.parts.values()
        used = {part.fact for part in parts} | {part.reach.fact for part in parts if part.reach is not None}
        texts += [fact(one).text for one in sorted(used)]
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _told(variant: dict[str, Any]) -> dict[str, Any]:
    """A variant as it is digested: without settings of parts that came later and are not used, so that they change nothing."""
    for part in variant["parts"].values():
        for name in ("across", "window", "reach", "money"):
            if not part[name]:
                del part[name]
    return variant


@dataclass(frozen=True)
class Catalogue:
    """All metrics by id."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
