"""Revenue: recurring and how it moved, ordered, invoiced, paid."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant
from .customers import CONSTANT, ENDS, HELD, START
from .sales import UNKNOWN

BOTH = f"{HELD} AND at_end = 1"
GAIN = "now_value - start_value"
MOVES = f"{ENDS}; start + new + expansion - contraction - churn + currency = end"


def _move(name: str, title: str, formula: str, measure: str, where: str) -> Variant:
    return Variant(name, title, formula, "moved", {"moved": Part("recurring", measure, where, left_out=UNKNOWN)}, MOVES)


METRICS = (
    Metric(
        "mrr", "Monthly recurring revenue", "What comes in every month?", "money", "up", "the period's last day",
        (
            Variant("", "in the last evening", "sum of the monthly amounts of the subscriptions that run in the period's last evening",
                    "recurring", {"recurring": Part("subscribed", "value", left_out=UNKNOWN)}),
            Variant("arr", "a year (ARR)", "monthly recurring revenue x 12", "recurring * 12",
                    {"recurring": Part("subscribed", "value", left_out=UNKNOWN)}),
            Variant("start", "on the eve", "monthly recurring revenue on the eve of the period", "start", {"start": START}, MOVES),
            _move("new", "new", "revenue at the end of customers who were not there at the start", "now_value",
                  "at_start = 0 AND at_end = 1"),
            _move("expansion", "expansion", "what customers of the start bring more", GAIN, f"{BOTH} AND {GAIN} > 0"),
            _move("contraction", "contraction", "what customers who stayed bring less", "start_value - now_value",
                  f"{BOTH} AND {GAIN} < 0"),
            _move("churn", "churn", "revenue at start of customers who are gone at the end", "start_value", f"{HELD} AND at_end = 0"),
            _move("currency", "currency", "revenue at the end at the end's rate less the same at the start's",
                  "end_value - now_value", "at_end = 1"),
        ),
        currency_rule=f"subscriptions at the rate of the last day; movements at the constant rate of the start ({CONSTANT})",
        empty_rule="0 when nothing runs; no value when every amount is unknown",
        additive="semi", notes=("the revenue of an evening: never adds up over time",),
        reads_with=("nrr", "revenue_churn"),
    ),
    Metric(
        "order_revenue", "Order revenue", "What did customers order?", "money", "up", "the order day",
        (
            Variant("", "orders", "sum of the orders of the period", "value", {"value": Part("ordered", "value", left_out=UNKNOWN)},
                    "an order's amount, else the sum of its lines; cancelled orders and drafts are none"),
            Variant("orders", "number of orders", "number of orders of the period", "orders", {"orders": Part("ordered")}, unit="count"),
            Variant("average", "average order", "order revenue / orders", "value / value__n",
                    {"value": Part("ordered", "value", left_out=UNKNOWN)}, "unknown amounts are left out of both parts"),
            Variant("lines", "by line", "sum of the order lines of the period", "value",
                    {"value": Part("order_line", "value", left_out=UNKNOWN)}, "the one to split by product or product line"),
        ),
        currency_rule="orders at the rate of the order day",
        empty_rule="0 when nothing was ordered; no value when every amount is unknown", additive="additive",
    ),
    Metric(
        "order_margin", "Order margin", "What is left of what customers ordered?", "ratio", "up", "the order day",
        (
            Variant("", "by line", "profit / net value of the order lines that say both", "profit / value",
                    {"profit": Part("order_line", "profit_value", "NOT value IS NULL", left_out="no profit or cost is known"),
                     "value": Part("order_line", "value", "NOT profit_value IS NULL", left_out=UNKNOWN)},
                    "a line's profit, else its amount less its cost"),
            Variant("profit", "profit", "sum of the profit of the order lines", "profit",
                    {"profit": Part("order_line", "profit_value", left_out="no profit or cost is known")}, unit="money"),
        ),
        currency_rule="orders at the rate of the order day",
    ),
    Metric(
        "invoiced", "Invoiced", "What did we bill?", "money", "up", "the day of issue",
        (
            Variant("", "less credit notes", "sum of the invoices of the period less its credit notes", "value",
                    {"value": Part("invoiced", "value", left_out=UNKNOWN)}, "void invoices and drafts are none"),
            Variant("credit_notes", "credit notes", "sum of the credit notes of the period, as an amount below zero", "value",
                    {"value": Part("invoiced", "value", "kind = 'credit_note'", left_out=UNKNOWN)}),
        ),
        currency_rule="invoices at the rate of the day of issue",
        empty_rule="0 when nothing was billed; no value when every amount is unknown", additive="additive",
    ),
    Metric(
        "paid", "Paid", "What came in?", "money", "up", "the day of payment",
        (Variant("", "payments", "sum of the payments of the period", "value", {"value": Part("paid", "value", left_out=UNKNOWN)}),),
        currency_rule="payments at the rate of their day",
        empty_rule="0 when nothing came in; no value when every amount is unknown", additive="additive",
    ),
)  # fmt: skip
