"""Divides a whole among parts without losing or inventing a unit: largest remainder (Hamilton's method)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from math import lcm
from typing import Literal, TypeVar

from salesops.common.errors import InvalidData

K = TypeVar("K", bound=Hashable)


def allocate(
    total: int, weights: Mapping[K, int | Decimal], zero_weights: Literal["error", "equal"] = "error"
) -> dict[K, int]:
    """Divide a whole number of units in proportion to weights.

    Every part is its exact share rounded down or up; the units left over go to the largest remainders, ties to the
    smaller key. The parts add up to ``total``; the order of the weights changes nothing; a negative total mirrors the
    positive one; a zero weight gets nothing. The answer keeps the order of ``weights``.

    Where all weights are zero there are no proportions: InvalidData, or equal parts with ``zero_weights="equal"``; a
    total of zero gives zeros all the same. InvalidData also for no weights at all (unless the total is zero), a
    negative or infinite weight, and a float.

    >>> allocate(100, {"ada": 1, "bo": 1, "cy": 1})
    {'ada': 34, 'bo': 33, 'cy': 33}
    """
    if isinstance(total, bool) or not isinstance(total, int):
        raise InvalidData(f"Only whole units can be divided, not {total!r}", "Convert it to units first")
    shares = _whole_weights(weights)
    if total == 0:
        return dict.fromkeys(shares, 0)
    whole = sum(shares.values())
    if not shares:
        raise InvalidData(f"{total} units have nobody to go to", "Name at least one part")
    if whole == 0:
        if zero_weights != "equal":
            raise InvalidData(
                "All weights are zero, so there are no proportions", "Give weights, or ask for equal parts"
            )
        shares, whole = dict.fromkeys(shares, 1), len(shares)
    size, sign = abs(total), 1 if total > 0 else -1
    parts = {key: size * weight // whole for key, weight in shares.items()}
    left = size - sum(parts.values())
    ordered = sorted_keys(shares)
    ordered.sort(key=lambda key: size * shares[key] % whole, reverse=True)  # stable, so ties stay in order of key
    for key in ordered[:left]:
        parts[key] += 1
    return {key: sign * part for key, part in parts.items()}


def sorted_keys(keys: Iterable[K]) -> list[K]:
    """Sort keys by themselves, or by type and text where they do not compare (None beside 7)."""
    listed = list(keys)
    try:
        return sorted(listed)  # type: ignore[type-var]
    except TypeError:
        return sorted(listed, key=lambda key: (type(key).__name__, repr(key)))


def _whole_weights(weights: Mapping[K, int | Decimal]) -> dict[K, int]:
    ratios: dict[K, tuple[int, int]] = {}
    for key, weight in weights.items():
        if isinstance(weight, (bool, float)) or not isinstance(weight, (int, Decimal)):
            raise InvalidData(f"The weight of {key!r} is {weight!r}, not exact", "Pass an int or a Decimal")
        if isinstance(weight, Decimal) and (not weight.is_finite() or (weight and abs(weight.adjusted()) > 60)):
            raise InvalidData(f"The weight of {key!r} is {weight}", "Pass a number of ordinary size")
        if weight < 0:
            raise InvalidData(f"The weight of {key!r} is {weight}, below zero", "Weights are zero or more")
        ratios[key] = weight.as_integer_ratio()
    common = lcm(*(denominator for _, denominator in ratios.values()))
    return {key: numerator * (common // denominator) for key, (numerator, denominator) in ratios.items()}
