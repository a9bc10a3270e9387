"""The open-deal model: chances of every open deal from what was known on the day, with reasons that add up.

Which method is allowed depends on how many deals had closed (tiers): a stage table as prior, own rates shrunk to it, a ridge
regression with bent numbers and shrunk owner and segment effects, gradient boosting as a challenger of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from . import boosting, quarantine, rates
from .features import Basis, Design, Frame, basis, frame
from .label import Labels, history_start, labels
from .regression import Fit, fit, logit, sigmoid
from .results import HORIZONS, DealScores, Reasons, Tier
from .survival import incidence_on
from .tables import NEVER, NO_AMOUNT, Days, Floats, Ints, Outcomes, Periods, Settings, Snapshots

HALF_LIFE: Final = 8.0
"""Periods after which a row counts half."""
RATIO_PRIOR: Final = 20.0
"""Won deals that the overall ratio is worth against that of a stage."""
AMOUNT_PRIOR: Final = 10.0
FEWEST_ROWS: Final = 200
"""Snapshot rows with a known label from which a regression is fitted."""
TARGETS: Final = ("now", "next", "after", "ever", "open now", "open next", "open after")
AHEAD: Final = {"now": 0, "next": 1, "after": 2, "ever": 3, "open now": 0, "open next": 1, "open after": 2}
"""Periods that must have ended before a row tells about the target."""


@dataclass(frozen=True)
class History:
    """Everything that the engine was given, with features and labels of all rows worked out once.

    Features of a row depend on that row only; labels carry the day from which they may be used. So one history serves every as-of.
    """

    snapshots: Snapshots
    outcomes: Outcomes
    periods: Periods
    settings: Settings
    frame: Frame
    labels: Labels
    through: np.datetime64
    """The last day that the tables speak of: periods that end later have not ended."""

    def rows(self, on: np.datetime64) -> Ints:
        """Numbers of the rows of one as-of."""
        begin, end = np.searchsorted(self.snapshots.as_of, [on, on + 1])
        return np.arange(begin, end)


def prepare(snapshots: Snapshots, outcomes: Outcomes, periods: Periods, settings: Settings | None = None) -> History:
    """Put the rows in order (as-of, deal) and work out features and labels."""
    order = np.lexsort((snapshots.deal, snapshots.as_of))
    ordered = snapshots.take(order)
    chosen = settings or Settings()
    seen = np.concatenate([snapshots.as_of, outcomes.closed, outcomes.created])
    seen = seen[~np.isnat(seen)]
    return History(
        ordered, outcomes.take(np.argsort(outcomes.deal, kind="stable")), periods, chosen, frame(ordered, periods),
        labels(ordered, outcomes, periods, chosen.horizon_periods), seen.max() if len(seen) else periods.start[0],
    )  # fmt: skip


@dataclass(frozen=True)
class Shocks:
    """Standard deviations, on the log-odds, of what whole periods, owners and segments have in common beyond the model."""

    period: float = 0.25
    owner: float = 0.15
    segment: float = 0.10


@dataclass(frozen=True)
class Amounts:
    """What deals bring if won: ratio to what is stated by stage, usual amounts by group, and the noise of the log ratio."""

    ratio: dict[str, float]
    overall: float
    usual: dict[tuple[str, str], float]
    mean: float
    noise: float

    def expected(self, snapshots: Snapshots) -> tuple[Floats, Floats]:
        """Amount if won (10^-4, as floats), and the ratio used (NaN where nothing is stated)."""
        stated = snapshots.amount != NO_AMOUNT
        stage, code = np.unique(snapshots.label("stage"), return_inverse=True)
        ratio = np.array([self.ratio.get(str(s), self.overall) for s in stage])[code] if len(stage) else np.zeros(0)
        segment = np.char.add(np.char.add(snapshots.label("segment"), "|"), snapshots.label("type"))
        group, code = np.unique(segment, return_inverse=True)
        found = [self.usual.get(tuple(str(g).split("|", 1)), self.mean) for g in group]  # type: ignore[arg-type]
        usual = np.array(found)[code] if len(group) else np.zeros(0)
        given = np.where(stated, snapshots.amount, 0).astype(np.float64)
        return np.where(stated, given * ratio, usual), np.where(stated, ratio, np.nan)


@dataclass(frozen=True)
class DealModel:
    """A trained open-deal model; `score` rates the deals of a day. Trained only on labels known by `on`."""

    on: np.datetime64
    tier: Tier
    settings: Settings
    periods: Periods
    basis: Basis | None
    fits: dict[str, Fit]
    rates: rates.Rates
    amounts: Amounts
    shocks: Shocks
    delays: Floats
    """(horizon): mean place within the rest of the period (0..1) at which wins fall."""
    tail_days: float
    """Mean days after the third period at which later wins fall."""
    quarantined: tuple[str, ...] = ()
    booster: Any = None
    notes: tuple[str, ...] = field(default=())

    def score(self, snapshots: Snapshots, made: Frame | None = None) -> DealScores:
        """Chances, dates, amounts and reasons of deals open on one day."""
        rows = frame(snapshots, self.periods) if made is None else made
        p, ever, still, reasons = self._chances(snapshots, rows)
        amount, ratio = self.amounts.expected(snapshots)
        whole = np.rint(amount).astype(np.int64)
        return DealScores(
            snapshots.as_of[0] if len(snapshots) else self.on, snapshots.deal, self.tier, p, ever,
            self._slip(snapshots, still), self._close(snapshots, p, ever), whole, ratio,
            snapshots.amount != NO_AMOUNT, snapshots.day("expected_close"), np.rint(p * whole[:, None]).astype(np.int64), reasons, self.quarantined,
        )  # fmt: skip

    def _chances(self, snapshots: Snapshots, rows: Frame) -> tuple[Floats, Floats, Floats, Reasons]:
        if self.basis is None:
            return self.rates.chances(snapshots, self.periods)
        design = self.basis.design(rows)
        found = {name: sigmoid(f.log_odds(design)) for name, f in self.fits.items()}
        now = self.fits["now"]
        if self.booster is not None:
            first, reasons = self.booster.chances(rows)
        else:
            first, reasons = found["now"], _reasons(self.basis, now, design)
        p, ever, still = first[:, None] * np.ones((1, HORIZONS)), first, np.ones((len(first), HORIZONS))
        if len(found) < len(
            TARGETS
        ):  # too few rows have a label that looks so far ahead: as deals of the stage and age go
            p, ever, still, _ = self.rates.chances(snapshots, self.periods)
            p[:, 0] = first
        for h, (won, after) in enumerate(zip(TARGETS[:HORIZONS], TARGETS[HORIZONS + 1 :], strict=True)):
            p[:, h] = found.get(won, p[:, h]) if h else first
            still[:, h] = found.get(after, still[:, h])
        p = _within(p)
        ever = np.clip(found.get("ever", ever), p.sum(axis=1), 1)
        still = np.minimum.accumulate(still, axis=1)
        return p, ever, np.minimum(still, 1 - np.cumsum(p, axis=1)), reasons

    def _slip(self, snapshots: Snapshots, still: Floats) -> Floats:
        expected = snapshots.day("expected_close")
        ahead = self.periods.index(expected) - self.periods.index(snapshots.as_of)
        late = ~np.isnat(expected) & (expected <= snapshots.as_of)
        ahead = np.where(late, 0, ahead)
        fine = ~np.isnat(expected) & (ahead >= 0) & (ahead < HORIZONS)
        picked = still[np.arange(len(still)), np.clip(ahead, 0, HORIZONS - 1)]
        return np.where(fine, picked, np.nan)

    def _close(self, snapshots: Snapshots, p: Floats, ever: Floats) -> Days:
        """The mean day of winning, given that it is won."""
        period = np.maximum(self.periods.index(snapshots.as_of), 0)
        last = len(self.periods) - 1
        mean = np.zeros(len(p))
        for h in range(HORIZONS):
            k = np.minimum(period + h, last)
            begin = np.maximum(self.periods.start[k], snapshots.as_of + 1)
            length = np.maximum((self.periods.end[k] - begin).astype(np.int64), 0)
            mean += p[:, h] * (begin.astype(np.int64) + self.delays[h] * length)
        far = np.maximum(ever - p.sum(axis=1), 0)
        end = self.periods.end[np.minimum(period + HORIZONS - 1, last)].astype(np.int64)
        whole = p.sum(axis=1) + far
        mean = np.divide(mean + far * (end + self.tail_days), whole, out=np.zeros(len(p)), where=whole > 1e-12)
        return np.where(whole > 1e-12, np.rint(mean).astype(np.int64).astype("datetime64[D]"), NEVER)

    def uncertainty(self, snapshots: Snapshots, made: Frame, draws: int, rng: np.random.Generator) -> Floats:
        """(deal, draw): what other coefficients, as likely as not, would add to the log-odds of "now"."""
        if self.basis is None:
            sd = self.rates.log_odds_error(snapshots)
            return np.asarray(sd[:, None] * rng.standard_normal((1, draws)), dtype=np.float64)
        covariance = self.fits["now"].covariance
        root = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance)))
        moved = (root @ rng.standard_normal((len(covariance), draws))).astype(np.float32)
        return np.asarray(self.basis.design(made) @ moved[1:] + moved[0])


def _within(p: Floats) -> Floats:
    """Chances of different periods exclude one another: later ones have what the earlier ones leave."""
    out = p.copy()
    for h in range(1, p.shape[1]):
        out[:, h] = np.minimum(out[:, h], 1 - out[:, :h].sum(axis=1))
    return np.maximum(out, 0)


def _reasons(columns: Basis, found: Fit, design: Design) -> Reasons:
    """Contributions by name: coefficient x value, summed over the columns of the name."""
    member = np.zeros((columns.width, len(columns.names)))
    member[np.arange(columns.width), columns.groups] = found.beta
    return Reasons(columns.names, found.intercept, design.astype(np.float64) @ member)


def train(
    history: History, on: Any, horizons: int = HORIZONS, start: DealModel | None = None, dates: bool = True
) -> DealModel:
    """Train on what was known on a day. Without `dates` only the chances of so many `horizons` are fitted, not what dates, slips and
    "ever" need (back-tests); those go by stage and age then. `start`: an earlier model, whose coefficients are a first guess.
    """
    on = np.datetime64(on, "D")
    settings = history.settings
    known = history.outcomes.known_on(on)
    closed = ~np.isnat(known.closed)
    n, won = int(closed.sum()), int(known.won.sum())
    seen = history.snapshots.as_of <= on
    teaching = _eligible(history, on, 0, settings.most_rows)
    model = DealModel(
        on, tier_of(n, won, settings, len(teaching)), settings, history.periods, None, {},
        rates.learn(history, on), _amounts(history, known, on), Shocks(), np.full(HORIZONS, 0.5), 60.0,
    )  # fmt: skip
    if model.tier.name in ("none", "stage table", "rates") or not seen.any():
        return model
    out = quarantine.leaky(history, on, teaching)
    hidden = settings.hidden | {name for name, _ in out}
    columns = basis(history.frame.take(teaching), hidden, incidence_on(known, on))
    design = columns.design(history.frame.take(teaching))
    fits = {"now": _fit(history, teaching, "now", design, columns, on, start)}
    for name in TARGETS[1:] if dates else TARGETS[1:horizons]:
        rows = _eligible(history, on, AHEAD[name], history.settings.most_rows // 2)
        if len(rows) < FEWEST_ROWS:
            continue
        same = len(rows) == len(teaching) and (rows == teaching).all()
        matrix = design if same else columns.design(history.frame.take(rows))
        fits[name] = _fit(history, rows, name, matrix, columns, on, start)
    shocks = _shocks(history, teaching, sigmoid(fits["now"].log_odds(design)))
    model = replace(
        model, basis=columns, fits=fits, shocks=shocks, quarantined=tuple(f"{a}: {b}" for a, b in out),
        delays=_delays(history, on), tail_days=_tail(history, on),
    )  # fmt: skip
    return _challenged(model, history, teaching, design, on)


def tier_of(n: int, won: int, settings: Settings, rows: int) -> Tier:
    """Which method so many closed deals allow, and why not a better one."""
    if n < settings.rates_from:
        if settings.stage_table:
            return Tier("stage table", n, won, "No deal has closed yet: the stage table is all there is")
        return Tier("none", n, won, "No deal has closed yet and there is no stage table: even chances are guesses")
    if n < settings.regression_from:
        return Tier("rates", n, won, f"{n} closed deals; a regression needs {settings.regression_from}")
    if won == 0:
        return Tier("rates", n, won, f"None of {n} closed deals was won: a regression has nothing to tell apart")
    if rows < FEWEST_ROWS:
        return Tier("rates", n, won, f"{rows} past snapshots of a whole period; a regression needs {FEWEST_ROWS}")
    if not settings.boosting or n < settings.boosting_from:
        why = "boosting is switched off" if not settings.boosting else f"boosting needs {settings.boosting_from}"
        return Tier("regression", n, won, f"{n} closed deals; {why}")
    return Tier("boosting", n, won, f"{n} closed deals")


def _eligible(history: History, on: np.datetime64, horizon: int, most: int) -> Ints:
    """Rows whose label's window had ended, from the first close on record; as-ofs are thinned to `most` rows, the latest kept."""
    found = history.labels
    known = found.known_ever if horizon == HORIZONS else found.known[:, min(horizon, HORIZONS - 1)]
    start = history_start(history.outcomes)
    keep = (known <= on) & (history.snapshots.as_of >= start) & (history.snapshots.as_of < known)
    if np.isnat(start) or start > on:
        return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(keep)
    if len(rows) <= most:
        return rows
    stride = -(-len(rows) // most)
    day, code = np.unique(history.snapshots.as_of[rows], return_inverse=True)
    return rows[(len(day) - 1 - code) % stride == 0]


def _weights(history: History, rows: Ints, on: np.datetime64) -> tuple[Floats, float]:
    """Recency weights of rows, and how many rows tell the story of one deal in one period."""
    period = history.labels.period[rows]
    age = int(history.periods.index(on)) - period
    stories = len(np.unique(history.snapshots.deal[rows] * 4096 + period))
    return 0.5 ** (age / HALF_LIFE), max(1.0, len(rows) / max(1, stories))


def _target(history: History, rows: Ints, name: str) -> Floats:
    found = history.labels
    column = {"now": 0, "next": 1, "after": 2, "open now": 0, "open next": 1, "open after": 2}
    if name == "ever":
        return found.ever[rows].astype(np.float64)
    which = found.open_after if name.startswith("open") else found.won
    return which[rows, column[name]].astype(np.float64)


def _fit(
    history: History, rows: Ints, name: str, design: Design, columns: Basis, on: np.datetime64, start: DealModel | None
) -> Fit:
    weight, repeats = _weights(history, rows, on)
    guess = None
    if start is not None and start.basis is not None and (before := start.fits.get(name)):
        known = dict(zip(start.basis.keys, before.beta.tolist(), strict=True))
        guess = np.array([before.intercept, *(known.get(key, 0.0) for key in columns.keys)])
    return fit(design, _target(history, rows, name), weight, columns.spread, repeats, guess)


def _amounts(history: History, known: Outcomes, on: np.datetime64) -> Amounts:
    """Ratios and usual amounts from deals won by the day."""
    ratio, overall, noise = {}, 1.0, 0.15
    found = history.labels
    rows = np.flatnonzero((found.closed <= on) & ~np.isnan(found.ratio) & (history.snapshots.as_of <= on))
    if len(rows) >= 5:
        # one row per deal and stage: the last
        stage = history.snapshots.label("stage")[rows]
        stated = history.snapshots.amount[rows].astype(np.float64)
        final = stated * found.ratio[rows]
        log = np.log(np.clip(found.ratio[rows], 0.05, 20))
        good = (found.ratio[rows] < 20) & (found.ratio[rows] > 0.05)
        overall = float(final[good].sum() / stated[good].sum()) if good.any() else 1.0
        noise = float(np.clip(log[good].std(), 0.02, 1.0)) if good.sum() > 5 else 0.15
        names, code = np.unique(stage, return_inverse=True)
        deals = [len(np.unique(history.snapshots.deal[rows][code == i])) for i in range(len(names))]
        for i, name in enumerate(names):
            here = good & (code == i)
            if here.any():
                own = final[here].sum() / stated[here].sum()
                ratio[str(name)] = float((deals[i] * own + RATIO_PRIOR * overall) / (deals[i] + RATIO_PRIOR))
    won = known.won & (known.amount != NO_AMOUNT)
    mean = float(known.amount[won].mean()) if won.any() else _stated_mean(history, on)
    usual: dict[tuple[str, str], float] = {}
    if won.any():
        group = np.char.add(np.char.add(known.label("segment")[won], "|"), known.label("type")[won])
        names, code = np.unique(group, return_inverse=True)
        count, total = np.bincount(code), np.bincount(code, weights=known.amount[won].astype(np.float64))
        for i, name in enumerate(names):
            key = tuple(str(name).split("|", 1))
            usual[key[0], key[1]] = float((total[i] + AMOUNT_PRIOR * mean) / (count[i] + AMOUNT_PRIOR))
    return Amounts(ratio, overall, usual, mean, noise)


def _stated_mean(history: History, on: np.datetime64) -> float:
    here = history.snapshots.amount[history.snapshots.as_of <= on]
    here = here[here != NO_AMOUNT]
    return float(here.mean()) if len(here) else 0.0


def _shocks(history: History, rows: Ints, p: Floats) -> Shocks:
    """What groups have in common beyond the model, by moments: mean of squared shifts less their sampling error."""
    period = history.labels.period[rows]
    y = history.labels.won[rows, 0]
    half = history.frame.numbers["days left"][rows] > 20
    out = []
    for name, prior, worth in (("", 0.15, 3.0), ("owner", 0.15, 40.0), ("segment", 0.10, 8.0)):
        code = history.frame.codes.get(name) if name else np.zeros(len(history.frame), dtype=np.int64)
        if code is None or not half.any():
            out.append(prior)
            continue
        keep = half & (code[rows] >= 0)
        out.append(
            _spread(
                period[keep] * 100_000 + code[rows][keep],
                history.snapshots.as_of[rows][keep],
                y[keep],
                p[keep],
                prior,
                worth,
            )
        )
    return Shocks(*out)


def _spread(group: Ints, day: Days, y: Any, p: Floats, prior: float, worth: float) -> float:
    cell, code = np.unique(np.stack([group, day.astype(np.int64)]), axis=1, return_inverse=True)
    code = code.reshape(-1)
    v = np.bincount(code, weights=p * (1 - p))
    z = np.bincount(code, weights=y - p)
    good = v > 1.0
    if not good.any():
        return prior
    shift, error = z[good] / v[good], 1 / v[good]
    _, which = np.unique(cell[0][good], return_inverse=True)
    count = np.bincount(which)
    excess = np.bincount(which, weights=shift**2 - error) / count
    variance = (worth * prior**2 + excess.sum()) / (worth + len(excess))
    return float(np.sqrt(np.clip(variance, 0.0004, 0.5)))


def _delays(history: History, on: np.datetime64) -> Floats:
    """Mean place of wins within the rest of a period, by horizon."""
    out = np.full(HORIZONS, 0.5)
    found, periods = history.labels, history.periods
    for h in range(HORIZONS):
        rows = np.flatnonzero(found.won[:, h] & (found.known[:, h] <= on))
        if len(rows) < 30:
            continue
        k = np.minimum(found.period[rows] + h, len(periods) - 1)
        begin = np.maximum(periods.start[k], history.snapshots.as_of[rows] + 1)
        length = np.maximum((periods.end[k] - begin).astype(np.int64), 1)
        out[h] = float(np.clip(((found.closed[rows] - begin).astype(np.int64) / length).mean(), 0, 1))
    return out


def _tail(history: History, on: np.datetime64) -> float:
    found = history.labels
    end = found.known[:, HORIZONS - 1]
    rows = np.flatnonzero(found.ever & (found.known_ever <= on) & (found.closed > end))
    return float((found.closed[rows] - end[rows]).astype(np.int64).mean()) if len(rows) >= 10 else 60.0


def _challenged(model: DealModel, history: History, rows: Ints, design: Design, on: np.datetime64) -> DealModel:
    """Let gradient boosting take over "now" where it is better out of time, in log-loss and in the money."""
    if model.tier.name != "boosting":
        return model
    verdict = boosting.challenge(model, history, rows, design, on, lambda r, n: _target(history, r, n), _weights)
    if verdict.booster is None:
        return replace(model, tier=replace(model.tier, name="regression", reason=verdict.reason))
    return replace(model, booster=verdict.booster, tier=replace(model.tier, reason=verdict.reason))


__all__ = ["DealModel", "History", "logit", "prepare", "train"]
