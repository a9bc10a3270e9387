"""Accounts, contacts, leads, consent and campaigns."""

from __future__ import annotations

from . import fields as f
from .base import Event, Versioned


class Account(Versioned):
    """A company that buys, might buy, or competes."""

    code = 20
    name = f.text()
    type = f.kind("prospect", "customer", "competitor", "partner")
    parent = f.ref("account")
    owner = f.ref("person")
    industry = f.text()
    segment = f.text()
    employees = f.integer()
    revenue = f.money("Yearly revenue")
    currency = f.currency()
    street = f.text()
    city = f.text()
    state = f.text()
    postal_code = f.text()
    country = f.text()
    region = f.text()
    latitude = f.scaled(6)
    longitude = f.scaled(6)
    website = f.text()
    phone = f.text()
    founded = f.integer("Year")
    tools = f.text("Tools that it uses, separated by commas")


class Contact(Versioned):
    """A person at an account."""

    code = 21
    name = f.text()
    first_name = f.text()
    last_name = f.text()
    email = f.text()
    phone = f.text()
    account = f.ref("account")
    owner = f.ref("person")
    title = f.text()
    role = f.text()
    seniority = f.text()
    role_since = f.day()
    country = f.text()


class Lead(Versioned):
    """Somebody who may become a customer, before an opportunity exists."""

    code = 22
    name = f.text()
    first_name = f.text()
    last_name = f.text()
    email = f.text()
    phone = f.text()
    company = f.text()
    title = f.text()
    owner = f.ref("person")
    status = f.text()
    source = f.text()
    campaign = f.ref("campaign")
    utm_source = f.text()
    utm_medium = f.text()
    utm_campaign = f.text()
    utm_term = f.text()
    utm_content = f.text()
    persona = f.text()
    industry = f.text()
    employees = f.integer()
    country = f.text()
    business_unit = f.ref("business_unit")
    qualified_at = f.instant()
    converted_at = f.instant()
    converted_opportunity = f.ref("opportunity")
    converted_account = f.ref("account")
    converted_contact = f.ref("contact")


class Consent(Event):
    """Consent given or withdrawn, and addresses that must not be written to."""

    code = 23
    contact = f.ref("contact")
    lead = f.ref("lead")
    email = f.text()
    channel = f.text()
    kind = f.kind("consent", "withdrawal", "suppression", "bounce", "complaint")
    reason = f.text()


class Campaign(Versioned):
    code = 24
    name = f.text()
    kind = f.text()
    channel = f.text()
    starts_on = f.day()
    ends_on = f.day()
    budget = f.money()
    currency = f.currency()
    paid = f.text("yes or no: was the channel paid for")


class CampaignMember(Event):
    code = 25
    campaign = f.ref("campaign")
    contact = f.ref("contact")
    lead = f.ref("lead")
    status = f.text()
