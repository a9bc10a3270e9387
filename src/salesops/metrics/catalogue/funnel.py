"""The funnel before the pipeline."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant

METRICS = (
    Metric(
        "lead_conversion",
        "Lead conversion",
        "How many leads become opportunities?",
        "ratio",
        "up",
        "creation of the lead",
        (
            Variant("", "by cohort", "leads converted to an opportunity / leads created in the period", "converted / created",
                    {"converted": Part("lead", where="converted = 1"), "created": Part("lead")},
                    "a conversion counts also when the deal was deleted later; a deleted lead is in no cohort"),
            Variant("active", "active in the period", "leads converted in the period / leads created in the period",
                    "converted / created", {"converted": Part("lead_converted"), "created": Part("lead")},
                    "every event in its own period: a conversion by its day (of the conversion; where that is not told, of the "
                    "entry of the deal), a lead by its creation"),
            Variant("end_snapshot", "end snapshot", "leads that are converted / all leads, in the evening of the period's last day",
                    "converted / leads", {"converted": Part("lead_state", where="converted = 1"), "leads": Part("lead_state")},
                    "every lead that there is at the end, by the furthest that it came by then"),
        ),
    ),
    Metric(
        "qualification_rate",
        "Qualification rate",
        "How well do we qualify?",
        "ratio",
        "up",
        "creation of the lead",
        (
            Variant("", "qualified leads", "qualified leads / leads created in the period", "qualified / created",
                    {"qualified": Part("lead", where="qualified = 1", told_when="said = 0",
                                       told="without a day of qualification, converted: a conversion counts as one"),
                     "created": Part("lead")},
                    "by cohort: qualified as of D"),
            Variant("won", "won share of the qualified", "qualified leads whose deal is won / qualified leads", "won / qualified",
                    {"won": Part("lead", where="qualified = 1 AND won = 1"), "qualified": Part("lead", where="qualified = 1")},
                    "by cohort: qualified and won as of D"),
        ),
    ),
    Metric(
        "created_leads", "Leads created", "How many leads came in?", "count", "up", "creation of the lead",
        (Variant("", "count", "number of leads created in the period", "created", {"created": Part("lead")}),),
        empty_rule="0", additive="additive",
    ),
)  # fmt: skip
