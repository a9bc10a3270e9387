"""Pipeline: what is open, what it is worth, how it moves."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant

UNKNOWN = "the amount is unknown"
OPEN_RATE = "open amounts at the rate of the as-of day"

VISIT = "each visit by itself, by the day of entry; visits that ended by D only: what still lasts is left out, so it flatters"
KM_VISIT = "each visit by itself, by the day of entry; Kaplan-Meier: a visit that still lasts on D is censored"
SLIPPED = "open at the end (on D in a running period) with a close date outside of the period, or without one"
PASSED = f"{SLIPPED}; or open with a close date up to that evening"
STALE = (
    "days since the last held activity that was not automatic, else since entry into the stage, strictly more than the stage's p75 "
    "of visits completed by then; a stage without completed visits makes nothing stale"
)

_closing = Part("open", "value", left_out=UNKNOWN)
SEMI = ("never adds up over time: each period has its own evening",)
FOUR = "the last four periods before that have ended by D"

_care = Part("open_care")
_created_value = Part("created", "value", left_out=UNKNOWN)
_weighted = Part("open", "rounded_share(value, probability, 1000000)", left_out=UNKNOWN)

METRICS = (
    Metric(
        "open_pipeline",
        "Open pipeline",
        "What is still open?",
        "money",
        "up",
        "expected close date; all_open: the evening of the period's last day",
        (
            Variant("", "closing in the period", "sum of open amounts as of D that should close in the period", "value",
                    {"value": _closing}),
            Variant("count", "closing in the period, deals", "number of open deals that should close in the period", "deals",
                    {"deals": Part("open")}, unit="count"),
            Variant("all_open", "every open deal", "sum of amounts of every deal open at the period's end (as of D)", "value",
                    {"value": Part("open_state", "value", left_out=UNKNOWN)}, "with or without a close date"),
            Variant("all_open_count", "every open deal, deals", "number of deals open at the period's end (as of D)", "deals",
                    {"deals": Part("open_state")}, "with or without a close date", unit="count"),
        ),
        currency_rule=OPEN_RATE,
        empty_rule="0 when nothing is open; no value when every amount is unknown",
        additive="semi",
        notes=("never adds up over time: each period has its own evening",),
    ),
    Metric(
        "weighted_pipeline",
        "Weighted pipeline",
        "What is the open pipeline worth, by the odds?",
        "money",
        "up",
        "expected close date",
        (
            Variant("", "by stage probability", "sum of amount x probability of the stage, open deals closing in the period",
                    "value", {"value": _weighted}, "the probability valid as of D; half to even per deal"),
            Variant("override", "by the owner's probability", "sum of amount x probability that was set for the deal, else of its stage",
                    "value",
                    {"value": Part("open_odds", "rounded_share(value, stated, 1000000)", left_out=UNKNOWN,
                                   told_when="overridden = 0", told="without a probability of their own, by that of the stage")},
                    "the probability valid as of D; half to even per deal"),
            Variant("history", "by what was won from there", "sum of amount x share of the value that was won from the same stage "
                    "at the same time of the last eight closed periods", "value",
                    {"value": Part("open_odds", "rounded_share(value, won_before, all_before)", left_out=UNKNOWN,
                                   told_when="measured = 0", told="in a stage without such a history, by its probability")},
                    "share = value of the deals that stood open in the stage, as far into each of the periods as D is into the "
                    "asked one (so in the same week), and were won in it / value of all that stood there; values and rates of that "
                    "evening; half to even per deal"),
        ),
        currency_rule=OPEN_RATE,
        empty_rule="0 when nothing is open",
        additive="semi",
        notes=SEMI,
    ),
    Metric(
        "pipeline_coverage",
        "Pipeline coverage",
        "Is there enough open pipeline to reach the quota?",
        "ratio",
        "up",
        "expected close date; quotas whose span lies inside the period",
        (
            Variant("", "of the remaining quota", "open pipeline closing in the period / (quota - credits)",
                    "open / CASE WHEN quota - credited > 0 THEN quota - credited ELSE 0 END",
                    {"open": _closing, "quota": Part("quota", "value"), "credited": Part("credit", "value", left_out=UNKNOWN)},
                    "remaining quota = quota less credits to D; at or below 0 the quota is reached: no value"),
            Variant("full_quota", "of the full quota", "open pipeline closing in the period / quota", "open / quota",
                    {"open": _closing, "quota": Part("quota", "value")}),
            Variant("needed", "coverage needed", "1 / value win rate of the last four closed periods", "closed / won",
                    {"won": Part("closed_before", "value", "status = 'won'", left_out=UNKNOWN),
                     "closed": Part("closed_before", "value", left_out=UNKNOWN)},
                    f"won and lost amounts of {FOUR}, at their close day's rate; all time has no period before it: no value"),
        ),
        currency_rule="open amounts at the as-of day's rate, quotas at the plan rate",
    ),
    Metric(
        "pipeline_waterfall", "Pipeline waterfall", "What changed the pipeline between two days?", "money", "none",
        "the evenings before the first and of the last day", table="pipeline waterfall --from --to --scope --by",
        currency_rule="every entry, change and exit at its own day's rate; the rest is the currency bar",
        additive="none",
        notes=("start + created + reopened + pulled in + reassigned in + increased + currency - decreased - won - lost "
               "- pushed out - reassigned out - deleted = end",),
    ),
    Metric(
        "pipeline_efficiency",
        "Pipeline efficiency",
        "How much of the pipeline turns into wins?",
        "ratio",
        "up",
        "creation; opening: actual close date, and the eve of the period; upkeep: the evening of the period's last day",
        (
            Variant("", "yield", "won value / pipeline value created, by created cohort", "won / created",
                    {"won": Part("created", "value", "status = 'won'", left_out=UNKNOWN), "created": _created_value,
                     "decided": Part("created", "value", "status <> 'open'", left_out=UNKNOWN)},
                    "values as of D; maturity = decided / created; owner and team at creation"),
            Variant("opening", "won of what there was", "value won in the period / (value open at its start + value created in it)",
                    "won / (opening + created)",
                    {"won": Part("closed", "value", "status = 'won'", left_out=UNKNOWN),
                     "opening": Part("open_eve", "value", left_out=UNKNOWN), "created": _created_value},
                    "open amounts on the eve of the period, at its rate"),
            Variant("per_cost", "won per cost", "won value of the created cohort / cost of sales and marketing of the period",
                    "won / cost",
                    {"won": Part("created", "value", "status = 'won'", left_out=UNKNOWN),
                     "cost": Part("spent", "value", "selling = 1", left_out="no rate")},
                    "a month's cost counts whole, in the period of its first day and at that day's rate"),
            Variant("upkeep", "upkeep", "open deals with a next step, a close date not past and activity inside the stage's p75 / "
                    "open deals", "kept / open",
                    {"kept": Part("open_care", where="has_next_step = 1 AND dated = 1 AND stale = 0"), "open": _care,
                     "without_next_step": Part("open_care", where="has_next_step = 0"),
                     "date_past_or_none": Part("open_care", where="dated = 0"), "stale": Part("open_care", where="stale = 1")},
                    "the clock runs from the last held activity that was not automatic, else from entry into the stage; a date of "
                    "the day itself is not past; a stage without completed visits makes nothing stale"),
        ),
        currency_rule="open amounts at the rate of their evening, won and lost at their close day's, costs at their month's first day",
        notes=("the variant is always named: four figures carry this name",),
    ),
    Metric(
        "stage_conversion",
        "Stage conversion",
        "How many deals that reach a stage go on?",
        "ratio",
        "up",
        "the first arrival at or beyond the stage",
        (
            Variant("", "by entry cohort", "ever reached the next stage / entered the stage", "moved_on / entered",
                    {"moved_on": Part("stage_entry", where="moved_on = 1"), "entered": Part("stage_entry")},
                    "skips count as passed, returns count once, a deal created at a later stage has passed the earlier ones; "
                    "ask it by stage"),
            Variant("period_flow", "period flow", "moves onward in the period / (in the stage at its start + entered)",
                    "onward / (held + entered)",
                    {"onward": Part("stage_left", where="onward = 1"), "held": Part("stage_held"), "entered": Part("stage_in")},
                    "real visits only"),
            Variant("leak", "value lost in the stage", "sum of the amounts of deals that reached the stage and were lost in it", "lost",
                    {"lost": Part("stage_entry", "lost_value", left_out=UNKNOWN)},
                    "by entry cohort, ask it by stage: the leak is the stage with the largest; lost amounts at their close day's rate",
                    unit="money"),
        ),
        notes=("over several stages it is the ratio of the sums",),
    ),
    Metric(
        "time_in_stage_days",
        "Time in stage",
        "How long do deals stay in a stage?",
        "days",
        "down",
        "entry into the stage",
        (
            Variant("", "median", "first day t with S(t) <= 0.5", "days",
                    {"days": Part("stage_visit", "days", how="km", event="completed = 1")}, KM_VISIT),
            Variant("p75", "third quartile", "first day t with S(t) <= 0.25", "days",
                    {"days": Part("stage_visit", "days", how="km_p75", event="completed = 1")}, KM_VISIT),
            Variant("completed", "completed visits, median", "row ceil(n / 2) of the days in ascending order", "days",
                    {"days": Part("stage_visit", "days", "completed = 1", how="median")}, VISIT),
            Variant("completed_p75", "completed visits, third quartile", "row ceil(3 n / 4) of the days in ascending order", "days",
                    {"days": Part("stage_visit", "days", "completed = 1", how="p75")}, VISIT),
        ),
        empty_rule="no value while more than half (p75: a quarter) of the visits may still last longer",
        notes=("ask it by stage; owner and team at creation of the deal",),
    ),
    Metric(
        "slip_rate",
        "Slipped deals",
        "How many deals that should close in the period leave it?",
        "ratio",
        "down",
        "expected close date on the eve of the period",
        (
            Variant("", "by count", "deals whose close date left the period / deals open on its eve that should close in it",
                    "slipped / due", {"slipped": Part("due", where="slipped = 1"), "due": Part("due")}, SLIPPED),
            Variant("value", "by value", "value of deals whose close date left the period / value of those that should close in it",
                    "slipped / due",
                    {"slipped": Part("due", "value", "slipped = 1", left_out=UNKNOWN), "due": Part("due", "value", left_out=UNKNOWN)},
                    f"{SLIPPED}; amounts and rates of the eve"),
            Variant("or_past", "left or past, by count", "deals whose close date left the period or is past / deals that should close in it",
                    "slipped / due", {"slipped": Part("due", where="slipped = 1 OR overdue = 1"), "due": Part("due")}, PASSED),
            Variant("or_past_value", "left or past, by value",
                    "value of deals whose close date left the period or is past / value of those that should close in it",
                    "slipped / due",
                    {"slipped": Part("due", "value", "slipped = 1 OR overdue = 1", left_out=UNKNOWN),
                     "due": Part("due", "value", left_out=UNKNOWN)}, f"{PASSED}; amounts and rates of the eve"),
            Variant("pushes", "push count", "times that a close date of these deals was moved to a later day in the period", "pushes",
                    {"pushes": Part("due", "pushes")}, "by the evening's dates: several moves of one day are one", unit="count"),
        ),
        currency_rule="amounts of the eve of the period, at its rate",
        notes=("owner, stage and team are those of the eve", "over several periods a deal is due in each that it should close in"),
    ),
    Metric(
        "stale_opportunities",
        "Stale deals",
        "Which open deals does nobody work on any more?",
        "count",
        "down",
        "the evening of the period's last day",
        (
            Variant("", "count", "number of open deals without activity for longer than the stage's p75", "stale",
                    {"stale": Part("open_care", where="stale = 1")}, STALE),
            Variant("share", "share", "stale deals / open deals", "stale / open",
                    {"stale": Part("open_care", where="stale = 1"), "open": _care}, STALE, unit="ratio"),
            Variant("value", "by value", "sum of amounts of stale deals", "stale",
                    {"stale": Part("open_care", "value", "stale = 1", left_out=UNKNOWN)}, STALE, unit="money"),
        ),
        currency_rule=OPEN_RATE,
        empty_rule="0 when nothing is stale",
        additive="semi",
        notes=SEMI,
    ),
)  # fmt: skip
