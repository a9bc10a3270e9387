"""Histories that the engine is proved on: Maven's deals, and the demo company, as weekly snapshots, outcomes and quarters.

The snapshots are made as a door would make them: the value of each field as of the evening, as recorded by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from salesops.common.periods import FiscalCalendar
from salesops.demo.parameters import Parameters
from salesops.demo.simulate import write_company
from salesops.forecasting.tables import NEVER, NO_AMOUNT, Days, Ints, Outcomes, Periods, Snapshots

DAY = 86_400_000_000
RATES = {"USD": 100, "EUR": 108, "GBP": 125}
"""Hundredths of a dollar: one rate for the whole span."""


@dataclass(frozen=True)
class Company:
    """One company's whole history."""

    snapshots: Snapshots
    outcomes: Outcomes
    periods: Periods


def quarters(first: int, last: int) -> Periods:
    """Calendar quarters of the years first to last."""
    return Periods.of(FiscalCalendar().periods("quarter", date(first, 1, 1), date(last, 12, 31)))


def mondays(first: date, last: date) -> Days:
    """Every Monday."""
    begin = np.datetime64(first, "D")
    begin = begin + (7 - (begin.astype(int) + 3) % 7) % 7
    return np.arange(begin, np.datetime64(last, "D") + 1, 7)


def pairs(created: Days, ended: Days, as_ofs: Days) -> tuple[Ints, Ints]:
    """Rows of deals and of as-ofs at which they are open in the evening: created by then, ended later."""
    first = np.searchsorted(as_ofs, created)
    last = np.searchsorted(as_ofs, np.where(np.isnat(ended), as_ofs[-1] + 1, ended))
    count = np.maximum(last - first, 0)
    deal = np.repeat(np.arange(len(created)), count)
    return deal, np.arange(len(deal)) - np.repeat(np.cumsum(count) - count, count) + first[deal]


def maven(folder: Path, as_ofs: Days | None = None) -> Company:
    """Maven's CRM: amount = list price while open; account, close value and duration are no features before the close."""
    deals = pl.read_csv(folder / "maven_crm" / "sales_pipeline.csv", try_parse_dates=True).filter(
        pl.col("engage_date").is_not_null()
    )
    deals = deals.with_columns(pl.col("product").str.replace("GTXPro", "GTX Pro"))
    products = pl.read_csv(folder / "maven_crm" / "products.csv")
    teams = pl.read_csv(folder / "maven_crm" / "sales_teams.csv")
    deals = deals.join(products, on="product", how="left").join(teams, on="sales_agent", how="left")
    number = np.arange(len(deals))
    created = deals["engage_date"].to_numpy().astype("datetime64[D]")
    closed = deals["close_date"].to_numpy().astype("datetime64[D]")
    won = (deals["deal_stage"] == "Won").to_numpy()
    names = {"owner": "sales_agent", "product": "product", "team": "manager", "region": "regional_office"}
    labels = {name: deals[column].to_numpy().astype(str) for name, column in names.items()}
    value = deals["close_value"].fill_null(0).to_numpy().astype(np.int64) * 10_000
    outcomes = Outcomes(number, created, closed, won, np.where(np.isnat(closed), NO_AMOUNT, value), labels)
    if as_ofs is None:
        as_ofs = mondays(date(2016, 10, 3), date(2017, 12, 31))
    row, day = pairs(created, closed, as_ofs)
    listed = deals["sales_price"].to_numpy().astype(np.int64) * 10_000
    snapshots = Snapshots(
        as_ofs[day], number[row], listed[row], {k: v[row] for k, v in labels.items()}, created=created[row]
    )
    return Company(snapshots, outcomes, quarters(2016, 2019))


class _Field:
    """The past of one field: its value and the number of its changes at any moment."""

    def __init__(self, record: Ints, when: Ints, value: np.ndarray) -> None:
        order = np.lexsort((np.arange(len(record)), when, record))
        self.key, self.value = _key(record[order], when[order]), value[order]
        self.first = np.searchsorted(self.key, _key(record[order], np.full(len(record), -(2**50))))
        self.record = record[order]

    def at(self, record: Ints, when: Ints) -> Ints:
        """Rows of `value` that hold at those moments."""
        return np.searchsorted(self.key, _key(record, when), side="right") - 1

    def changes(self, record: Ints, when: Ints) -> Ints:
        """How often it had changed."""
        row = self.at(record, when)
        return row - self.first[row]


def _key(record: Ints, when: Ints) -> Ints:
    return record * 2**40 + when // 1_000_000 + 2**38  # seconds since 1970 fit in 2**38 for ages


def demo(folder: Path, as_ofs_from: date | None = None, **knobs: object) -> Company:
    """The demo company with its committed parameters, as weekly snapshots in dollars."""
    given = {"activities": "none", "leads": 500} | knobs
    parameters = Parameters.load(**given)
    write_company(folder, parameters)
    return read_demo(folder, as_ofs_from or parameters.start, parameters.end)


def read_demo(folder: Path, first: date, last: date) -> Company:
    """The tables of a demo company's folder."""
    deals = pl.read_parquet(folder / "opportunity.parquet").with_row_index("row")
    history = pl.read_parquet(folder / "opportunity_history.parquet").join(
        deals.select("id", "row"), on="id", how="inner"
    )
    stages = pl.read_parquet(folder / "stage.parquet")
    kind = dict(zip(stages["id"], stages["kind"], strict=True))
    created_at = deals["created"].dt.timestamp("us").to_numpy()
    created = (created_at // DAY).astype("datetime64[D]")
    rate = deals["currency"].replace_strict(RATES).to_numpy()

    def past(name: str) -> _Field:
        part = history.filter(pl.col("field") == name)
        when = np.maximum(
            part["effective"].dt.timestamp("us").to_numpy(), part["recorded"].dt.timestamp("us").to_numpy()
        )
        record = np.concatenate([np.arange(len(deals)), part["row"].to_numpy().astype(np.int64)])
        value = np.concatenate(
            [
                deals[name].cast(pl.String).fill_null("").to_numpy().astype(str),
                part["value"].fill_null("").to_numpy().astype(str),
            ]
        )
        return _Field(record, np.concatenate([created_at, when]), value)

    fields = {name: past(name) for name in ("stage", "amount", "expected_close", "owner", "category")}
    gone = np.full(len(deals), NEVER)
    deleted = history.filter((pl.col("field") == "deleted") & (pl.col("value") == "1"))
    gone[deleted["row"].to_numpy()] = (deleted["effective"].dt.timestamp("us").to_numpy() // DAY).astype(
        "datetime64[D]"
    )
    end_of_time = np.full(len(deals), 2**60)
    number = np.arange(len(deals))
    stage = fields["stage"]
    final = stage.value[stage.at(number, np.full(len(deals), 2**55))]
    kinds = np.array([kind[s] for s in final])
    when_final = (stage.key[stage.at(number, np.full(len(deals), 2**55))] - number * 2**40 - 2**38) * 1_000_000
    closed = np.where(kinds == "open", NEVER, (when_final // DAY).astype("datetime64[D]"))
    closed = np.where(np.isnat(gone), closed, gone)
    won = (kinds == "won") & np.isnat(gone)
    del end_of_time

    def money(text: np.ndarray) -> Ints:
        amount = np.full(len(text), NO_AMOUNT)
        there = text != ""
        amount[there] = np.rint(text[there].astype(float) * 100).astype(np.int64) * 100
        return amount

    def in_dollars(amount: Ints, record: Ints) -> Ints:
        return np.where(amount == NO_AMOUNT, NO_AMOUNT, np.where(amount == NO_AMOUNT, 0, amount) * rate[record] // 100)

    amount = fields["amount"]
    at_close = np.where(np.isnat(closed), 2**55, (closed.astype(np.int64) + 1) * DAY)
    final_amount = in_dollars(money(amount.value[amount.at(number, at_close)]), number)
    fixed = {
        "segment": deals["segment"].to_numpy().astype(str),
        "type": deals["type"].to_numpy().astype(str),
        "source": deals["source"].to_numpy().astype(str),
        "region": deals["region"].to_numpy().astype(str),
        "team": deals["territory"].cast(pl.String).to_numpy().astype(str),
    }
    owner = fields["owner"]
    owner_at_close = owner.value[owner.at(number, at_close)]
    outcomes = Outcomes(number, created, closed, won, final_amount, fixed | {"owner": owner_at_close})
    as_ofs = mondays(first, last)
    row, day = pairs(created, np.where(np.isnat(gone), NEVER, gone), as_ofs)
    evening = (as_ofs[day].astype(np.int64) + 1) * DAY - 1
    at = {name: field.at(row, evening) for name, field in fields.items()}
    is_open = np.array([kind[s] == "open" for s in np.unique(stage.value)])[
        np.unique(stage.value, return_inverse=True)[1][at["stage"]]
    ]
    row, day, evening = row[is_open], day[is_open], evening[is_open]
    at = {name: rows[is_open] for name, rows in at.items()}
    since = (stage.key[at["stage"]] - row * 2**40 - 2**38) * 1_000_000 // DAY
    expected = fields["expected_close"].value[at["expected_close"]]
    labels = {name: values[row] for name, values in fixed.items()} | {
        name: fields[name].value[at[name]] for name in ("stage", "owner", "category")
    }
    numbers = {"pushes": fields["expected_close"].changes(row, evening).astype(float)}
    snapshots = Snapshots(
        as_ofs[day], number[row], in_dollars(money(amount.value[at["amount"]]), row), labels, created[row],
        since.astype("datetime64[D]"), np.where(expected == "", "NaT", expected).astype("datetime64[D]"), numbers,
    )  # fmt: skip
    return Company(snapshots, outcomes, quarters(first.year, last.year + 2))


def simple(seed: int = 1, per_week: int = 12, years: int = 3, **hidden: float) -> Company:
    """A company of one process: a deal is decided after some weeks, won in three of ten cases, more often by `good` owners.

    `hidden` sets what the tables leave out or break: `no_amount` and `no_date` are shares of snapshot rows.
    """
    rng = np.random.default_rng(seed)
    begin = np.datetime64("2021-01-04")
    weeks = years * 52
    n = per_week * weeks
    created = begin + np.sort(rng.integers(0, weeks * 7, n))
    owner = rng.integers(0, 6, n)
    segment = rng.integers(0, 2, n)
    length = 5 + rng.gamma(2.0, 20.0, n).astype(np.int64) * (1 + segment)
    won = rng.random(n) < np.array([0.15, 0.2, 0.25, 0.3, 0.4, 0.5])[owner]
    close = created + length
    last = begin + weeks * 7 - 1
    closed = np.where(close <= last, close, NEVER)
    amount = np.exp(rng.normal(9.0 + segment, 0.5, n)).astype(np.int64) * 10_000
    labels = {
        "owner": np.char.add("owner ", owner.astype(str)),
        "team": np.char.add("team ", (owner // 3).astype(str)),
        "segment": np.array(["small", "large"])[segment],
        "product": np.array(["a", "b", "c"])[rng.integers(0, 3, n)],
    }
    final = np.where(np.isnat(closed) | ~won, NO_AMOUNT, amount)
    outcomes = Outcomes(np.arange(n), created, closed, won, final, labels)
    as_ofs = np.arange(begin, last + 1, 7)
    row, day = pairs(created, closed, as_ofs)
    age = (as_ofs[day] - created[row]).astype(np.int64)
    stage = np.array(["talk", "offer", "terms"])[np.minimum(3 * age // (length[row] + 1), 2)]
    due = created[row] + (length[row] * np.exp(rng.normal(0, 0.3, len(row)))).astype(np.int64)
    due = np.where(rng.random(len(row)) < hidden.get("no_date", 0.0), NEVER, due)
    stated = np.where(rng.random(len(row)) < hidden.get("no_amount", 0.0), NO_AMOUNT, amount[row] * 11 // 10)
    snapshots = Snapshots(
        as_ofs[day], row, stated, {k: v[row] for k, v in labels.items()} | {"stage": stage}, created[row],
        as_ofs[day] - age % 10, due, {"pushes": rng.poisson(0.5, len(row)).astype(float)},
    )  # fmt: skip
    return Company(snapshots, outcomes, quarters(2021, 2021 + years))
