"""How good people's forecast calls were: commit of each person, as called on a day of the period, against what was won."""

from __future__ import annotations

from ..definitions import Better, Metric, Part, Variant

NO_RATE = "no rate of the day"
MADE = (
    ("", "called", "the last commit said in the first two weeks of the period", "as called in the first two weeks"),
    ("middle", "called_middle", "the last commit said before the middle of the period", "as called by the middle"),
    ("last", "called_last", "the last commit said in the period", "as called last"),
)
BASIS = "the period that was called; periods that have ended"
CURRENCY = "calls at the rate of their day, won amounts at that of their close day"


def _metric(
    name: str,
    title: str,
    question: str,
    better: Better,
    formula: str,
    told: str,
    parts: dict[str, str],
) -> Metric:
    variants = tuple(
        Variant(short, when, told, formula, {part: Part(fact, column, left_out=NO_RATE) for part, column in parts.items()}, f"the forecast is {how}")
        for short, fact, how, when in MADE
    )  # fmt: skip
    notes = ("a person and period counts where the person called it; actual = what the person owned when it was won",)
    return Metric(name, title, question, "ratio", better, BASIS, variants, currency_rule=CURRENCY, notes=notes)


METRICS = (
    _metric("forecast_error_pct", "Forecast error, % of actual", "How far off was the forecast?", "none",
            "(actual - forecast) / actual", "(actual - forecast) / actual; negative = too much was forecast",
            {"actual": "actual", "forecast": "forecast"}),
    _metric("forecast_variance_pct", "Forecast variance, % of forecast", "How far was the result from the call?", "none",
            "(actual - forecast) / forecast", "(actual - forecast) / forecast", {"actual": "actual", "forecast": "forecast"}),
    _metric("forecast_attainment_pct", "Forecast attainment, % of forecast", "How much of the forecast came in?", "none",
            "actual / forecast", "actual / forecast", {"actual": "actual", "forecast": "forecast"}),
    _metric("forecast_bias", "Forecast bias, of actual", "Is the forecast always too high or too low?", "none",
            "(forecast - actual) / actual", "sum(forecast - actual) / sum(actual); positive = too much was forecast",
            {"actual": "actual", "forecast": "forecast"}),
    _metric("wape", "Weighted forecast error", "How far off were the calls, person by person?", "down",
            "miss / actual", "sum |forecast - actual| / sum |actual|, person by person", {"miss": "miss", "actual": "actual"}),
    _metric("forecast_value_added", "Forecast value added", "Is calling better than taking the period before?", "up",
            "(naive - miss) / actual", "weighted error of the period before taken as the forecast, less that of the calls; positive = better",
            {"naive": "naive_miss", "miss": "miss", "actual": "actual"}),
)  # fmt: skip
