"""A value rule that is added after an import corrects, with the next import, how earlier values were read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.imports import kit

HEAD = "id,name,city,industry,employees\n"
COMPANIES = HEAD + "1,Acme,Krakow,technolgy,10\n2,Bolt,Lodz,tools,20\n"
DEALS = "id,name,created,owner,company,stage,amount,currency,tier\n"
DAYS = [date(2018, 1, 1), date(2018, 3, 1), date(2018, 12, 30), date(2018, 12, 31)]
BEFORE = date(2018, 12, 30)  # the day before today, on which the rules are made


def rule(desk: Any, entity: str, field: str, found: str, becomes: str | None) -> None:
    from salesops.records.actions_settings import add_rule

    add_rule(desk.owner, entity, field, found, becomes)


def read(desk: Any, entity: str, external: str, field: str, day: str, known: date | None = None) -> Any:
    """A field of a record as of the end of a day, as known on one."""
    from salesops.common.ids import record_id
    from salesops.records.entities import entity as find
    from salesops.records.history import state_as_of

    record = record_id(entity, "crm", external)
    return state_as_of(find(entity), [record], date.fromisoformat(day), known).get(record, {}).get(field)


def test_every_past_day_reads_with_the_rule_and_what_was_known_stays(desk: Any) -> None:
    desk.take("companies", COMPANIES)
    desk.take("companies", COMPANIES.replace("Krakow", "Gdansk"), "2018-03-01")
    rule(desk, "account", "industry", "technolgy", "technology")
    result = desk.take("companies", COMPANIES.replace("Krakow", "Gdansk"), "2018-03-01")
    assert result.status == "live"
    assert result.facts == 1
    assert any("1 earlier value anew" in note for note in result.notes)
    assert desk.now("account", "1").industry == "technology"
    for day in ("2018-01-01", "2018-02-01", "2018-12-31"):
        assert read(desk, "account", "1", "industry", day) == "technology"
        assert read(desk, "account", "1", "industry", min(day, str(BEFORE)), BEFORE) == "technolgy"
        assert read(desk, "account", "2", "industry", day) == "tools"


def test_records_that_the_file_does_not_name_are_corrected_too(desk: Any) -> None:
    desk.take("companies", COMPANIES)
    rule(desk, "account", "industry", "technolgy", None)
    desk.take("companies", HEAD + "3,Cable,Opole,tools,30\n", "2018-03-01")
    assert desk.now("account", "1").industry is None
    assert read(desk, "account", "1", "industry", "2018-02-01") is None
    assert read(desk, "account", "1", "industry", "2018-02-01", BEFORE) == "technolgy"


def test_a_third_import_changes_nothing_and_undo_takes_the_corrections_away(desk: Any) -> None:
    first = desk.take("companies", COMPANIES)
    before = kit.dump()
    rule(desk, "account", "industry", "technolgy", "technology")
    second = desk.take("companies", COMPANIES)
    after = kit.dump()
    assert desk.take("companies", COMPANIES).status == "unchanged"
    assert desk.take("companies", COMPANIES, "2018-02-01").status == "unchanged"  # another day is another import
    assert kit.dump() == after
    desk.undo(second.batch)
    assert kit.dump() == before
    third = desk.take("companies", COMPANIES)
    assert third.facts == 1
    assert kit.dump()["account"] == after["account"]
    assert first.batch < second.batch < third.batch


def test_edits_and_fields_of_the_app_stay(desk: Any) -> None:
    from salesops.common.ids import record_id
    from salesops.records.actions import edit_record
    from salesops.records.models import FieldOwner

    desk.take("companies", COMPANIES + "3,Cable,Opole,technolgy,30\n4,Duct,Kielce,technolgy,40\n")
    edit_record(desk.owner, "account", record_id("account", "crm", "3"), {"industry": "cables"})
    FieldOwner.objects.create(entity="account", record=record_id("account", "crm", "4"), field="industry", owner="app")
    rule(desk, "account", "industry", "technolgy", "technology")
    desk.take("companies", COMPANIES + "3,Cable,Opole,technolgy,30\n4,Duct,Kielce,technolgy,40\n")
    assert [desk.now("account", key).industry for key in "134"] == ["technology", "cables", "technolgy"]
    assert read(desk, "account", "3", "industry", "2018-02-01") == "technology"  # before the edit


def test_rules_that_swap_two_values_swap_them_once(desk: Any) -> None:
    rows = HEAD + "1,Acme,Krakow,tools,10\n2,Bolt,Lodz,wires,20\n"
    desk.take("companies", rows)
    rule(desk, "account", "industry", "tools", "wires")
    rule(desk, "account", "industry", "wires", "tools")
    desk.take("companies", rows)
    for n in range(2):
        assert [read(desk, "account", key, "industry", "2018-02-01") for key in "12"] == ["wires", "tools"]
        rule(desk, "account", "city", "Krakow", f"Cracow {n}")
        desk.take("companies", rows, "2018-03-01")
    assert [desk.now("account", key).industry for key in "12"] == ["wires", "tools"]


def test_another_system_keeps_its_words(desk: Any) -> None:
    desk.take("companies", COMPANIES)
    desk.take("companies", COMPANIES, system="erp")
    desk.mapping.write_text(
        kit.MAPPING + '[[rule]]\nentity = "account"\nfield = "industry"\nfound = "technolgy"\nbecomes = "technology"\n'
    )
    desk.take("companies", COMPANIES)
    assert desk.now("account", "1").industry == "technology"
    assert desk.now("account", "1", "erp").industry == "technolgy"


@pytest.mark.parametrize("known", [True, False])
def test_a_reference_by_name_is_corrected_whether_the_right_record_is_here_or_not(desk: Any, known: bool) -> None:
    from salesops.records.models import SourceId

    deal = DEALS + "a,A,2018-01-01,ann,Acmee,Open,1,EUR,\n"
    desk.files({"companies": COMPANIES if known else COMPANIES.replace("Acme", "Zinc"), "deals": deal})
    rule(desk, "opportunity", "account", "Acmee", "Acme")
    desk.take("deals", deal)
    account = desk.now("opportunity", "a").account
    assert account == (desk.now("account", "1").pk if known else SourceId.objects.get(external_id="Acme").record)
    assert read(desk, "opportunity", "a", "account", "2018-01-01") == account
    assert read(desk, "opportunity", "a", "account", "2018-01-01", BEFORE) not in (None, account)
    assert desk.take("deals", deal, "2018-02-01").status == "unchanged"


def test_a_word_that_was_refused_holds_from_the_beginning(desk: Any) -> None:
    """Of a word, only the records whose row holds the found text are corrected: other texts are read as the same word."""
    desk.mapping.write_text(kit.MAPPING.replace('amount = "amount"', 'amount = "amount"\ntype = "tier"', 1))
    rows = (
        DEALS
        + "a,A,2018-01-01,ann,,Open,1,EUR,fresh\nb,B,2018-01-01,ann,,Open,1,EUR,\nc,C,2018-01-01,ann,,Open,1,EUR,New\n"
    )
    desk.take("deals", rows, "2018-03-01")
    assert desk.now("opportunity", "a").type is None
    rule(desk, "opportunity", "type", "fresh", "new")
    rule(desk, "opportunity", "type", "New", "renewal")
    desk.take("deals", rows, "2018-04-01")
    assert [desk.now("opportunity", key).type for key in "abc"] == ["new", None, "renewal"]
    assert [read(desk, "opportunity", key, "type", "2018-01-02") for key in "abc"] == ["new", None, "renewal"]
    assert [read(desk, "opportunity", key, "type", "2018-01-02", BEFORE) for key in "abc"] == [None, None, "new"]


def test_rows_with_their_own_change_time_are_corrected_and_not_repeated(desk: Any) -> None:
    head = "id,created,changed,learned,gone,name,amount,stage,owner,tier\n"
    rows = head + (
        "a,2018-01-01,2018-01-01 10:00,2018-01-02 10:00,,A,1,Open,ann,golld\n"
        "a,2018-01-01,2018-02-01 10:00,2018-02-02 10:00,,A,2,Open,ann,golld\n"
    )
    desk.take("versions", rows, "2018-03-01")
    rule(desk, "opportunity", "custom.tier", "golld", "gold")
    result = desk.take("versions", rows, "2018-03-01")
    assert result.facts == 2
    for day in ("2018-01-15", "2018-02-15"):
        assert read(desk, "opportunity", "a", "custom.tier", day) == "gold"
        assert read(desk, "opportunity", "a", "custom.tier", day, BEFORE) == "golld"
    assert desk.take("versions", rows, "2018-04-01").status == "unchanged"


def test_a_history_is_read_with_rules_and_corrected(desk: Any) -> None:
    rows = "id,field,old,value,at\na,name,,Alfa,2018-01-05 10:00\na,name,Alfa,Beta,2018-02-05 10:00\n"
    desk.files({"deals": DEALS + "a,Beta,2018-01-01,ann,,Open,1,EUR,\n", "changes": rows})
    rule(desk, "opportunity", "name", "Alfa", "Alpha")
    desk.take("changes", rows)
    assert [read(desk, "opportunity", "a", "name", d) for d in ("2018-01-10", "2018-02-10")] == ["Alpha", "Beta"]
    assert read(desk, "opportunity", "a", "name", "2018-01-10", BEFORE) == "Alfa"
    assert desk.take("changes", rows, "2018-03-01").status == "unchanged"


def test_events_and_intervals_are_corrected_for_the_days_that_they_hold(desk: Any) -> None:
    from salesops.common.ids import record_id
    from salesops.records.models import Activity

    calls = "id,at,owner,minutes,outcome\nc1,2018-01-05 10:00,ann,5,anserwed\nc2,2018-01-06 10:00,ann,5,anserwed\n"
    roles = "id,changed,team,person,role,from,to\nr1,2018-01-05 10:00,t,ann,memberr,2018-01-01,\n"
    lines = "person,manager\nann,boss\nben,bos\n"
    desk.files({"calls": calls, "roles": roles, "lines": lines}, "2018-02-01")
    before = kit.as_of("reporting_line", DAYS, BEFORE)
    rule(desk, "activity", "outcome", "anserwed", "answered")
    rule(desk, "reporting_line", "manager", "bos", "boss")
    new = "id,at,owner,minutes,outcome\nc1,2018-01-05 10:00,ann,7,anserwed\n"
    batch = desk.files({"calls": new, "roles": roles, "lines": lines}, "2018-03-01").batch
    live = Activity.objects.filter(recorded_to=None)
    assert sorted(live.values_list("external_id", "minutes", "outcome")) == [
        ("c1", 7, "answered"),
        ("c2", 5, "answered"),
    ]
    boss = str(record_id("person", "crm", "boss"))
    for day, rows in kit.as_of("reporting_line", DAYS).items():
        assert [boss in row for row in rows] == [True, True], day
    assert [boss in row for row in before["2018-01-01"]].count(True) == 1
    assert kit.as_of("reporting_line", DAYS, BEFORE) == before
    assert desk.files({"calls": new, "roles": roles, "lines": lines}, "2018-04-01").status == "unchanged"
    desk.undo(batch)
    assert kit.as_of("reporting_line", DAYS, BEFORE) == before
    assert kit.as_of("reporting_line", [DAYS[-1]])[str(DAYS[-1])] == before[str(BEFORE)]
