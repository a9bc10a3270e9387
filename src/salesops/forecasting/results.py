"""What the engine answers: scores of deals with their reasons, forecasts by node, back-tests. Money is in 10^-4, integers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from .tables import Days, Flags, Floats, Ints, Texts, days

TierName = Literal["none", "stage table", "rates", "regression", "boosting"]
COMPANY: Final = "company"
"""The dimension of the node that holds everything; its value is ""."""
HORIZONS: Final = 3
"""This period and the next two."""


@dataclass(frozen=True)
class Tier:
    """How the scores were made: from how many closed deals, and why not in a better way."""

    name: TierName
    n: int
    """Closed deals known on the day."""
    won: int
    reason: str


@dataclass(frozen=True)
class Reasons:
    """Why each deal has its score: contributions to the log-odds of being won in this period.

    `baseline` + the sum of a deal's row of `parts` (deal x name) = its log-odds. They are associations, not causes.
    """

    names: tuple[str, ...]
    baseline: float
    parts: Floats

    def of(self, row: int, most: int = 5) -> list[tuple[str, float]]:
        """The strongest contributions of a deal, by absolute size."""
        order = np.argsort(-np.abs(self.parts[row]), kind="stable")[:most]
        return [(self.names[i], float(self.parts[row, i])) for i in order if self.parts[row, i]]


@dataclass(frozen=True)
class DealScores:
    """Scores of open deals on a day, one row per deal in the order of the snapshot rows."""

    as_of: np.datetime64
    deal: Ints
    tier: Tier
    p: Floats
    """(deal, horizon): chance to be won in this period, the next, the one after."""
    p_ever: Floats
    """Chance to be won within the periods that "ever" looks ahead; at least the sum of `p`."""
    slip: Floats
    """Chance to be still open after the period of the expected close (NaN without a date)."""
    expected_close: Days
    """When it will be won, if it is (mean)."""
    amount: Ints
    """Amount that it will bring, if it is won: what is stated x `ratio`, or the usual one where none is stated."""
    ratio: Floats
    """Amount as won against amount as stated (NaN where none is stated)."""
    stated: Flags
    due: Days
    """The expected close as stated (NaT = none)."""
    value: Ints
    """(deal, horizon): p x amount, rounded once."""
    reasons: Reasons
    quarantined: tuple[str, ...] = ()
    """Columns left out because they know the outcome, each with its reason."""

    def __len__(self) -> int:
        return len(self.deal)


@dataclass(frozen=True)
class NodeForecast:
    """One node of a forecast. `expected` = booked + open + arrivals + adjustment, at every level."""

    dimension: str
    value: str
    deals: int
    booked: int
    """Won in the period by the as-of."""
    open: int
    """Expected of open deals."""
    arrivals: int
    """Expected of deals that do not exist yet."""
    adjustment: int
    """The blend's difference to the sum of these, in proportion to the part still to come."""
    p10: int
    p50: int
    p90: int
    noise: int
    """Expected absolute error of somebody who knows every chance, but not what happens."""
    target: int | None = None
    p_target: float | None = None
    """Chance to reach the target; None where there is no target."""

    @property
    def expected(self) -> int:
        """What is forecast."""
        return self.booked + self.open + self.arrivals + self.adjustment


@dataclass(frozen=True)
class Method:
    """One way to forecast the company's period: its value (None = cannot tell, and why) and its weight in the blend."""

    name: str
    value: int | None
    weight: float
    reason: str = ""


@dataclass(frozen=True)
class Forecast:
    """The forecast of one period as of one day."""

    as_of: np.datetime64
    period: str
    horizon: int
    week: int
    tier: Tier
    nodes: tuple[NodeForecast, ...]
    methods: tuple[Method, ...]
    scores: DealScores
    booked: dict[int, int] = field(default_factory=dict)
    """Deals won in the period by the as-of, with their amounts."""
    notes: tuple[str, ...] = ()
    """What limits the answer, in words."""

    def node(self, dimension: str = COMPANY, value: str = "") -> NodeForecast:
        """One node; KeyError where there is none."""
        for found in self.nodes:
            if (found.dimension, found.value) == (dimension, value):
                return found
        raise KeyError((dimension, value))


@dataclass(frozen=True)
class BackTest:
    """Past forecasts, each made with what was known on its day, beside what came. One row per as-of, node and method.

    `p10`, `p50`, `p90` are NaN where a method has no interval; `actual` is NaN where the period had not ended; amounts are floats
    here (10^-4): they are statistics, not money.
    """

    as_of: Days
    period: Ints
    """Number of the period forecast in the table of periods."""
    week: Ints
    horizon: Ints
    dimension: Texts
    value: Texts
    method: Texts
    forecast: Floats
    booked: Floats
    actual: Floats
    p10: Floats
    p50: Floats
    p90: Floats
    noise: Floats
    """Expected absolute error of somebody who knows every chance (NaN for methods that do not see deals)."""
    known: Days
    """The day on which the row's error was known: the end of the period forecast."""

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Any) -> BackTest:
        """Some rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def known_on(self, day: ArrayLike) -> BackTest:
        """Forecasts whose period had ended by a day."""
        return self.take(self.known <= days(day))

    def only(self, **values: Any) -> BackTest:
        """Rows with given values, for instance `only(method="model", dimension="company", horizon=0)`."""
        keep = np.ones(len(self), dtype=bool)
        for name, value in values.items():
            keep &= getattr(self, name) == value
        return self.take(keep)
