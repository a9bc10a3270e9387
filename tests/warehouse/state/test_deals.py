"""Worked figures of deals, checkable with a pencil: value, close day, merges, source ids, undated records, days, rates."""

from __future__ import annotations

from datetime import date
from importlib import import_module

import pytest
from tests.warehouse.state.world import Fact, World, at, day

TELL = "status, closed_on, value, value_source"


def test_zero_on_a_lost_row_is_nothing_booked(world: World) -> None:
    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, amount=500)
    world.set("opportunity", 1, "2024-03-10", stage=4, amount=0)
    world.record("opportunity", 2, "2024-03-01", name="B", stage=4, amount=0)
    world.record("opportunity", 3, "2024-03-01", name="C", stage=3, amount=0)
    world.refresh()
    assert world.told(TELL, 1) == [
        (day("2024-03-01"), "open", None, 500, "amount"),
        (day("2024-03-10"), "lost", day("2024-03-10"), 500, "amount"),
    ]
    assert world.told(TELL, 2) == [(day("2024-03-01"), "lost", day("2024-03-01"), None, None)]
    assert world.told(TELL, 3) == [(day("2024-03-01"), "won", day("2024-03-01"), 0, "amount")]


def test_a_deal_closes_on_the_declared_day_else_on_that_of_its_latest_entry(world: World) -> None:
    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1)
    world.set("opportunity", 1, "2024-03-05", stage=3)
    world.set("opportunity", 1, "2024-03-07", stage=3)  # a repeated save is no entry
    world.set("opportunity", 1, "2024-03-09", stage=2)  # reopened
    world.set("opportunity", 1, "2024-03-12", stage=4)
    world.set("opportunity", 1, "2024-03-20", actual_close="2024-03-15")
    world.refresh()
    assert world.told("status, closed_on", 1) == [
        (day("2024-03-01"), "open", None),
        (day("2024-03-05"), "won", day("2024-03-05")),
        (day("2024-03-07"), "won", day("2024-03-05")),
        (day("2024-03-09"), "open", None),
        (day("2024-03-12"), "lost", day("2024-03-12")),
        (day("2024-03-20"), "lost", day("2024-03-15")),
    ]
    history = world.ask("SELECT visit, stage, day, next_stage FROM stage_history WHERE opportunity = 1 ORDER BY visit")
    assert history == [
        (1, 1, day("2024-03-01"), 3), (2, 3, day("2024-03-05"), 2), (3, 2, day("2024-03-09"), 4), (4, 4, day("2024-03-12"), None),
    ]  # fmt: skip


def test_a_deal_reopened_and_closed_again_within_a_day_closed_on_that_day(world: World) -> None:
    """Won on 5 March; on 12 March reopened at 9 and won again at 15: that was its latest entry, though both evenings say Won."""
    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1)
    world.set("opportunity", 1, "2024-03-05", stage=3)
    for hour, stage in ((9, 2), (15, 3)):
        world.write([Fact("opportunity", 1, "stage", stage, at("2024-03-12", hour), at("2024-03-12", hour))])
    world.refresh()
    assert world.told("status, closed_on", 1) == [
        (day("2024-03-01"), "open", None),
        (day("2024-03-05"), "won", day("2024-03-05")),
        (day("2024-03-12"), "won", day("2024-03-12")),
    ]
    world.set("opportunity", 1, "2024-03-20", actual_close="2024-03-06")
    world.refresh()
    assert world.told("closed_on", 1)[-1] == (day("2024-03-20"), day("2024-03-06"))


def _priced(world: World, on: str) -> list[tuple[object, ...]]:
    """What a deal of one unit of product 9, in euros, is worth on a day."""
    ask = (
        f"SELECT value, value_source FROM opportunity WHERE id = 1 AND day_from <= DATE '{on}' AND DATE '{on}' < day_to"
    )
    return world.ask(ask)


def test_the_list_price_is_that_of_the_standard_book_in_the_deal_s_currency(world: World) -> None:
    """Book 21 (wholesale) has the lowest id and asks 18.00; book 22 is the standard one and asks 20.00, from 10 March 25.00;
    book 23 is in dollars, as its price is, which names no currency itself."""
    world.stages()
    world.record("price_book", 21, "2024-01-01", name="Wholesale", currency="EUR")
    world.record("price_book", 22, "2024-01-01", name="Standard", currency="EUR", standard=1)
    world.record("price_book", 23, "2024-01-01", name="Overseas", currency="USD", standard=1)
    for record, (book, price, start, end) in enumerate(
        ((21, 180_000, None, None), (22, 200_000, None, "2024-03-10"), (22, 250_000, "2024-03-10", "2024-06-01"), (23, 210_000, None, None)), 1,
    ):  # fmt: skip
        world.row("price", record, price_book=book, product=9, list_price=price, valid_from=start, valid_to=end)
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, currency="EUR")
    world.record("opportunity", 2, "2024-03-01", name="B", stage=1, currency="USD")
    for deal in (1, 2):
        world.record("opportunity_line", 10 + deal, "2024-03-01", opportunity=deal, product=9, quantity=10_000)
    world.refresh()
    assert world.told("value, value_source", 1) == [
        (day("2024-03-01"), 200_000, "list_price"),
        (day("2024-03-10"), 250_000, "list_price"),
        (day("2024-06-01"), 180_000, "list_price"),  # the standard book has no price any more
    ]
    assert world.told("value", 2) == [(day("2024-03-01"), 210_000)]


def test_where_books_differ_and_none_is_the_standard_one_there_is_no_list_price(world: World) -> None:
    world.stages()
    world.row("price", 1, price_book=21, product=9, currency="EUR", list_price=180_000)
    world.row("price", 2, price_book=22, product=9, currency="EUR", list_price=200_000, valid_from="2024-03-10")
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, currency="EUR")
    world.record("opportunity_line", 11, "2024-03-01", opportunity=1, product=9, quantity=10_000)
    world.refresh()
    assert _priced(world, "2024-03-09") == [(180_000, "list_price")]
    assert _priced(world, "2024-03-10") == [(None, None)]
    world.record("price_book", 22, "2024-05-01", name="List", standard=1)
    world.refresh()
    assert _priced(world, "2024-03-10") == [(200_000, "list_price")]
    world.row(
        "price", 3, product=9, currency="EUR", list_price=190_000
    )  # in no book: before the others, after the standard one
    world.refresh()
    assert _priced(world, "2024-03-09") == [(190_000, "list_price")]
    assert _priced(world, "2024-03-10") == [(200_000, "list_price")]


def test_a_stage_learned_late_is_not_known_before(world: World) -> None:
    """On 1 June it is told that stage 2 has meant Won since 1 March, and what stage 5 means. Deal 1 went to stage 2 on 5 March,
    deal 2 to stage 5, deal 3 to stage 1."""
    world.stages()
    for deal, stage in ((1, 2), (2, 5), (3, 1)):
        world.record("opportunity", deal, "2024-03-01", name=f"D{deal}", stage=1, amount=5)
        world.set("opportunity", deal, "2024-03-05", stage=stage)
    world.write([Fact("stage", 2, "kind", "won", at("2024-03-01"), at("2024-06-01"))])
    world.write(
        [Fact("stage", 5, "*", {"name": "Gone", "kind": "lost", "position": 5}, at("2024-03-01"), at("2024-06-01"))]
    )
    world.refresh()
    ask = "SELECT id, status, closed_on FROM opportunity WHERE day_from <= DATE '2024-04-01' AND DATE '2024-04-01' < day_to ORDER BY id"
    entries = "SELECT opportunity, kind, position FROM stage_history WHERE day = DATE '2024-03-05' ORDER BY 1"
    closed = day("2024-03-05")
    assert world.ask(ask) == [(1, "won", closed), (2, "lost", closed), (3, "open", None)]
    assert world.ask(ask, day("2024-05-31")) == [(1, "open", None), (2, "open", None), (3, "open", None)]
    assert world.ask(entries, day("2024-05-31")) == [(1, "open", 2), (2, "open", 0)]
    assert world.ask(ask, day("2024-06-01")) == world.ask(ask)
    assert world.ask(entries, day("2024-06-01")) == world.ask(entries) == [(1, "won", 2), (2, "lost", 5)]
    world.set("opportunity", 3, "2024-04-01", stage=5)
    assert world.refresh().kind == "incremental"
    assert world.ask(ask) == [(1, "won", closed), (2, "lost", closed), (3, "lost", day("2024-04-01"))]
    assert world.ask(ask, day("2024-05-31"))[2] == (3, "open", None)


def test_without_an_amount_a_deal_is_worth_list_price_times_quantity(world: World) -> None:
    """3 x 20.00 = 60.00; from 10 March the price is 25.00: 75.00; with an amount from 20 March it is the amount."""
    world.stages()
    for start, end, price in ((None, "2024-03-10", 200_000), ("2024-03-10", None, 250_000)):
        world.row("price", price, product=9, currency="EUR", list_price=price, valid_from=start, valid_to=end)
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, currency="EUR")
    world.record("opportunity_line", 11, "2024-03-05", opportunity=1, product=9, quantity=30_000)
    world.set("opportunity", 1, "2024-03-20", amount=990_000)
    world.refresh()
    assert world.told("value, value_source", 1) == [
        (day("2024-03-01"), None, None),
        (day("2024-03-05"), 600_000, "list_price"),
        (day("2024-03-10"), 750_000, "list_price"),
        (day("2024-03-20"), 990_000, "amount"),
    ]
    world.record("opportunity_line", 12, "2024-03-12", opportunity=1, product=8, quantity=10_000)  # no price at all
    assert world.refresh().kind == "incremental"
    assert world.told("value, value_source", 1)[2:] == [
        (day("2024-03-10"), 750_000, "list_price"),
        (day("2024-03-12"), None, None),
        (day("2024-03-20"), 990_000, "amount"),
    ]


def test_what_a_line_adds_is_known_when_the_line_is(world: World) -> None:
    world.stages()
    world.row("price", 1, product=9, currency="EUR", list_price=200_000)
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, currency="EUR")
    line = {"opportunity": 1, "product": 9, "quantity": 30_000}
    world.write([Fact("opportunity_line", 11, "*", line, at("2024-03-01"), at("2024-04-01"))])
    world.refresh()
    ask = "SELECT value FROM opportunity WHERE id = 1 AND day_from <= DATE '2024-03-02' AND DATE '2024-03-02' < day_to"
    assert world.ask(ask) == [(600_000,)]
    assert world.ask(ask, day("2024-03-31")) == [(None,)]
    assert world.ask(ask, day("2024-04-01")) == [(600_000,)]


def test_a_merged_record_is_read_as_the_one_it_lives_on_in(world: World) -> None:
    world.stages()
    for record in (5, 6, 7):
        world.record("account", record, "2024-01-01", name=f"A{record}")
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, account=5)
    world.set("opportunity", 1, "2024-03-05", account=6)
    world.record("contact", 2, "2024-03-01", name="C", account=5)
    world.row("territory_assignment", 3, territory=1, account=5)
    world.refresh()
    accounts = "SELECT account FROM opportunity WHERE id = 1 ORDER BY day_from"
    assert world.ask(accounts) == [(5,), (6,)]
    world.set("account", 5, "2024-04-01", deleted=1, merged_into=6)
    batch = world.write(
        [Fact("account", 6, "merged_into", "7", at("2024-04-02"), at("2024-04-02"), 1),
         Fact("account", 6, "deleted", "1", at("2024-04-02"), at("2024-04-02"), 2)], "edit",
    )  # fmt: skip
    assert world.refresh().kind == "full"
    assert world.ask(accounts) == [(7,), (7,)]
    assert world.ask("SELECT account FROM contact") == [(7,)]
    assert world.ask("SELECT account FROM territory_assignment") == [(7,)]
    assert world.ask("SELECT id FROM account WHERE day_to > '9999-01-01' AND NOT deleted") == [(7,)]
    world.set("opportunity", 1, "2024-05-01", account=5)
    assert world.refresh().kind == "incremental"
    assert world.ask(accounts) == [(7,), (7,), (7,)]
    assert world.ask(accounts, day("2024-06-01")) == [(7,), (7,), (7,)]
    from salesops.records.writing import next_tick

    batch.status, batch.tick = batch.UNDONE, _ticked(next_tick)
    batch.save()
    assert world.refresh().kind == "full"
    assert world.ask(accounts) == [(6,), (6,), (6,)]


def _ticked(next_tick: object) -> int:
    from django.db import transaction

    with transaction.atomic():
        return int(next_tick())  # type: ignore[operator]


def test_source_ids_say_what_each_system_calls_a_record(world: World) -> None:
    from salesops.common.ids import record_id
    from salesops.records.entities import entities
    from salesops.records.models import SourceId

    code = entities()["account"].code
    world.record("account", 5, "2024-01-01", name="A")

    def called(system: str, external: str, record: int) -> None:
        pk = record_id("account", system, external)
        SourceId.objects.create(
            id=pk, entity=code, system=system, external_id=external, record=record, batch=world.batch().pk
        )

    for system, external in (("crm", "X"), ("crm", "B"), ("erp", "7")):
        called(system, external, 5)
    world.refresh()
    ask = "SELECT id, entity, system, external_id FROM source_system ORDER BY ALL"
    assert world.ask(ask) == [(5, "account", "crm", "X"), (5, "account", "erp", "7")]
    called("crm", "Named only", 6)
    assert world.refresh().kind == "incremental"
    assert world.ask(ask)[2:] == [(6, "account", "crm", "Named only")]
    assert world.ask("SELECT name FROM account WHERE id = 6") == [("Named only",)]


def test_what_has_no_date_is_listed_and_stands_in_no_version_table(world: World) -> None:
    world.stages()
    world.write([Fact("opportunity", 1, "*", {"name": "A", "stage": 1}, None, at("2024-03-01"))])
    world.record("opportunity", 2, "2024-03-01", name="B", stage=1)
    world.refresh()
    assert world.ask("SELECT * FROM undated") == [("opportunity", 1)]
    assert world.ask("SELECT DISTINCT id FROM opportunity") == [(2,)]
    assert world.ask("SELECT DISTINCT opportunity FROM stage_history") == [(2,)]
    world.set("opportunity", 1, "2024-04-01", amount=5)
    world.refresh()
    assert world.ask("SELECT * FROM undated") == []
    assert world.told("amount", 1) == [(day("2024-04-01"), 5)]


def test_a_day_ends_at_midnight_where_the_company_is(world: World) -> None:
    """Warsaw is an hour ahead of UTC, two from 31 March to 27 October."""
    world.stages()
    hour = 3_600_000_000
    utc_midnight = {"2024-03-30": 1_711_756_800_000_000, "2024-04-01": 1_711_929_600_000_000}
    for record, instant, expected in (
        (1, utc_midnight["2024-03-30"] - hour - 1, "2024-03-29"),
        (2, utc_midnight["2024-03-30"] - hour, "2024-03-30"),
        (3, utc_midnight["2024-04-01"] - 2 * hour - 1, "2024-03-31"),
        (4, utc_midnight["2024-04-01"] - 2 * hour, "2024-04-01"),
    ):
        world.write([Fact("opportunity", record, "*", {"name": "A"}, instant, instant)])
        world.refresh()
        assert world.told("created_on", record) == [(day(expected), day(expected))]


def test_the_calendar_is_the_company_s(world: World) -> None:
    """The fiscal year starts in February and is named by its end: 31 January 2024 is in 2024, 1 February in 2025."""
    world.refresh()
    ask = "SELECT day, year_key, quarter_key FROM calendar_day WHERE day IN ('2024-01-31', '2024-02-01') ORDER BY day"
    calendar = world.ws.config.calendar
    expected = [
        (d, calendar.period_of(d, "year").key, calendar.period_of(d, "quarter").key)
        for d in (date(2024, 1, 31), date(2024, 2, 1))
    ]
    assert world.ask(ask) == expected
    assert expected[0][1] != expected[1][1]


def test_rates_direct_inverse_and_through_a_common_currency(world: World) -> None:
    """EUR 1 = USD 1.25 = PLN 4; so USD 1 = EUR 0.8 and, through EUR, USD 1 = PLN 3.2. A gap carries nothing."""
    for record, (other, rate, start, end) in enumerate(
        (("USD", 12_500_000_000, "2024-01-01", "2024-01-10"), ("USD", 20_000_000_000, "2024-02-01", None),
         ("PLN", 40_000_000_000, "2024-01-05", None)), 1,
    ):  # fmt: skip
        world.row(
            "exchange_rate", record, currency="EUR", to_currency=other, rate=rate, kind="spot", valid_from=start,
            valid_to=end,
        )  # fmt: skip
    world.refresh()

    def rate(one: str, other: str, on: str) -> list[int]:
        ask = f"SELECT rate FROM rate_day WHERE currency = '{one}' AND to_currency = '{other}' AND day = DATE '{on}'"
        return [row[0] for row in world.ask(ask)]

    assert rate("EUR", "USD", "2024-01-09") == [12_500_000_000]
    assert rate("USD", "EUR", "2024-01-09") == [8_000_000_000]
    assert rate("USD", "PLN", "2024-01-09") == [32_000_000_000]
    assert rate("USD", "PLN", "2024-01-04") == []
    assert rate("USD", "EUR", "2024-01-10") == []
    assert rate("USD", "PLN", "2024-06-01") == [20_000_000_000]
    assert rate("USD", "EUR", "2025-06-01") == [5_000_000_000]
    assert rate("EUR", "EUR", "2024-01-09") == []


def test_a_warehouse_of_before_an_entity_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade that brings an entity, the files of before do not know it: the next refresh makes everything, and says so."""
    refresh = import_module("salesops.warehouse.refresh")  # the package has a function of this name

    world.record("account", 5, "2024-01-01", name="A")
    before = {name: one for name, one in refresh.entities().items() if name != "forecast_call"}
    with monkeypatch.context() as older:
        older.setattr(refresh, "entities", lambda: before)
        assert world.refresh().kind == "full"
    world.set("account", 5, "2024-02-01", name="B")
    assert world.refresh().kind == "full"
    assert world.ask("SELECT COUNT(*) FROM forecast_call") == [(0,)]
    world.set("account", 5, "2024-03-01", name="C")
    assert world.refresh().kind == "incremental"
