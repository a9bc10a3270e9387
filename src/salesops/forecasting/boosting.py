"""Gradient boosting (LightGBM, the extra `gbm`) as a challenger of the regression, promoted only where it is better out of time."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .accuracy import log_loss
from .features import Design, Frame
from .regression import fit, sigmoid
from .results import Reasons
from .tables import NO_AMOUNT, Floats, Ints

if TYPE_CHECKING:
    from .deals import DealModel, History

ROUNDS: Final = 150


@dataclass(frozen=True)
class Booster:
    """A boosted model of "won in this period"; reasons are its exact tree contributions (TreeSHAP)."""

    model: Any
    names: tuple[str, ...]

    def chances(self, rows: Frame) -> tuple[Floats, Reasons]:
        """Chances, and contributions that add up to their log-odds."""
        parts = np.asarray(self.model.predict(matrix(rows, self.names), pred_contrib=True), dtype=np.float64)
        log_odds = parts.sum(axis=1)
        baseline = float(parts[0, -1]) if len(parts) else 0.0
        return sigmoid(log_odds), Reasons(self.names, baseline, parts[:, :-1])


@dataclass(frozen=True)
class Verdict:
    """Whether boosting takes over, and why."""

    booster: Booster | None
    reason: str


def matrix(rows: Frame, names: tuple[str, ...]) -> Floats:
    """Numbers as they are, labels as ordinal codes (native categories are badly calibrated on few rows)."""
    return np.column_stack([rows.numbers[n] if n in rows.numbers else rows.codes[n].astype(np.float64) for n in names])


def challenge(
    model: DealModel, history: History, rows: Ints, design: Design, on: np.datetime64,
    target: Callable[[Ints, str], Floats], weights: Callable[..., tuple[Floats, float]],
) -> Verdict:  # fmt: skip
    """Train both on all but the last fifth of the periods and compare there: log-loss and sum of p x amount against what was won."""
    try:
        lightgbm = importlib.import_module("lightgbm")
    except ImportError:
        return Verdict(None, f"{model.tier.n} closed deals; boosting is not installed (extra `gbm`)")
    assert model.basis is not None
    out = {text.split(":")[0] for text in model.quarantined} | history.settings.hidden
    names = tuple(n for n in [*history.frame.numbers, *history.frame.codes] if n not in out)
    period = history.labels.period[rows]
    distinct = np.unique(period)
    if len(distinct) < 5:
        return Verdict(None, f"{len(distinct)} past periods; boosting is judged from 5")
    later = period >= distinct[-max(1, len(distinct) // 5)]
    y, (weight, repeats) = target(rows, "now"), weights(history, rows, on)
    frame = history.frame.take(rows)
    settings = {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 100, "lambda_l2": 5.0,
        "feature_fraction": 0.8, "bagging_fraction": 0.8, "bagging_freq": 1, "seed": history.settings.seed % 2**31,
        "num_threads": history.settings.threads, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip

    def boosted(which: Ints) -> Booster:
        data = lightgbm.Dataset(matrix(frame, names)[which], label=y[which], weight=weight[which])
        return Booster(lightgbm.train(settings, data, num_boost_round=ROUNDS), names)

    early = np.flatnonzero(~later)
    trial = boosted(early)
    plain = fit(design[early], y[early], weight[early], model.basis.spread, repeats)
    test = np.flatnonzero(later)
    p = {"boosting": trial.chances(frame.take(test))[0], "regression": sigmoid(plain.log_odds(design[test]))}
    amount = history.snapshots.amount[rows][test]
    amount = np.where(amount == NO_AMOUNT, 0, amount).astype(np.float64)
    loss = {name: log_loss(y[test], q) for name, q in p.items()}
    won = max(float(amount @ y[test]), 1.0)
    money = {name: abs(float(amount @ q) / won - 1) for name, q in p.items()}
    text = ", ".join(f"{name} log-loss {loss[name]:.4f}, money off by {100 * money[name]:.1f} %" for name in p)
    if loss["boosting"] < loss["regression"] and money["boosting"] < money["regression"]:
        return Verdict(boosted(np.arange(len(rows))), f"Better out of time: {text}")
    return Verdict(None, f"Boosting was not better out of time: {text}")
