"""Compensation: what people earn, exactly, from plans as readable text. Pure: no database, no file, no clock.

This is the contract between the engine here (plan objects, integer and Fraction arithmetic, the oracle), the
set-oriented back end (the same tables in DuckDB) and the doors. Design: ``features/compensation.md``.

Units. ``*_cents`` BIGINT minor units of the plan's currency (cents, whole yen). ``*_ppm`` BIGINT parts per million.
``raw`` BIGINT 10^-6 minor units (= base_cents x rate_ppm). Facts hold money in BIGINT 10^-4 major units, rates of
exchange in BIGINT 10^-10, instants in BIGINT microseconds UTC, days DATE, ids VARCHAR (ordered as text, byte by byte,
unless a caller declares them numeric and pads them). Intervals are ``[valid_from, valid_to)``, ``valid_to`` null = open.
A *period* is a pay period (``plan.pay_period`` of the fiscal calendar), a *window* the stretch in which a component
accumulates (``Plan.window_of``), never shorter than a period.

Tables in
---------
``deal_line``     one row per fact that can carry credit; append only, a return or cancellation is a new negative row.
                  deal VARCHAR, line VARCHAR, kind VARCHAR (booked | amended | cancelled | returned | churned), reverses
                  VARCHAR null (the ``line`` of the same deal that it mirrors), credited_on DATE, booked_at BIGINT null
                  (null sorts first), currency VARCHAR, owner VARCHAR null, territory VARCHAR null, and one column for
                  each field of the expressions' schema, named as the field (``deal.acv``), in stored form.
``claim``         who may be credited: deal, line (null = every line of the deal), credit_type, source VARCHAR (override |
                  named_account | territory | split | owner | house, in this order of precedence), rule VARCHAR, payee
                  VARCHAR, num BIGINT, den BIGINT (the share, exact: 1/7 or 600000/1000000), priority INTEGER.
``closure``       ancestor, person, depth INTEGER (0 = self), valid_from, valid_to (the warehouse's reporting_closure).
``assignment``    payee, plan, valid_from, valid_to, hired_on DATE, left_on DATE null (first day that is not worked),
                  ramp_from DATE null (default hired_on), pay_currency VARCHAR, region VARCHAR null, level_weight_ppm BIGINT.
``absence``       payee, valid_from, valid_to.
``quota``         payee, quota VARCHAR (the measure's name), valid_from, valid_to (a whole quota window), cents BIGINT.
``target``        payee, valid_from, valid_to, cents BIGINT (for one ``target_incentive.window``). ``salary``: the same.
``achievement``   payee, component, goal, period VARCHAR, ppm BIGINT. ``ratio_value`` where a ratio measure is imported:
                  payee, measure, window VARCHAR, num BIGINT, den BIGINT.
``rate``          kind (plan | record | pay), currency, to_currency, valid_from, valid_to, rate BIGINT, rate_id VARCHAR.
``deal_event``    deal, kind (cancelled | churned | returned | unpaid | cash | invoiced | any milestone), on_day DATE, cents
                  BIGINT null (plan currency; cash and invoiced are cumulative sums of their rows).
``period``        key, window_key (per window kind: month_key, quarter_key, half_key, year_key), start DATE, end DATE
                  (inclusive, as common.periods), closed BOOLEAN.
``posted``        payee, component, origin_period, deal, cents: the sum already posted in the ledger (for ``ppa``).

Tables out
----------
``measure_amount``  measure, deal, line, cents: ``amount`` of the deal line, converted *whole*, then rounded once, half up.
``credit``          measure, payee, credit_type, deal, line, credited_on, booked_at, cents, num, den, rule, losers (text of
                    the rules that did not win), counted_cents (after windfall), paid_cents (base of pay), via VARCHAR null.
                    Direct: largest remainder of |cents| over the winning shares, ties by payee, sign put back. A row with
                    ``reverses`` mirrors the credits of the line it reverses: same payees, managers, territory, overlay.
                    Roll-up: one row per manager, deal and line: the sum of direct credits of types ``Measure.of`` of
                    payees in the manager's subtree on ``credited_on`` (levels, include_self, exclude_own_direct).
                    Per deal and type ``primary``: sum(credit) + credit of ``(house)`` = amount, to the cent.
``uncredited``      deal, line, credit_type, reason, remedy: a queue, never silent loss.
``measure_value``   payee, measure, window_key, period, before_cents, after_cents (sums up to the period's start and end).
``quota_value``     payee, measure, window_key, period, num, den: the exact effective quota in cents (``quotas``): up to the
                    period's end (``breakpoints: to_date``) or of the whole window (``full``).
``earning_line``    payee, component, period, deal, line, credit_type, seq INTEGER, kind (own | true_up | reversal), cause
                    VARCHAR null (the deal line that moved the rate), tier INTEGER (from 0), from_cents, to_cents (edges of
                    the band, null = open), base_cents, rate_ppm (null where the kind of component has none), raw, cents.
``component_result``payee, component, period, window_key, s_before, s_after, quota_num, quota_den, attainment_num,
                    attainment_den, computed_cents (period's pay before caps), forfeited_cents, deferred_cents, cents
                    (earned in the period), problems, steps (the trace).
``posting``         ``ledger``: payee, type, account moves, cents, component, period, origin_period, deal, key.
``problem``         ``common.errors.Problem``: payee, deal or component in ``record``; nothing is paid on it.

Order of credits (total): credited_on, booked_at (null first), deal, line, credit_type. Of lines: that order of their own
credit, then kind (own, true_up, reversal), cause, tier.

How a period's pay comes about (``interpret``), for one payee and component with F
------------------------------------------------------------------------------
1. S(p) = sum of counted credits in [window start, end of p]; Q(p) = quota_value; break-points B_i = round_half_up(b_i x Q).
2. Lines of p: marginal: each credit covers [S before, S after) of the axis; a piece per band that it touches,
   base = the overlap with the sign of the credit, raw = base x rate_ppm. The lowest band reaches to minus infinity.
   Where break-points moved since the period before (``to_date``), each earlier credit of the window has true_up lines:
   its pieces now less its pieces at Q(p-1), band by band. Retroactive: a credit at S_k pays own = c_k x r(S_k); where
   r(S_j) differs from the rate before it, every earlier credit k < j of the window gets a true_up with cause j:
   base c_k, rate r(S_j) - r(S_j-1). Gates (``gate_at``) do the same with what is open.
   Curves, steps, factors: raw = difference of the cumulative function, half even to 10^-6, so that it telescopes.
3. Window-to-date M(p) = sum over periods of (F(p) - F(p-1)) x factor(p), exact; T(p) = round_half_up(M(p));
   computed = T(p) - T(p-1). Never the rounded difference of one period.
4. Lines' cents: ``pennies``: floor of |exact| within each sign, what is left to the largest remainders, ties in the order
   of lines; they sum to ``computed``. Caps do not touch lines: forfeits and deferrals are postings of their own.
5. Cap: kept = round(cap function of what the scope earned to date) - kept before. Then ``settle``: prior-period delta,
   holdback, draw, clawback offset and negative carry, pay currency (postings in ``ledger``).
6. Posting = result - already posted, per (payee, component, origin period, deal), only where not zero: ``posting.post_period``
   for one payee over its ledger, ``ppa.deltas`` for keys in bulk.
"""

from __future__ import annotations
