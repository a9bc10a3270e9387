"""The commands of the model: `forecast run`, `show`, `deals`, `changes`, `backtest`, `scenario`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click
import numpy as np

from salesops.common.errors import UsageError
from salesops.common.progress import RichProgress
from salesops.output import format_option, say, shown, write_rows

from .commands import DAY, forecast
from .rollup import CATEGORIES

PERIOD = click.option("--period", help="Such as 2026-Q4 (default: the current one).")
AS_OF = click.option("--as-of", type=DAY, help="The newest forecast made for this day or before.")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


class _Steps:
    """Tells a progress bar what the work says of itself, one task after another."""

    def __init__(self) -> None:
        self.bar, self.what, self.count = RichProgress(), "", 0

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            self.end()
            self.bar.start(what, total)
            self.what, self.count = what, 0
        if done > self.count:
            self.bar.advance(done - self.count)
            self.count = done

    def end(self) -> None:
        if self.what:
            self.bar.done()
        self.what = ""


@forecast.command("run")
@click.option("--as-of", type=DAY, help="For a past day, with what was known on it (default: today).")
@click.option(
    "--backtest/--no-backtest", "test", default=None, help="Make the back-test anew or not (default: every 28 days)."
)
@click.option(
    "--weeks", type=click.IntRange(2, 520), default=104, show_default=True, help="How many past weeks to learn from."
)
@format_option
@click.pass_context
def run_(ctx: click.Context, as_of: datetime | None, test: bool | None, weeks: int, form: str) -> None:
    """Forecast this period and the next for everybody, and store both. The first run tests itself on the past weeks, which takes minutes."""
    from .runs import run

    steps = _Steps()
    with ctx.obj.session(as_known_on=_day(as_of)) as session:
        try:
            made = run(session, ctx.obj.actor, as_of=_day(as_of), test=test, weeks=weeks, step=steps)
        finally:
            steps.end()
    if form == "table":
        kept = ", ".join(f"{period} (forecast {number})" for period, number in made.runs.items())
        say(f"Forecast {kept} in {made.seconds:.1f} s" + (", tested on past weeks." if made.tested else "."))
        for note in made.notes:
            say(f"  {note}")
        return
    write_rows(
        [{"period": period, "forecast": number, "tested": made.tested} for period, number in made.runs.items()], form
    )


@forecast.command("show")
@PERIOD
@AS_OF
@click.option(
    "--by",
    default="person",
    type=click.Choice(["person", "team", "region", "segment", "type", "company"]),
    show_default=True,
)
@click.option("--methods", is_flag=True, help="Every way to forecast the period, with its weight.")
@format_option
@click.pass_context
def show_(ctx: click.Context, period: str | None, as_of: datetime | None, by: str, methods: bool, form: str) -> None:
    """What is expected, its range (P10 to P90), and the chance of the target. expected = booked + open + arrivals + adjustment."""
    from .runs import show

    with ctx.obj.session() as session:
        found = show(session, ctx.obj.actor, period=period, as_of=_day(as_of))
    if methods:
        write_rows(found["methods"], form)
        return
    rows = [row for row in found["rows"] if row["dimension"] == by]
    notes = [
        f"{found['period']} as of {found['as_of']}, forecast {found['run']}, {found['tier']} from {found['closed_deals']:,} closed deals",
        *found["notes"],
    ]
    if form != "table":
        write_rows(rows, form, notes=notes)
        return

    def money(value: Any) -> str:
        return "" if value is None else shown(value, "money", found["currency"])

    table = [
        {
            by: "  " * row["level"] + row["value"], "booked": money(row["booked"]), "open": money(row["open"]), "arrivals": money(row["arrivals"]),
            "adjustment": money(row["adjustment"]), "expected": money(row["expected"]), "P10": money(row["p10"]), "P90": money(row["p90"]),
            "target": money(row["target"]), "chance": "" if row["p_target"] is None else f"{row['p_target']:.0%}",
        }
        for row in rows
    ]  # fmt: skip
    write_rows(table, form, notes=notes)


@forecast.command("deals")
@PERIOD
@AS_OF
@click.option("--person", help="Only of this person (name or id) and those below.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@format_option
@click.pass_context
def deals_(
    ctx: click.Context, period: str | None, as_of: datetime | None, person: str | None, limit: int, form: str
) -> None:
    """The open deals behind a forecast: chance, expected close, slip, amount, and why."""
    from .runs import deals

    with ctx.obj.session() as session:
        rows = deals(session, ctx.obj.actor, period=period, as_of=_day(as_of), person=person, limit=limit)
    if form != "table":
        write_rows(rows, form)
        return
    table = [
        {
            "deal": row["name"], "owner": row["owner"], "stage": row["stage"], "chance": f"{row['p']:.0%}", "ever": f"{row['p_ever']:.0%}",
            "closes": row["expected_close"], "amount": f"{row['amount']:,.0f}", "expected": f"{row['expected']:,.0f}",
            "why": ", ".join(f"{one['what']} {one['log_odds']:+.2f}" for one in row["reasons"][:3]),
        }
        for row in rows
    ]  # fmt: skip
    write_rows(table, form)


@forecast.command("changes")
@PERIOD
@AS_OF
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=7,
    show_default=True,
    help="Against the forecast of so many days before (1: the one before).",
)
@format_option
@click.pass_context
def changes_(ctx: click.Context, period: str | None, as_of: datetime | None, days: int, form: str) -> None:
    """Why the forecast is another than a week ago, deal by deal; the amounts add up to the difference."""
    from .runs import moved

    with ctx.obj.session() as session:
        found = moved(session, ctx.obj.actor, period=period, as_of=_day(as_of), days=days)
    notes = [f"{found['period']}: from {found['before']} to {found['after']}"]
    if found["difference"] is not None:
        notes.append(f"difference {shown(found['difference'], 'money', found['currency'])}")
    if form == "table":
        rows = [{**row, "amount": shown(row["amount"], "money", found["currency"])} for row in found["rows"]]
        write_rows(rows, form, columns=["kind", "name", "owner", "stage", "amount"], notes=notes)
        return
    write_rows(found["rows"], form, notes=notes)


@forecast.command("backtest")
@click.option("--again", is_flag=True, help="Make it anew.")
@click.option("--weeks", default="all", show_default=True, help="Weeks of the period: all, 1-4, 5-8, 9-.")
@format_option
@click.pass_context
def backtest_(ctx: click.Context, again: bool, weeks: str, form: str) -> None:
    """How far off every method was on past weeks, with what was known then: error, bias, coverage of ranges, skill against the simplest ways."""
    from .runs import accuracy, retest

    if again:
        steps = _Steps()
        with ctx.obj.session() as session:
            try:
                retest(session, ctx.obj.actor, step=steps)
            finally:
                steps.end()
    found = accuracy(ctx.obj.actor, weeks=weeks)
    if form != "table":
        write_rows(found["scores"], form)
        return
    rows = [
        {
            "method": one["method"], "weeks tested": one["rows"], "periods": one["periods"], "error (WAPE)": _share(one["wape"]),
            "likely": "" if one["interval"] is None else f"{one['interval'][0]:.1%} to {one['interval'][1]:.1%}", "bias": _share(one["bias"], sign=True),
            "within 10 %": _share(one["within_10"]), "P10-P90 held": _share(one["coverage"]), "noise floor": _share(one["noise"]),
        }
        for one in sorted(found["scores"], key=lambda one: one["wape"] if one["wape"] is not None else 9)
    ]  # fmt: skip
    write_rows(
        rows,
        form,
        notes=[
            f"as of {found['about']['as_of']}; positive bias = too much was forecast; 80 % of the ranges should hold"
        ],
    )


def _share(value: Any, *, sign: bool = False) -> str:
    if value is None or np.isnan(value):
        return "n/a"
    return f"{value:+.1%}" if sign else f"{value:.1%}"


@forecast.command("scenario")
@click.option("--drop", multiple=True, type=int, help="A deal (id) that will not be won.")
@click.option("--slip", multiple=True, type=int, help="A deal (id) that moves one period on.")
@click.option("--win", multiple=True, type=int, help="A deal (id) that will be won.")
@click.option(
    "--win-odds",
    type=click.FloatRange(0.01, 100),
    default=1.0,
    show_default=True,
    help="Factor on the odds of every deal.",
)
@click.option(
    "--cycle-days",
    type=click.IntRange(-365, 365),
    default=0,
    show_default=True,
    help="Days by which deals close later.",
)
@click.option(
    "--arrivals",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Factor on deals that do not exist yet.",
)
@click.option("--hire", multiple=True, help="Somebody who starts: 2026-10-01 or 2026-10-01:90 (days of ramp).")
@click.option("--next", "horizon", flag_value=1, default=0, help="Of the next period.")
@format_option
@click.pass_context
def scenario_(
    ctx: click.Context, drop: tuple[int, ...], slip: tuple[int, ...], win: tuple[int, ...], win_odds: float, cycle_days: int, arrivals: float,
    hire: tuple[str, ...], horizon: int, form: str,
) -> None:  # fmt: skip
    """The forecast of today, and the same if something happened; nothing is stored."""
    from .runs import scenario
    from .scenario import Hire, Scenario

    def hired(text: str) -> Hire:
        day, _, ramp = text.partition(":")
        try:
            return Hire(np.datetime64(date.fromisoformat(day), "D"), int(ramp or 90))
        except ValueError:
            raise UsageError(
                f"{text!r} is no hire", "Write the first day, and the days of ramp: 2026-10-01:90"
            ) from None

    what = Scenario(
        "scenario",
        frozenset(drop),
        frozenset(slip),
        frozenset(win),
        win_odds,
        cycle_days,
        arrivals,
        tuple(hired(one) for one in hire),
    )
    with ctx.obj.session() as session:
        found = scenario(session, ctx.obj.actor, what, horizon=int(horizon))
    rows = [row for row in found["rows"] if row["dimension"] in ("company", "person")]
    if form == "table":
        rows = [
            {"of": row["value"] or "company", "base": shown(row["base_expected"], "money", found["currency"]),
             "scenario": shown(row["expected"], "money", found["currency"]), "difference": shown(row["difference"], "money", found["currency"]),
             "P10": shown(row["p10"], "money", found["currency"]), "P90": shown(row["p90"], "money", found["currency"])}
            for row in rows
        ]  # fmt: skip
    write_rows(rows, form, notes=[f"{found['period']} as of {found['as_of']}", *found["notes"]])


@forecast.command("warnings")
@PERIOD
@AS_OF
@click.option(
    "--kind",
    default="",
    help="Only of this kind: gap, coverage, single deal, stale commit, past its close date, happy ears, sandbagging.",
)
@format_option
@click.pass_context
def warnings_(ctx: click.Context, period: str | None, as_of: datetime | None, kind: str, form: str) -> None:
    """What the period warns of, each with its deals or person: gap to the target, coverage, single deals, stale commits, patterns of callers."""
    from .insights import early_warnings

    with ctx.obj.session() as session:
        found = early_warnings(session, ctx.obj.actor, period=period, as_of=_day(as_of), kind=kind)
    if form != "table":
        write_rows(found["rows"], form, notes=found["notes"])
        return
    rows = [
        {
            "warning": row["kind"], "of": row["person"] or "company", "what": row["words"],
            "amount": "" if row["amount"] is None else shown(row["amount"], "money", found["currency"]),
            "deals": ", ".join(one["name"] for one in row["deals"][:3]) + (" ..." if len(row["deals"]) > 3 else ""),
        }
        for row in found["rows"]
    ]  # fmt: skip
    write_rows(rows, form, notes=[f"{found['period']} as of {found['as_of']}", *found["notes"]])


@forecast.command("callers")
@click.option("--category", type=click.Choice(CATEGORIES), default="commit", show_default=True)
@click.option(
    "--periods", type=click.IntRange(1, 40), default=8, show_default=True, help="How many ended periods back."
)
@click.option("--layers", is_flag=True, help="What each layer took off the error, instead of each caller.")
@format_option
@click.pass_context
def callers_(ctx: click.Context, category: str, periods: int, layers: bool, form: str) -> None:
    """How good people's calls were: what 100 called bring, shrunk; by week of the period with --format json; what each layer added with --layers."""
    from .insights import callers

    with ctx.obj.session() as session:
        found = callers(session, ctx.obj.actor, category=category, periods=periods)
    if layers or form != "table":
        write_rows(found["layers" if layers else "rows"], form, notes=found["notes"])
        return
    rows = [
        {
            "person": row["person"], "number": row["scope"], "periods": row["periods"], "calls": row["calls"], "100 called bring": f"{100 * row['factor']:.0f}",
            "not shrunk": "" if row["own"] is None else f"{100 * row['own']:.0f}", "scatter": f"{row['scatter']:.0%}", "pattern": row["pattern"],
        }
        for row in found["rows"]
    ]  # fmt: skip
    write_rows(rows, form, notes=[f"{category} of {found['periods'][0]} to {found['periods'][-1]}", *found["notes"]])


@forecast.command("runs")
@PERIOD
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@format_option
@click.pass_context
def runs_(ctx: click.Context, period: str | None, limit: int, form: str) -> None:
    """The stored forecasts, the newest first, and whether the worker makes one now."""
    from .runs import listed, running

    rows, state = listed(ctx.obj.actor, period=period or "", limit=limit), running(ctx.obj.actor)
    if form != "table":
        write_rows(rows, form)
        return
    doing = f"The worker: {state['status']}" + (
        f", {state['what'].lower()} {state['done']} of {state['all']}" if state["what"] else ""
    )
    table = [
        {"forecast": row["number"], "as of": row["as_of"], "period": row["period"], "made": f"{row['made_at']:%Y-%m-%d %H:%M}", "by": row["made_by"],
         "from": row["tier"], "expected": "" if row["expected"] is None else shown(row["expected"], "money", row["currency"])}
        for row in rows
    ]  # fmt: skip
    write_rows(table, form, notes=[doing])
