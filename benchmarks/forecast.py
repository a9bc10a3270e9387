"""Prove the forecasts and measure their speed: `python -m benchmarks.forecast [maven|demo|m4|speed ...] [--size tiny|small|full]`.

`demo`: the demo company with its committed parameters, eight years, five seeds, every Monday of the last twenty quarters. `maven`: the weekly
as-ofs of its third and fourth quarters (needs the shared data). `speed`: 10,000 open deals, 200 nodes, 1,000 paths; a back-test of 104
weekly as-ofs at 1,000 open deals. Naive methods and weighted pipelines are beside it, and AutoETS of statsforecast on the same quarters
where that is installed. Processor seconds are printed beside wall time.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tests.forecasting.companies import Company, demo, maven, mondays, simple

from salesops.forecasting import accuracy, backtest, topdown
from salesops.forecasting.deals import prepare, train
from salesops.forecasting.forecast import forecast
from salesops.forecasting.results import BackTest
from salesops.forecasting.tables import Outcomes, Settings, Snapshots

ROOT = Path(__file__).resolve().parent.parent
TABLE = {"talk": 0.2, "offer": 0.4, "terms": 0.6}
SIZES = {"tiny": (3, 1, 13, 1), "small": (8, 2, 2, 20), "full": (8, 5, 1, 100)}
"""Years, seeds, weeks between as-ofs, and hundreds of open deals for the measurement of speed."""
NAIVE = ("previous period", "year ago", "mean of four", "linearity", "commit", "commit and best case")
T = TypeVar("T")


def timed(what: str, work: Callable[[], T], most: float = 0.0) -> T:
    """Do it, print what it took and whether that is within the limit (wall seconds)."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = time.perf_counter() - wall
    limit = f"  (at most {most:.0f} s: {'yes' if took <= most else 'NO'})" if most else ""
    print(f"  {what:44} {took:8.1f} s {time.process_time() - cpu:8.1f} cpu s{limit}", flush=True)
    return found


def told(test: BackTest, title: str) -> dict[tuple[str, str], backtest.Score]:
    """Print the table of methods and give the scores of the company."""
    scores = {(s.method, s.weeks): s for s in backtest.summary(test) if s.dimension == "company"}
    print(
        f"{title}\n  {'method':36} {'WAPE':>6} {'95 %':>13} {'1-4':>6} {'5-8':>6} {'9-':>6} {'bias':>7} {'cover':>6} {'width':>6}"
    )
    for (method, weeks), s in sorted(scores.items(), key=lambda item: item[1].wape or 9):
        if weeks != "all" or s.wape is None:
            continue
        parts = [scores[method, w].wape for w in ("1-4", "5-8", "9-") if (method, w) in scores]
        columns = " ".join(f"{x:6.3f}" if x is not None else "     -" for x in parts)
        inside = f"{s.coverage:6.3f} {s.width:6.3f}" if s.coverage is not None else ""
        print(
            f"  {method:36} {s.wape:6.4f} {s.interval[0]:6.3f}-{s.interval[1]:.3f} {columns} {s.bias or 0:+7.3f} {inside}"
        )
    return scores


def prove_maven(_: str) -> None:
    """Maven, as the issue asks."""
    shared = Path(os.environ.get("SALESOPS_SHARED") or ROOT.parent / "shared") / "data"
    if not shared.exists():
        print("maven: skipped, the shared data is absent (SALESOPS_SHARED)")
        return
    made = maven(shared)
    history = prepare(made.snapshots, made.outcomes, made.periods)
    told(backtest.backtest(history, mondays(date(2017, 7, 1), date(2017, 12, 31))), "Maven, 26 weekly as-ofs")


def prove_demo(size: str) -> None:
    """The demo company, seed by seed, then all together."""
    years, seeds, every, _ = SIZES[size]
    rows, naive, mine, floor = [], [], [], []
    chances = backtest.Chances()
    for seed in range(101, 101 + seeds):  # seeds that nothing was tuned on
        with tempfile.TemporaryDirectory() as folder:
            made = demo(Path(folder), years=years, seed=seed)
        history = prepare(made.snapshots, made.outcomes, made.periods, Settings())
        first = date(2026 - years + 1, 10, 1)
        days = mondays(first, date(2026, 9, 30))[::every]
        start = np.datetime64(date(max(first.year, 2021), 10, 1) if years > 3 else date(2025, 7, 1))

        def gather(day: Any, start: np.datetime64 = start) -> None:
            if day.on >= start:
                chances.add(day)

        test = timed(f"seed {seed}, {len(days)} as-ofs", lambda h=history, d=days: backtest.backtest(h, d, each=gather))
        late = test.take(test.as_of >= start)
        scores = told(late, f"Demo company, seed {seed}")
        naive.append(min(scores[n, "all"].wape or 9 for n in NAIVE if (n, "all") in scores))
        mine.append(scores["blend", "all"].wape or 9)
        floor.append(scores["model", "all"].noise or 0)
        rows.append(late.only(method="blend"))
        _statsforecast(made, late)
    pooled = [np.concatenate([getattr(r, name) for r in rows]) for name in ("actual", "forecast", "p10", "p90")]
    ended = ~np.isnan(pooled[0])
    actual, said, low, high = (column[ended] for column in pooled)
    inside, width = accuracy.coverage(actual, low, high)
    print(f"all seeds: WAPE {np.mean(mine):.4f}, best naive {np.mean(naive):.4f}: {100 * (1 - np.mean(mine) / np.mean(naive)):.0f} % better; "
          f"{np.mean(mine) / np.mean(floor):.2f} x the noise floor; bias {accuracy.bias(actual, said).value:+.4f}; "
          f"P10-P90 covers {inside:.3f} (width {width:.3f})")  # fmt: skip
    print("chances of deals:", {k: round(v, 4) for k, v in chances.figures().items() if v is not None})


def _statsforecast(made: Company, test: BackTest) -> None:
    """AutoETS on the past quarters, forecast once a quarter."""
    try:
        models = importlib.import_module("statsforecast.models")
    except ImportError:
        return
    errors = total = 0.0
    company = test.only(method="blend")
    for target in np.unique(company.period[~np.isnan(company.actual)]):
        on = made.periods.end[target - 1]
        past = topdown.series(made.outcomes.known_on(on), made.periods, on).values
        actual = float(company.actual[company.period == target][0])
        errors += abs(float(models.AutoETS(season_length=4).forecast(past, 1)["mean"][0]) - actual)
        total += actual
    print(f"  {'AutoETS (statsforecast)':36} {errors / total:6.4f}")


def prove_m4(_: str) -> None:
    """Theta of our own on M4 weekly beside the published scores."""
    shared = Path(os.environ.get("SALESOPS_SHARED") or ROOT.parent / "shared") / "data" / "m4_weekly"
    if not shared.exists():
        print("m4: skipped, the shared data is absent (SALESOPS_SHARED)")
        return
    lines = [(shared / f"Weekly-{part}.csv").read_text().splitlines()[1:] for part in ("train", "test")]
    series = [
        [np.array([float(x.strip('"')) for x in line.split(",")[1:] if x.strip('"')]) for line in part]
        for part in lines
    ]
    found = []
    for past, actual in zip(*series, strict=True):
        drawn = topdown.theta(past, len(actual))
        found.append((accuracy.smape(actual, drawn), accuracy.mase(actual, drawn, past)))
    mean = np.mean(found, axis=0)
    score = accuracy.owa(float(mean[0]), float(mean[1]), 9.161, 2.777)
    print(f"M4 weekly: Theta sMAPE {mean[0]:.3f} (published 9.093), MASE {mean[1]:.3f} (2.637), OWA {score:.3f}")


def measure_speed(size: str) -> None:
    """Score, retrain and back-test at the size of the issue."""
    hundreds = SIZES[size][3]
    print(f"speed: {hundreds * 100:,} open deals, 200 nodes, 1,000 paths")
    made = _nodes(simple(1, per_week=round(hundreds * 11.0), years=3))
    history = timed("features and labels of all weeks", lambda: prepare(made.snapshots, made.outcomes, made.periods))
    on = np.unique(made.snapshots.as_of)[-3]
    model = timed("retrain", lambda: train(history, on), 60)
    dimensions = ("owner", "team", "segment", "product")
    found = timed("score, simulate, sum", lambda: forecast(history, model, on, dimensions=dimensions), 10)
    print(f"  {len(found.scores):,} open deals, {len(found.nodes)} nodes")
    small = _nodes(simple(2, per_week=min(110, round(hundreds * 11.0)), years=4))
    history = prepare(small.snapshots, small.outcomes, small.periods, Settings(stage_table=TABLE))
    days = np.unique(small.snapshots.as_of)[-106:-2]
    timed("back-test of 104 as-ofs, 1,000 open deals", lambda: backtest.backtest(history, days), 180)
    timed("the same with the next two periods and teams",
          lambda: backtest.backtest(history, days, horizons=(0, 1, 2), dimensions=("team",)), 900)  # fmt: skip


def _nodes(made: Company) -> Company:
    """The same deals in 150 owners, 30 teams, 12 segments and 7 products."""
    cuts = (("owner", 1, 150), ("team", 5, 30), ("segment", 1, 12), ("product", 1, 7))

    def labels(deal: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.char.add(name + " ", (deal // by % count).astype(str)) for name, by, count in cuts}

    s, o = made.snapshots, made.outcomes
    stage = {"stage": s.label("stage")}
    snapshots = Snapshots(
        s.as_of, s.deal, s.amount, labels(s.deal) | stage, s.day("created"), s.day("stage_since"), s.day("expected_close"), s.numbers
    )  # fmt: skip
    return Company(snapshots, Outcomes(o.deal, o.created, o.closed, o.won, o.amount, labels(o.deal)), made.periods)


PARTS: dict[str, Callable[[str], None]] = {
    "maven": prove_maven, "demo": prove_demo, "m4": prove_m4, "speed": measure_speed,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the named parts (default: all)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--size", choices=sorted(SIZES), default="full")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; use {', '.join(PARTS)}")
    for part, work in PARTS.items():
        if not given.names or part in given.names:
            work(given.size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
