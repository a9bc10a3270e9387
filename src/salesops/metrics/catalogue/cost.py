"""What a customer costs, and is worth: CAC, lifetime value, payback."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant
from .customers import KEPT, LEFT, MARGIN, MARGIN_BASE, MONTHS, START
from .sales import UNKNOWN, WON

RATES = "costs at the rate of the first day of their month"
NO_COST = "no value without a cost and a customer; null is not zero"
WHOLE = "a month's cost is whole, on the first day of its month; customers = accounts by their first win as of D"

_selling = Part("spent", "value", "selling = 1", left_out=UNKNOWN)
_lagged = Part("spent_lagged", "value", "selling = 1", left_out=UNKNOWN)
_customers = Part("first_win")
_revenue = Part("recurring", "end_value", "at_end = 1", left_out=UNKNOWN)
_fresh = "at_start = 0 AND at_end = 1"


def _each(cost: str, customers: str) -> str:
    return f"CASE WHEN {cost}__n > 0 THEN {cost} / {customers} END"


LTV = (
    "(revenue / revenue__n) * (margin / margin_base) / (CASE WHEN kept < start AND kept > 0 "
    "THEN 1 - EXP(LN(kept / start) * (1000000 * months__n / months)) WHEN kept = 0 AND start > 0 THEN 1 END)"
)
"""Churn c of the period is 1 - kept / start; a month's is 1 - (1 - c)^(1/n), with n = months / 10^6 months in the period."""
_LIFE = {
    "revenue": _revenue,
    "margin": MARGIN,
    "margin_base": MARGIN_BASE,
    "kept": KEPT,
    "start": START,
    "months": MONTHS,
}
WORTH = (
    "revenue per account = monthly, of the customers in the last evening; gross margin of the subscriptions that say theirs, by "
    "revenue; churn per month = 1 - (1 - c)^(1/n) of a period of n months, contraction included; churn <= 0: no value"
)

METRICS = (
    Metric(
        "cac",
        "Customer acquisition cost",
        "What does a new customer cost?",
        "money",
        "down",
        "cost: the first day of its month; customers: actual close date of the first win",
        (
            Variant("", "blended", "sales and marketing cost of the period / new customers won in it", _each("cost", "customers"),
                    {"cost": _selling, "customers": _customers}, WHOLE),
            Variant("paid", "paid", "cost of paid campaigns / new customers whose deal carries one", _each("cost", "customers"),
                    {"cost": Part("spent", "value", "paid = 1", left_out=UNKNOWN),
                     "customers": Part("first_win", where="paid_campaign = 1")},
                    "paid = what the cost says, else its campaign; a campaign with a paid cost is a paid one; " + WHOLE),
            Variant("fully_loaded", "fully loaded", "cost of all functions / new customers won in the period",
                    _each("cost", "customers"), {"cost": Part("spent", "value", left_out=UNKNOWN), "customers": _customers}, WHOLE),
            Variant("per_deal", "per deal won", "sales and marketing cost of the period / deals won in it", _each("cost", "deals"),
                    {"cost": _selling, "deals": Part("closed", where=WON)},
                    "the guides' wording, deals closed; a month's cost is whole, on the first day of its month"),
            Variant("lagged", "lagged by the median cycle", "sales and marketing cost, later by the median cycle, / new customers",
                    _each("cost", "customers"),
                    {"cost": _lagged, "customers": _customers,
                     "lag_months": Part("spent_lagged", "lag_months", "selling = 1", how="median")},
                    "lag = the median days from first contact to won of all deals won by D, in whole months (nearest; a month = 30.44 "
                    "days); " + WHOLE),
        ),
        currency_rule=RATES,
        empty_rule=NO_COST,
        reads_with=("cac_payback_months", "ltv_cac"),
    ),
    Metric(
        "ltv",
        "Lifetime value",
        "What is a customer worth?",
        "money",
        "up",
        "the period's last day; churn from the eve to it",
        (Variant("", "of a subscriber", "revenue per account x gross margin / revenue churn per month", LTV, _LIFE, WORTH),),
        currency_rule="revenue at the rate of the last day; churn at the constant rate of the start",
        empty_rule="no value when churn is zero or below, when no margin is known, or when nobody was there at the start",
    ),
    Metric(
        "ltv_cac",
        "Lifetime value to acquisition cost",
        "Is a customer worth what it costs?",
        "ratio",
        "up",
        "the period's last day; cost and first wins in the period",
        (
            Variant("", "lifetime value / blended CAC", "lifetime value / (sales and marketing cost / new customers)",
                    f"CASE WHEN cost__n > 0 THEN ({LTV}) / (cost / customers) END",
                    {**_LIFE, "cost": _selling, "customers": _customers}, f"{WORTH}; {WHOLE}"),
        ),
        currency_rule=f"revenue at the rate of the last day; {RATES}",
        empty_rule="no value when one of the two has none",
    ),
    Metric(
        "cac_payback_months",
        "CAC payback",
        "After how many months is a new customer's cost back?",
        "months",
        "down",
        "cost and first wins in the period; revenue in its last evening",
        (
            Variant("", "by new subscribers' margin", "CAC / (monthly revenue per new account x gross margin)",
                    "CASE WHEN cost__n > 0 THEN (cost / customers) / ((revenue / revenue__n) * (margin / margin_base)) END",
                    {"cost": _selling, "customers": _customers, "revenue": Part("recurring", "end_value", _fresh, left_out=UNKNOWN),
                     "margin": Part("recurring", "margin_value", _fresh, left_out=LEFT),
                     "margin_base": Part("recurring", "margin_base_value", _fresh)},
                    "blended CAC; new accounts = with a subscription in the last evening and none on the eve; " + WHOLE),
        ),
        currency_rule=f"revenue at the rate of the last day; {RATES}",
        empty_rule="no value without a cost, a new customer, or a new subscription with a margin",
    ),
)  # fmt: skip
