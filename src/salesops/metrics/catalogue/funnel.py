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
        ),
    ),
    Metric(
        "created_leads", "Leads created", "How many leads came in?", "count", "up", "creation of the lead",
        (Variant("", "count", "number of leads created in the period", "created", {"created": Part("lead")}),),
        empty_rule="0", additive="additive",
    ),
)  # fmt: skip
