"""Arrow columns of the public import format from integer arrays: ids, texts, words, money, days, instants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salesops.demo.days import FOREVER, NULL, Flags, Ints

PREFIX: Final = {
    "business_unit": "BU", "calendar": "CAL", "holiday": "HOL", "working_time": "WT", "person": "P",
    "employment": "EMP", "reporting_line": "RL", "team": "T", "team_member": "TM", "absence": "ABS",
    "person_skill": "PS", "territory": "TER", "territory_assignment": "TA", "territory_member": "TMB",
    "account": "A", "contact": "C", "lead": "L", "consent": "CON", "campaign": "CMP", "campaign_member": "CM",
    "product": "PR", "price_book": "PB", "price": "PRC", "stock_level": "STK", "pipeline": "PL", "stage": "ST",
    "opportunity": "O", "opportunity_line": "OL", "opportunity_split": "OS", "opportunity_contact": "OC",
    "activity": "ACT", "engagement_event": "ENG", "time_report": "TR", "order": "ORD", "order_line": "ORL",
    "invoice": "INV", "invoice_line": "INL", "payment": "PAY", "subscription": "SUB", "cost": "COST",
    "exchange_rate": "FX", "target": "TGT", "benchmark": "BM", "forecast_call": "FC",
}  # fmt: skip
"""The head of each entity's external ids; a number of seven digits or more follows."""


def ids(entity: str, index: Ints) -> pa.Array:
    """External ids of the rows of an entity; a negative index is empty."""
    index = np.asarray(index, dtype=np.int64)
    digits = pc.utf8_lpad(pa.array(index, mask=index < 0).cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(PREFIX[entity], digits, "")


def words(code: Any, choices: Sequence[str]) -> pa.Array:
    """The word of each code; a negative code is empty."""
    code = np.asarray(code, dtype=np.int64)
    return pa.array(list(choices), pa.string()).take(pa.array(code, mask=code < 0))


def same(text: str | None, count: int) -> pa.Array:
    """One text in every row."""
    return pa.nulls(count, pa.string()) if text is None else pa.repeat(pa.scalar(text), count)


def texts(values: Sequence[str | None]) -> pa.Array:
    """Texts as they are."""
    return pa.array(list(values), pa.string())


def join(*parts: pa.Array | str) -> pa.Array:
    """Texts put together, row by row; empty where a part is."""
    return pc.binary_join_element_wise(*parts, "")


def _decimal(raw: Ints, places: int) -> pa.Array:
    raw = np.ascontiguousarray(raw, dtype=np.int64)
    wide = np.empty((len(raw), 2), dtype=np.int64)
    wide[:, 0] = raw
    wide[:, 1] = raw >> 63
    full = pa.Array.from_buffers(pa.decimal128(18, places), len(raw), [None, pa.py_buffer(wide)])
    return pc.if_else(pa.array(raw != NULL), full, pa.scalar(None, full.type)) if (raw == NULL).any() else full


def money(raw: Ints) -> pa.Array:
    """Amounts in 10^-4 as DECIMAL(18,4)."""
    return _decimal(raw, 4)


def scaled(raw: Ints, places: int = 6) -> pa.Array:
    """Scaled integers as DECIMAL."""
    return _decimal(raw, places)


def integers(values: Ints) -> pa.Array:
    """Whole numbers."""
    return pa.array(values, mask=np.asarray(values) == NULL)


def flags(values: Flags) -> pa.Array:
    """Booleans."""
    return pa.array(np.asarray(values, dtype=bool))


def dates(day: Ints) -> pa.Array:
    """Dates; FOREVER and NULL are empty."""
    day = np.asarray(day, dtype=np.int64)
    empty = (day == NULL) | (day >= FOREVER)
    return pa.array(np.where(empty, 0, day).astype(np.int32), mask=empty).cast(pa.date32())


def instants(micros: Ints) -> pa.Array:
    """Instants as TIMESTAMP, marked as UTC."""
    micros = np.asarray(micros, dtype=np.int64)
    return pa.array(micros, mask=micros == NULL).cast(pa.timestamp("us", tz="UTC"))


def instant_text(micros: Ints) -> pa.Array:
    """Instants as ISO text in UTC."""
    seconds = pa.array(np.asarray(micros) // 1_000_000, mask=np.asarray(micros) == NULL).cast(pa.timestamp("s"))
    return pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ")


def money_text(raw: Ints) -> pa.Array:
    """Amounts as plain decimal text."""
    return money(raw).cast(pa.string())


def date_text(day: Ints) -> pa.Array:
    """Dates as ISO text."""
    return dates(day).cast(pa.string())


def pick(rng: np.random.Generator, shares: Sequence[float] | NDArray[np.float64], count: int) -> Ints:
    """Codes drawn with the given shares."""
    total = np.cumsum(np.asarray(shares, dtype=float))
    return np.searchsorted(total / total[-1], rng.random(count), side="right").astype(np.int64)


def spread(total: int, weights: Any) -> Ints:
    """Divide a whole number by weights (largest remainder, ties to the earlier)."""
    weight = np.asarray(weights, dtype=float)
    if weight.sum() <= 0:
        weight = np.ones_like(weight)
    exact = total * weight / weight.sum()
    floor = np.floor(exact).astype(np.int64)
    order = np.argsort(floor - exact, kind="stable")
    floor[order[: total - int(floor.sum())]] += 1
    return floor


def runs(count: Ints) -> tuple[Ints, Ints]:
    """For `count[i]` children of each parent i: the parent of every child, and its number within the parent."""
    parent = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return parent, np.arange(len(parent)) - first[parent]


def micro_hash(*keys: Ints) -> NDArray[np.float64]:
    """A number in [0, 1) that depends on the keys alone (splitmix64)."""
    mixed = np.zeros(len(keys[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            mixed = (mixed ^ np.asarray(key).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)
