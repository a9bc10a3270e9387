"""The words for entities and fields: what people call them on a page."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Words = str | Promise
ENTITIES: Final[dict[str, tuple[Words, Words]]] = {
    "opportunity": (_("Deal"), _("Deals")),
    "opportunity_line": (_("Deal line"), _("Deal lines")),
    "opportunity_split": (_("Deal split"), _("Deal splits")),
    "opportunity_contact": (_("Contact of a deal"), _("Contacts of deals")),
    "stage_event": (_("Process step"), _("Process steps")),
    "pipeline": (_("Pipeline"), _("Pipelines")),
    "stage": (_("Stage"), _("Stages")),
    "account": (_("Account"), _("Accounts")),
    "contact": (_("Contact"), _("Contacts")),
    "lead": (_("Lead"), _("Leads")),
    "consent": (_("Consent"), _("Consents")),
    "campaign": (_("Campaign"), _("Campaigns")),
    "campaign_member": (_("Campaign member"), _("Campaign members")),
    "activity": (_("Activity"), _("Activities")),
    "engagement_event": (_("Engagement"), _("Engagements")),
    "time_report": (_("Time report"), _("Time reports")),
    "order": (_("Order"), _("Orders")),
    "order_line": (_("Order line"), _("Order lines")),
    "invoice": (_("Invoice"), _("Invoices")),
    "invoice_line": (_("Invoice line"), _("Invoice lines")),
    "payment": (_("Payment"), _("Payments")),
    "subscription": (_("Subscription"), _("Subscriptions")),
    "cost": (_("Cost"), _("Costs")),
    "exchange_rate": (_("Exchange rate"), _("Exchange rates")),
    "product": (_("Product"), _("Products")),
    "price_book": (_("Price book"), _("Price books")),
    "price": (_("Price"), _("Prices")),
    "stock_level": (_("Stock level"), _("Stock levels")),
    "person": (_("Person"), _("People")),
    "employment": (_("Employment"), _("Employments")),
    "reporting_line": (_("Reporting line"), _("Reporting lines")),
    "team": (_("Team"), _("Teams")),
    "team_member": (_("Team member"), _("Team members")),
    "absence": (_("Absence"), _("Absences")),
    "person_skill": (_("Skill of a person"), _("Skills of people")),
    "territory": (_("Territory"), _("Territories")),
    "territory_assignment": (_("Account in a territory"), _("Accounts in territories")),
    "territory_member": (_("Person in a territory"), _("People in territories")),
    "business_unit": (_("Business unit"), _("Business units")),
    "calendar": (_("Calendar"), _("Calendars")),
    "holiday": (_("Holiday"), _("Holidays")),
    "working_time": (_("Working time"), _("Working times")),
    "target": (_("Target"), _("Targets")),
    "forecast_call": (_("Forecast call"), _("Forecast calls")),
    "benchmark": (_("Benchmark"), _("Benchmarks")),
}
"""What one record of an entity is called, and many."""
GROUPS: Final[tuple[tuple[Words, tuple[str, ...]], ...]] = (
    (_("Selling"), ("opportunity", "opportunity_line", "opportunity_split", "opportunity_contact", "stage_event", "pipeline", "stage")),
    (_("Customers"), ("account", "contact", "lead", "consent", "campaign", "campaign_member")),
    (_("Work"), ("activity", "engagement_event", "time_report")),
    (_("Orders and money"), ("order", "order_line", "invoice", "invoice_line", "payment", "subscription", "cost", "exchange_rate")),
    (_("Products"), ("product", "price_book", "price", "stock_level")),
    (_("People"), ("person", "employment", "reporting_line", "team", "team_member", "absence", "person_skill")),
    (_("Organisation"), ("business_unit", "territory", "territory_assignment", "territory_member", "calendar", "holiday", "working_time")),
    (_("Plans"), ("target", "forecast_call", "benchmark")),
)  # fmt: skip
FIELDS: Final[dict[str, Words]] = {
    "at": _("At"), "utm_source": _("UTM source"), "utm_medium": _("UTM medium"), "utm_campaign": _("UTM campaign"),
    "utm_term": _("UTM term"), "utm_content": _("UTM content"), "fte": _("Share of full time"), "valid_from": _("From"),
    "valid_to": _("Until (not included)"), "merged_into": _("Merged into"), "merged_from": _("Merged from"), "deleted": _("Deleted"),
}  # fmt: skip


def one_of(entity: str) -> str:
    """What one record of an entity is called."""
    return str(ENTITIES[entity][0]) if entity in ENTITIES else gettext(entity.replace("_", " ").capitalize())


def many_of(entity: str) -> str:
    """What the records of an entity are called."""
    return str(ENTITIES[entity][1]) if entity in ENTITIES else gettext(entity.replace("_", " ").capitalize())


def field_title(name: str) -> str:
    """What a field is called: a known name, else its words; a custom field by its own name."""
    if name in FIELDS:
        return str(FIELDS[name])
    return gettext(name.removeprefix("custom.").replace("_", " ").capitalize())
