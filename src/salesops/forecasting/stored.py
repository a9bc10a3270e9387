"""Forecasts and back-tests as files: written once under a number, found again by period and day, read back as they were.

forecasts/000007/run.json     what it was made from (day, generation, settings, version), its nodes and methods
forecasts/000007/deals.npz    scores of deals with their reasons, and what was booked
forecasts/backtest/000002.npz past forecasts beside what came
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from salesops.common.errors import NotFound

from .results import BackTest, DealScores, Forecast, Method, NodeForecast, Reasons, Tier

COLUMNS = ("deal", "p", "p_ever", "slip", "expected_close", "amount", "ratio", "stated", "due", "value")
LISTS = ("name", "stage", "owner")


@dataclass(frozen=True)
class Run:
    """One stored forecast: `about` says what it was made from; `deals` name, stage and owner of its deals by id."""

    number: int
    about: Mapping[str, Any]
    forecast: Forecast
    deals: Mapping[int, tuple[str, str, str]]


def write_run(
    folder: Path, found: Forecast, about: Mapping[str, Any], deals: Mapping[int, tuple[str, str, str]]
) -> int:
    """Store a forecast under the next number; it is there wholly, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    work.mkdir()
    scores = found.scores
    named = [deals.get(int(one), (str(one), "", "")) for one in (*scores.deal.tolist(), *found.booked)]
    arrays = {name: getattr(scores, name) for name in COLUMNS} | {
        "parts": scores.reasons.parts, "booked": np.array(list(found.booked), dtype=np.int64),
        "booked_amount": np.array(list(found.booked.values()), dtype=np.int64),
        **{name: np.array([each[n] for each in named], dtype=str) for n, name in enumerate(LISTS)},
    }  # fmt: skip
    np.savez_compressed(work / "deals.npz", **arrays)
    told = {
        "about": dict(about), "as_of": str(found.as_of), "period": found.period, "horizon": found.horizon, "week": found.week,
        "tier": asdict(found.tier), "nodes": [asdict(one) for one in found.nodes], "methods": [asdict(one) for one in found.methods],
        "notes": list(found.notes), "reasons": {"names": list(scores.reasons.names), "baseline": scores.reasons.baseline},
        "quarantined": list(scores.quarantined),
    }  # fmt: skip
    (work / "run.json").write_text(json.dumps(told, default=float), encoding="utf-8")
    while True:
        number = max(numbers(folder), default=0) + 1
        try:
            work.rename(folder / f"{number:06d}")
            return number
        except OSError:
            if not (folder / f"{number:06d}").exists():
                raise
            continue  # somebody else took the number


def numbers(folder: Path) -> list[int]:
    """Numbers of the stored forecasts, the oldest first."""
    return sorted(int(one.name) for one in folder.glob("[0-9]*") if one.name.isdigit()) if folder.is_dir() else []


def heads(folder: Path) -> list[dict[str, Any]]:
    """What is said of each stored forecast, without its deals: number, about, as_of, period, nodes, methods."""
    return [{"number": one, **_told(str(folder), one)} for one in numbers(folder)]


_read: dict[tuple[str, int], dict[str, Any]] = {}
_whole: dict[tuple[str, int], Run] = {}


def _told(folder: str, number: int) -> dict[str, Any]:
    key = (folder, number)
    if key not in _read:
        _read[key] = json.loads((Path(folder) / f"{number:06d}" / "run.json").read_text(encoding="utf-8"))
    return _read[key]


def read_run(folder: Path, number: int) -> Run:
    """A stored forecast; raises NotFound. The last few stay in memory: they never change."""
    key = (str(folder), number)
    _looked_at(folder / f"{number:06d}")
    if key not in _whole:
        if number not in numbers(folder):
            raise NotFound(f"there is no forecast {number}", "salesops forecast run makes one")
        while len(_whole) >= 6:
            _whole.pop(next(iter(_whole)))
        _whole[key] = _load(folder, number)
    return _whole[key]


def _looked_at(place: Path) -> None:
    """Note that somebody reads a forecast (its folder's time), so that it is not swept away beneath a page or an export."""
    with suppress(OSError):
        if place.stat().st_mtime < time.time() - 3600:
            os.utime(place)


def delete(folder: Path, numbers_: Iterable[int], unread_for: float) -> int:
    """Delete forecasts that nobody has read for so many seconds, and what killed writers left; gives how many forecasts went.

    Never the newest number: none is given twice.
    """
    count, last, before = 0, max(numbers(folder), default=0), time.time() - unread_for
    for number in set(numbers_) - {last}:
        place = folder / f"{number:06d}"
        with suppress(FileNotFoundError):
            if place.stat().st_mtime < before:
                gone = folder / f".gone-{number}-{secrets.token_hex(4)}"
                place.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
                count += 1
    for left in (*folder.glob(".new-*"), *folder.glob(".gone-*"), *(folder / "backtest").glob(".new-*")):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < before:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return count


def _load(folder: Path, number: int) -> Run:
    told = _told(str(folder), number)
    with np.load(folder / f"{number:06d}" / "deals.npz", allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    reasons = Reasons(tuple(told["reasons"]["names"]), told["reasons"]["baseline"], arrays["parts"])
    columns = {name: arrays[name] for name in COLUMNS}
    scores = DealScores(
        np.datetime64(told["as_of"], "D"),
        tier=Tier(**told["tier"]),
        reasons=reasons,
        quarantined=tuple(told["quarantined"]),
        **columns,
    )
    booked = dict(zip(arrays["booked"].tolist(), arrays["booked_amount"].tolist(), strict=True))
    nodes = tuple(NodeForecast(**one) for one in told["nodes"])
    methods = tuple(Method(**one) for one in told["methods"])
    found = Forecast(
        np.datetime64(told["as_of"], "D"), told["period"], told["horizon"], told["week"], Tier(**told["tier"]), nodes, methods,
        scores, booked, tuple(told["notes"]),
    )  # fmt: skip
    every = (*arrays["deal"].tolist(), *arrays["booked"].tolist())
    named = zip(*(arrays[name].tolist() for name in LISTS), strict=True)
    return Run(number, told["about"], found, dict(zip(every, named, strict=True)))


# Back-tests


def write_backtest(folder: Path, test: BackTest, about: Mapping[str, Any]) -> int:
    """Store a back-test under the next number."""
    place = folder / "backtest"
    place.mkdir(parents=True, exist_ok=True)
    new = place / f".new-{os.getpid()}-{secrets.token_hex(4)}.npz"
    np.savez_compressed(
        new, about=np.array(json.dumps(dict(about))), **{f.name: getattr(test, f.name) for f in fields(BackTest)}
    )
    while True:
        number = max((int(one.stem) for one in place.glob("[0-9]*.npz")), default=0) + 1
        try:
            os.link(new, place / f"{number:06d}.npz")
        except FileExistsError:  # somebody else took the number
            continue
        new.unlink()
        return number


def read_backtest(folder: Path) -> tuple[BackTest, dict[str, Any]] | None:
    """The newest back-test and what it was made from; None when there is none."""
    found = sorted((folder / "backtest").glob("[0-9]*.npz"))
    if not found:
        return None
    with np.load(found[-1], allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        return BackTest(**{f.name: held[f.name] for f in fields(BackTest)}), {"number": int(found[-1].stem), **about}
