"""Cohorts followed by age: from counted purchases by period to a row for every cohort at every age. Tables in and out.

Every cohort has a row at every age that has begun (nothing bought is 0); the rows of all cohorts add up, at each age, those that are complete there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from .sql import NO_ID, NONE

SUMMED = ("cohorts", "customers", "active", "revenue", "start", "value")


def follow(rows: Any, periods: Sequence[str], ended: Sequence[bool], width: int, most: int | None) -> pl.DataFrame:
    """Every cohort at every age, then every age over all cohorts.

    `rows` (Arrow): cohort, d0.. (ids), n0.. (labels, where there are any), period, customers, revenue (10^-4), unknown; those without a period
    count who came. `periods` are all periods in order, `ended` which have ended, `width` how many dimensions, `most` the highest age shown. Gives group
    (null: all cohorts), cohort, period, age, t0.. (text of the dimensions), cohorts, customers, active, revenue, start (revenue at
    age 0), value (revenue up to that age), complete; money null where an amount of it is unknown.
    """
    whole = [pl.col(name).cast(pl.Int64) for name in ("customers", "revenue", "unknown")]
    frame = pl.DataFrame(pl.from_arrow(rows)).with_columns(*whole)
    dims = [f"d{n}" for n in range(width)]
    place = pl.DataFrame({"period": periods, "place": range(len(periods)), "complete": list(ended)})
    group = (
        frame.filter(pl.col("period").is_null())
        .drop("period", "revenue", "unknown")
        .join(place.select(pl.col("period").alias("cohort"), pl.col("place").alias("first")), on="cohort")
        .with_columns(*_texts(frame, width))
        .sort("first", *(f"t{n}" for n in range(width)), *dims)
        .with_row_index("group")
    )
    cells = _cells(group, place, most)
    bought = frame.filter(pl.col("period").is_not_null()).select("cohort", *dims, "period", active="customers", paid="revenue", unknown="unknown")  # fmt: skip
    lines = _paid(cells, bought, ["cohort", *dims])
    shown = ["cohort", "period", "age", *(f"t{n}" for n in range(width)), *SUMMED, "complete"]
    return pl.concat([lines.select("group", *shown), _all(lines, dims, width).select("group", *shown)])


def _texts(frame: pl.DataFrame, width: int) -> list[pl.Expr]:
    """What is shown of each dimension: its label, else its id, else that it has none."""
    found: list[pl.Expr] = []
    for n in range(width):
        text = pl.col(f"d{n}").cast(pl.String)
        label = pl.col(f"n{n}").cast(pl.String) if f"n{n}" in frame.columns else pl.lit(None, pl.String)
        found.append(pl.coalesce(pl.when(label != "").then(label), text.replace(str(NO_ID), NONE)).alias(f"t{n}"))
    return found


def _cells(group: pl.DataFrame, place: pl.DataFrame, most: int | None) -> pl.DataFrame:
    """Every group at every age that has begun."""
    last = pl.lit(len(place) - 1) - pl.col("first")
    ages = last if most is None else pl.min_horizontal(last, pl.lit(most))
    return (
        group.with_columns(pl.int_ranges(0, ages + 1).alias("age"))
        .explode("age")
        .with_columns(place=pl.col("first") + pl.col("age"), cohorts=pl.lit(1, pl.Int64))
        .join(place, on="place", how="left", maintain_order="left")
    )


def _paid(cells: pl.DataFrame, bought: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """With what was bought at each age: an unknown amount makes its sum, and every later value, unknown."""
    known = pl.col("paid").fill_null(0)
    nothing = (pl.col("unknown") > 0) & pl.col("paid").is_null()
    return (
        cells.join(bought, on=[*keys, "period"], how="left", maintain_order="left", nulls_equal=True)
        .with_columns(active=pl.col("active").fill_null(0), unknown=pl.col("unknown").fill_null(0))
        .with_columns(revenue=pl.when(~nothing).then(known))
        .with_columns(
            start=pl.col("revenue").first().over("group"),
            value=pl.when(pl.col("revenue").is_null().cum_max().over("group").not_())
            .then(pl.col("revenue").fill_null(0).cum_sum().over("group")),
        )
    )  # fmt: skip


def _all(lines: pl.DataFrame, dims: list[str], width: int) -> pl.DataFrame:
    """Every age over the cohorts that are complete there, for each value of the dimensions; in the order of their ids as text."""
    sums = [pl.col(name).fill_null(0).sum() for name in SUMMED]
    found = lines.filter("complete").group_by(*dims, "age").agg(*(pl.col(f"t{n}").first() for n in range(width)), *sums)
    order = [pl.col(name).cast(pl.String) for name in dims]
    return found.sort(*order, "age").with_columns(
        group=pl.lit(None, lines.schema["group"]), cohort=pl.lit(None, pl.String), period=pl.lit(None, pl.String), complete=pl.lit(True)
    )  # fmt: skip
