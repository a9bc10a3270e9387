"""Forecasting: what will be booked, how sure that is, and how good it was. The pure engine.

Columns in, columns out: no database, no session, no clock; every random draw has a seed; the same input gives the same
answer, in any order of rows. The engine itself leaves out what was not known on the day that it is asked about.

What goes in (`tables`):

* `Snapshots`: one row per open deal and as-of day (evening state), weekly is enough, all past as-ofs in one table. `as_of`,
  `deal` and `amount` (10^-4, NO_AMOUNT = not known, one currency) are needed; `created`, `stage_since`, `expected_close` are days or NaT;
  `labels` are texts by name ("" = not known): `stage`, `owner`, `segment`, `product`, `source`, `type`, `category`, `team`, `region` ...;
  `numbers` are floats by name (NaN = not known): `pushes`, `days_pushed`, `stage_back`, `amount_changes`, `activities_7`, `activities_14`,
  `activities_30`, `days_since_activity`, `contacts`, `next_step` ... Any of them may be absent, names are free. All of them as of that evening.
* `Outcomes`: one row per deal ever created, open ones included: `deal`, `created`, `closed` (NaT = open), `won`, `amount` as
  closed, `labels` as at the close (else now). Feed all of it: the engine cuts it by the as-of. A deal that never was in a
  snapshot (created and closed in a day) counts among the arrivals.
* `Periods`: consecutive periods (`Periods.of(calendar periods)`), with at least three after the last as-of if the next two are wanted.
* `Settings`: thresholds and choices; `stage_table` (share of deals in a stage that are won) for the cold start; `hidden`: labels that
  only cut the answer and are no feature.

What comes out:

* `deals.prepare(snapshots, outcomes, periods, settings) -> History`: checked, in order, features and labels of all rows worked out once. One
  history serves every as-of: features of a row depend on that row alone, labels carry the day from which they may be used.
* `deals.train(history, on) -> DealModel`; `model.score(snapshots.on(day)) -> DealScores`: per deal the chance to be won in this period, in
  each of the next two, and ever; expected close, slip probability, amount if won, expected value; the tier with n and reason,
  quarantined columns by name, and `reasons` that add up to the log-odds of the score.
* `forecast.forecast(history, model, on, horizon, dimensions, targets, past, paths, scenario) -> Forecast`: every node (company, and each value of
  the labels in `dimensions`): booked, open, arrivals, adjustment (the blend's difference), expected = their sum, P10, P50, P90,
  probability of the target, noise floor; every method beside it with its weight; notes in words. Integers of 10^-4.
* `backtest.backtest(history, as_ofs, horizons, dimensions, ...) -> BackTest`: one row per as-of, node and method with forecast and actual;
  `backtest.summary(test)` gives errors with their intervals. `forecast` learns weights and widths from the part of it (`past`) known on its day: keep it.
* `changes.changes(before, after, end) -> list[Change]`: the difference of two forecasts, deal by deal, adding up exactly.
* `calls.caller_bias(...)`, `calls.value_added(...)`: bias and scatter of callers, value added per layer.
* `scenario.Scenario(...)`: what if; hand it to `forecast`.
* `accuracy`: every measure of error; a zero denominator gives no value and a reason.

Threads: fits are BLAS; keep them to `Settings.threads` with `OPENBLAS_NUM_THREADS` (and the like) in the process that runs them.
"""
