"""How plausible a written company is: a few of its figures, read from its files. For tests and documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from salesops.demo.days import as_date, number
from salesops.demo.parameters import Parameters


def measure(folder: Path, parameters: Parameters) -> dict[str, Any]:
    """Win rate, cycle, attainment, ramp, season, pushes, selling time, lead conversion and the bad quarter."""
    deals = _deals(folder)
    found: dict[str, Any] = {}
    closed = deals.filter(pl.col("status") != "open")
    won = closed.filter(pl.col("status") == "won")
    found["opportunities"] = len(deals)
    found["open"] = len(deals) - len(closed)
    found["win_rate"] = round(len(won) / max(1, len(closed)), 4)
    found["cycle_days_mean"] = _mean(won["cycle"], 1)
    found["cycle_days_median"] = won["cycle"].median()
    found["won_by_quarter"] = won.group_by(_quarter("closed_on")).len().sort("quarter")["len"].to_list()
    found["won_in_last_10_days_of_quarter"] = round(_late_share(won), 3)
    found |= _attainment(folder, parameters, deals)
    found |= _pushes(folder, deals)
    found |= _bad_quarter(parameters, closed)
    found |= _slips(folder, parameters, deals)
    found |= _leads(folder)
    found |= _time(folder)
    return found


def _mean(values: pl.Series, digits: int) -> float:
    return round(float(values.cast(pl.Float64).fill_null(strategy="zero").sum()) / max(1, values.count()), digits)


def _deals(folder: Path) -> pl.DataFrame:
    """Opportunities as they are on the last day."""
    first = pl.read_parquet(folder / "opportunity.parquet")
    history = pl.read_parquet(folder / "opportunity_history.parquet")
    last = history.sort("id", "effective", "seq").group_by("id", "field").last()
    final = last.filter(pl.col("field").is_in(["stage", "owner", "amount", "deleted"]))
    wide = final.pivot("field", index="id", values="value")
    for name in ("stage", "owner", "amount", "deleted"):
        if name not in wide.columns:
            wide = wide.with_columns(pl.lit(None, pl.String).alias(name))
    stages = pl.read_parquet(folder / "stage.parquet").select(
        pl.col("id").alias("stage_now"), pl.col("kind").alias("status")
    )
    closing = history.filter(pl.col("field") == "stage").sort("effective", "seq").group_by("id").last()
    deals = (
        first.join(wide, on="id", how="left", suffix="_last")
        .with_columns(
            stage_now=pl.coalesce("stage_last", "stage"),
            owner_now=pl.coalesce("owner_last", "owner"),
            amount_now=pl.coalesce(pl.col("amount_last").cast(pl.Float64), pl.col("amount").cast(pl.Float64)),
        )
        .join(stages, on="stage_now")
        .join(closing.select("id", closed_at="effective"), on="id", how="left")
        .filter(pl.col("deleted").is_null())
    )
    closed_on = pl.when(pl.col("status") != "open").then(pl.col("closed_at").dt.date())
    deals = deals.with_columns(closed_on=closed_on)
    return deals.with_columns(cycle=(pl.col("closed_on") - pl.col("first_contact")).dt.total_days()).with_columns(
        cycle=pl.when(pl.col("cycle") >= 0).then("cycle")
    )


def _quarter(column: str) -> pl.Expr:
    day = pl.col(column)
    return (day.dt.year().cast(pl.String) + "-Q" + day.dt.quarter().cast(pl.String)).alias("quarter")


def _late_share(won: pl.DataFrame) -> float:
    end = pl.col("closed_on").dt.truncate("1q").dt.offset_by("1q")
    late = won.select(((end - pl.col("closed_on")).dt.total_days() <= 10).mean())
    return float(late.item() or 0.0)


def _attainment(folder: Path, parameters: Parameters, deals: pl.DataFrame) -> dict[str, Any]:
    targets = pl.read_parquet(folder / "target.parquet").filter(
        (pl.col("kind") == "quota") & (pl.col("ends_on") <= pl.lit(parameters.end))
    )
    won = deals.filter(pl.col("status") == "won")
    credit = won.group_by("owner_now", _quarter("closed_on")).agg(pl.col("amount_now").sum())
    joined = targets.join(credit, left_on=["person", "period"], right_on=["owner_now", "quarter"], how="left")
    share = joined.with_columns(attained=pl.col("amount_now").fill_null(0) / pl.col("amount").cast(pl.Float64))
    rates = share.group_by("period").agg((pl.col("attained") >= 1).mean().round(2)).sort("period")
    tenure = _tenure(folder, won, share)
    return {
        "attainment_rate_by_quarter": dict(rates.iter_rows()),
        "attainment_p25_p50_p75": [round(share["attained"].quantile(q) or 0, 2) for q in (0.25, 0.5, 0.75)],
        "bookings_by_tenure_quarter": tenure,
    }


def _tenure(folder: Path, won: pl.DataFrame, share: pl.DataFrame) -> list[float]:
    """Mean quarterly bookings of people by whole quarters on the job, against those of four quarters and more."""
    jobs = pl.read_parquet(folder / "employment.parquet").filter(pl.col("role") == "rep")
    hired = jobs.group_by("person").agg(pl.col("valid_from").min().alias("hired"))
    rows = share.join(hired, on="person").with_columns(
        age=((pl.col("starts_on") - pl.col("hired")).dt.total_days() / 91).floor().clip(-1, 4)
    )
    means = rows.group_by("age").agg(pl.col("amount_now").cast(pl.Float64).fill_null(0).mean()).sort("age")
    known = dict(means.iter_rows())
    full = known.get(4.0) or 1.0
    return [round((known.get(float(age)) or 0.0) / full, 2) for age in (-1, 0, 1, 2, 3, 4)]


def _pushes(folder: Path, deals: pl.DataFrame) -> dict[str, Any]:
    history = pl.read_parquet(folder / "opportunity_history.parquet")
    pushed = history.filter(pl.col("field") == "expected_close").group_by("id").len("pushes")
    closed = deals.filter(pl.col("status") != "open").join(pushed, on="id", how="left").fill_null(0)
    early = (pl.col("expected_close") < pl.col("closed_on")).mean()
    per_deal = history.height / max(1, len(deals))
    return {
        "closed_later_than_first_expected": round(closed.select(early).item() or 0, 3),
        "pushes_per_closed_deal": _mean(closed["pushes"], 2),
        "changes_per_opportunity": round(per_deal, 2),
    }


def _bad_quarter(parameters: Parameters, closed: pl.DataFrame) -> dict[str, Any]:
    bad = parameters.company["bad_quarter"]
    start = number(bad["starts"])
    there = closed.filter((pl.col("region") == bad["region"]) & (pl.col("type") != "renewal"))
    inside = pl.col("closed_on").is_between(as_date(start), as_date(start + 89))
    usual = pl.col("closed_on") < as_date(start)

    def rate(which: pl.Expr) -> float | None:
        value = there.filter(which).select((pl.col("status") == "won").mean()).item()
        return None if value is None else round(value, 3)

    return {"bad_quarter_win_rate": rate(inside), "win_rate_there_before": rate(usual)}


def _slips(folder: Path, parameters: Parameters, deals: pl.DataFrame) -> dict[str, Any]:
    """Share of the bad region's deals due in a quarter at its start that were not closed in it."""
    bad = parameters.company["bad_quarter"]
    there = deals.filter((pl.col("region") == bad["region"]) & (pl.col("type") != "renewal"))
    moved = pl.read_parquet(folder / "opportunity_history.parquet").filter(pl.col("field") == "expected_close")
    start = pl.Series([bad["starts"]]).dt.offset_by("-3q").item()
    rates = []
    while start <= bad["starts"]:
        end = pl.Series([start]).dt.offset_by("1q").item()
        known = moved.filter(pl.col("effective").dt.date() < start).sort("effective", "seq").group_by("id").last()
        rows = there.filter(pl.col("created").dt.date() < start).join(known.select("id", "value"), on="id", how="left")
        rows = rows.with_columns(due=pl.coalesce(pl.col("value").str.to_date(), "expected_close"))
        rows = rows.filter(pl.col("due").is_between(start, end, closed="left"))
        rows = rows.filter(pl.col("closed_on").is_null() | (pl.col("closed_on") >= start))
        slipped = rows.select((pl.col("closed_on").is_null() | (pl.col("closed_on") >= end)).mean()).item()
        rates.append(round(slipped or 0.0, 3))
        start = end
    return {"slip_rate_there_three_quarters_before_and_bad": rates}


def _leads(folder: Path) -> dict[str, Any]:
    if not (folder / "lead.parquet").exists():
        return {}
    history = pl.read_parquet(folder / "lead_history.parquet")
    leads = pl.read_parquet(folder / "lead.parquet", columns=["id", "created"])
    became = history.filter(pl.col("field") == "converted_at")["id"].n_unique()
    return {"leads": len(leads), "lead_conversion": round(became / len(leads), 4)}


def _time(folder: Path) -> dict[str, Any]:
    if not (folder / "time_report.parquet").exists():
        return {}
    acts = pl.read_parquet(
        folder / "activity.parquet", columns=["at", "kind", "owner", "minutes", "automatic", "status"]
    )
    jobs = pl.read_parquet(folder / "employment.parquet").filter(pl.col("role") == "rep")["person"].unique()
    held = acts.filter(pl.col("owner").is_in(jobs.to_list()) & ~pl.col("automatic") & (pl.col("status") == "held"))
    held = held.with_columns(day=pl.col("at").dt.date())
    days = held.select("owner", "day").unique().height
    selling = held.filter(pl.col("kind").is_in(["call", "meeting", "demo", "proposal", "presentation", "social"]))
    other = held.filter(pl.col("kind").is_in(["admin", "crm_entry", "internal", "travel", "training"]))
    per_day = held.group_by("kind").len().sort("kind").with_columns((pl.col("len") / days).round(2))
    return {
        "selling_time_share": round(selling["minutes"].sum() / (480 * days), 3),
        "non_selling_share": round(other["minutes"].sum() / (480 * days), 3),
        "activities_per_rep_day": dict(per_day.iter_rows()),
    }
