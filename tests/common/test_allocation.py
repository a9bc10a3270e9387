"""Dividing a whole without losing a unit."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.allocation import allocate
from salesops.common.errors import InvalidData

WEIGHTS = st.dictionaries(
    st.text(max_size=3),
    st.integers(0, 10**6) | st.decimals(0, 1000, places=3, allow_nan=False),
    min_size=1,
    max_size=12,
).filter(lambda weights: sum(weights.values()) > 0)
TOTALS = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, {"ada": 1, "bo": 1, "cy": 1}, {"ada": 34, "bo": 33, "cy": 33}),
        (100, {"cy": 1, "bo": 1, "ada": 1}, {"cy": 33, "bo": 33, "ada": 34}),
        (10, {"a": Decimal("0.5"), "b": Decimal("0.25"), "c": Decimal("0.25")}, {"a": 5, "b": 3, "c": 2}),
        (-100, {"ada": 1, "bo": 1, "cy": 1}, {"ada": -34, "bo": -33, "cy": -33}),
        (5, {"a": 0, "b": 3}, {"a": 0, "b": 5}),
        (0, {"a": 0, "b": 0}, {"a": 0, "b": 0}),
        (0, {}, {}),
        (1, {None: 1, 7: 1, "x": 1}, {None: 1, 7: 0, "x": 0}),
    ],
)
def test_worked_figures(total: int, weights: dict[object, int | Decimal], parts: dict[object, int]) -> None:
    assert allocate(total, weights) == parts
    assert list(allocate(total, weights)) == list(weights)


def test_zero_weights_are_an_error_unless_equal_parts_are_asked_for() -> None:
    with pytest.raises(InvalidData, match="no proportions"):
        allocate(5, {"a": 0, "b": 0})
    assert allocate(5, {"a": 0, "b": 0}, zero_weights="equal") == {"a": 3, "b": 2}


@pytest.mark.parametrize("weight", [0.5, True, -1, Decimal("NaN"), Decimal("Infinity"), Decimal("1e99"), None])
def test_inexact_or_negative_weights_are_refused(weight: object) -> None:
    with pytest.raises(InvalidData):
        allocate(10, {"a": weight, "b": 1})  # type: ignore[dict-item]


def test_nobody_to_give_to_and_part_units_are_refused() -> None:
    with pytest.raises(InvalidData, match="nobody"):
        allocate(5, {})
    with pytest.raises(InvalidData, match="whole units"):
        allocate(5.0, {"a": 1})  # type: ignore[arg-type]


@settings(max_examples=100)
@given(TOTALS, WEIGHTS, st.randoms(use_true_random=False))
def test_the_parts_are_fair(total: int, weights: dict[str, int | Decimal], rng: random.Random) -> None:
    parts = allocate(total, weights)
    assert sum(parts.values()) == total
    whole = sum(Fraction(weight) for weight in weights.values())
    for key, part in parts.items():
        assert abs(part - total * Fraction(weights[key]) / whole) < 1
    shuffled = list(weights.items())
    rng.shuffle(shuffled)
    assert allocate(total, dict(shuffled)) == parts
    assert allocate(-total, weights) == {key: -part for key, part in parts.items()}
    assert allocate(total, {key: weight * 3 for key, weight in weights.items()}) == parts
