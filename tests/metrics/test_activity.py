"""Activity and time, lead response, head count: every variant worked by hand on one week of three people."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World, moment
from tests.metrics.test_figures import ask, by

from salesops.common.errors import UsageError
from salesops.metrics.clocks import stretches
from salesops.metrics.drill import drill
from salesops.metrics.query import query

WEEK = {"from_": "2024-03-04", "to": "2024-03-10"}


def company() -> World:
    """A week with a holiday on Friday 8 March. Working days: Ann 4; Bob 3 (away on Tuesday), half time; Cid 2 (joined on
    Wednesday). Dee sells nothing and does nothing on record: she is no rep. Contracted: 4 x 480 + 3 x 240 + 2 x 480 = 3,600 minutes.
    """
    w = World(today="2024-03-10")
    w.people("Ann", "Bob", "Cid", "Dee")
    w.thing("business_unit", "HQ", calendar=1)
    w.hours(480, calendar=1)
    w.interval("holiday", "2024-03-08", "2024-03-09", calendar=1, name="Women's day")
    w.job("Ann", "2023-01-01", unit="HQ", role="rep")
    w.job("Bob", "2023-01-01", unit="HQ", role="rep", fte="0.5")
    w.job("Cid", "2024-03-06", unit="HQ", role="rep")
    w.job("Dee", "2023-01-01", unit="HQ", role="office")
    w.interval("absence", "2024-03-05", "2024-03-06", person=w.ids("person", "Bob"), kind="sick")
    return w


@pytest.fixture(scope="module")
def week() -> Any:
    """What happened in that week.

    | Ann | Mon call 30, meeting 60 (booked 1 March), e-mail, automatic e-mail, meeting cancelled (booked Tue); Tue demo 60, admin 60;
            Wed meeting 30 without anybody from outside; Thu CRM entry 90, presentation 30 |
    | Bob | Mon call 20; Wed proposal 40, travel 120; Thu training 60, an e-mail came in |
    | Cid | Wed meeting 60; Thu meeting 45, internal 60; a meeting booked for 20 March |
    """
    w = company()
    w.thing("account", "Acme")
    w.act("call", "2024-03-04", "Ann", 30, account="Acme")
    w.act("meeting", "2024-03-04", "Ann", 60, external=True, booked="2024-03-01")
    w.act("email_out", "2024-03-04", "Ann", 5, account="Acme")
    w.act("email_out", "2024-03-04", "Ann", None, account="Acme", automatic=True)
    w.act("meeting", "2024-03-06", "Ann", 45, external=True, booked="2024-03-05", status="cancelled")
    w.act("demo", "2024-03-05", "Ann", 60, account="Acme")
    w.act("admin", "2024-03-05", "Ann", 60)
    w.act("meeting", "2024-03-06", "Ann", 30, external=False)
    w.act("crm_entry", "2024-03-07", "Ann", 90)
    w.act("presentation", "2024-03-07", "Ann", 30, account="Acme")
    w.act("call", "2024-03-04", "Bob", 20, account="Acme")
    w.act("proposal", "2024-03-06", "Bob", 40, account="Acme")
    w.act("travel", "2024-03-06", "Bob", 120)
    w.act("training", "2024-03-07", "Bob", 60)
    w.act("email_in", "2024-03-07", "Bob", None, account="Acme")
    w.act("meeting", "2024-03-06", "Cid", 60, external=True)
    w.act("meeting", "2024-03-07", "Cid", 45, lead="l")
    w.act("internal", "2024-03-07", "Cid", 60)
    w.act("meeting", "2024-03-20", "Cid", None, external=True, booked="2024-03-07", status="booked")
    w.report("Ann", "2024-03-07", selling=300, outreach=60, admin=90, lunch=50)
    return w.session()


def test_activities_a_day(week: Any) -> None:
    """Ann 5 on 4 days, Bob 2 on 3, Cid 2 on 2: 9 / 9. What a machine sent, what was cancelled and what came in count for nothing."""
    assert by(week, "activities_per_day", "owner", **WEEK) == {"Ann": 5 / 4, "Bob": 2 / 3, "Cid": 1.0}
    assert ask(week, "activities_per_day", **WEEK) == 1.0
    kinds = {"call": 2, "email": 1, "meeting": 4, "demo": 1, "proposal": 1, "presentation": 1, "social": 0}
    for kind, n in kinds.items():
        assert ask(week, f"activities_per_day.{kind}", **WEEK) == n / 9


def test_counts_and_minutes_by_kind(week: Any) -> None:
    """E-mails count no minutes, whatever is said of them."""
    counts, minutes = by(week, "activities", "kind", **WEEK), by(week, "activities.minutes", "kind", **WEEK)
    assert counts["email_out"] == 1
    assert minutes["email_out"] == 0
    assert counts["meeting"] == 4
    assert minutes["meeting"] == 195
    assert ask(week, "activities", **WEEK) == sum(counts.values()) == 16


def test_days_without_a_working_time_are_monday_to_friday() -> None:
    """And their minutes are not known: no share is made up. Who has no employment counts from the first to the last activity."""
    w = World(today="2024-03-10")
    w.people("Ann", "Bob")
    w.job("Ann", "2023-01-01")
    w.act("call", "2024-03-04", "Ann", 30)
    w.act("call", "2024-03-05", "Bob", 30)
    w.act("call", "2024-03-06", "Bob", 30)
    session = w.session()
    answer = query(session, BOSS, "activities_per_day", by="owner", **WEEK)
    assert [row["activities_per_day"] for row in answer.to_pylist()] == [1 / 5, 2 / 2]
    assert any("7 of 7 records without a working time: Monday to Friday" in note for note in answer.notes)
    shares = query(session, BOSS, "selling_time_share", **WEEK)
    assert shares.value() is None
    assert any("3 left out of spent" in note for note in shares.notes)


def test_a_persons_own_working_time_comes_first() -> None:
    """Ann works four days of 300 minutes; the unit's calendar says five of 480; of two rows of one calendar the first counts."""
    w = company()
    w.hours(300, days=4, person="Ann")
    w.hours(60, calendar=1)
    w.act("call", "2024-03-04", "Ann", 30)
    w.act("call", "2024-03-04", "Bob", 30)
    rows = query(w.session(), BOSS, "selling_time_share", by="owner", from_="2024-02-26", to="2024-03-10").to_pylist()
    found = {
        row["owner"]: (row["selling_time_share__contracted__n"], row["selling_time_share__contracted"]) for row in rows
    }
    assert found == {"Ann": (4, 1200), "Bob": (3, 720)}  # from Monday 4 March, the first activity on record


def test_a_holiday_of_a_country_is_that_of_its_people() -> None:
    """A holiday without a calendar counts for its country, without either for everybody."""
    w = World(today="2024-03-10")
    w.thing("person", "Ann", country="DE")
    w.thing("person", "Bob", country="GB")
    w.hours(480)
    for name in ("Ann", "Bob"):
        w.job(name, "2023-01-01")
        w.act("call", "2024-03-04", name, 30)
    w.interval("holiday", "2024-03-05", "2024-03-06", country="DE")
    w.interval("holiday", "2024-03-06", "2024-03-07")
    rows = query(w.session(), BOSS, "activities_per_day", by="owner", **WEEK).to_pylist()
    assert [row["activities_per_day__days"] for row in rows] == [3, 4]


def test_prospect_meetings(week: Any) -> None:
    """Ann 1, Bob 0, Cid 2. Over reps: 1 each, rows 1, 2 and 3 of 0, 1, 2. Arranged in the week: 2, one cancelled later."""
    assert by(week, "prospect_meetings", "owner", **WEEK)["Cid"] == 2
    assert ask(week, "prospect_meetings", **WEEK) == 3
    assert ask(week, "prospect_meetings.with_demos", **WEEK) == 4
    assert [ask(week, f"prospect_meetings.{name}", **WEEK) for name in ("per_rep", "p25", "median", "p75")] == [
        1,
        0,
        1,
        2,
    ]
    row = query(week, BOSS, "prospect_meetings.arranged", **WEEK).to_pylist()[0]
    assert (row["prospect_meetings.arranged"], row["prospect_meetings.arranged__cancelled"]) == (2, 1)
    weeks = query(
        week, BOSS, "prospect_meetings,prospect_meetings.median", period="week", from_="2024-02-26", to="2024-03-10"
    )
    assert [tuple(row[c] for c in ("prospect_meetings", "prospect_meetings.median")) for row in weeks.to_pylist()] == [
        (0, None),
        (3, 1),
    ]


def test_time(week: Any) -> None:
    """Not selling: 60 + 90 + 120 + 60 + 60 = 390 of 3,600. Selling: Ann 180, Bob 60, Cid 105. Reported: 360 of 450 sorted minutes."""
    assert ask(week, "non_selling_share", **WEEK) == 390 / 3600
    assert [ask(week, f"non_selling_share.{k}", **WEEK) * 3600 for k in ("admin", "crm_entry", "training", "internal", "travel")] == [
        60, 90, 60, 60, 120,
    ]  # fmt: skip
    assert by(week, "selling_time_share", "owner", **WEEK) == {"Ann": 180 / 1920, "Bob": 60 / 720, "Cid": 105 / 960}
    assert ask(week, "selling_time_share.reported", **WEEK) == 0.8
    answer = query(week, BOSS, "non_selling_share.reported", **WEEK)
    assert answer.value() == 0.2
    assert any("1 left out of reported" in note for note in answer.notes)


def test_by_kind_the_days_stay_whole(week: Any) -> None:
    """Each kind over all working days: the parts add up to the whole. By anything else that a day does not have there is no answer."""
    found = by(week, "activities_per_day", "kind", **WEEK)
    assert found["call"] == 2 / 9
    assert sum(found.values()) == pytest.approx(1.0)
    assert by(week, "non_selling_share", "kind", **WEEK)["travel"] == 120 / 3600
    with pytest.raises(UsageError, match="working days cannot be split by 'account'"):
        query(week, BOSS, "activities_per_day", by="account", **WEEK)


def test_who_did_nothing_is_in_the_answer() -> None:
    """A working day without an activity counts; by person it is 0, not missing."""
    w = company()
    w.act("call", "2024-03-04", "Ann", 30)
    w.deal("D", "2024-03-04", owner="Bob")
    assert by(w.session(), "activities_per_day", "owner", **WEEK) == {"Ann": 1 / 4, "Bob": 0.0}


def test_a_rep_sees_himself_and_a_manager_his_people(week: Any) -> None:
    """Numerators and denominators alike; how many activities are not theirs is said."""
    w = company()
    w.manages("Dee", "Ann")
    for name in ("Ann", "Bob"):
        w.act("call", "2024-03-04", name, 30, account="Acme")
    session = w.session()
    for actor, people in (("Ann", {"Ann"}), ("Dee", {"Ann"}), ("Bob", {"Bob"})):
        me = Actor(actor, w.ids("person", actor), sees_all=False)
        answer = query(session, me, "activities_per_day,selling_time_share", by="owner", **WEEK)
        assert {row["owner"] for row in answer.to_pylist()} == people
        assert answer.hidden == 1
    dee = Actor("Dee", w.ids("person", "Dee"), sees_all=False)
    assert (
        query(session, dee, "prospect_meetings.per_rep", **WEEK).to_pylist()[0]["prospect_meetings.per_rep__reps"] == 1
    )


def test_drills_add_up(week: Any) -> None:
    """Activities by their kind, working days by the person's name."""
    page = drill(week, BOSS, "activities_per_day", cell={"owner": "Ann"}, **WEEK)
    assert page.totals == {"activities": 5, "days": 4}
    assert {row["name"] for row in page.to_pylist()} == {"call", "meeting", "email_out", "demo", "Ann"}


# Leads ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def leads() -> Any:
    """Five leads of HQ (Monday to Friday from 9:00, 480 minutes, holiday on Friday 8), SLA one hour, asked in the evening of Sunday 10.

    | lead | created   | first human attempt              | minutes       | in business hours   |
    | l1   | Mon 10:00 | Mon 10:30, by Bob                | 30            | 30                  |
    | l2   | Mon 16:00 | Tue 10:00                        | 1,080         | 60 + 60             |
    | l3   | Thu 16:30 | none (a machine's, one came in)  | 4,770 so far  | 30 so far           |
    | l4   | Fri 12:00 | Sat 12:00, to its contact        | 1,440         | 0                   |
    | l5   | Sun 23:30 | none                             | 30 so far     | 0 so far            |
    """
    w = company()
    for name, when in (
        ("l1", "04T10:00"),
        ("l2", "04T16:00"),
        ("l3", "07T16:30"),
        ("l4", "08T12:00"),
        ("l5", "10T23:30"),
    ):
        w.lead(name, f"2024-03-{when}", owner="Ann", business_unit=w.ids("business_unit", "HQ"),
               converted_contact=w.ids("contact", "c") if name == "l4" else None)  # fmt: skip
    w.act("call", "2024-03-04T10:30", "Bob", 5, lead="l1", outcome="no answer")
    w.act("email_out", "2024-03-05T10:00", "Ann", None, lead="l2")
    w.act("email_out", "2024-03-04T16:01", "Ann", None, lead="l2", automatic=True)
    w.act("email_out", "2024-03-07T16:31", "Ann", None, lead="l3", automatic=True)
    w.act("email_in", "2024-03-07T17:00", "Ann", None, lead="l3")
    w.act("call", "2024-03-07T17:00", "Ann", 3, lead="l3", direction="in")
    w.act("call", "2024-03-09T12:00", "Ann", 3, contact="c")
    w.quota(None, "2024-01-01", "2024-12-31", None, kind="goal", metric="lead_response_minutes", number=60_000_000)
    return w.session()


def test_lead_response(leads: Any) -> None:
    """Of 5: S(30) = 0.8 (l5 goes), S(1,080) = 0.8 x 2/3, S(1,440) = 0.8 x 2/3 x 1/2 = 0.267: median 1,440. Without the unanswered it
    were 1,080. Nine tenths are never answered."""
    assert ask(leads, "lead_response_minutes", **WEEK) == 1440
    assert ask(leads, "lead_response_minutes.p90", **WEEK) is None
    assert ask(leads, "lead_response_minutes.p90", from_="2024-03-04", to="2024-03-05") == 1080


def test_lead_response_in_business_hours(leads: Any) -> None:
    """0, 0 so far, 30, 30 so far, 120: S(0) = 0.8, S(30) = 0.8 x 2/3, S(120) = 0."""
    assert ask(leads, "lead_response_minutes.business", **WEEK) == 120
    assert ask(leads, "lead_response_minutes.business_p90", **WEEK) == 120


def test_share_within_the_sla(leads: Any) -> None:
    """l1 is in time; l2, l4 late; l3 unanswered and older: misses; l5 younger than the SLA: left out. In business hours l4 is in
    time and l3 still young."""
    for name in ("within_sla", "within_hour"):
        assert ask(leads, f"lead_response_minutes.{name}", **WEEK) == 1 / 4
    answer = query(leads, BOSS, "lead_response_minutes.within_sla_business", **WEEK)
    assert answer.value() == 2 / 3
    assert any("2 left out of leads" in note for note in answer.notes)


def test_without_an_sla_there_is_no_share() -> None:
    """The reason says so."""
    w = company()
    w.lead("l1", "2024-03-04T10:00", owner="Ann")
    w.act("call", "2024-03-04T10:30", "Ann", 5, lead="l1")
    answer = query(w.session(), BOSS, "lead_response_minutes.within_sla", **WEEK)
    assert answer.value() is None
    assert "no SLA is set" in answer.empty["lead_response_minutes.within_sla"]


def test_an_attempt_before_the_lead_is_no_wait() -> None:
    """The contact was called before the lead was written down: 0 minutes, never below."""
    w = company()
    w.lead("l1", "2024-03-04T10:00", owner="Ann", converted_contact=w.ids("contact", "c"))
    w.act("call", "2024-03-04T09:00", "Ann", 5, contact="c")
    assert ask(w.session(), "lead_response_minutes", **WEEK) == 0


def test_business_hours_follow_the_clock_of_the_leads_unit() -> None:
    """Warsaw leaves winter time on 31 March: 9:00 is 8:00 UTC on Friday 29 and 7:00 UTC on Tuesday 2 April (Monday is a holiday).
    From Friday 15:30 UTC (16:30 there) to Tuesday 7:15 UTC (9:15) are 30 + 15 minutes."""
    w = World(today="2024-04-10")
    w.people("Ann")
    w.thing("business_unit", "PL", calendar=1, time_zone="Europe/Warsaw", country="PL")
    w.hours(480, calendar=1)
    w.interval("holiday", "2024-04-01", "2024-04-02", country="PL")
    w.lead("l1", "2024-03-29T15:30", owner="Ann", business_unit=w.ids("business_unit", "PL"))
    w.act("call", "2024-04-02T07:15", "Ann", 5, lead="l1")
    session = w.session()
    assert ask(session, "lead_response_minutes.business") == 45
    assert [(since, shift // 3_600_000_000) for since, _, shift in stretches("Europe/Warsaw", *_spring())[1:]] == [
        (moment("2024-03-31T01:00"), 2)
    ]
    w.lead("l2", "2024-03-29T15:30", owner="Ann")  # of no unit, and nobody says when everybody works
    assert (
        query(w.session(), BOSS, "lead_response_minutes.business").to_pylist()[0][
            "lead_response_minutes.business__waited__out"
        ]
        == 1
    )


def _spring() -> Any:
    from datetime import date

    return date(2024, 3, 1), date(2024, 5, 1)


def test_days_from_offer_to_yes() -> None:
    """A: yes after 2 days; B: won after 6, the win is the yes; C: lost after 3; D: open, 15 days so far. S(2) = 3/4, S(6) = 3/8.
    A reply that says nothing good is no yes, nor is one before the offer."""
    w = World(today="2024-03-20")
    w.people("Ann")
    for name in "ABCDE":
        w.deal(name, "2024-03-01", owner="Ann")
    for name, day in (("A", "04"), ("B", "04"), ("C", "04"), ("D", "05")):
        w.act("proposal", f"2024-03-{day}T10:00", "Ann", 30, opportunity=name)
    w.act("proposal", "2024-03-08T10:00", "Ann", 30, opportunity="A")  # another offer: the first one counts
    w.act("email_in", "2024-03-03T10:00", "Ann", None, opportunity="A", outcome="positive")
    w.act("email_in", "2024-03-06T10:00", "Ann", None, opportunity="A", outcome="positive")
    w.act("email_in", "2024-03-06T10:00", "Ann", None, opportunity="D", outcome="not now")
    w.deals["B"].won("2024-03-10")
    w.deals["C"].lost("2024-03-07")
    session = w.session()
    assert ask(session, "lead_positive_response_days", from_="2024-03-01", to="2024-03-20") == 6
    assert ask(session, "lead_positive_response_days_p90", from_="2024-03-01", to="2024-03-20") is None


def test_qualification_rate() -> None:
    """Two of four: one has a day, one was converted without (said in a note); one of the two is won."""
    w = World(today="2024-03-31")
    w.people("Ann")
    w.deal("won", "2024-03-05", owner="Ann").won("2024-03-20")
    w.lead("l1", "2024-03-01", owner="Ann", qualified_on=moment_day("2024-03-02"))
    w.lead("l2", "2024-03-01", "2024-03-05", "won", owner="Ann")
    w.lead("l3", "2024-03-01", owner="Ann", qualified_on=moment_day("2024-04-02"))
    w.lead("l4", "2024-03-01", owner="Ann")
    session = w.session()
    answer = query(session, BOSS, "qualification_rate", period="2024-03")
    assert answer.value() == 0.5
    assert any("1 of 2 leads without a day of qualification" in note for note in answer.notes)
    assert ask(session, "qualification_rate.won", period="2024-03") == 0.5
    assert ask(session, "qualification_rate.won", period="2024-03", as_of="2024-03-10") == 0  # both, none won yet


def moment_day(text: str) -> Any:
    from tests.metrics.build import d

    return d(text)


# People ---------------------------------------------------------------------------------------------------------------


def test_head_count(week: Any) -> None:
    """Three until Cid joins on the 6th; 3.5 full-time equivalents. It never adds up over time."""
    assert ask(week, "head_count", to="2024-03-05") == 3
    assert ask(week, "head_count") == 4
    assert ask(week, "head_count.fte") == 3.5
    assert by(week, "head_count", "role") == {"office": 1, "rep": 3}
    assert by(week, "head_count", "business_unit") == {"HQ": 4}
    rows = query(week, BOSS, "head_count", period="week", from_="2024-02-26", to="2024-03-10").to_pylist()
    assert [row["head_count"] for row in rows] == [3, 4]
