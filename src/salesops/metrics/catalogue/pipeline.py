"""Pipeline: what is open, what it is worth, how it moves."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant

UNKNOWN = "the amount is unknown"
OPEN_RATE = "open amounts at the rate of the as-of day"

_closing = Part("open", "value", left_out=UNKNOWN)
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
        (Variant("", "by stage probability", "sum of amount x probability of the stage, open deals closing in the period",
                 "value", {"value": _weighted}, "the probability valid as of D; half to even per deal"),),
        currency_rule=OPEN_RATE,
        empty_rule="0 when nothing is open",
        additive="semi",
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
            Variant("needed", "coverage needed", "1 / value win rate", "closed / won",
                    {"won": Part("closed", "value", "status = 'won'", left_out=UNKNOWN),
                     "closed": Part("closed", "value", left_out=UNKNOWN)},
                    "ask it over the last four closed periods"),
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
)  # fmt: skip
