"""Customers: who came, who is there, who stayed, who came back."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant
from .sales import UNKNOWN

LEFT = "no gross margin is known"
HELD = "at_start = 1"
ENDS = (
    "start = the eve of the period, end = its last evening (D in a running one); only the two ends count, by customer"
)
CONSTANT = "the rate of the start for both ends"

START = Part("recurring", "start_value", HELD, left_out=UNKNOWN)
NOW = Part("recurring", "now_value", HELD, left_out=UNKNOWN)
KEPT = Part("recurring", "kept_value", HELD, left_out=UNKNOWN)
MONTHS = Part("recurring", "months", HELD)
MARGIN = Part("recurring", "margin_value", "at_end = 1", left_out=LEFT)
MARGIN_BASE = Part("recurring", "margin_base_value", "at_end = 1")

MONTHLY = "1 - EXP(LN({kept} / {start}) * (1000000 * months__n / months))"
ORDERED = "purchase = an order that is not cancelled, by its order day"
BILLED = "purchase = an invoice that is not void; a credit note is no purchase day, but lessens the value"
BY_INVOICE = "there are no orders: invoices are counted (variant invoiced)"


def _per_month(kept: str, start: str) -> str:
    """1 - (1 - c)^(1/n) of the churn c = 1 - kept / start of a period of n months."""
    each = MONTHLY.format(kept=kept, start=start)
    return f"CASE WHEN {kept} > 0 AND {start} > 0 THEN {each} WHEN {kept} = 0 AND {start} > 0 THEN 1 END"


METRICS = (
    Metric(
        "new_customers", "New customers", "How many customers did we gain?", "count", "up", "the day of the first purchase",
        (
            Variant("", "by first win", "accounts whose first win is in the period", "customers",
                    {"customers": Part("first_win")},
                    "an account's earliest win as of D, ties by id; deals without an account are nobody's"),
            Variant("first_order", "by first order", "accounts whose first order is in the period", "customers",
                    {"customers": Part("first_order")}, ORDERED),
            Variant("first_subscription", "by first subscription", "accounts whose first subscription begins in the period", "customers",
                    {"customers": Part("first_subscription")}, "subscriptions without a first day are no beginning"),
        ),
        empty_rule="0", additive="additive",
    ),
    Metric(
        "active_customers", "Active customers", "How many customers are there?", "count", "up", "the period's last day",
        (
            Variant("", "with a subscription", "accounts with a running subscription in the period's last evening", "customers",
                    {"customers": Part("recurring", where="at_end = 1"), "buyers": Part("buyer", where="days_in_period > 0")},
                    "a subscription runs from its first day to the eve of its end",
                    fallback="buyers", needs="customers",
                    fallback_note="no subscription runs: customers who ordered in the period are counted (variant buying)"),
            Variant("buying", "who ordered in the period", "accounts with an order in the period", "customers",
                    {"customers": Part("buyer", where="days_in_period > 0")}, ORDERED),
            Variant("start", "on the eve", "accounts with a running subscription on the eve of the period", "customers",
                    {"customers": Part("recurring", where=HELD)}),
        ),
        empty_rule="0", additive="semi", notes=("the customers of an evening: never adds up over time",),
    ),
    Metric(
        "repeat_purchase_share", "Repeat purchase share", "How many customers came back?", "ratio", "up",
        "all purchases up to the period's last day",
        (
            Variant("", "by order days", "customers with two or more purchase days / customers", "again / customers",
                    {"again": Part("buyer", where="purchase_days >= 2"), "customers": Part("buyer"),
                     "billed_again": Part("buyer_invoiced", where="purchase_days >= 2"), "billed": Part("buyer_invoiced")},
                    f"so far, from the first purchase to the period's last day; {ORDERED}",
                    fallback="billed_again / billed", needs="customers", fallback_note=BY_INVOICE),
            Variant("invoiced", "by invoice days", "customers with invoices of two or more days / customers", "again / customers",
                    {"again": Part("buyer_invoiced", where="purchase_days >= 2"), "customers": Part("buyer_invoiced")}, BILLED),
            Variant("in_period", "inside the period", "customers with two or more purchase days in the period / who bought in it",
                    "again / customers",
                    {"again": Part("buyer", where="days_in_period >= 2"), "customers": Part("buyer", where="days_in_period > 0")},
                    ORDERED),
        ),
        reads_with=("customer_value_to_date",),
    ),
    Metric(
        "customer_value_to_date", "Customer value to date", "What has a customer brought so far?", "money", "up",
        "all purchases up to the period's last day",
        (
            Variant("", "ordered", "sum of the orders so far / customers", "value / value__n",
                    {"value": Part("buyer", "value", left_out=UNKNOWN), "customers": Part("buyer"),
                     "billed": Part("buyer_invoiced", "value", left_out=UNKNOWN)},
                    f"a customer with an order of unknown amount is left out; {ORDERED}",
                    fallback="billed / billed__n", needs="customers", fallback_note=BY_INVOICE),
            Variant("invoiced", "invoiced", "sum of the invoices less credit notes so far / customers", "value / value__n",
                    {"value": Part("buyer_invoiced", "value", left_out=UNKNOWN)}, BILLED),
        ),
        currency_rule="orders at the rate of the order day, invoices at that of their issue",
    ),
    Metric(
        "nrr", "Net revenue retention", "What do the customers of the start bring now?", "ratio", "up",
        "the eve of the period and its last day",
        (Variant("", "by customer", "revenue now of the customers at start / their revenue then", "now / start",
                 {"now": NOW, "start": START}, f"{ENDS}; absent at the start = new, a reactivated customer, too"),),
        currency_rule=CONSTANT, empty_rule="no value when nobody was there at the start",
        reads_with=("grr",),
    ),
    Metric(
        "grr", "Gross revenue retention", "What is left of the revenue of the start?", "ratio", "up",
        "the eve of the period and its last day",
        (Variant("", "by customer", "revenue now of the customers at start, each at most its start, / their revenue then",
                 "kept / start", {"kept": KEPT, "start": START}, f"{ENDS}; each customer is capped at its start"),),
        currency_rule=CONSTANT, empty_rule="no value when nobody was there at the start",
        reads_with=("nrr",),
    ),
    Metric(
        "revenue_churn", "Revenue churn", "How much recurring revenue did we lose?", "ratio", "down",
        "the eve of the period and its last day",
        (
            Variant("", "of the period, contraction included", "1 - gross revenue retention", "(start - kept) / start",
                    {"kept": KEPT, "start": START}, f"{ENDS}; what left and what shrank"),
            Variant("monthly", "a month", "1 - (1 - c)^(1/n) of the churn c of a period of n months",
                    _per_month("kept", "start"), {"kept": KEPT, "start": START, "months": MONTHS},
                    f"{ENDS}; a part of a month counts by its days"),
            Variant("left", "of customers who left", "revenue at start of customers who are gone at the end / revenue at start",
                    "gone / start", {"gone": Part("recurring", "start_value", f"{HELD} AND at_end = 0", left_out=UNKNOWN),
                                     "start": START}, ENDS),
        ),
        currency_rule=CONSTANT, empty_rule="no value when nobody was there at the start",
    ),
    Metric(
        "customer_churn", "Customer churn", "How many customers left?", "ratio", "down", "the eve of the period and its last day",
        (
            Variant("", "of the period", "customers at start who are gone at the end / customers at start", "gone / start",
                    {"gone": Part("recurring", where=f"{HELD} AND at_end = 0"), "start": Part("recurring", where=HELD)}, ENDS),
            Variant("monthly", "a month", "1 - (1 - c)^(1/n) of the churn c of a period of n months",
                    _per_month("stayed", "start"),
                    {"stayed": Part("recurring", where=f"{HELD} AND at_end = 1"), "start": Part("recurring", where=HELD),
                     "months": MONTHS}, f"{ENDS}; a part of a month counts by its days"),
        ),
        empty_rule="no value when nobody was there at the start",
    ),
    Metric(
        "cohorts", "Customer cohorts", "How many stay, and what do they bring, by age?", "ratio", "up",
        "the period of the first purchase, or of the first subscription", table="cohorts",
        notes=("by age in periods, with what is mature; customers and revenue",),
    ),
)  # fmt: skip
