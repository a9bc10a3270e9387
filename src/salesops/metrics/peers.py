"""Compares people fairly: what the best quarter does otherwise, how long newcomers take, and who stands out among those in the
same position. Groups too small to hide anybody are not shown.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesops.common.allocation import sorted_keys
from salesops.common.errors import InvalidData

from .survival import Curves, kaplan_meier

K = TypeVar("K", bound=Hashable)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MINIMUM: Final = 5  # people in a group before anything about it is shown (architecture.md, decision 11)
TENURED: Final = 12  # full months after which somebody is tenured (terms.md)
ROLLING: Final = 3  # months of the rolling mean
FOUR_FIFTHS: Final = (4, 5)  # the share of the tenured median that ends the ramp: 80 %


@dataclass(frozen=True)
class MixGap:
    """The mean share of minutes by kind of the top quarter and of the rest; shares of each add up to 1.

    `top_people` and `rest_people` were compared, `left_out` had no measure or no minutes. Where either is below the minimum,
    `refused` says so and there are no figures.
    """

    top: dict[str, float]
    rest: dict[str, float]
    top_people: int
    rest_people: int
    left_out: int
    refused: str = ""

    @property
    def gap(self) -> dict[str, float]:
        """Top less rest, by kind."""
        return {kind: self.top[kind] - self.rest[kind] for kind in self.top}


@dataclass(frozen=True)
class Ramp:
    """How newcomers came up to the level of the tenured.

    `target` is the median of tenured person-months; by person in `people`: `months` until the rolling mean first reached 80 % of it
    (`reached`), or months watched without (left, or still on the way: censored). `curve` is their Kaplan-Meier curve, `median` its
    first month with S <= 0.5 (None = fewer than half got there). By month since the start: people present (`present`) and their
    median productivity (`level`; None below the minimum number of people).
    """

    target: float | None
    people: tuple[Hashable, ...]
    months: Ints
    reached: NDArray[np.bool_]
    curve: Curves | None
    median: float | None
    present: tuple[int, ...]
    level: tuple[float | None, ...]
    refused: str = ""


@dataclass(frozen=True)
class Standing(Generic[K]):
    """One person among those in the same position.

    `value` is the own figure, `fair` the same drawn towards the group's mean by how little is behind it, `low`..`high` its 90 %
    interval, `weight` how much of it is the own figure. `stands` compares the interval with the group's mean. Without a group of
    the minimum size everything but `value` is None and `stands` says so.
    """

    person: K
    group: Hashable
    people: int
    value: float | None
    group_mean: float | None = None
    fair: float | None = None
    low: float | None = None
    high: float | None = None
    weight: float | None = None
    stands: Literal["above", "below", "as the others", "too few to compare", "no value"] = "too few to compare"


def top_quarter(measure: Mapping[K, float | int | None]) -> list[K]:
    """The ceil(n / 4) people with the highest measure, best first, ties to the smaller key; people without one are left out."""
    known = {key: value for key, value in measure.items() if value is not None and not math.isnan(value)}
    ordered = sorted_keys(known)
    ordered.sort(key=lambda key: known[key], reverse=True)  # stable, so ties stay in order of key
    return ordered[: -(-len(ordered) // 4)]


def mix_gap(
    measure: Mapping[K, float | int | None], minutes: Mapping[K, Mapping[str, int]], minimum: int = MINIMUM
) -> MixGap:
    """Mean activity mix of the top quarter by a measure (attainment) minus that of the rest (terms.md, `activity_mix_gap`).

    `minutes` gives by person the minutes of each kind of activity. A person's mix is each kind's share of the own minutes; a group's is the
    mean of its people's (everybody counts alike). People without a measure or without minutes are left out and counted. Refused
    where the top quarter or the rest has fewer than `minimum` people. InvalidData for negative minutes.
    """
    if any(spent < 0 for kinds in minutes.values() for spent in kinds.values()):
        raise InvalidData("Minutes below zero", "Mend the activities that end before they begin")
    total = {key: sum(kinds.values()) for key, kinds in minutes.items()}
    known = {key: value for key, value in measure.items() if value is not None and total.get(key, 0) > 0}
    known = {key: value for key, value in known.items() if not math.isnan(value)}
    best = top_quarter(known)
    others = sorted_keys(known.keys() - set(best))
    left_out = len({*measure, *minutes}) - len(known)
    if min(len(best), len(others)) < minimum:
        said = f"The top quarter has {len(best)} people and the rest {len(others)}; at least {minimum} each, so that nobody is shown alone"
        return MixGap({}, {}, len(best), len(others), left_out, said)
    kinds = sorted({kind for key in known for kind in minutes[key]})

    def mean(people: Sequence[K]) -> dict[str, float]:
        return {
            kind: math.fsum(minutes[key].get(kind, 0) / total[key] for key in people) / len(people) for kind in kinds
        }

    return MixGap(mean(best), mean(others), len(best), len(others), left_out)


def ramp(
    person: Sequence[Hashable],
    month: ArrayLike,
    productivity: ArrayLike,
    minimum: int = MINIMUM,
    tenured: ArrayLike | None = None,
) -> Ramp:
    """Months until the 3-month rolling productivity first reaches 80 % of the tenured median (terms.md, `rep_ramp_months`).

    One row for each person and full month: the person, the month since the start (1 = first full month) and what was produced
    in it, in whole units (money: 10^-4; nothing = 0). A person's rows end where the person left or today is; months before those given
    were not seen, so only people whose month 1 is there are newcomers. The tenured median is taken over all rows of month 13 and
    later, or over `tenured`, where given: the row ceil(n / 2) of the ascending values. The rolling mean needs three
    months; it is compared exactly, 5 x sum of three >= 4 x 3 x median. Who has not got there is censored at the last month, never dropped.

    Refused, with the reason, where fewer than `minimum` people have tenured months (when `tenured` is not given), fewer than
    `minimum` newcomers are there, or the median is not above 0. InvalidData for a person's month given twice, a gap between a
    newcomer's months, a month below 1.
    """
    months, produced = np.asarray(month, dtype=np.int64), np.asarray(productivity)
    if not len(person) == len(months) == len(produced):
        raise InvalidData("The columns differ in length", "Pass one person, month and productivity for each row")
    if produced.dtype.kind not in "iu" and len(produced):
        raise InvalidData("Productivity must be in whole units", "Convert money to 10^-4 first")
    if len(months) and months.min() < 1:
        raise InvalidData("A month before the first", "Count full months since the start from 1")
    places = {key: place for place, key in enumerate(sorted_keys(set(person)))}
    code = np.fromiter((places[key] for key in person), dtype=np.int64, count=len(person))
    order = np.lexsort((months, code))
    code, months, produced = code[order], months[order], produced[order].astype(np.int64)
    same = np.append(False, code[1:] == code[:-1]) if len(code) else np.zeros(0, dtype=bool)
    if (same[1:] & (months[1:] == months[:-1])).any():
        raise InvalidData("A month of somebody is given twice", "Add up what was produced in a month first")
    begins = np.flatnonzero(~same)
    new = np.repeat(months[begins] == 1, np.diff(np.append(begins, len(code))))
    if (new[1:] & same[1:] & (months[1:] != months[:-1] + 1)).any():
        raise InvalidData("A newcomer's months have a gap", "Give a row of 0 for a month without results")
    listed = list(places)
    who = tuple(listed[place] for place in code[begins][months[begins] == 1].tolist())
    present, level = _by_month(months[new], produced[new], minimum)
    months_watched, got_there = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)

    def refused(reason: str) -> Ramp:
        return Ramp(None, who, months_watched, got_there, None, None, present, level, reason)

    if tenured is None:
        late = months > TENURED
        if (people := len(np.unique(code[late]))) < minimum:
            return refused(
                f"{people} people have been here for more than {TENURED} months, at least {minimum} make a level"
            )
        standard = produced[late]
    else:
        standard = np.asarray(tenured, dtype=np.int64)
    target = _row_median(standard) if len(standard) else 0
    if target <= 0:
        return refused("The tenured median is not above 0, so there is no level to reach")
    if len(who) < minimum:
        return refused(f"{len(who)} newcomers, at least {minimum} make a curve")
    months_watched, got_there = _first_reached(code[new], months[new], produced[new], target)
    curve = kaplan_meier(months_watched, got_there)
    median = curve.median()[0]
    return Ramp(
        float(target),
        who,
        months_watched,
        got_there,
        curve,
        None if np.isnan(median) else float(median),
        present,
        level,
    )


def fair_standing(
    total: Mapping[K, float | int],
    records: Mapping[K, int],
    group: Mapping[K, Hashable],
    kind: Literal["share", "mean"],
    squares: Mapping[K, float | int] | None = None,
    minimum: int = MINIMUM,
) -> list[Standing[K]]:
    """Everybody against those in the same position, with little evidence drawn towards their mean; sorted by group, then person.

    `group` is the position: the same segment and the same band of tenure, as a pair, say (`tenure_band`). A person's value is
    total / records: won / closed for a `share`, amount / deals for a `mean` (then `squares` are the sums of squares). With m the
    group's total / records, s2 the variance of one record (m (1 - m) for a share; pooled within people for a mean), n a
    person's records and t2 how much people truly differ,

        fair = m + w x (value - m),  w = t2 / (t2 + v),  v = s2 / n

    the empirical Bayes estimate of Efron and Morris (1975), with t2 by the method of moments of DerSimonian and Laird (1986), not
    below 0. The interval has the variance of Morris (1983), which holds in groups of few, too: with k people and
    B = (k - 3) / (k - 1) x v / (v + t2), v (1 - (k - 1) / k x B) + 2 / (k - 3) x B^2 x (V + t2) / (v + t2) x (value - m)^2, V
    the mean of v weighted by 1 / (v + t2); its second term is for not knowing t2. `stands` is above or below where the 90 %
    interval leaves the mean out.

    A group with fewer than `minimum` people with records gets no comparison. People without records have no value.
    InvalidData for a share outside 0 to 1, negative records, a mean without squares, a person without a group.
    """
    _check_standing(total, records, group, kind, squares)
    members: dict[Hashable, list[K]] = {}
    for key in sorted_keys(total):
        members.setdefault(group[key], []).append(key)
    return [
        one
        for position in sorted_keys(members)
        for one in _within(position, members[position], total, records, kind, squares, minimum)
    ]


def tenure_band(months: int) -> str:
    """The band of full months since the start: 0-3, 4-6, 7-12, 13-24, 25 and more (12 and more counts as tenured in terms.md)."""
    for last, name in ((3, "0-3"), (6, "4-6"), (12, "7-12"), (24, "13-24")):
        if months <= last:
            return name
    return "25 and more"


def _check_standing(
    total: Mapping[K, float | int],
    records: Mapping[K, int],
    group: Mapping[K, Hashable],
    kind: str,
    squares: Mapping[K, float | int] | None,
) -> None:
    for key, value in total.items():
        n = records.get(key, 0)
        if key not in group:
            raise InvalidData(f"{key!r} is in no group", "Name a position for everybody, None for unknown")
        if n < 0 or (n == 0 and value != 0) or (kind == "share" and not 0 <= value <= n):
            raise InvalidData(
                f"{key!r} has {value} of {n} records", "A share lies between 0 and 1, a total needs records"
            )
    if kind == "mean" and squares is None:
        raise InvalidData("A mean needs its sums of squares", "Pass squares, or use the kind 'share' for won / closed")


def _within(
    position: Hashable, members: list[K], total: Mapping[K, float | int], records: Mapping[K, int],
    kind: str, squares: Mapping[K, float | int] | None, minimum: int,
) -> list[Standing[K]]:  # fmt: skip
    known = [key for key in members if records.get(key, 0) > 0]
    n = np.array([records[key] for key in known], dtype=np.float64)
    x = np.array([total[key] for key in known], dtype=np.float64)
    if (k := len(known)) < max(minimum, 4):
        value = dict(zip(known, (x / n).tolist(), strict=True)) if len(known) else {}
        return [
            Standing(
                key, position, len(known), value.get(key), stands="too few to compare" if key in value else "no value"
            )
            for key in members
        ]
    values, mean = x / n, float(x.sum() / n.sum())
    if kind == "share":
        one = mean * (1 - mean)
    else:
        assert squares is not None
        spare = max(float(n.sum()) - len(known), 1.0)
        one = max(math.fsum(float(squares[key]) for key in known) - float((x * values).sum()), 0.0) / spare
    apart = _true_variance(values, n, mean, one)
    noise = np.maximum(one / n, 1e-300)  # nobody varies: everybody is at the mean
    drawn = (k - 3) / (k - 1) * noise / (noise + apart)
    typical = float((noise / (noise + apart)).sum() / (1 / (noise + apart)).sum())
    unsure = 2 / (k - 3) * drawn**2 * (typical + apart) / (noise + apart) * (values - mean) ** 2
    weight = apart / (noise + apart)
    fair = mean + weight * (values - mean)
    reach = NormalDist().inv_cdf(0.95) * np.sqrt(noise * (1 - (k - 1) / k * drawn) + unsure)
    found = {}
    for place, key in enumerate(known):
        f, r = float(fair[place]), float(reach[place])
        stands: Literal["above", "below", "as the others"] = (
            "above" if f - r > mean else "below" if f + r < mean else "as the others"
        )
        found[key] = Standing(
            key, position, len(known), float(values[place]), mean, f, f - r, f + r, float(weight[place]), stands
        )
    return [found.get(key) or Standing(key, position, len(known), None, mean, stands="no value") for key in members]


def _true_variance(values: Floats, n: Floats, mean: float, one: float) -> float:
    """How much people differ beyond chance: (Q - (k - 1) s2) / (N - sum n^2 / N), with Q the sum of n (value - mean)^2."""
    q = float((n * (values - mean) ** 2).sum())
    size = float(n.sum())
    spread = size - float((n**2).sum()) / size
    return max((q - (len(n) - 1) * one) / spread, 0.0) if spread > 0 else 0.0


def _by_month(months: Ints, produced: Ints, minimum: int) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    present = np.bincount(months, minlength=1)[1:].tolist() if len(months) else []
    level = [
        float(_row_median(produced[months == place])) if many >= minimum else None
        for place, many in enumerate(present, start=1)
    ]
    return tuple(present), tuple(level)


def _row_median(values: Ints) -> int:
    """The value in row ceil(n / 2) of the ascending values (terms.md)."""
    return int(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2])


def _first_reached(code: Ints, months: Ints, produced: Ints, target: int) -> tuple[Ints, NDArray[np.bool_]]:
    """By person: the first month whose three-month sum x 5 is at least 4 x 3 x the target, else the last month."""
    begins = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    running = np.append(0, np.cumsum(produced))
    ends = np.arange(1, len(code) + 1)
    three = running[ends] - running[np.maximum(ends - ROLLING, 0)]
    part, whole = FOUR_FIFTHS
    there = (months >= ROLLING) & (three * whole >= part * ROLLING * target)
    last = np.append(begins[1:], len(code)) - 1
    first = np.minimum.reduceat(np.where(there, np.arange(len(code)), len(code)), begins)
    reached = first < len(code)
    return months[np.where(reached, first, last)], reached
