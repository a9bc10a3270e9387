"""Quotas, goals and external benchmarks."""

from __future__ import annotations

from . import fields as f
from .base import Versioned


class Target(Versioned):
    """A value that somebody should reach in a period. Empty is not zero."""

    code = 70
    label_field = ""
    metric = f.text()
    kind = f.kind("quota", "plan", "goal")
    person = f.ref("person")
    team = f.ref("team")
    business_unit = f.ref("business_unit")
    period = f.text("As written by the one who set it")
    starts_on = f.day()
    ends_on = f.day("Inclusive")
    amount = f.money("When the metric is money")
    currency = f.currency()
    number = f.scaled(6, "When the metric is a count or a ratio")
    status = f.kind("draft", "published", "withdrawn")
    provenance = f.text()


class Benchmark(Versioned):
    """What others report for a metric."""

    code = 71
    label_field = "metric"
    metric = f.text()
    segment = f.text()
    value = f.scaled(6)
    source = f.text()
    published_on = f.day()
