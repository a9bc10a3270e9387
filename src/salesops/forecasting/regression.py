"""Logistic regression with a Gaussian prior on every coefficient (ridge), by Newton's method; and draws from its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .features import Design
from .tables import Floats

RENEWED: Final = (0, 1, 2, 4)
"""Steps that work out the curvature anew; those between go by the one before (it is what costs)."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (the intercept apart) and the inverse of the curvature, intercept first."""

    intercept: float
    beta: Floats
    covariance: Floats

    def log_odds(self, design: Design) -> Floats:
        """The log-odds of rows."""
        return np.asarray(self.intercept + design.astype(np.float64) @ self.beta)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -40, 40))))


def logit(p: Floats) -> Floats:
    """log(p / (1 - p)); 0 and 1 give large numbers instead of infinite ones."""
    q = np.clip(p, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(q) - np.log1p(-q))


def fit(
    design: Design, won: Floats, weight: Floats, spread: Floats, repeats: float = 1.0, start: Floats | None = None,
    steps: int = 12,
) -> Fit:  # fmt: skip
    """Maximum a posteriori: sum weight x log-likelihood / repeats - sum beta^2 / (2 spread^2).

    `repeats`: how many rows tell the same story (the weeks of one deal in one period); the covariance is that of so many
    fewer rows. `start`: a first guess, the intercept first. The intercept has a flat prior (a wide one, so that all-lost data have an answer).
    """
    rows, width = design.shape
    x = np.empty((rows, width + 1), dtype=np.float32)
    x[:, 0], x[:, 1:] = 1, design
    share = float(np.clip((weight @ won + 0.5) / (weight.sum() + 1), 1e-6, 1 - 1e-6))
    b = np.zeros(width + 1)
    if start is not None:
        b[:] = start
    else:
        b[0] = np.log(share / (1 - share))
    penalty = np.concatenate([[1 / 25.0], 1 / spread**2])
    scaled = (weight / repeats).astype(np.float64)

    def loss(c: Floats) -> float:
        eta = (x @ c.astype(np.float32)).astype(np.float64)
        return float(scaled @ (np.logaddexp(0, eta) - won * eta) + 0.5 * penalty @ c**2)

    curvature = np.eye(width + 1)
    now, fresh = loss(b), True
    for count in range(steps):
        p = sigmoid((x @ b.astype(np.float32)).astype(np.float64))
        gradient = (x.T @ (scaled * (won - p)).astype(np.float32)).astype(np.float64) - penalty * b
        if fresh := fresh or count in RENEWED:
            heavy = x * np.sqrt(scaled * np.maximum(p * (1 - p), 1e-6)).astype(np.float32)[:, None]
            curvature = (heavy.T @ heavy).astype(np.float64) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-3 and (after := loss(b + size * step)) > now + 1e-9 * abs(now):
            size /= 2
        b = b + size * step
        if now - after < 1e-6 * abs(now) + 1e-9 or size <= 1e-3:
            break
        now, fresh = after, size < 1
    return Fit(float(b[0]), b[1:], np.asarray(np.linalg.inv(curvature), dtype=np.float64))
