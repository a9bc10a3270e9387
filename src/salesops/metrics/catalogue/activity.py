"""Activity and time: what people do with customers, where their time goes, how soon leads are answered, how many people there are."""

from __future__ import annotations

from ..definitions import Metric, Part, Variant

US_PER_MINUTE = 60_000_000
COUNTED = "kind IN ('call', 'email_out', 'meeting', 'demo', 'proposal')"
SELLING = "kind IN ('call', 'email_out', 'demo', 'proposal', 'presentation', 'social', 'message') OR (kind = 'meeting' AND outside = 1)"
OTHER = ("admin", "crm_entry", "training", "internal", "travel")
MEETING = "kind = 'meeting' AND outside = 1"
WITH_DEMOS = "kind IN ('meeting', 'demo') AND outside = 1"
HELD = "held, not automatic"
NO_MINUTES = "its minutes, or the contracted minutes of who did it, are not known"
NO_HOURS = "no working time says how long the day is"
NO_SLA = "it is unanswered and younger than the SLA, or no SLA is set for it"
MON_TO_FRI = "without a working time: Monday to Friday"
NOT_SORTED = "its category is not known as selling or as anything else"
WORKING_DAYS = (
    "working days = days with working time (one's own, else of the unit's calendar, else of everybody; none said: Monday to Friday) "
    "less holidays and absences, of people who own a deal or an activity, from the first recorded activity on"
)
CONTRACTED = "contracted minutes = minutes of the working days x FTE (none said: full time)"

_days = Part("workday", told_when="assumed = 1", told=MON_TO_FRI, across=("kind",))
_contracted = Part("workday", "minutes", left_out=NO_HOURS, across=("kind",))
_waited = "first human outbound call, e-mail or message by anybody to the lead or the contact it became"
_clock = "an hour counts between 9:00 and 9:00 + the working time of that weekday, by the clock of the lead's unit"


def _per_day(name: str, title: str, where: str) -> Variant:
    return Variant(
        name, title, f"{title} / working days", "activities / days",
        {"activities": Part("activity", where=where), "days": _days}, f"{HELD}; {WORKING_DAYS}",
    )  # fmt: skip


def _share(name: str, title: str, where: str) -> Variant:
    return Variant(
        name, title, f"minutes of {title} / contracted minutes", "spent / contracted",
        {"spent": Part("worked", "minutes", where, left_out=NO_MINUTES), "contracted": _contracted},
        f"{HELD}; {CONTRACTED}; {WORKING_DAYS}",
    )  # fmt: skip


def _reported(of: str, where: str) -> Variant:
    return Variant(
        "reported", "as people report it themselves", f"reported minutes of {of} / reported minutes", "spent / reported",
        {"spent": Part("reported", "minutes", where), "reported": Part("reported", "minutes", left_out=NOT_SORTED)},
        "a survey: people overstate what keeps them from selling when they are short of quota",
    )  # fmt: skip


def _wait(name: str, title: str, formula: str, measure: str, how: str) -> Variant:
    part = Part("lead_response", measure, how=how, event="answered = 1",  # type: ignore[arg-type]
                left_out="its unit has no working time")  # fmt: skip
    rule = f"{_waited}; an attempt before the creation counts as 0; unanswered leads are censored at the end of D"
    parts = {"waited": part, "answered": Part("lead_response", where="answered = 1")}
    return Variant(
        name, title, formula, f"waited / {US_PER_MINUTE}", parts, rule if measure == "waited" else f"{rule}; {_clock}"
    )


def _within(name: str, title: str, measure: str, sla: str) -> Variant:
    counted = f"CASE WHEN (answered = 1 AND NOT {sla} IS NULL) OR {measure} >= {sla} THEN 1 END"
    return Variant(
        name, title, "leads answered within the SLA / leads", "within / leads",
        {"leads": Part("lead_response", counted, left_out=NO_SLA),
         "within": Part("lead_response", where=f"answered = 1 AND {measure} <= {sla}")},
        f"{_waited}; an unanswered lead younger than the SLA is left out, an older one misses it"
        + ("; SLA = the target (a goal) for lead_response_minutes in force on the day of creation, of the lead's unit, else "
           "of everybody" if sla == "allowed" else "") + (f"; {_clock}" if measure == "open_waited" else ""),
        unit="ratio",
    )  # fmt: skip


def _yes(name: str, title: str, formula: str, how: str) -> Variant:
    return Variant(
        name, title, formula, "days",
        {"days": Part("offer", "days", how=how, event="answered = 1"),  # type: ignore[arg-type]
         "answered": Part("offer", where="answered = 1")},
        "per deal with an offer (a proposal held or sent), from the first one; positive = something from the prospect whose outcome "
        "is positive, interested, accepted or yes, else the win; lost and open deals are censored",
        unit="days",
    )  # fmt: skip


def _over_reps(name: str, title: str, formula: str, how: str) -> Variant:
    return Variant(
        name, title, formula, "meetings", {"meetings": Part("person_meetings", "meetings", how=how)},  # type: ignore[arg-type]
        "over everybody with a working day in the period; nothing = 0; quantiles by row number",
    )  # fmt: skip


METRICS = (
    Metric(
        "activities_per_day",
        "Activities per working day",
        "How much do people do a day?",
        "per_day",
        "up",
        "the day of the activity",
        (
            _per_day("", "calls, e-mails sent, meetings, demos and proposals", COUNTED),
            _per_day("call", "calls", "kind = 'call'"),
            _per_day("email", "e-mails sent", "kind = 'email_out'"),
            _per_day("meeting", "meetings", "kind = 'meeting'"),
            _per_day("demo", "demos", "kind = 'demo'"),
            _per_day("proposal", "proposals", "kind = 'proposal'"),
            _per_day("presentation", "presentations", "kind = 'presentation'"),
            _per_day("social", "social contacts", "kind = 'social'"),
        ),
        empty_rule="no value without working days",
        reads_with=("prospect_meetings",),
    ),
    Metric(
        "activities", "Activities", "What was done?", "count", "up", "the day of the activity",
        (
            Variant("", "count", "number of activities held in the period", "held", {"held": Part("activity")},
                    f"{HELD}; ask it by kind"),
            Variant("minutes", "minutes", "sum of their minutes", "minutes",
                    {"minutes": Part("activity", "minutes", left_out="its minutes are not known")},
                    f"{HELD}; e-mails count 0 minutes; ask it by kind", unit="minutes"),
        ),
        empty_rule="0", additive="additive",
    ),
    Metric(
        "prospect_meetings",
        "Prospect meetings",
        "How often do we sit down with prospects?",
        "count",
        "up",
        "the day of the meeting; arranged: the day of booking",
        (
            Variant("", "held", "number of meetings held with somebody from outside", "meetings",
                    {"meetings": Part("activity", where=MEETING)}, "external as said, else a contact, lead, account or deal is named"),
            Variant("with_demos", "held, demos as well", "number of meetings and demos held with somebody from outside", "meetings",
                    {"meetings": Part("activity", where=WITH_DEMOS)}),
            Variant("arranged", "arranged", "number of meetings booked in the period with somebody from outside", "booked",
                    {"booked": Part("booking", where=MEETING), "cancelled": Part("booking", where=f"{MEETING} AND cancelled = 1")},
                    "by the day of booking, held or not; those cancelled later are counted beside"),
            Variant("per_rep", "held, per rep", "meetings held / reps", "meetings / reps",
                    {"meetings": Part("person_meetings", "meetings"), "reps": Part("person_meetings")},
                    "reps = everybody with a working day in the period", unit="per_rep"),
            _over_reps("p25", "held, first quartile of the reps", "row ceil(n / 4) of the reps' meetings", "p25"),
            _over_reps("median", "held, median of the reps", "row ceil(n / 2) of the reps' meetings", "median"),
            _over_reps("p75", "held, third quartile of the reps", "row ceil(3n / 4) of the reps' meetings", "p75"),
        ),
        empty_rule="0; over reps: no value without a rep",
        reads_with=("activities_per_day",),
        notes=("per week: ask it with the period week",),
    ),
    Metric(
        "non_selling_share",
        "Non-selling time",
        "What eats into selling time?",
        "ratio",
        "down",
        "the day of the activity",
        (
            _share("", "all five kinds", f"kind IN ({', '.join(map(repr, OTHER))})"),
            *(_share(kind, kind.replace("crm_entry", "CRM entry").replace("internal", "internal meetings"), f"kind = '{kind}'")
              for kind in OTHER),
            _reported("what is not selling", "selling = 0"),
        ),
        empty_rule="no value without contracted minutes",
        reads_with=("selling_time_share",),
    ),
    Metric(
        "selling_time_share",
        "Selling time",
        "How much of their time do people spend with customers?",
        "ratio",
        "up",
        "the day of the activity",
        (
            _share("", "selling as captured (an estimate)", SELLING),
            _reported("selling", "selling = 1"),
        ),
        empty_rule="no value without contracted minutes",
        notes=("an estimate: what nobody logged is not in it",),
        reads_with=("non_selling_share", "quota_attainment"),
    ),
    Metric(
        "lead_response_minutes",
        "Lead response time",
        "How soon does a human answer a new lead?",
        "minutes",
        "down",
        "creation of the lead",
        (
            _wait("", "median", "first time t with S(t) <= 0.5 (Kaplan-Meier)", "waited", "km"),
            _wait("p90", "90th percentile", "first time t with S(t) <= 0.1 (Kaplan-Meier)", "waited", "km_p90"),
            _wait("business", "median, business hours", "first time t with S(t) <= 0.5 (Kaplan-Meier)", "open_waited", "km"),
            _wait("business_p90", "90th percentile, business hours", "first time t with S(t) <= 0.1 (Kaplan-Meier)", "open_waited",
                  "km_p90"),
            _within("within_sla", "share within the SLA", "waited", "allowed"),
            _within("within_sla_business", "share within the SLA, business hours", "open_waited", "allowed"),
            _within("within_hour", "share within an hour", "waited", str(60 * US_PER_MINUTE)),
            _yes("lead_positive_response_days", "days from offer to yes, median", "first day t with S(t) <= 0.5 (Kaplan-Meier)", "km"),
            _yes("lead_positive_response_days_p90", "days from offer to yes, 90th percentile",
                 "first day t with S(t) <= 0.1 (Kaplan-Meier)", "km_p90"),
        ),
        empty_rule="no value before half (p90: nine tenths) of the leads are answered; SLA: no value without a lead that counts",
        reads_with=("lead_conversion",),
    ),
    Metric(
        "activity_mix_gap", "Mix of the best against the rest", "What do top performers do differently?", "ratio", "none",
        "the day of the activity", table="people mix --period",
        notes=("mean share of minutes by kind, of the top quarter by attainment minus that of the rest; people without either are left out",),
    ),
    Metric(
        "head_count",
        "Head count",
        "How many people are there?",
        "count",
        "none",
        "the evening of the period's last day",
        (
            Variant("", "people", "number of people employed", "people", {"people": Part("employed")}, "each person once"),
            Variant("fte", "full-time equivalents", "sum of their FTE", "fte / 1000000", {"fte": Part("employed", "fte")},
                    "the employment with the lowest id counts; none said: full time"),
        ),
        empty_rule="0", additive="semi",
        notes=("never adds up over time: each period has its own evening",),
    ),
)  # fmt: skip
