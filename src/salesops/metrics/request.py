"""A question, understood: which metrics, over which periods, as of which day, by and where what. No SQL here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from salesops.common.errors import UsageError
from salesops.common.periods import GRAINS, FiscalCalendar, Period, UnitCalendar

from .calendars import unit_calendar
from .catalogue import asked
from .definitions import Asked, Metric
from .facts import fact
from .session import calendar_of, currencies_of

BEGINNING, END = date(1, 1, 1), date(9999, 12, 30)
DEALS_SINCE = (
    "SELECT MIN(created_on) AS day FROM (SELECT created_on FROM opportunity UNION ALL SELECT created_on FROM lead) AS r"
)
AGAINST = ("target", "goal", "plan", "quota")
COMPARISONS = ("previous", "year_ago", *AGAINST)


@dataclass(frozen=True)
class Cell:
    """One period of an answer: `start` and `end` inclusive; `snap` the evening that stands for it, `eve` the one before it."""

    key: str
    start: date
    end: date
    snap: date

    @property
    def eve(self) -> date:
        return self.start - timedelta(days=1) if self.start > BEGINNING else self.start


@dataclass(frozen=True)
class Request:
    """A checked question. `each` asks every period as of its own end instead of as of one day."""

    asked: tuple[Asked, ...]
    cells: tuple[Cell, ...]
    grain: str
    by: tuple[str, ...]
    as_of: date
    currency: str
    where: str | Mapping[str, Any] | None = None
    within: Mapping[str, Any] | None = None  # one cell of the answer, for a drill
    each: bool = False
    convert: bool = False
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    unit: UnitCalendar | None = None  # whose calendar that is, where it is not the workspace's
    named: str | None = None  # the unit whose calendar was asked for by name

    @property
    def first(self) -> date:
        return min(cell.start for cell in self.cells)

    @property
    def last(self) -> date:
        return max(cell.end for cell in self.cells)

    @property
    def overlay(self) -> bool:
        """Overlay credit counts for a person, never for a total or a team."""
        return "owner" in self.by or "owner" in (self.within or {})


def names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Names given as a sequence or as one text with commas."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(part.strip() for part in parts if part.strip())


def understand(
    session: Any,
    metrics: str | Sequence[str],
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    variants: Mapping[str, str] | Sequence[str] = (),
    calendar: str | None = None,
) -> Request:
    """Check a question and work out its periods; raises UsageError that says what to write instead.

    `calendar` names the business unit by whose fiscal calendar periods are counted, or is `workspace`. Without it that is the
    workspace's, or that of the one unit that `where` keeps.
    """
    each = as_of == "period_end"
    day = session.manifest.today if as_of is None or each else as_day(as_of, "as_of")
    known = session.as_known_on
    if known is not None and day > known:
        if as_of is None or each:
            day = known
        else:
            raise UsageError(
                f"as of {day} is later than as known on {known}: nobody can have known it",
                f"Ask as of {known} or earlier, or as known on {day}",
            )
    from .defined.kept import defined

    wanted = _asked(metrics, variants, defined(session))
    over = next((part.fact for one in wanted for part in one.variant.parts.values()), "open")
    own = unit_calendar(session, where, over, calendar)
    fiscal = own.calendar if own else calendar_of(session)
    cells, grain = _cells(fiscal, session, period, from_, to, day, any_days(wanted), since=since_of(wanted))
    code = (currency or session.manifest.reporting_currency).upper()
    in_use = currencies_of(session)
    others = frozenset[str]().union(*(currencies_of(session, one) or () for one in ("target", "opportunity_line")))
    money = [currencies_of(session, table) for table in _money(wanted)]
    convert = in_use is None or None in money or not in_use.union(others, *filter(None, money)) <= {code}
    request = Request(
        wanted, cells, grain, tuple(dict.fromkeys(names(by))), day, code, where, each=each, convert=convert,
        calendar=fiscal, unit=own, named=calendar,
    )  # fmt: skip
    if each:
        _only_snapshots(request)
        request = replace(request, cells=tuple(replace(cell, snap=min(cell.end, day)) for cell in cells))
    return request


def any_days(wanted: Sequence[Asked]) -> bool:
    """Whether any metric of the question looks ahead of the as-of day (open deals by expected close)."""
    return any(fact(part.fact).ahead for one in wanted for part in one.variant.parts.values())


def _asked(
    metrics: str | Sequence[str], variants: Mapping[str, str] | Sequence[str], own: Mapping[str, Metric]
) -> tuple[Asked, ...]:
    found = [asked(name, own) for name in names(metrics)]
    if isinstance(variants, Mapping):
        found += [asked(f"{name}.{one}", own) for name, several in variants.items() for one in names(several)]
    else:
        found += [asked(name, own) for name in names(variants)]
    if not found:
        raise UsageError("no metric was named", "For example: win_rate,bookings (salesops metrics list)")
    return tuple(dict.fromkeys(found))


def _only_snapshots(request: Request) -> None:
    for one in request.asked:
        if any(part.fact != "open_state" for part in one.variant.parts.values()):
            raise UsageError(
                f"{one.name} cannot be asked as of each period's end",
                "Ask open_pipeline.all_open, or one day at a time",
            )


def _cells(
    calendar: FiscalCalendar,
    session: Any,
    period: str | None,
    from_: date | str | None,
    to: date | str | None,
    as_of: date,
    ahead: bool,
    since: tuple[str, ...] = (),
) -> tuple[tuple[Cell, ...], str]:
    first: date | None
    last: date | None
    text = isinstance(from_, str) and to is None and _is_period(from_)
    if text:
        whole = calendar.parse_period(str(from_))
        first, last = whole.start, whole.end
    else:
        first = None if from_ is None else _edge(calendar, from_, "from")
        last = None if to is None else _edge(calendar, to, "to")
    grain = period or ""
    if grain and grain not in GRAINS:  # a period such as 2017-Q3 may stand in the place of a grain
        if from_ is not None or to is not None:
            raise UsageError(f"{grain!r} is no grain", f"Use {', '.join(GRAINS)}")
        whole = calendar.parse_period(grain)
        return (_cell(whole, as_of),), "range"
    if not grain:
        if first is None and last is None:
            start, end = (BEGINNING, END) if ahead else (BEGINNING, as_of)
            return (Cell("all", start, end, as_of),), "all"
        start = first or BEGINNING
        end = last or max(as_of, start)
        if end < start:
            raise UsageError(f"the question ends on {end}, before it starts on {start}", "Write the earlier day first")
        key = str(from_).upper() if text else f"{start.isoformat()}..{end.isoformat()}"
        return (Cell(key, start, end, _snap(start, end, as_of)),), "range"
    start = first or first_day(session, since) or as_of
    end = last or max(as_of, start)
    if end < start:
        raise UsageError(f"the question ends on {end}, before it starts on {start}", "Write the earlier day first")
    return tuple(_cell(one, as_of) for one in calendar.periods(grain, start, end)), grain


def first_day(session: Any, since: Iterable[str] = ()) -> date | None:
    """The first day of the records that a question is about: of those in `since` (SQL of one day each, `Fact.since`),
    without any the first day on which a deal or lead existed; None without records."""
    cache = session.__dict__.setdefault("_metric_columns", {})
    days = []
    for sql in tuple(since) or (DEALS_SINCE,):
        if sql not in cache:
            cache[sql] = session.query(sql).column(0)[0].as_py()
        days.append(cache[sql])
    return min((day for day in days if day is not None), default=None)


def since_of(wanted: Sequence[Asked]) -> tuple[str, ...]:
    """SQL of the first days of the records that these metrics count."""
    used = {part.fact for one in wanted for part in one.variant.parts.values()}
    return tuple(sorted({fact(name).since or DEALS_SINCE for name in used}))


def _money(wanted: Sequence[Asked]) -> set[str]:
    """Tables with amounts, besides those of deals and quotas."""
    used = {part.fact for one in wanted for part in one.variant.parts.values()}
    return {table for name in used for table in fact(name).money}


def _cell(period: Period, as_of: date) -> Cell:
    return Cell(period.key, period.start, period.end, _snap(period.start, period.end, as_of))


def _snap(start: date, end: date, as_of: date) -> date:
    return min(end, as_of)


def _is_period(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return True
    return False


def _edge(calendar: FiscalCalendar, value: date | str, side: str) -> date:
    if isinstance(value, date):
        return value
    found = calendar.parse_period(value)
    return found.start if side == "from" else found.end


def as_day(value: date | str, name: str) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise UsageError(f"{value!r} is no day for {name}", "Write for example 2017-12-31") from None


def shifted(request: Request, compare: str) -> Request:
    """The same question over the period before each period, or the same period of the year before."""
    calendar = request.calendar
    move = calendar.previous if compare == "previous" else calendar.year_ago
    cells = []
    for cell in request.cells:
        if request.grain == "all":
            raise UsageError("all time has no period before it", "Name a period, for example --period quarter")
        then = move(_period(request, cell))
        cells.append(Cell(cell.key, then.start, then.end, min(then.end, request.as_of)))
    return replace(request, cells=tuple(cells))


def widened(request: Request, window: str) -> Request:
    """The same question over the days from the start of the fiscal `window` (year, quarter, month; or so many days) in which
    each period ends to its end."""

    def since(cell: Cell) -> date:
        end = request.as_of if cell.end >= END else cell.end
        if window.isdigit():
            return end - timedelta(days=int(window) - 1)
        return request.calendar.period_of(end, window).start  # type: ignore[arg-type]

    return replace(request, cells=tuple(replace(cell, start=since(cell)) for cell in request.cells))


def _period(request: Request, cell: Cell) -> Period:
    """The period of a cell, which keeps its key when it is compared with another; a range where it is none."""
    if ".." not in cell.key:
        named = request.calendar.parse_period(cell.key)
        if named.grain in GRAINS:
            own = request.calendar.period_of(cell.start, named.grain)
            if (own.start, own.end) == (cell.start, cell.end):
                return own
    return Period("range", cell.key, cell.key, cell.start, cell.end)


PAST = 8
"""How many closed periods odds are taken from (terms.md)."""


def closed_before(request: Request, cell: Cell) -> list[Period]:
    """The last eight periods before one that have ended by the as-of day, the latest first; none before all time."""
    found: list[Period] = []
    if request.grain == "all" or cell.start == BEGINNING or cell.end >= END:
        return found
    one = _period(request, cell)
    while len(found) < PAST and one.start.year > 1:
        one = request.calendar.previous(one)
        if one.end <= request.as_of:
            found.append(one)
    return found
