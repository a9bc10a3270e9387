"""Orders, invoices, payments, subscriptions, costs and exchange rates."""

from __future__ import annotations

from . import fields as f
from .base import Event, Interval, Versioned


class Order(Versioned):
    code = 60
    label_field = "number"
    number = f.text()
    account = f.ref("account")
    opportunity = f.ref("opportunity")
    owner = f.ref("person")
    ordered_on = f.day()
    shipped_on = f.day()
    amount = f.money()
    currency = f.currency()
    status = f.text()
    segment = f.text()
    region = f.text()
    business_unit = f.ref("business_unit")


class OrderLine(Versioned):
    code = 61
    label_field = ""
    order = f.ref("order", db_index=True)
    product = f.ref("product")
    quantity = f.scaled(4)
    price = f.money()
    discount = f.share()
    amount = f.money("Net value of the line")
    cost = f.money()
    profit = f.money()
    currency = f.currency()


class Invoice(Versioned):
    code = 62
    label_field = "number"
    number = f.text()
    kind = f.kind("invoice", "credit_note")
    account = f.ref("account")
    order = f.ref("order")
    issued_on = f.day()
    due_on = f.day()
    amount = f.money()
    currency = f.currency()
    status = f.text()


class InvoiceLine(Versioned):
    code = 63
    label_field = ""
    invoice = f.ref("invoice", db_index=True)
    product = f.ref("product")
    quantity = f.scaled(4)
    amount = f.money()
    currency = f.currency()


class Payment(Event):
    code = 64
    account = f.ref("account")
    invoice = f.ref("invoice")
    amount = f.money()
    currency = f.currency()


class Subscription(Interval):
    code = 65
    account = f.ref("account", db_index=True)
    product = f.ref("product")
    recurring_amount = f.money("Per month")
    currency = f.currency()
    margin = f.share("Gross margin")


class Cost(Event):
    code = 66
    function = f.kind("sales", "marketing", "service", "product", "general")
    category = f.text()
    campaign = f.ref("campaign")
    business_unit = f.ref("business_unit")
    person = f.ref("person")
    month = f.day("First day of the month that it belongs to")
    amount = f.money()
    currency = f.currency()
    paid = f.flag("Spent on a paid channel")


class ExchangeRate(Interval):
    """One unit of `currency` is worth `rate` units of `to_currency`."""

    code = 67
    currency = f.currency("From")
    to_currency = f.currency("To")
    kind = f.kind("spot", "plan", "pay")
    rate = f.scaled(10)
