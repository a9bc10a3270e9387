"""Cases: process logs and stage histories."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant

US_PER_DAY = 86_400_000_000


def _mean(name: str, title: str, fact: str) -> Variant:
    return Variant(name, title, "time from first to last event / cases", f"time / (time__n * {US_PER_DAY})",
                   {"time": Part(fact, "duration")}, "every case that lives as of D, open ones included")  # fmt: skip


def _median(name: str, title: str, fact: str) -> Variant:
    return Variant(name, title, "row ceil(n / 2) of the times in ascending order", f"time / {US_PER_DAY}",
                   {"time": Part(fact, "duration", how="median")}, "every case that lives as of D")  # fmt: skip


METRICS = (
    Metric(
        "case_duration_days",
        "Case duration",
        "How long does a case take?",
        "days",
        "down",
        "the first event of the case",
        (
            _mean("", "process logs, mean", "case_log"),
            _median("median", "process logs, median", "case_log"),
            _mean("stages", "stage histories of deals, mean", "case_stages"),
            _median("stages_median", "stage histories of deals, median", "case_stages"),
        ),
    ),
    Metric(
        "cases", "Cases", "How many cases are there?", "count", "none", "the first event of the case",
        (Variant("", "process logs", "number of cases", "cases", {"cases": Part("case_log")}),
         Variant("stages", "stage histories of deals", "number of deals with a stage history", "cases",
                 {"cases": Part("case_stages")})),
        empty_rule="0", additive="additive",
    ),
    Metric(
        "rework_share", "Rework", "How many cases go through the same step twice?", "ratio", "down",
        "the first event of the case",
        (
            Variant("", "process logs", "cases that repeat an activity / cases", "rework / cases",
                    {"rework": Part("case_log", where="rework = 1"), "cases": Part("case_log")},
                    "every row of a log is an event; rework = an activity that occurs twice in a case"),
            Variant("stages", "stage histories of deals", "deals that entered a stage twice / deals", "rework / cases",
                    {"rework": Part("case_stages", where="rework = 1"), "cases": Part("case_stages")},
                    "a repeated save of the same stage is no event; rework = a stage entered twice"),
        ),
    ),
    Metric(
        "variants", "Process variants", "Which paths do cases take?", "count", "none", "the first event of the case",
        table="pipeline variants", notes=("distinct paths and their counts; process logs keep repeats",),
    ),
)  # fmt: skip
