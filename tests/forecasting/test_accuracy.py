"""Errors of forecasts: worked figures, denominators in words, and the published scores of the M4 competition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from salesops.forecasting import accuracy, topdown


def test_the_two_forecast_errors() -> None:
    """Forecast 100,000, actual 90,000 (terms.md): -11.1 % of actual, -10.0 % of forecast, 90 % attained."""
    error = accuracy.forecast_error_pct(90_000, 100_000)
    variance = accuracy.forecast_variance_pct(90_000, 100_000)
    assert error.value == pytest.approx(-11.111, abs=0.001)
    assert error.label == "-11.1 % of actual"
    assert variance.value == pytest.approx(-10)
    assert (variance.size, variance.label) == (pytest.approx(10), "-10.0 % of forecast")
    assert accuracy.forecast_attainment_pct(90_000, 100_000).value == pytest.approx(90)
    assert accuracy.bias_pct([90_000], [100_000]).value == pytest.approx(11.111, abs=0.001)


def test_a_zero_denominator_gives_no_value_and_says_so() -> None:
    for figure, of in (
        (accuracy.forecast_error_pct(0, 10), "actual"),
        (accuracy.forecast_variance_pct(10, 0), "forecast"),
        (accuracy.forecast_attainment_pct(10, 0), "forecast"),
        (accuracy.wape([0, 0], [1, 2]), "actual"),
        (accuracy.bias([0], [1]), "actual"),
    ):
        assert figure.value is None
        assert figure.reason == f"The {of} is zero"
    assert accuracy.to_go_wape([5], [5], [5]).reason == "Nothing was still to come"
    assert accuracy.skill(0.1, 0.0).value is None


def test_sums_of_errors() -> None:
    actual, forecast = [100, 50, np.nan], [110, 40, 7]
    assert accuracy.wape(actual, forecast).value == pytest.approx(20 / 150)
    assert accuracy.bias(actual, forecast).value == pytest.approx(0)
    assert accuracy.to_go_wape(actual[:2], forecast[:2], [80, 30]).value == pytest.approx(20 / 40)
    assert accuracy.within([100, 100], [109, 111], 0.1).value == pytest.approx(0.5)
    assert accuracy.skill(0.05, 0.2).value == pytest.approx(0.75)


def test_intervals() -> None:
    assert accuracy.pinball([10], [8], 0.9) == pytest.approx(1.8)
    assert accuracy.pinball([10], [12], 0.9) == pytest.approx(0.2)
    assert accuracy.crps(3.0, [3.0, 3.0]) == 0
    paths = np.random.default_rng(1).normal(0, 1, 400)
    by_hand = np.abs(paths - 0.5).mean() - np.abs(paths[:, None] - paths[None, :]).mean() / 2
    assert accuracy.crps(0.5, paths) == pytest.approx(by_hand)
    inside, width = accuracy.coverage([1, 5, 9], [0, 6, 8], [2, 8, 10])
    assert (inside, width) == (pytest.approx(2 / 3), pytest.approx(2 / 5))


def test_a_bootstrap_draws_whole_periods() -> None:
    """Thirteen weeks of one period are one observation: the interval is that of two periods, not of 26 rows."""
    error = np.repeat([0.0, 1.0], 13)
    low, high = accuracy.cluster_bootstrap(lambda rows: float(error[rows].mean()), np.repeat([1, 2], 13))
    assert (low, high) == (0, 1)
    assert np.isnan(accuracy.cluster_bootstrap(lambda rows: 0.0, np.ones(13))).all()


def test_chances() -> None:
    won, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.1, 0.6, 0.6])
    assert accuracy.auc(won, p) == pytest.approx(3.5 / 4)
    assert np.isnan(accuracy.auc([1, 1], [0.2, 0.3]))
    assert accuracy.brier(won, p) == pytest.approx((0.01 + 0.01 + 0.16 + 0.36) / 4)
    assert accuracy.log_loss(won, p) == pytest.approx(-np.log([0.9, 0.9, 0.6, 0.4]).mean())
    assert accuracy.ece(won, p, bins=2) == pytest.approx((abs(0.5 - 0.35) + abs(0.5 - 0.75)) / 2)
    assert accuracy.amount_calibration(won, p, [10, 10, 20, 0]).value == pytest.approx(22 / 30)


def test_the_slope_finds_a_forecaster_who_is_too_sure() -> None:
    rng = np.random.default_rng(2)
    true = rng.normal(-0.5, 1.2, 40_000)
    won = rng.random(len(true)) < 1 / (1 + np.exp(-true))
    slope, intercept = accuracy.calibration_slope(won, 1 / (1 + np.exp(-2 * true)))
    assert (slope, intercept) == (pytest.approx(0.5, abs=0.02), pytest.approx(0, abs=0.05))
    assert accuracy.ece(won, 1 / (1 + np.exp(-true))) < 0.015 < accuracy.ece(won, 1 / (1 + np.exp(-2 * true)))


def _m4(shared: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    folder = shared / "data" / "m4_weekly"
    if not folder.exists():
        pytest.skip("M4 weekly is absent from the shared data")
    lines = [(folder / f"Weekly-{part}.csv").read_text().splitlines()[1:] for part in ("train", "test")]
    values = [
        [np.array([float(x.strip('"')) for x in line.split(",")[1:] if x.strip('"')]) for line in part]
        for part in lines
    ]
    return list(zip(*values, strict=True))


def test_the_published_scores_of_m4_weekly(shared: Path) -> None:
    """Naive: sMAPE 9.161, MASE 2.777 (359 series, scale by lag 1). Theta is published with 9.093 and 2.637; ours is near."""
    naive, ours = [], []
    for past, actual in _m4(shared):
        flat = np.full(len(actual), past[-1])
        naive.append((accuracy.smape(actual, flat), accuracy.mase(actual, flat, past)))
        drawn = topdown.theta(past, len(actual))
        ours.append((accuracy.smape(actual, drawn), accuracy.mase(actual, drawn, past)))
    first, second = np.mean(naive, axis=0), np.mean(ours, axis=0)
    assert first == pytest.approx([9.161, 2.777], abs=0.0006)
    assert second == pytest.approx([9.093, 2.637], rel=0.01)
    assert accuracy.owa(*first, 9.161, 2.777) == pytest.approx(1, abs=0.001)


def test_the_interval_score_of_m4() -> None:
    """Width 2 everywhere, one miss of 1 at 95 %: (2 + 2 + 2 + 40 x 1) / 3, against a mean step of 2."""
    assert accuracy.msis([5, 6, 9], [4, 5, 6], [6, 7, 8], [0, 2, 4]) == pytest.approx((6 + 40) / 3 / 2)
