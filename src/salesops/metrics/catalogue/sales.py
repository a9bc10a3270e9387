"""Sales performance: win rate, bookings, deal size, cycle, velocity, attainment."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant
from ..peers import MINIMUM, TENURED

UNKNOWN = "the amount is unknown"
NEGATIVE = "the cycle would be negative"
UNQUALIFIED = "no qualified stage was entered before it was closed"
WON = "status = 'won'"
LOST = "status = 'lost'"
QUOTA_RATE = (
    "one person, and any group whose quotas are in one currency, in that currency, credits at the close day's spot rate; "
    "over several currencies quotas at the plan rate and credits at the close day's spot rate, in the asked currency"
)
CLOSE_RATE = "won and lost amounts at the rate of their close day; in the asked currency"

_won = Part("closed", where=WON)
_lost = Part("closed", where=LOST)
_closed = Part("closed")
_won_value = Part("closed", "value", WON, left_out=UNKNOWN)
_closed_value = Part("closed", "value", left_out=UNKNOWN)
_cycle = Part(
    "closed", "cycle_days", WON, left_out=NEGATIVE, told_when="first_contact IS NULL",
    told="without a first contact, counted from creation",
)  # fmt: skip
_closed_cycle = Part(
    "closed", "cycle_days", left_out=NEGATIVE, told_when="first_contact IS NULL",
    told="without a first contact, counted from creation",
)  # fmt: skip
_open = Part("open_state")


def _mean(name: str, title: str, formula: str, part: Part, rule: str = "") -> Variant:
    return Variant(name, title, formula, "days / days__n", {"days": part}, rule)


def _median(name: str, title: str, measure: str, where: str = WON, left_out: str = NEGATIVE) -> Variant:
    part = Part("closed", measure, where, how="median", left_out=left_out)
    return Variant(
        name,
        title,
        "row ceil(n / 2) of the days in ascending order",
        "median",
        {"median": part},
        "quantiles by row number",
    )


def _km(name: str, title: str, measure: str, event: str = WON, left_out: str = NEGATIVE) -> Variant:
    who = "event = won, lost and open deals censored" if event == WON else "event = won or lost, open deals censored"
    part = Part("created", measure, how="km", event=event, left_out=left_out)
    rule = f"{who}; all deals created in the period, by D"
    return Variant(name, title, "first day t with S(t) <= 0.5", "median", {"median": part}, rule)


METRICS = (
    Metric(
        "win_rate",
        "Win rate",
        "Of the deals that were decided, how many did we win?",
        "ratio",
        "up",
        "actual close date",
        (
            Variant(
                "", "by count", "won / (won + lost)", "won / closed", {"won": _won, "closed": _closed},
                "closed in the period, by actual close date; all deal types; a deal counts once, by its state as of D",
            ),
            Variant(
                "value", "by value", "won value / (won value + lost value)", "won / closed",
                {"won": _won_value, "closed": _closed_value}, "unknown amounts are left out of both parts", overlay=False,
            ),
            Variant(
                "created_win_rate", "of the created cohort", "won / all created in the period, open ones counted",
                "won / created",
                {
                    "won": Part("created", where=WON),
                    "created": Part("created"),
                    "decided": Part("created", where="status <> 'open'"),
                },
                "cohort by creation; maturity = decided / created; owner and team at creation",
            ),
        ),
        currency_rule=CLOSE_RATE,
        reads_with=("average_deal_size", "sales_cycle_days"),
    ),
    Metric(
        "close_rate",
        "Close rate",
        "Of the prospects that we pitched to, how many bought?",
        "ratio",
        "up",
        "the first pitch",
        (
            Variant(
                "", "by pitched cohort", "won / deals that got a first pitch in the period", "won / pitched",
                {
                    "won": Part("pitched", where=WON),
                    "pitched": Part("pitched"),
                    "decided": Part("pitched", where="status <> 'open'"),
                },
                "pitch = first entry into a stage flagged as one, or first held demo, proposal or presentation; won as of D; "
                "maturity = decided / pitched; owner and team at creation",
            ),
        ),
        reads_with=("win_rate",),
    ),
    Metric(
        "win_loss_reasons",
        "Reasons of losses",
        "Why do we lose?",
        "ratio",
        "none",
        "actual close date",
        (
            Variant(
                "", "by count", "lost for the reason / lost for any reason", "lost / all_lost",
                {"lost": _lost, "all_lost": Part("closed", where=LOST, across=("loss_reason",))},
                "ask it by loss_reason: shares of all that the same group lost; (none) = nobody recorded why",
            ),
            Variant(
                "value", "by value", "value lost for the reason / value lost for any reason", "lost / all_lost",
                {
                    "lost": Part("closed", "value", LOST, left_out=UNKNOWN),
                    "all_lost": Part("closed", "value", LOST, left_out=UNKNOWN, across=("loss_reason",)),
                },
                "a lost deal's last amount that was not zero; unknown amounts are left out of both parts",
            ),
        ),
        currency_rule=CLOSE_RATE,
        reads_with=("lost_deals", "win_rate"),
    ),
    Metric(
        "bookings",
        "Bookings",
        "What did we win?",
        "money",
        "up",
        "actual close date",
        (Variant("", "won amount", "sum of won amount in the period", "won", {"won": _won_value},
                 "the amount as known as of D; growth by comparing with the previous period or the year before"),),
        currency_rule=CLOSE_RATE,
        empty_rule="0 when nothing was won; no value when every amount is unknown",
        additive="additive",
    ),
    Metric(
        "won_deals", "Deals won", "How many deals did we win?", "count", "up", "actual close date",
        (Variant("", "count", "number of deals won in the period", "won", {"won": _won}),),
        empty_rule="0", additive="additive",
    ),
    Metric(
        "lost_deals", "Deals lost", "How many deals did we lose?", "count", "down", "actual close date",
        (Variant("", "count", "number of deals lost in the period", "lost", {"lost": _lost}),),
        empty_rule="0", additive="additive",
    ),
    Metric(
        "created_deals", "Deals created", "How much new pipeline did we open?", "count", "up", "creation",
        (
            Variant("", "count", "number of deals created in the period", "created", {"created": Part("created")}),
            Variant("value", "by value", "sum of the amounts as of D of deals created in the period", "created",
                    {"created": Part("created", "value", left_out=UNKNOWN)}, unit="money"),
        ),
        currency_rule="open amounts at the as-of day's rate, closed ones at their close day's",
        empty_rule="0", additive="additive",
    ),
    Metric(
        "average_deal_size",
        "Average deal size",
        "How large is a deal that we win?",
        "money",
        "up",
        "actual close date",
        (
            Variant(
                "", "new business", "value of deals of type new won in the period / their number", "value / value__n",
                {
                    "value": Part("closed", "value", f"{WON} AND type = 'new'", left_out=UNKNOWN),
                    "typed": Part("closed", where=f"{WON} AND NOT type IS NULL"),
                    "all_value": _won_value,
                },
                "new business = deals whose type is new; unknown amounts are left out of both parts",
                fallback="all_value / all_value__n", needs="typed",
                fallback_note="no won deal says whether it is new business: all won deals are counted (variant all_won)",
            ),
            Variant("all_won", "all won deals", "won value / won deals", "value / value__n", {"value": _won_value},
                    "unknown amounts are left out of both parts"),
            Variant("first_win", "first win of an account", "value of first wins / their number", "value / value__n",
                    {"value": Part("closed", "value", f"{WON} AND NOT first_win IS NULL", left_out=UNKNOWN)},
                    "an account's earliest win as of D, ties by id"),
            Variant("any", "any deal, open or closed", "value of deals created in the period / their number",
                    "value / value__n", {"value": Part("created", "value", left_out=UNKNOWN)}, "cohort by creation"),
            Variant("acv", "annual contract value", "net price of recurring lines x 12 / term months, per won deal that has any",
                    "value / value__n",
                    {"value": Part("annual", "value", left_out="a recurring line has no net price, term or rate")},
                    "lines as of D; recurring is what the line says, else its product; half to even per line; deals without a "
                    "recurring line have none and are not counted"),
        ),
        currency_rule=CLOSE_RATE,
    ),
    Metric(
        "sales_cycle_days",
        "Sales cycle",
        "How long from first contact to a win?",
        "days",
        "down",
        "actual close date",
        (
            _mean("", "mean", "days from first contact to won / deals won", _cycle,
                  "first contact = the field, else creation; a negative cycle is left out and counted"),
            _median("median", "median", "cycle_days"),
            _mean("created_to_won", "creation to won, mean", "days from creation to won / deals won",
                  Part("closed", "created_days", WON, left_out=NEGATIVE)),
            _median("created_to_won_median", "creation to won, median", "created_days"),
            _mean("qualified_to_won", "qualified to won, mean", "days from the first qualified stage to won / deals won",
                  Part("closed", "qualified_days", WON, left_out=UNQUALIFIED),
                  "starts at the first really entered stage that is flagged qualified"),
            _median("qualified_to_won_median", "qualified to won, median", "qualified_days", left_out=UNQUALIFIED),
            _mean("closed", "won and lost, mean", "days from first contact to close / deals closed", _closed_cycle),
            _median("closed_median", "won and lost, median", "cycle_days", ""),
            _km("km", "Kaplan-Meier median to won", "age_days"),
            _km("km_any_close", "Kaplan-Meier median to any close", "age_days", "status <> 'open'"),
            _km("created_to_won_km", "creation to won, Kaplan-Meier median", "created_age_days"),
            _km("qualified_to_won_km", "qualified to won, Kaplan-Meier median", "qualified_age_days", left_out=UNQUALIFIED),
        ),
    ),
    Metric(
        "sales_velocity",
        "Sales velocity",
        "How much does the pipeline earn a day?",
        "money_per_day",
        "up",
        "actual close date; open deals at the period's end",
        (
            Variant(
                "", "deals worked", "n x average won value x win rate / mean cycle days, n = won + lost + open at the end",
                "(closed + open) * (value / value__n) * (won / closed) / (days / days__n)",
                {"won": _won, "closed": _closed, "open": _open, "value": _won_value, "days": _cycle},
                "open = every deal open at the period's end (at D in a running period)",
            ),
            Variant(
                "closed", "deals closed", "n x average won value x win rate / mean cycle days, n = won + lost",
                "closed * (value / value__n) * (won / closed) / (days / days__n)",
                {"won": _won, "closed": _closed, "value": _won_value, "days": _closed_cycle},
                "the cycle is that of all closed deals",
            ),
        ),
        currency_rule=CLOSE_RATE,
        notes=("the inputs are always printed beside it",),
    ),
    Metric(
        "quota_attainment",
        "Quota attainment",
        "How much of what we asked for did we sell?",
        "ratio",
        "up",
        "actual close date; quotas whose span lies inside the period",
        (
            Variant(
                "", "of the quota as handed out", "credited amount / quota; team = sum / sum", "credited / quota",
                {"credited": Part("credit", "value", left_out=UNKNOWN), "quota": Part("quota", "value", left_out="no plan rate")},
                "credit = the split valid on the close day, else the owner; overlay counts for the person only; "
                "null and 0 are no quota; drafts are none",
                overlay=True, own_currency=True,
            ),
            Variant(
                "prorated", "of the prorated quota", "credited amount / quota x days employed less long leave / days",
                "credited / quota",
                {"credited": Part("credit", "value", left_out=UNKNOWN),
                 "quota": Part("quota", "prorated", left_out="no plan rate")},
                "calendar days of employment less leave over 30 days", overlay=True, own_currency=True,
            ),
            Variant(
                "team_target", "of the team's own target", "credited amount of its members / the team's own target",
                "credited / quota",
                {"credited": Part("credit", "value", left_out=UNKNOWN),
                 "quota": Part("team_quota", "value", left_out="no plan rate")},
                "ask it by team; the target that was set for the team itself, not the sum of its members' quotas; credit by the team "
                "of the close day; quotas at the plan rate, credits at the close day's spot rate, in the asked currency",
            ),
        ),
        currency_rule=QUOTA_RATE,
        empty_rule="no value without a quota",
    ),
    Metric(
        "quota_attainment_rate",
        "Share of reps at quota",
        "How many of the people with a quota reached it?",
        "ratio",
        "up",
        "actual close date; quotas whose span lies inside the period",
        (
            Variant(
                "", "by count", "reps at or over 100 % / quota-bearing reps", "reached / bearing",
                {"reached": Part("person_attainment", where="reached = 1"), "bearing": Part("person_attainment")},
                "each in the quota's currency; a leaver with a quota is quota-bearing; overlay credit counts for the person",
                overlay=True,
            ),
        ),
        currency_rule="each person in the currency of the person's quotas; in the asked one where they are in several",
    ),
    Metric(
        "rep_ramp_months",
        "Ramp of new reps",
        "How long until a new rep sells like the others?",
        "months",
        "down",
        "the first day of employment",
        (
            Variant(
                "", "Kaplan-Meier median", "first month t with S(t) <= 0.5 of reps who started in the period",
                f"CASE WHEN months__n >= {MINIMUM} THEN months END",
                {"months": Part("newcomer", "months", how="km", event="reached = 1",
                                left_out=f"fewer than {MINIMUM} tenured reps, or a level of 0: there is nothing to reach")},
                "reached = the mean of three months' won amounts is at least 80 % of the median over all months of tenured reps "
                f"(more than {TENURED} full months) by D; who left or is not there yet is censored, never dropped; month 1 = first "
                "full month; by owner of the close day; reps = people with a deal or a quota whose start is known; months before the first deal "
                "on record are not seen",
            ),
        ),
        currency_rule=CLOSE_RATE,
        empty_rule=f"no value for fewer than {MINIMUM} new reps (nobody is shown alone), or while more than half are not there yet",
    ),
)  # fmt: skip
