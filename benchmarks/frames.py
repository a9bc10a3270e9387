"""The same questions with polars and pandas, over the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .questions import EVE, FIRST_WEEK, FROM, HOME, LAST_WEEK, TEN, TO, WEEKS

COLUMNS = ["id", "day_from", "day_to", "created_on", "deleted", "status", "stage", "value", "currency", "closed_on"]
FAR = 10**5


def _rounded(value: Any, rate: Any) -> Any:
    """value x rate / 10^10, half to even, in 64 bits: the rate in two halves. Both are at or above zero."""
    high = value * (rate // FAR)
    rest = (high % FAR) * FAR + value * (rate % FAR)
    whole = high // FAR + rest // TEN
    left = rest % TEN
    return whole + ((left * 2 + whole % 2) > TEN) * 1


def polars_answer(task: str, opportunity: list[Path], rates: list[Path]) -> list[list[Any]]:
    """A question answered by polars, lazily, with its streaming engine."""
    import polars as pl

    deals = pl.scan_parquet(opportunity).select(COLUMNS)
    table = (
        pl.scan_parquet(rates)
        .filter((pl.col("kind") == "spot") & (pl.col("to_currency") == HOME))
        .select("currency", "day", "rate")
    )

    def rounded(value: Any, rate: Any) -> Any:
        high = value * (rate // FAR)
        rest = (high % FAR) * FAR + value * (rate % FAR)
        whole = high // FAR + rest // TEN
        return whole + (((rest % TEN) * 2 + whole % 2) > TEN).cast(pl.Int64)

    def worth(value: str, currency: str, rate: str) -> Any:
        return pl.when(pl.col(currency) == HOME).then(pl.col(value)).otherwise(rounded(pl.col(value), pl.col(rate)))

    def rated(frame: Any, currency: str, day: str, name: str) -> Any:
        named = table.rename({"rate": name})
        return frame.join(named, left_on=[currency, day], right_on=["currency", "day"], how="left")

    if task == "weekly":

        def index(day: Any) -> Any:
            gap = (day - pl.lit(FIRST_WEEK)).dt.total_days()
            return pl.when(gap <= 0).then(0).otherwise((gap + 6) // 7)

        v = deals.filter(
            (pl.col("status") == "open") & ~pl.col("deleted") & (pl.col("day_from") <= LAST_WEEK)
            & (pl.col("day_to") > FIRST_WEEK) & (pl.col("created_on") <= LAST_WEEK) & (pl.col("created_on") < pl.col("day_to"))
        ).select(
            index(pl.max_horizontal("created_on", "day_from")).alias("i"),
            index(pl.col("day_to")).clip(upper_bound=WEEKS).alias("j"), "value", "currency",
        ).filter(pl.col("i") < pl.col("j"))  # fmt: skip
        grid = v.select("currency", "value", pl.int_ranges("i", "j").alias("w")).explode("w")
        same = grid.group_by("currency", "value", "w").agg(pl.len().cast(pl.Int64).alias("n"))
        same = same.with_columns((pl.lit(FIRST_WEEK) + pl.duration(days=pl.col("w") * 7)).cast(pl.Date).alias("on"))
        found = (
            rated(same, "currency", "on", "rate")
            .with_columns(worth("value", "currency", "rate").alias("m"))
            .group_by("w")
            .agg((pl.col("m") * pl.col("n")).sum().alias("value"), pl.col("n").filter(pl.col("m").is_not_null()).sum().alias("known"),
                 pl.col("n").filter(pl.col("m").is_null()).sum().alias("unknown"))
            .sort("w")
        )  # fmt: skip
        return [list(row) for row in found.collect(engine="streaming").rows()]
    if task == "matrix":
        there = ~pl.col("deleted")

        def on(day: Any) -> Any:
            return there & (pl.col("created_on") <= day) & (pl.col("day_from") <= day) & (pl.col("day_to") > day)

        opened = pl.col("status") == "open"
        names = ["id", "stage", "status", "value", "currency"]
        was = deals.filter(on(EVE) & (opened | (pl.col("day_to") <= TO))).select(names)
        now = deals.filter(on(TO) & (opened | (pl.col("day_from") > EVE) | (pl.col("created_on") > EVE))).select(names)
        pair = was.join(now, on="id", how="full", suffix="_now").with_columns(
            pl.when(pl.col("id").is_null()).then(-2).otherwise(pl.col("stage").fill_null(0)).alias("f"),
            pl.when(pl.col("id_now").is_null()).then(-3).otherwise(pl.col("stage_now").fill_null(0)).alias("t"),
            pl.when(pl.col("id_now").is_null()).then(pl.col("value")).otherwise(pl.col("value_now")).alias("m"),
            pl.when(pl.col("id_now").is_null()).then(pl.col("currency")).otherwise(pl.col("currency_now")).alias("c"),
            pl.lit(TO).alias("on"),
        )
        alive = (pl.col("status") == "open").fill_null(False) | (pl.col("status_now") == "open").fill_null(False)
        found = (
            rated(pair.filter((pl.col("f") != pl.col("t")) | alive), "c", "on", "rate")
            .group_by("f", "t").agg(pl.len().cast(pl.Int64), worth("m", "c", "rate").sum().alias("value")).sort("f", "t")
        )  # fmt: skip
        return [list(row) for row in found.collect(engine="streaming").rows()]
    w = deals.filter(
        (pl.col("day_from") <= TO) & (pl.col("day_to") > EVE) & (pl.col("created_on") <= TO) & (pl.col("created_on") < pl.col("day_to"))
        & ((pl.col("day_from") > EVE) | (pl.col("day_to") <= TO) | (pl.col("created_on") > EVE)
           | ((pl.col("status") == "open") & ~pl.col("deleted")))
    ).select(
        "id", pl.max_horizontal("created_on", "day_from").alias("since"), pl.col("day_to").alias("until"), "value", "currency",
        "closed_on", pl.when("deleted").then(pl.lit("deleted")).otherwise("status").alias("state"),
    ).collect(engine="streaming").sort("id", "since")  # fmt: skip
    small = table.collect()
    return _bars(w.to_pandas(), small.to_pandas())


def pandas_answer(task: str, opportunity: list[Path], rates: list[Path]) -> list[list[Any]]:
    """A question answered by pandas, whole columns in memory."""
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

    deals = pd.concat([pd.read_parquet(file, columns=COLUMNS) for file in opportunity], ignore_index=True)
    table = pd.concat([pd.read_parquet(file) for file in rates], ignore_index=True)
    table = table[(table.kind == "spot") & (table.to_currency == HOME)][["currency", "day", "rate"]]
    for name in ("day_from", "day_to", "created_on", "closed_on"):
        deals[name] = _days(deals[name])
    table["day"] = _days(table["day"])
    eve, to, last, first = (_number(d) for d in (EVE, TO, LAST_WEEK, FIRST_WEEK))
    if task == "weekly":
        d = deals[
            (deals.status == "open") & ~deals.deleted & (deals.day_from <= last) & (deals.day_to > first)
            & (deals.created_on <= last) & (deals.created_on < deals.day_to)
        ]  # fmt: skip

        def index(day: Any) -> Any:
            gap = day.to_numpy() - first
            return np.where(gap <= 0, 0, (gap + 6) // 7)

        i, j = index(d[["created_on", "day_from"]].max(axis=1)), np.minimum(index(d.day_to), WEEKS)
        keep = i < j
        i, j, d = i[keep], j[keep], d[keep]
        span = (j - i).astype("int64")
        w = np.arange(span.sum()) - np.repeat(np.cumsum(span) - span, span) + np.repeat(i, span)
        grid = pd.DataFrame({"w": w, "value": np.repeat(d.value.to_numpy("float64", na_value=np.nan), span)})
        grid["currency"] = np.repeat(d.currency.to_numpy(), span)
        same = grid.groupby(["currency", "value", "w"], dropna=False).size().rename("n").reset_index()
        same["day"] = first + 7 * same.w
        same["m"] = _worth(same.value, same.currency, same.day, table)
        same["s"] = same.m.fillna(0) * same.n
        same["k"] = np.where(same.m.isna(), 0, same.n)
        got = same.groupby("w").agg(value=("s", "sum"), known=("k", "sum"), n=("n", "sum"))
        return [[int(k), int(r.value), int(r.known), int(r.n - r.known)] for k, r in got.iterrows()]
    if task == "matrix":
        there = ~deals.deleted
        is_open = deals.status == "open"
        names = ["id", "stage", "status", "value", "currency"]

        def on(day: int) -> Any:
            return there & (deals.created_on <= day) & (deals.day_from <= day) & (deals.day_to > day)

        was = deals[on(eve) & (is_open | (deals.day_to <= to))][names]
        now = deals[on(to) & (is_open | (deals.day_from > eve) | (deals.created_on > eve))][names]
        for frame in (was, now):
            frame["stage"] = frame.stage.astype("Int64")
        p = was.merge(now, on="id", how="outer", suffixes=("", "_now"), indicator=True)
        gone, new = p._merge == "left_only", p._merge == "right_only"
        p["f"] = p.stage.fillna(0).mask(new, -2)
        p["t"] = p.stage_now.fillna(0).mask(gone, -3)
        p["m"] = _worth(p.value.where(gone, p.value_now), p.currency.where(gone, p.currency_now), to, table)
        p = p[(p.f != p.t) | (p.status == "open") | (p.status_now == "open")]
        got = p.groupby(["f", "t"]).agg(n=("id", "size"), value=("m", "sum")).reset_index().sort_values(["f", "t"])
        return [[int(r.f), int(r.t), int(r.n), int(r.value)] for r in got.itertuples()]
    d = deals[
        (deals.day_from <= to) & (deals.day_to > eve) & (deals.created_on <= to) & (deals.created_on < deals.day_to)
        & ((deals.day_from > eve) | (deals.day_to <= to) | (deals.created_on > eve) | ((deals.status == "open") & ~deals.deleted))
    ].copy()  # fmt: skip
    d["since"] = d[["created_on", "day_from"]].max(axis=1)
    d["state"] = d.status.mask(d.deleted, "deleted")
    return _bars(d.rename(columns={"day_to": "until"}).sort_values(["id", "since"]), table)


def _number(day: Any) -> int:
    return int((day - type(day)(1970, 1, 1)).days)


def _days(column: Any) -> Any:
    """Days since 1970 as floats (missing = NaN), from dates of whatever kind."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    values = pa.array(column, pa.date32(), from_pandas=True).cast(pa.int32())
    return pd.Series(values.to_numpy(zero_copy_only=False).astype(np.float64), index=column.index)


def _worth(value: Any, currency: Any, day: Any, table: Any) -> Any:
    """Values in the reporting currency at a day's rate; missing where unknown. Exact below 2^53."""
    import numpy as np
    import pandas as pd

    wanted = pd.DataFrame({"currency": currency, "day": day})
    rate = wanted.merge(table, on=["currency", "day"], how="left").rate.to_numpy("float64", na_value=np.nan)
    amount = value.to_numpy("float64", na_value=np.nan)
    home = (currency == HOME).to_numpy()
    known = ~np.isnan(amount) & (home | ~np.isnan(rate))
    whole, by = np.where(known, amount, 0).astype("int64"), np.where(known & ~home, rate, 0).astype("int64")
    return pd.Series(np.where(known, np.where(home, whole, _rounded(whole, by)), np.nan), index=value.index)


def _bars(w: Any, table: Any) -> list[list[Any]]:
    """The waterfall of the versions of a window, sorted by deal and day, with pandas."""
    import pandas as pd

    if w.since.dtype != "float64":
        for name in ("since", "until", "closed_on"):
            w[name] = _days(w[name])
        table["day"] = _days(table["day"])
    eve, first, last = (float(_number(d)) for d in (EVE, FROM, TO))
    w = w.reset_index(drop=True)
    same = w.id.eq(w.id.shift())
    for name in ("state", "value", "currency"):
        w[f"old_{name}"] = w[name].shift().where(same)
    w["had"] = same
    is_open = w.state == "open"
    w["at"] = w.since.clip(lower=eve)
    opened = w[is_open].groupby("id").agg(entered=("at", "min"), left_on=("until", "max"))
    begun = w[is_open].drop_duplicates("id")[["id", "value", "currency", "old_state", "had"]]
    never = ~w.id.isin(opened.index)
    quick = w[never & ~w.had & w.state.isin(["won", "lost"]) & (w.since >= first)][["id", "since", "value", "currency"]]
    final = w[w.until > last][["id", "state", "value", "currency", "closed_on"]]
    final.columns = ["id", "final", "final_value", "final_currency", "closed_on"]
    deal = begun.merge(opened.reset_index(), on="id").rename(columns={"entered": "day"})
    deal["entry"] = "reopened"
    deal.loc[~deal.had.astype(bool), "entry"] = "created"
    deal.loc[deal.day == eve, "entry"] = "start"
    quick = quick.rename(columns={"since": "day"}).assign(entry="created", left_on=float("nan"))
    deal = pd.concat([deal, quick], ignore_index=True).merge(final, on="id")
    deal = deal[(deal.final.isin(["won", "lost"])) | ~deal.id.isin(quick.id)].reset_index(drop=True)
    closed = deal.closed_on.where(deal.final.isin(["won", "lost"])).fillna(deal.left_on).fillna(last)
    deal["gone"] = closed.mask(deal.final == "open", last)
    deal["came"] = _worth(deal.value, deal.currency, deal.day, table).fillna(0)
    deal["went"] = _worth(deal.final_value, deal.final_currency, deal.gone, table).fillna(0)
    moved = w[w.had & (w.since >= first)]
    moved = moved[(moved.value.fillna(0) != moved.old_value.fillna(0)) | (moved.currency != moved.old_currency)]
    moved = moved.merge(deal[["id", "day"]], on="id")
    moved = moved[moved.since > moved.day].reset_index(drop=True)
    moved["by"] = _worth(moved.value, moved.currency, moved.since, table).fillna(0) - _worth(
        moved.old_value, moved.old_currency, moved.since, table
    ).fillna(0)
    moved = moved[moved.by != 0]
    changed = deal.id.map(moved.groupby("id").by.sum()).fillna(0)
    revalued = (deal.went - deal.came - changed)[lambda s: s != 0]
    found = {k: (len(g), g.came.sum()) for k, g in deal.groupby("entry")}
    found |= {"end" if k == "open" else k: (len(g), g.went.sum()) for k, g in deal.groupby("final")}
    for name, part in (
        ("increased", moved.by[moved.by > 0]),
        ("decreased", -moved.by[moved.by < 0]),
        ("currency", revalued),
    ):
        if len(part):
            found[name] = (len(part), part.sum())
    return [[bar, int(n), int(value)] for bar, (n, value) in sorted(found.items())]
