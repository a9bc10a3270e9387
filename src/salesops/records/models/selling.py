"""Pipelines, opportunities and what belongs to them."""

from __future__ import annotations

from . import fields as f
from .base import Event, Interval, Versioned

CATEGORIES = ("omitted", "pipeline", "best_case", "commit", "closed")
"""Forecast categories, from what nobody counts on to what is won."""


class Pipeline(Versioned):
    code = 40
    name = f.text()
    kind = f.kind("sales", "process")
    business_unit = f.ref("business_unit")


class Stage(Versioned):
    code = 41
    name = f.text()
    pipeline = f.ref("pipeline")
    position = f.integer("Order in the pipeline")
    kind = f.kind("open", "won", "lost")
    probability = f.share()
    pitch = f.flag("Entering it counts as a pitch")
    qualified = f.flag("Reaching it means qualified")
    category = f.kind(*CATEGORIES, help_text="Forecast category of the deals in it that say none of their own")


class Opportunity(Versioned):
    code = 42
    name = f.text()
    account = f.ref("account")
    owner = f.ref("person")
    pipeline = f.ref("pipeline")
    stage = f.ref("stage")
    amount = f.money()
    currency = f.currency()
    expected_close = f.day("When it should close")
    actual_close = f.day("When it was won or lost, as declared")
    type = f.kind("new", "expansion", "renewal")
    category = f.kind(*CATEGORIES, help_text="Forecast category, as its owner says; empty = that of its stage")
    source = f.text()
    campaign = f.ref("campaign")
    next_step = f.text()
    loss_reason = f.text()
    competitor = f.text()
    first_contact = f.day()
    probability_override = f.share()
    business_unit = f.ref("business_unit")
    territory = f.ref("territory")
    segment = f.text()
    region = f.text()


class OpportunityLine(Versioned):
    code = 43
    label_field = ""
    opportunity = f.ref("opportunity", db_index=True)
    product = f.ref("product")
    quantity = f.scaled(4)
    price = f.money("Net price of one unit")
    amount = f.money("Net value of the line; quantity x price less discount where empty")
    discount = f.share()
    currency = f.currency()
    term_months = f.integer()
    recurring = f.flag()


class OpportunitySplit(Interval):
    """A person's share of the credit for a deal."""

    code = 44
    opportunity = f.ref("opportunity", db_index=True)
    person = f.ref("person")
    share = f.share()
    kind = f.kind("credit", "overlay")


class OpportunityContact(Versioned):
    code = 45
    label_field = ""
    opportunity = f.ref("opportunity", db_index=True)
    contact = f.ref("contact")
    role = f.text()
    primary = f.flag()


class StageEvent(Event):
    """One step of a case: an imported process log, or a stage history that came as events."""

    code = 46
    pipeline = f.ref("pipeline", db_index=True)
    case_id = f.text("The case, as its log names it")
    opportunity = f.ref("opportunity")
    activity = f.text("The step, as its log names it")
    stage = f.ref("stage")
    lifecycle = f.text()
    resource = f.text()
    person = f.ref("person")
    line = f.integer("Place in its log: which of two steps of one moment came first")
