"""What people do with customers, and with their time."""

from __future__ import annotations

from . import fields as f
from .base import Event


class Activity(Event):
    code = 50
    kind = f.kind(
        "call", "email_out", "email_in", "meeting", "demo", "proposal", "presentation", "social", "message",
        "admin", "crm_entry", "training", "internal", "travel", "task", "note",
    )  # fmt: skip
    direction = f.kind("out", "in", "none")
    subject = f.text()
    owner = f.ref("person")
    account = f.ref("account")
    contact = f.ref("contact")
    lead = f.ref("lead")
    opportunity = f.ref("opportunity")
    minutes = f.integer()
    participants = f.text("Addresses or names, separated by commas")
    external = f.flag("Somebody from outside took part")
    automatic = f.flag("Sent by a machine")
    status = f.kind("booked", "held", "cancelled", "no_show")
    booked_at = f.instant()
    outcome = f.text()
    visibility = f.kind("all", "team", "private")


class EngagementEvent(Event):
    code = 51
    kind = f.kind("visit", "open", "click", "form")
    contact = f.ref("contact")
    lead = f.ref("lead")
    account = f.ref("account")
    campaign = f.ref("campaign")
    url = f.text()


class TimeReport(Event):
    """Minutes that a person says went into a category on a day."""

    code = 52
    person = f.ref("person")
    category = f.text()
    minutes = f.integer()
