"""Metrics that people define: what each kind computes, by hand; what it can be asked; and how mistakes are told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Actor, Session, World

from salesops.common.errors import InvalidData, NotFound, Problem
from salesops.common.expressions import FieldType, parse
from salesops.metrics import lint
from salesops.metrics.defined.compiled import compile_all
from salesops.metrics.defined.kept import defined, found
from salesops.metrics.defined.text import Definition, places, read
from salesops.metrics.definitions import Asked, Metric
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.guide import guide
from salesops.metrics.query import query


def world() -> World:
    """Ann (West) and Bob (East), Ann reports to Bob; four deals, of which three are won:

    A 500 created 2024-01-01 won 2024-01-20 West (Ann, SMB)     B 700 created 2024-01-01 won 2024-04-20 West (Ann, no segment)
    C 900 created 2024-01-10 won 2024-05-20 East (Bob, SMB)     D 100 created 2024-04-01 lost 2024-05-20 East (Bob)
    """
    w = World(today="2024-06-30")
    w.people("Ann", "Bob")
    w.manages("Bob", "Ann")
    w.stages("New:10", "Demo:50:qualified")
    w.deal("A", "2024-01-01", amount=500, owner="Ann", region="West", segment="SMB", custom_tier="gold").won(
        "2024-01-20"
    )
    w.deal("B", "2024-01-01", amount=700, owner="Ann", region="West").won("2024-04-20")
    w.deal("C", "2024-01-10", amount=900, owner="Bob", region="East", segment="SMB").won("2024-05-20")
    w.deal("D", "2024-04-01", amount=100, owner="Bob", region="East").lost("2024-05-20")
    return w


def session_with(text: str, of: World | None = None) -> Session:
    """A session that carries these definitions."""
    session = (of or world()).session()
    session.__dict__["definitions"] = (("mine.toml", text),)
    assert [str(problem) for problem in found(session).problems] == []
    return session


def by_quarter(session: Any, name: str, **more: Any) -> list[Any]:
    rows = query(session, BOSS, name, period="quarter", from_="2024-01-01", to="2024-06-30", **more).to_pylist()
    return [row[name] for row in rows]


def mistakes(text: str) -> list[Problem]:
    """Every problem of a text, among four deals."""
    session = world().session()
    session.__dict__["definitions"] = (("mine.toml", text),)
    return list(found(session).problems)


# Kinds, by hand -----------------------------------------------------------------------------------------------------------

WEST = """
[west_bookings]
kind = "sum"
fact = "closed"
measure = "value"
where = "status = 'won' and region = 'West'"
"""


def test_sum() -> None:
    """West: 500 in the first quarter, 700 in the second; the records of the sum add up to it."""
    session = session_with(WEST)
    assert by_quarter(session, "west_bookings") == [500, 700]
    rows = query(session, BOSS, "west_bookings", by="owner", period="2024-Q1").to_pylist()
    assert [(row["owner"], row["west_bookings"]) for row in rows] == [("Ann", 500)]  # Bob closed nothing in it
    opened = drill(session, BOSS, "west_bookings", period="2024-Q2")
    assert [row["name"] for row in opened.to_pylist()] == ["B"]
    assert opened.totals == {"total": 7_000_000}
    assert opened.money == {"total"}


def test_advice_is_a_part_of_a_definition() -> None:
    """Who answers for it, what misleads, what to read with it: metrics that there are. It changes the version."""
    advice = 'owner = "Mia, sales operations"\nwatch_for = "Deals are booked late in the West."\nread_with = "win_rate, bookings.x"\n'
    (wrong,) = mistakes(WEST + advice)
    assert (wrong.row, wrong.field, wrong.problem) == (9, "west_bookings.read_with", "There is no metric 'bookings.x'")
    page = guide(metric="west_bookings", own=defined(session_with(WEST + advice.replace(", bookings.x", ""))))
    assert [(row["reads"][:8], row["cautions"], row["owner"]) for row in page.section("reading")] == [
        ("West boo", ["Deals are booked late in the West."], "Mia, sales operations")
    ]
    assert [row["metric"] for row in page.section("with")] == ["win_rate"]


def test_a_field_of_a_reference_and_a_custom_field() -> None:
    """Conditions name people, not ids; what they name is joined once and multiplies nothing."""
    session = session_with("""
[anns]
kind = "count"
fact = "closed"
where = "owner = 'Ann' and (custom.tier = 'gold' or segment is null)"
[managed_by_bob]
kind = "count"
fact = "closed"
where = "manager = 'Bob'"
""")
    assert (
        query(session, BOSS, "anns,managed_by_bob").to_pylist()[0] | {"anns": 2, "managed_by_bob": 2}
        == (query(session, BOSS, "anns,managed_by_bob").to_pylist()[0])
    )


def test_measures_of_expressions() -> None:
    """Days from creation to close of won deals: 19 + 110 + 131; half of the value and 10 for each day."""
    session = session_with("""
[won_days]
kind = "sum"
fact = "closed"
measure = "closed_on - day + cycle_days"
where = "status = 'won'"
[halves]
kind = "sum"
fact = "closed"
measure = "value * 0.5"
where = "status = 'won'"
""")
    assert query(session, BOSS, "won_days").value() == 19 + 110 + 131
    assert query(session, BOSS, "halves").value() == Decimal(1050)
    assert defined(session)["won_days"].unit == "days"
    assert defined(session)["halves"].unit == "money"


def test_ratio() -> None:
    """Ratio of the sums: 2100 won of 2200 decided; a group without any has no value."""
    session = session_with("""
[value_won]
kind = "ratio"
numerator = {fact = "closed", measure = "value", where = "status = 'won'"}
denominator = {fact = "closed", measure = "value"}
[mean_won]
kind = "ratio"
numerator = {fact = "closed", measure = "value", where = "status = 'won'"}
denominator = {fact = "closed", where = "status = 'won'"}
""")
    assert query(session, BOSS, "value_won").value() == pytest.approx(2100 / 2200)
    assert defined(session)["value_won"].unit == "ratio"
    assert query(session, BOSS, "mean_won").value() == pytest.approx(700)
    assert defined(session)["mean_won"].unit == "money"
    empty = query(session, BOSS, "value_won", period="2023-Q1")
    assert empty.value() is None
    assert "there are no" in empty.empty["value_won"]


def test_unknown_amounts_are_left_out_of_both_parts() -> None:
    """A third won deal without an amount: 500 and 700 over two, and the third is told."""
    w = World(today="2024-06-30")
    for name, amount in (("A", 500), ("B", 700), ("C", None)):
        w.deal(name, "2024-01-01", amount=amount).won("2024-02-01")
    session = session_with(
        """
[mean_won]
kind = "ratio"
numerator = {fact = "closed", measure = "value"}
denominator = {fact = "closed"}
""",
        w,
    )
    answer = query(session, BOSS, "mean_won")
    assert answer.value() == 600
    assert any("1 left out of numerator: value is unknown" in note for note in answer.notes)


CUMULATIVE = """
[to_date]
kind = "cumulative"
of = "bookings"
[rate_to_date]
kind = "cumulative"
of = "win_rate"
[quarter_to_date]
kind = "cumulative"
of = "bookings"
window = "quarter"
[thirty_days]
kind = "cumulative"
of = "bookings"
window = "30 days"
"""


def test_cumulative_over_the_fiscal_year() -> None:
    """By month 500, 0, 0, 700, 900: a running total that starts anew with the fiscal year, and the ratio of its sums."""
    session = session_with(CUMULATIVE)
    question: dict[str, Any] = {"period": "month", "from_": "2023-12-01", "to": "2024-05-31"}
    rows = query(session, BOSS, "to_date,rate_to_date,quarter_to_date", **question).to_pylist()
    assert [row["to_date"] for row in rows] == [0, 500, 500, 500, 1200, 2100]
    assert [row["rate_to_date"] for row in rows] == [None, 1, 1, 1, 1, 0.75]
    assert [row["quarter_to_date"] for row in rows] == [0, 500, 500, 500, 700, 1600]


def test_cumulative_of_days_and_of_another_fiscal_year() -> None:
    """30 days that end on 2024-05-19 reach back to 2024-04-20; a fiscal year from April has 700 + 900 in it."""
    session = session_with(CUMULATIVE)
    assert query(session, BOSS, "thirty_days", from_="2024-05-19", to="2024-05-19").value() == 700
    assert query(session, BOSS, "thirty_days", from_="2024-05-20", to="2024-05-20").value() == 900
    w = world()
    from salesops.common.periods import FiscalCalendar

    w.calendar = FiscalCalendar(start_month=4)
    assert query(session_with(CUMULATIVE, w), BOSS, "to_date", from_="2024-05-01", to="2024-05-31").value() == 1600


def test_cumulative_by_owner_compared_and_opened() -> None:
    """By owner; the running total of the quarter before; the records are those of the whole window."""
    session = session_with(CUMULATIVE)
    rows = query(session, BOSS, "to_date", by="owner", period="2024-Q2", compare="previous", totals=True).to_pylist()
    assert [(row["owner"], row["to_date"], row["to_date__previous"]) for row in rows] == [
        ("Ann", 1200, 500), ("Bob", 900, None), ("(all)", 2100, 500),
    ]  # fmt: skip
    opened = drill(session, BOSS, "to_date", period="2024-Q2", cell={"owner": "Ann"})
    assert [row["name"] for row in opened.to_pylist()] == ["A", "B"]
    assert opened.totals == {"won": 12_000_000}
    assert any("never add its periods" in note for note in query(session, BOSS, "to_date", period="quarter").notes)


CONVERSION = """
[quick_wins]
kind = "conversion"
from = {fact = "created"}
to = {fact = "closed", where = "status = 'won'"}
within = 110
"""


def test_conversion() -> None:
    """Of A, B, C created in Q1, A (19 days) and B (110 days) were won within 110; C took 131; D was lost."""
    session = session_with(CONVERSION)
    assert by_quarter(session, "quick_wins") == [pytest.approx(2 / 3), 0]
    assert by_quarter(session, "quick_wins", as_of="2024-04-19") == [pytest.approx(1 / 3), 0]  # B is not won yet
    parts = query(session, BOSS, "quick_wins", period="2024-Q1", by="owner").to_pylist()
    assert [(row["owner"], row["quick_wins__reached"], row["quick_wins__entries"]) for row in parts] == [
        ("Ann", 2, 2), ("Bob", 0, 1),
    ]  # fmt: skip
    opened = drill(session, BOSS, "quick_wins", period="2024-Q1").to_pylist()
    assert {row["name"]: row["reached"] for row in opened} == {"A": 1, "B": 1, "C": None}


def test_conversion_by_another_key() -> None:
    """Accounts: a won deal of Acme in January is followed by another in February; Bolt's comes after 31 days."""
    w = World(today="2024-06-30")
    for name, account, day in (("A1", "Acme", "2024-01-10"), ("A2", "Acme", "2024-02-05"), ("B1", "Bolt", "2024-01-10"),
                               ("B2", "Bolt", "2024-02-10")):  # fmt: skip
        w.account(account)
        w.deal(name, "2024-01-01", amount=1, account=account, type=name[-1]).won(day)
    session = session_with(
        """
[second_within_a_month]
kind = "conversion"
from = {fact = "closed", where = "type = '1'", key = "account"}
to = {fact = "closed", where = "type = '2'", key = "account"}
within = 30
""",
        w,
    )
    assert query(session, BOSS, "second_within_a_month", period="2024-Q1").value() == 0.5


DERIVED = """
[west_share]
kind = "derived"
formula = "west_bookings / bookings"
[expected_cost]
kind = "derived"
formula = "-(west_bookings * 0.2 - bookings)"
[won_per_created]
kind = "derived"
formula = "won_deals / created_deals - win_rate"
"""


def test_derived() -> None:
    """500 of 500, 700 of 1600; 0.8 x 500, 1600 - 140; 1/3 - 1."""
    session = session_with(WEST + DERIVED)
    assert by_quarter(session, "west_share") == [1, 700 / 1600]
    assert by_quarter(session, "expected_cost") == [400, 1460]
    assert by_quarter(session, "won_per_created") == [pytest.approx(1 / 3 - 1), pytest.approx(2 / 1 - 2 / 3)]
    units = {name: one.unit for name, one in defined(session).items()}
    assert units["west_share"] == "ratio"
    assert units["expected_cost"] == "money"
    assert query(session, BOSS, "west_share", period="2023-Q1").value() is None  # nothing by nothing
    told = explain(session, BOSS, "west_share", period="2024-Q2")
    assert told.formula == "west_bookings / bookings"
    assert [one.title for one in told.inputs] == ["west bookings total", "bookings won"]


def test_derived_of_a_running_total() -> None:
    """What this quarter adds to the year: 500 of 500, 1600 of 2100; its records are those of both."""
    session = session_with(CUMULATIVE + '[part]\nkind = "derived"\nformula = "bookings / to_date"\n')
    assert by_quarter(session, "part") == [1, 1600 / 2100]
    assert drill(session, BOSS, "part", period="2024-Q2").totals == {
        "bookings_won": 16_000_000,
        "to_date_won": 21_000_000,
    }


def test_a_fallback_goes_along() -> None:
    """Where nobody says which deals are new, the average is that of all won deals, and the note says so."""
    session = session_with('[doubled]\nkind = "derived"\nformula = "average_deal_size * 2"\n')
    answer = query(session, BOSS, "doubled")
    assert answer.value() == 1400
    assert answer.notes == tuple(
        note.replace("average_deal_size:", "doubled:") for note in query(session, BOSS, "average_deal_size").notes
    )


# What can be asked --------------------------------------------------------------------------------------------------------


def test_currency() -> None:
    """A deal of EUR 100 at 1.10 on its close day: in the reporting currency, and asked in another."""
    w = World(today="2024-06-30")
    w.rate("EUR", "2024-01-01", "1.1")
    w.deal("A", "2024-01-01", amount=100, currency="EUR").won("2024-02-01")
    session = session_with(
        """
[won_value]
kind = "sum"
fact = "closed"
measure = "value"
[raw_amount]
kind = "sum"
fact = "closed"
measure = "amount"
[large]
kind = "count"
fact = "closed"
where = "value > 105"
""",
        w,
    )
    assert query(session, BOSS, "won_value").value() == 110
    assert query(session, BOSS, "raw_amount").value() == 110  # the record's field, at the rate of the fact
    assert query(session, BOSS, "won_value", currency="EUR").value() == 100
    assert query(session, BOSS, "large").value() == 1
    assert query(session, BOSS, "large", currency="EUR").value() == 0  # as in a filter: the asked currency


def test_what_somebody_may_not_see() -> None:
    """Ann has her own deals only, in the number, the records and the running total; what is hidden is counted."""
    w = world()
    session = session_with(WEST + CUMULATIVE + CONVERSION, w)
    ann = Actor("ann", w.ids("person", "Ann"), sees_all=False)
    answer = query(session, ann, "to_date", period="2024-Q2")
    assert answer.value() == 1200
    assert answer.hidden == 2  # Bob's C and D
    assert query(session, ann, "quick_wins", period="2024-Q1").value() == 1
    assert {row["name"] for row in drill(session, ann, "to_date", period="2024-Q2").to_pylist()} == {"A", "B"}
    nobody = Actor("x", None, sees_all=False)
    assert query(session, nobody, "west_bookings").value() == 0


def test_open_deals_by_evening_keep_their_condition() -> None:
    """The pass over many evenings knows plain counts and amounts only: what has a condition goes the long way."""
    w = World(today="2024-06-30")
    w.deal("A", "2024-01-01", amount=5, region="West")
    w.deal("B", "2024-02-15", amount=7, region="East")
    session = session_with(
        """
[open_west]
kind = "sum"
fact = "open_state"
measure = "value"
where = "region = 'West'"
""",
        w,
    )
    rows = query(session, BOSS, "open_west", period="month", from_="2024-01-01", to="2024-04-30").to_pylist()
    assert [row["open_west"] for row in rows] == [5, 5, 5, 5]
    assert defined(session)["open_west"].additive == "semi"


def test_versions_change_with_the_definition() -> None:
    """The answer names the version; another condition is another version."""
    first = query(session_with(WEST), BOSS, "west_bookings").versions["west_bookings"]
    again = query(session_with(WEST), BOSS, "west_bookings").versions["west_bookings"]
    other = query(session_with(WEST.replace("West'", "East'")), BOSS, "west_bookings").versions["west_bookings"]
    assert first == again != other


def test_the_statements_pass_the_lint() -> None:
    """What is compiled uses what means the same on every engine."""
    session = session_with(WEST + CUMULATIVE + CONVERSION + DERIVED)
    for one in defined(session).values():
        assert lint.metric_problems(Asked(one, one.variants[0]), session) == []


# Mistakes -----------------------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_with_their_places() -> None:
    """File, line, field, reason, and what is nearest."""
    text = """\
[west]
kind = "sum"
fact = "closd"
measure = "value"

[east]
kind = "ratio"
numerator = {fact = "closed", measure = "valu", where = "region = 'East'"}
denominator = {fact = "closed", where = "regon = 'East' and status > 'a'"}

[part]
kind = "derived"
formula = "bookngs / created_deals"
"""
    assert [(one.row, one.field, one.problem, one.remedy) for one in mistakes(text)] == [
        (3, "west.fact", "There is no fact 'closd'", "Did you mean closed?"),
        (8, "east.numerator.measure, character 1", "There is no field 'valu'", "Did you mean 'value'?"),
        (9, "east.denominator.where, character 1", "There is no field 'regon'", "Did you mean 'region'?"),
        (
            9,
            "east.denominator.where, character 29",
            "text has no order",
            "Compare it with = or !=, or list the values with 'in'",
        ),
        (13, "part.formula, character 1", "There is no metric 'bookngs'", "Did you mean 'bookings'?"),
    ]
    assert str(mistakes(text)[0]) == "mine.toml, row 3, west.fact: There is no fact 'closd'. Did you mean closed?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[win_rate]\nkind = "count"\nfact = "closed"', "There already is the metric win_rate"),
        ('[created_win_rate]\nkind = "count"\nfact = "closed"', "There already is a variant of win_rate"),
        ('[x]\nkind = "sums"', "There is no kind 'sums'"),
        ('[x]\nkind = "sum"\nfact = "closed"', "A sum needs 'measure'"),
        ('[x]\nkind = "count"\nfact = "closed"\nfilter = "a"', "A count has no field 'filter'"),
        ('[x]\nkind = "count"\nfact = 3', "fact must be text"),
        ('[x]\nkind = "count"\nfact = "closed"\nwhere = "value"', "A bool is needed, but this is money"),
        ('[x]\nkind = "count"\nfact = "closed"\nwhere = "product = \'A\'"', "There is no field 'product'"),
        ('[x]\nkind = "sum"\nfact = "closed"\nmeasure = "region"', "text cannot be added up"),
        ('[x]\nkind = "sum"\nfact = "closed"\nmeasure = "value / value"', "A share or quotient cannot be added up"),
        ('[x]\nkind = "sum"\nfact = "closed"\nmeasure = "1"', "The measure names no field"),
        ('[x]\nkind = "sum"\nfact = "closed"\nmeasure = "value"\nunit = "days"', "The unit is money, not days"),
        ('[x]\nkind = "count"\nfact = "closed"\nunit = "minuts"', "The unit is count, not minuts"),
        ('[x]\nkind = "count"\nfact = "closed"\nbetter = "higher"', "'higher' is no direction"),
        ('[x]\nkind = "ratio"\nnumerator = {fact = "closed"}\ndenominator = {fact = "closed", measure = "value"}',
         "count divided by money has no unit"),
        ('[x]\nkind = "ratio"\nnumerator = "closed"\ndenominator = {where = "a = 1"}', "numerator must be a table"),
        ('[x]\nkind = "cumulative"\nof = "open_pipeline"', "do not add up over time"),
        ('[x]\nkind = "cumulative"\nof = "sales_cycle_days.median"', "is a quantile"),
        ('[x]\nkind = "cumulative"\nof = "bookings"\nwindow = "decade"', "There is no window 'decade'"),
        ('[x]\nkind = "cumulative"\nof = "boookings"', "There is no metric 'boookings'"),
        ('[x]\nkind = "conversion"\nfrom = {fact = "lead"}\nto = {fact = "activity"}\nwithin = 9', "are other records"),
        ('[x]\nkind = "conversion"\nfrom = {fact = "open_state"}\nto = {fact = "closed"}\nwithin = 9', "is a state"),
        ('[x]\nkind = "conversion"\nfrom = {fact = "created"}\nto = {fact = "closed"}\nwithin = -1', "-1 is no number of days"),
        ('[x]\nkind = "derived"\nformula = "bookings + win_rate"', "has no meaning"),
        ('[x]\nkind = "derived"\nformula = "bookings + 5"', "a plain number cannot be added to money"),
        ('[x]\nkind = "derived"\nformula = "sales_cycle_days + won_deals"', "count cannot be added to days"),
        ('[x]\nkind = "derived"\nformula = "won_deals / bookings"', "has no meaning"),
        ('[x]\nkind = "derived"\nformula = "bookings > 5"', "A formula of metrics gives a number"),
        ('[x]\nkind = "derived"\nformula = "2 * 3"', "The formula names no metric"),
        ('[x]\nkind = "derived"\nformula = "__import__(1)"', "Functions cannot be called here"),
        ('[x]\nkind = "derived"\nformula = "x + 1"', "The definition goes in a circle: x -> x"),
        ('[x]\nkind = "derived"\nformula = "y * 2"\n[y]\nkind = "cumulative"\nof = "x"', "goes in a circle: x -> y -> x"),
        ("[x]\nkind = ", "This is no TOML"),
        ("x = 1", "'x' stands outside a definition"),
        ("[X-1]\nkind = \"count\"\nfact = \"closed\"", "'X-1' is no name"),
    ],
)  # fmt: skip
def test_mistakes(text: str, told: str) -> None:
    """Each is refused, and told in words that name a way out."""
    problems = mistakes(text)
    assert any(told.lower() in problem.problem.lower() for problem in problems), [str(one) for one in problems]
    assert all(problem.remedy and problem.source == "mine.toml" and problem.row for problem in problems)


def test_what_uses_a_broken_definition_says_so_and_the_others_hold() -> None:
    """The broken one is told with its place when it is asked for; what is whole can be asked."""
    session = world().session()
    broken = '[bad]\nkind = "count"\nfact = "nothing"\n[uses]\nkind = "derived"\nformula = "bad * 2"\n'
    session.__dict__["definitions"] = (("mine.toml", broken + WEST),)
    assert query(session, BOSS, "west_bookings").value() == 1200
    with pytest.raises(InvalidData) as error:
        query(session, BOSS, "bad")
    assert "There is no fact 'nothing'" in error.value.render()
    with pytest.raises(InvalidData) as error:
        query(session, BOSS, "uses")
    assert "bad cannot be used" in error.value.render()
    with pytest.raises(NotFound, match="Did you mean west_bookings"):
        query(session, BOSS, "west_booking")


def test_places() -> None:
    """Lines of tables and keys, also below a text of several lines."""
    text = '[a]\nkind = "sum"\n"where" = """\nb = 1\n"""\nfact = "x"\n[a.to]\nfact = "y"\n'
    assert places(text) == {"a": 1, "a.kind": 2, "a.where": 3, "a.fact": 6, "a.to": 7, "a.to.fact": 8}


# Against the Decimal interpreter ------------------------------------------------------------------------------------------

ROWS = [
    (500, "West", "SMB", 19, "won"),
    (700, "West", None, 110, "won"),
    (900, "East", "SMB", 131, "won"),
    (100, "East", None, 49, "lost"),
]
SCHEMA = {"value": FieldType("money"), "region": FieldType("text"), "segment": FieldType("text"), "cycle_days": FieldType("count"),
          "status": FieldType("text")}  # fmt: skip
_atoms = st.sampled_from(
    ["value > 600", "value * 2 <= 1400", "region = 'West'", "segment is null", "segment = 'SMB'", "cycle_days between 20 and 120",
     "status in ('won', 'open')", "value / cycle_days > 7", "segment != 'SMB'"]
)  # fmt: skip
conditions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=5,
)
measures = st.sampled_from(
    [
        "value",
        "value * 0.3",
        "value / cycle_days",
        "value - value / 3",
        "cycle_days",
        "cycle_days * 3 + 1",
        "cycle_days * cycle_days",
    ]
)
_base = world().session()


@settings(max_examples=25, deadline=None)
@given(conditions, measures)
def test_sums_are_those_of_the_interpreter(where: str, measure: str) -> None:
    """The value of every record by the Decimal interpreter, added up, is what the compiled metric answers."""
    rows = [{"value": v * 10_000, "region": r, "segment": s, "cycle_days": c, "status": w} for v, r, s, c, w in ROWS]
    condition, of = parse(where, SCHEMA, "bool"), parse(measure, SCHEMA)
    expected = sum((Decimal(str(of.evaluate(row))) for row in rows if condition.matches(row)), Decimal(0))
    values = {"kind": "sum", "fact": "closed", "measure": measure, "where": where}
    one = Definition("made", values, "x", {})
    compiled = compile_all(_base, [one])
    assert compiled.problems == []
    assert _value(compiled.metrics["made"]) == expected


_operands = {
    "bookings": Decimal(2100),
    "won_deals": Decimal(3),
    "lost_deals": Decimal(1),
    "win_rate": Decimal("0.75"),
    "created_deals": Decimal(4),
}
_names = st.sampled_from([*_operands, "2", "0.25"])
formulas = st.recursive(
    _names,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=4,
)
_kinds = {
    name: FieldType("money" if name == "bookings" else "rate" if name == "win_rate" else "count") for name in _operands
}


@settings(max_examples=30, deadline=None)
@given(formulas)
def test_formulas_are_those_of_the_interpreter(formula: str) -> None:
    """A formula over metrics is worth what the Decimal interpreter gives for their values, or is refused."""
    compiled = compile_all(_base, [Definition("made", {"kind": "derived", "formula": formula}, "x", {})])
    if compiled.problems:
        assert not compiled.metrics
        return
    row = {
        name: int(value * (10_000 if name == "bookings" else 1_000_000 if name == "win_rate" else 1))
        for name, value in _operands.items()
    }
    from salesops.common.expressions.interpreter import evaluate

    expected = evaluate(parse(formula, _kinds).node, row)
    value = _value(compiled.metrics["made"])
    if expected is None:
        assert value is None
    else:
        assert float(value) == pytest.approx(float(str(expected)), rel=1e-8, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120) | st.text("[]ab=\"'{}.# \n\\", max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing that somebody writes ends in an error of ours."""
    definitions, problems = read(text, "mine.toml")
    assert all(problem.remedy for problem in problems)
    assert not definitions or compile_all(_base, definitions) is not None


def _value(one: Metric) -> Any:
    """The value of a compiled metric over all deals."""
    from salesops.metrics.query import answer
    from salesops.metrics.request import Request, understand

    request: Request = understand(_base, "bookings")
    from dataclasses import replace

    return answer(_base, BOSS, replace(request, asked=(Asked(one, one.variants[0]),))).value()
