"""The same questions to boring-semantic-layer (0.3.18, MIT), a semantic layer over ibis, beside salesops: over the same files.

What it can answer is asked of both and compared exactly. It has no notion of versions, of days in two times or of amounts in several
currencies: the tables handed to it are reduced by hand to today's rows, joined with the version of the day that counts and
with the day's rate, and only then described by dimensions and measures. What it cannot answer is listed with the reason,
and with our answer.

It is not among our dependencies. Where this Python has no `boring_semantic_layer`, the variable SEMANTIC_LAYER_PYTHON may name one that
has it (`pip install boring-semantic-layer 'ibis-framework[duckdb]' pyarrow_hotfix 'duckdb==1.5.5'`). That one runs this file alone:
it imports nothing of salesops.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

FIRST, LAST = date(2023, 10, 1), date(2026, 9, 30)
HOME: Final = "USD"
FAR: Final = 100_000
TEN: Final = 10_000_000_000
REPEATS: Final = 3
CANCELLED: Final = ("cancelled", "canceled", "Cancelled", "Canceled", "draft", "Draft")
QUESTIONS: Final = ("win rate by month", "bookings by month", "bookings by month and rep", "created deals by rep", "open deals by stage",
                    "order revenue by month")  # fmt: skip


def python() -> str:
    """The Python that has boring-semantic-layer; empty where there is none."""
    if importlib.util.find_spec("boring_semantic_layer") is not None:
        return sys.executable
    other = os.environ.get("SEMANTIC_LAYER_PYTHON", "")
    if not other or not Path(other).exists():
        return ""
    has = subprocess.run([other, "-c", "import boring_semantic_layer"], capture_output=True, check=False)
    return other if has.returncode == 0 else ""


# boring-semantic-layer ------------------------------------------------------------------------------------------------------


def peer(files: Mapping[str, list[str]]) -> dict[str, Any]:
    """The answers of boring-semantic-layer: each question with rows and the best seconds of some repetitions."""
    import ibis  # type: ignore[import-not-found]
    from boring_semantic_layer import to_semantic_table  # type: ignore[import-not-found]

    con = ibis.duckdb.connect(threads=os.cpu_count() or 2)
    tables = {name: con.read_parquet(paths, table_name=name) for name, paths in files.items()}
    deal, order = tables["opportunity"], tables["order"]
    today = ibis.literal(LAST)

    def live(t: Any) -> Any:
        return t.filter((t.day_from <= today) & (t.day_to > today) & (t.created_on <= today) & ~t.deleted)

    def then(t: Any, versions: Any, on: str) -> Any:
        """The owner of the day that counts: the version of that day, else today's."""
        past = versions.select(past_id="id", since="day_from", until="day_to", past_owner="owner")
        found = t.left_join(past, [t.id == past.past_id, t[on] >= past.since, t[on] < past.until])
        return found.mutate(rep=ibis.cases((found.past_id.isnull(), found.owner), else_=found.past_owner).fill_null(-1))

    def worth(t: Any, on: str) -> Any:
        """The amount at the rate of its day, half to even: 64 bits, the rate in two halves; amounts are at or above zero."""
        rates = tables["rate_day"]
        rates = rates.filter((rates.kind == "spot") & (rates.to_currency == HOME)).select(
            code="currency", at="day", rate="rate"
        )
        found = t.left_join(rates, [t.currency == rates.code, t[on] == rates.at])
        low, high = found.rate % FAR, found.value * (found.rate // FAR)
        rest = (high % FAR) * FAR + found.value * low
        up = ((rest % TEN) * 2 + (high // FAR + rest // TEN) % 2 > TEN).cast("int64")
        return found.mutate(
            worth=ibis.cases((found.currency == HOME, found.value), else_=high // FAR + rest // TEN + up)
        )

    closed = live(deal).filter(lambda t: (t.status != "open") & t.closed_on.between(FIRST, LAST))
    created = live(deal).filter(lambda t: t.created_on.between(FIRST, LAST))
    opened = live(deal).filter(lambda t: t.status == "open")
    ordered = live(order).filter(lambda t: t.ordered_on.between(FIRST, LAST) & ~t.status.fill_null("").isin(CANCELLED))
    ordered = worth(ordered.mutate(value=ordered.amount), "ordered_on")

    def described(t: Any, name: str, on: str = "") -> Any:
        table = to_semantic_table(t, name=name).with_dimensions(
            **({"month": lambda t: t[on].strftime("%Y-%m")} if on else {})
        )
        return table

    deals = described(closed, "closed", "closed_on").with_measures(
        won=lambda t: (t.status == "won").sum(), closed=lambda t: t.count()
    )
    deals = deals.with_measures(rate=lambda t: t.won / t.closed)
    won = described(worth(closed.filter(closed.status == "won"), "closed_on"), "won", "closed_on")
    won = won.with_measures(value=lambda t: t.worth.sum(), n=lambda t: t.worth.count())
    by_rep = worth(then(closed.filter(closed.status == "won"), deal, "closed_on"), "closed_on")
    reps = described(by_rep, "won_by_rep", "closed_on").with_dimensions(rep=lambda t: t.rep)
    reps = reps.with_measures(value=lambda t: t.worth.sum(), n=lambda t: t.worth.count())
    came = described(then(created, deal, "created_on"), "created").with_dimensions(rep=lambda t: t.rep)
    came = came.with_measures(n=lambda t: t.count())
    stages = (
        described(opened, "open")
        .with_dimensions(stage=lambda t: t.stage.fill_null(-1))
        .with_measures(n=lambda t: t.count())
    )
    orders = described(ordered, "orders", "ordered_on").with_measures(
        value=lambda t: t.worth.sum(), n=lambda t: t.worth.count()
    )
    asked: dict[str, Callable[[], Any]] = {
        "win rate by month": lambda: deals.group_by("month").aggregate("won", "closed", "rate"),
        "bookings by month": lambda: won.group_by("month").aggregate("value", "n"),
        "bookings by month and rep": lambda: reps.group_by("month", "rep").aggregate("value", "n"),
        "created deals by rep": lambda: came.group_by("rep").aggregate("n"),
        "open deals by stage": lambda: stages.group_by("stage").aggregate("n"),
        "order revenue by month": lambda: orders.group_by("month").aggregate("value", "n"),
    }
    found = {name: _best(lambda ask=ask: ask().execute()) for name, ask in asked.items()}  # type: ignore[misc]
    return {name: [seconds, _plain(frame.values.tolist())] for name, (seconds, frame) in found.items()}


def _best(ask: Callable[[], Any]) -> tuple[float, Any]:
    best, found = float("inf"), None
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = ask()
        best = min(best, time.perf_counter() - started)
    return best, found


def _plain(rows: Any) -> list[list[Any]]:
    """Rows with whole numbers as integers, in one order."""

    def one(value: Any) -> Any:
        if value is None or value != value:
            return 0
        return (
            int(value)
            if not isinstance(value, (str, float)) or (isinstance(value, float) and value.is_integer())
            else value
        )

    return sorted(([one(value) for value in row] for row in rows), key=str)


# salesops -------------------------------------------------------------------------------------------------------------------


def product(folder: str) -> dict[str, Any]:
    """Our answers to the same questions, and those to what the other cannot be asked."""
    from salesops.metrics.query import query

    from .catalogue import opened

    session, actor = opened(folder)
    months = {"period": "month", "from_": FIRST, "to": LAST}
    span = {"from_": FIRST, "to": LAST}

    def rows(metrics: list[str], columns: list[str], key: tuple[str, ...], **question: Any) -> Callable[[], Any]:
        def ask() -> list[list[Any]]:
            found = query(session, actor, metrics, **question).rows.to_pylist()
            return [[*(_key(row[k]) for k in key), *(_units(row[c]) for c in columns)] for row in found]

        return ask

    asked = {
        "win rate by month": rows(["win_rate"], ["win_rate__won", "win_rate__closed", "win_rate"], ("period",), **months),
        "bookings by month": rows(["bookings"], ["bookings__won", "bookings__won__n"], ("period",), **months),
        "bookings by month and rep": rows(["bookings"], ["bookings__won", "bookings__won__n", "bookings__won__out"],
                                          ("period", "owner_id"), by="owner", **months),
        "created deals by rep": rows(["created_deals"], ["created_deals"], ("owner_id",), by="owner", **span),
        "open deals by stage": rows(["open_pipeline.all_open_count"], ["open_pipeline.all_open_count"], ("stage_id",), by="stage"),
        "order revenue by month": rows(["order_revenue"], ["order_revenue__value", "order_revenue__value__n"], ("period",), **months),
    }  # fmt: skip
    found = {name: _best(ask) for name, ask in asked.items()}
    answers = {name: [seconds, _plain(_kept(name, answer))] for name, (seconds, answer) in found.items()}
    return {"answers": answers, "ours": _ours(session, actor)}


def _kept(name: str, rows: list[list[Any]]) -> list[list[Any]]:
    """A group without any won deal is a row of zeros with us and none there; what was left out is told by us only."""
    if name != "bookings by month and rep":
        return rows
    return [row[:4] for row in rows if row[3] or row[4]]


def _key(value: Any) -> Any:
    return -1 if value is None else value


def _units(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float)) else int(value * 10_000)


CANNOT: Final = {
    "open pipeline as of 2026-03-31": "no versions: another day is another table, written by hand",
    "bookings of Q2 as known on 2026-06-30": "no second time: what was learned when is not in a table of today's rows",
    "open pipeline at each month's end, in the evening's currency": "no semi-additive measures: a row counts in one group only",
    "waterfall of Q2: won": "no measure spans two evenings and what happened between them",
    "stage matrix of Q2: cells": "no self-join of two evenings in a measure",
    "sales cycle, median by row number": "its median interpolates: ibis has no quantile by row number",
    "time in stage, Kaplan-Meier": "no curves: a measure is one aggregate over rows",
    "quota attainment of Q2": "credits shared out by largest remainder and quotas of two facts in one quotient, in the quota's currency",
    "pipeline by product": "amounts divided over lines exactly: a join multiplies or averages them",
    "stage conversion": "ever reached the next stage: a window over a history, not an aggregate",
    "cohorts of orders: rows": "no first event of a customer as a group",
    "win rate, what was left out": "no record of what a measure leaves out, nor why it has no value",
}


def _ours(session: Any, actor: Any) -> dict[str, str]:
    from salesops.metrics.cohorts import cohorts
    from salesops.metrics.query import query
    from salesops.pipeline.movements import stage_matrix
    from salesops.pipeline.queries import waterfall
    from salesops.warehouse import open_session

    quarter: dict[str, Any] = {"from_": "2026-Q2"}

    def one(metric: str, **question: Any) -> Any:
        return query(session, actor, [metric], **question).rows.column(metric)[0].as_py()

    with open_session(session.workspace, as_known_on=date(2026, 6, 30)) as then:
        known = query(then, actor, ["bookings"], **quarter).rows.column("bookings")[0].as_py()
    bars = {
        row["bar"]: row
        for row in waterfall(session, actor, date(2026, 4, 1), date(2026, 6, 30), scope="all_open").rows.to_pylist()
    }
    evenings = query(
        session, actor, ["open_pipeline.all_open"], period="month", from_=FIRST, to=LAST, as_of="period_end"
    )
    products = query(session, actor, ["open_pipeline"], by="product", **quarter).rows
    found = {
        "open pipeline as of 2026-03-31": one("open_pipeline.all_open", from_="2026-Q1", as_of=date(2026, 3, 31)),
        "bookings of Q2 as known on 2026-06-30": known,
        "open pipeline at each month's end, in the evening's currency": f"{len(evenings.rows)} evenings, the last "
                                                                        f"{evenings.rows.column('open_pipeline.all_open')[-1].as_py()}",
        "waterfall of Q2: won": f"{bars['won']['count']} deals, {bars['won']['value']}",
        "stage matrix of Q2: cells": len(stage_matrix(session, actor, date(2026, 4, 1), date(2026, 6, 30)).rows),
        "sales cycle, median by row number": one("sales_cycle_days.median", **quarter),
        "time in stage, Kaplan-Meier": one("time_in_stage_days", **quarter),
        "quota attainment of Q2": one("quota_attainment", **quarter),
        "pipeline by product": f"{len(products)} products",
        "stage conversion": one("stage_conversion", **quarter),
        "cohorts of orders: rows": len(cohorts(session, actor, of="orders", period="month").rows),
        "win rate, what was left out": "; ".join(query(session, actor, ["win_rate.value"], **quarter).notes) or "nothing",
    }  # fmt: skip
    return {name: str(value) for name, value in found.items()}


if __name__ == "__main__":
    started = time.perf_counter()
    answers = peer(json.loads(sys.argv[1]))
    print(json.dumps({"seconds": time.perf_counter() - started, "answers": answers}))
