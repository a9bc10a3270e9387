"""The facts that metrics count and sum: one canonical SQL file each, with what the builder needs to know about it.

Every file is a SELECT of named columns over the warehouse tables of `docs/internals.md`. Left joins find at most one row
(the lint looks at them) and fall away where nothing uses them. A column that the file does not name, but the record has, is
taken from the first of `attributes` (aliases) that has a row: that is how a closed deal keeps the owner of its close day.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from sqlglot import exp

from ..sql import parse


@dataclass(frozen=True)
class Fact:
    """One fact. `times`: its records belong to the period that holds `day`, or to each period whose evening (`snapshot`)
    or eve (`eve`) they lived through: `snapshot` and `eve` files join the table `period` themselves. `ahead`: its records may
    lie in days to come.

    `record`: the table whose versions `attributes` are (default: that of the entity); `money`: the tables whose currencies
    count, besides those of deals; `since`: SQL of the first `day` that any record has (default: that of deals and leads).
    `pay`: amounts that only those who see pay may open one by one.
    """

    name: str
    title: str
    entity: str
    basis: str
    attributes: tuple[str, ...] = ()
    times: Literal["day", "snapshot"] = "day"
    undated: str = ""
    owned: bool = True
    label: str = ""
    spans: bool = False
    ahead: bool = False
    record: str = ""
    money: tuple[str, ...] = ()
    since: str = ""
    pay: bool = False
    file: str = (
        ""  # the SQL file, where it is another than `name`.sql; facts share one by what `filled` puts in its {places}
    )
    filled: tuple[tuple[str, str], ...] = ()
    derived: bool = False  # worked out from records, none itself: not counted among what the actor may not see

    @property
    def noun(self) -> str:
        """What its records are called in a sentence."""
        return {"opportunity": "deals", "lead": "leads"}.get(self.entity, "records")

    @cached_property
    def text(self) -> str:
        """The SQL as written, its places filled."""
        found = (
            importlib.resources.files(__package__).joinpath(f"{self.file or self.name}.sql").read_text(encoding="utf-8")
        )
        for place, sql in self.filled:
            found = found.replace(f"{{{place}}}", sql)
        return found

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that the file names."""
        tree = parse(self.text)
        assert isinstance(tree, exp.Select)
        return tuple(one.alias_or_name for one in tree.expressions)

    def select(self) -> exp.Select:
        """A fresh tree of the SQL."""
        tree = parse(self.text)
        assert isinstance(tree, exp.Select)
        return tree


_ORDER = ("order", "order_line")
_ORDERED = 'SELECT MIN(ordered_on) AS day FROM "order"'
_SUBSCRIBED = "SELECT MIN(valid_from) AS day FROM subscription WHERE valid_from > CAST('0001-01-01' AS DATE)"
_ACTED = "SELECT MIN(on_day) AS day FROM activity"

_FACTS = (
    Fact("closed", "deals won or lost", "opportunity", "the actual close date", ("b", "o"), undated="opportunity"),
    Fact("created", "deals created", "opportunity", "creation", ("b", "o"), undated="opportunity"),
    Fact("open", "open deals by expected close date", "opportunity", "the as-of day", ("o",), undated="opportunity",
         ahead=True),
    Fact("open_state", "deals open in the evening of the period's last day", "opportunity", "the period's last day",
         ("o",), "snapshot", undated="opportunity"),
    Fact("open_odds", "open deals by expected close date, with their odds", "opportunity", "the as-of day", ("o",), "snapshot",
         undated="opportunity", ahead=True),
    Fact("open_eve", "deals open on the eve of the period", "opportunity", "the eve", ("o",), "snapshot", undated="opportunity"),
    Fact("open_care", "deals open in the evening of the period's last day, with what is done for them", "opportunity",
         "the period's last day", ("o",), "snapshot", undated="opportunity"),
    Fact("due", "deals open on the eve that should close in the period", "opportunity", "the eve", ("o",), "snapshot",
         undated="opportunity"),
    Fact("closed_before", "deals won or lost in the four closed periods before", "opportunity", "the actual close date",
         ("b", "o"), "snapshot", undated="opportunity"),
    Fact("pitched", "deals that got a first pitch", "opportunity", "creation", ("b", "o")),
    Fact("lead", "leads created", "lead", "creation", ("b", "o"), undated="lead"),
    Fact("lead_converted", "leads converted", "lead", "the day of conversion", ("b", "o"), "snapshot", undated="lead"),
    Fact("lead_state", "leads that there are in the evening of the period's last day", "lead", "the period's last day",
         ("o",), "snapshot", undated="lead"),
    Fact("annual", "won deals with recurring lines", "opportunity", "the actual close date", ("b", "o"),
         undated="opportunity"),
    Fact("stage_entry", "first arrivals at or beyond a stage", "opportunity", "creation", ("b", "o"),
         filled=(("arrived", " AND h.opportunity IN (SELECT y.opportunity FROM stage_history AS y WHERE :first <= y.day AND y.day <= :last)"),)),
    Fact("stage_arrival", "first arrivals at or beyond a stage, of all days", "opportunity", "creation", ("b", "o"), file="stage_entry",
         filled=(("arrived", ""),)),
    Fact("stage_reached", "stages that deals reached, by creation", "opportunity", "creation", ("b", "o"), undated="opportunity"),
    Fact("stage_furthest", "stages that deals have reached", "opportunity", "the actual close date, of open deals the as-of day",
         ("b", "o"), undated="opportunity"),
    Fact("deal_state", "deals that there are", "opportunity", "the actual close date, of open deals the as-of day", ("b", "o"),
         undated="opportunity"),
    Fact("stage_visit", "stays in a stage", "opportunity", "creation", ("b", "o")),
    Fact("stage_in", "entries into a stage", "opportunity", "the day of entry", ("b", "o")),
    Fact("stage_left", "moves out of a stage", "opportunity", "the day of the move", ("b", "o")),
    Fact("stage_held", "deals in a stage on the eve of the period", "opportunity", "the eve", ("b", "o"), "snapshot"),
    Fact("case_log", "cases of imported process logs", "stage_event", "the first event", owned=False, label="name"),
    Fact("case_stages", "stage histories of deals", "opportunity", "the first entry", ("b", "o")),
    Fact("credit", "credited amounts of won deals", "opportunity", "the actual close date", ("b", "o")),
    Fact("quota", "quotas handed out", "target", "the period's last day", spans=True, times="snapshot"),
    Fact("team_quota", "teams' own targets", "target", "the period's last day", times="snapshot"),
    Fact("activity", "activities held", "activity", "the day of the activity", label="kind", since=_ACTED),
    Fact("booking", "meetings arranged", "activity", "the day of booking", label="kind", since=_ACTED),
    Fact("worked", "activities held, with their minutes", "activity", "the day of the activity", label="kind", since=_ACTED),
    Fact("workday", "working days", "person", "the day", derived=True, since=_ACTED),
    Fact("person_meetings", "reps who worked in the period", "person", "the period's last day", times="snapshot"),
    Fact("reported", "time reports", "time_report", "the day reported on", label="category",
         since="SELECT MIN(on_day) AS day FROM time_report"),
    Fact("employed", "people employed in the evening of the period's last day", "person", "the period's last day",
         times="snapshot"),
    Fact("attempt", "human outbound attempts", "activity", "the day of the attempt", owned=False),
    Fact("first_attempt", "first human attempts at leads", "lead", "the day of the attempt", owned=False),
    Fact("business_hours", "business hours of units", "business_unit", "the day", owned=False, derived=True),
    Fact("lead_response", "leads created", "lead", "creation", ("b", "o"), undated="lead"),
    Fact("offer", "deals with an offer", "opportunity", "the day of the first offer", ("b", "o")),
    Fact("person_attainment", "quota-bearing people", "target", "the period's last day", times="snapshot"),
    *(
        Fact(name, "calls of periods that have ended", "forecast_call", "the last day of the period", times="snapshot", file="called",
             money=("forecast_call",), since="SELECT MIN(ends_on) AS day FROM forecast_call", label="category", filled=(("made", made),))
        for name, made in (
            ("called", "DATE_DIFF('day', p.start, c.on_day) < 14"),
            ("called_middle", "2 * DATE_DIFF('day', p.start, c.on_day) <= DATE_DIFF('day', p.start, p.end)"),
            ("called_last", "1 = 1"),
        )
    ),
    Fact("ordered", "orders", "order", "the order day", ("b", "o"), undated="order", label="number", money=_ORDER, since=_ORDERED),
    Fact("order_line", "order lines", "order_line", "the order day", ("b", "o"), undated="order", label="number", record="order",
         money=_ORDER, since=_ORDERED),
    Fact("invoiced", "invoices and credit notes", "invoice", "the day of issue", ("o",), undated="invoice", label="number",
         money=("invoice",), since="SELECT MIN(issued_on) AS day FROM invoice"),
    Fact("paid", "payments", "payment", "the day of payment", money=("payment", "invoice"),
         since="SELECT MIN(on_day) AS day FROM payment"),
    Fact("buyer", "customers who have ordered by the period's last day", "account", "the period's last day", ("b", "o"),
         "snapshot", undated="order", money=_ORDER, since=_ORDERED, filled=(("records", "fact_ordered"), ("purchase", "1 = 1"))),
    Fact("buyer_invoiced", "customers who have been billed by the period's last day", "account", "the period's last day",
         ("b", "o"), "snapshot", undated="invoice", money=("invoice",), since="SELECT MIN(issued_on) AS day FROM invoice", file="buyer",
         filled=(("records", "fact_invoiced"), ("purchase", "f.kind <> 'credit_note'"))),
    Fact("first_win", "first wins of accounts", "opportunity", "the actual close date", ("b", "o"), undated="opportunity"),
    Fact("first_order", "first orders of accounts", "account", "the first order day", ("b", "o"), undated="order",
         since=_ORDERED),
    Fact("first_subscription", "first subscriptions of accounts", "account", "the first day of a subscription", ("b", "o"),
         since=_SUBSCRIBED),
    Fact("subscribed", "subscriptions that run in the evening of the period's last day", "subscription",
         "the period's last day", ("b", "o"), "snapshot", record="account", money=("subscription",), since=_SUBSCRIBED),
    Fact("recurring", "customers with a subscription on the eve or in the last evening of the period", "account",
         "the period's last day", ("b", "o"), "snapshot", money=("subscription",), since=_SUBSCRIBED),
    Fact("spent", "costs", "cost", "the first day of the month of the cost", owned=False, label="category", money=("cost",),
         since="SELECT MIN(on_day) AS day FROM cost", pay=True),
    Fact("spent_lagged", "costs, later by the median cycle", "cost", "the first day of the month of the cost, later by the "
         "median cycle in whole months", owned=False, label="category", money=("cost",),
         since="SELECT MIN(on_day) AS day FROM cost", pay=True),
    Fact("rep_month", "full months of employment of reps", "person", "the month's first day"),
    Fact("newcomer", "reps whose first full month was seen", "person", "the first day of employment"),
    Fact("cohort_ordered", "orders of customers", "order", "the first order day of the customer", ("b", "o"), undated="order",
         record="account", money=_ORDER, since=_ORDERED, file="cohort", filled=(("records", "fact_ordered"), ("purchase", "1 = 1"))),
    Fact("cohort_won", "won deals of customers", "opportunity", "the day of the customer's first win", ("b", "o"),
         undated="opportunity", record="account", file="cohort",
         filled=(("records", "fact_closed"), ("purchase", "y.status = 'won'"))),
    Fact("cohort_subscribed", "customers with a subscription in the evening of the period's last day", "account",
         "the first day of a subscription of the customer", ("b", "o"), "snapshot", money=("subscription",), since=_SUBSCRIBED),
)  # fmt: skip


@cache
def facts() -> dict[str, Fact]:
    """Every fact by name."""
    return {one.name: one for one in _FACTS}


def fact(name: str) -> Fact:
    """The fact of this name; a KeyError is a mistake in a definition."""
    return facts()[name]
