"""What differences between files mean: gone, back again, changed, moved. All of it holds from the file's date on."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.imports import kit

HEAD = "id,name,created,owner,company,stage,amount,currency,tier\n"
A = "a,Alpha,2018-01-02,ann,Acme,Open,100.00,EUR,T1\n"
B = "b,Beta,2018-01-03,bob,Acme,Open,200.00,EUR,T1\n"
C = "c,Gamma,2018-01-04,bob,Bolt,Open,300.00,EUR,T2\n"


def there(day: str) -> list[str]:
    """Names of the deals that were there on a day."""
    found = kit.as_of("opportunity", [date.fromisoformat(day)])[day]
    return sorted(dict(values)["name"] for _, values in found)


def test_absent_rows_are_gone_as_of_the_file_date_and_come_back(desk: Any, compare: Any) -> None:
    desk.take("deals", HEAD + A + B + C, "2018-01-10", mode="snapshot")
    desk.take("deals", HEAD + A + C, "2018-01-20", mode="snapshot")
    desk.take("deals", HEAD + A + B, "2018-01-30", mode="snapshot")
    assert there("2018-01-19") == ["Alpha", "Beta", "Gamma"]
    assert there("2018-01-20") == ["Alpha", "Gamma"]
    assert there("2018-01-30") == ["Alpha", "Beta"]
    assert desk.now("opportunity", "c").deleted
    compare("snapshots", kit.dump())


def test_a_delta_leaves_what_it_does_not_name(desk: Any) -> None:
    desk.take("deals", HEAD + A + B + C, "2018-01-10")
    desk.take("deals", HEAD + A, "2018-01-20")
    assert there("2018-01-20") == ["Alpha", "Beta", "Gamma"]


def test_a_snapshot_of_several_files_is_all_of_them_together(desk: Any) -> None:
    people = {"people": "id,name,email\nann,Ann,a@x.example", "people_too": "id,name,email\nbob,Bob,b@x.example"}
    desk.files(people, "2018-01-10", mode="snapshot")
    assert [desk.now("person", p).deleted for p in ("ann", "bob")] == [False, False]
    desk.files({**people, "people_too": "id,name,email\nzoe,Zoe,z@x.example"}, "2018-01-20", mode="snapshot")
    assert [desk.now("person", p).deleted for p in ("ann", "bob", "zoe")] == [False, True, False]


def test_what_another_system_still_names_is_not_gone(desk: Any) -> None:
    """Two systems know one company (after a merge); one of them drops it."""
    from salesops.records import actions

    rows = "id,name,city,industry,employees\n1,Acme,Krakow,Tools,10\n"
    desk.take("companies", rows, "2018-01-01")
    desk.take("companies", rows.replace("1,Acme,Krakow,Tools,10", "X,Acme Inc,Krakow,Tools,10"), system="erp")
    kept, lost = desk.now("account", "1"), desk.now("account", "X", "erp")
    actions.merge_records(desk.owner, "account", kept.pk, lost.pk)
    desk.take("companies", rows.replace("1,Acme", "2,Bolt"), "2018-02-01", mode="snapshot")
    assert not desk.now("account", "1").deleted


def test_a_difference_holds_from_the_file_date(desk: Any) -> None:
    desk.take("deals", HEAD + A, "2018-01-10")
    desk.take("deals", HEAD + A.replace("100.00", "150.00"), "2018-01-20")
    amounts = {
        day: dict(rows[0][1])["amount"]
        for day, rows in kit.as_of("opportunity", [date(2018, 1, 19), date(2018, 1, 20)]).items()
    }
    assert amounts == {"2018-01-19": 100_0000, "2018-01-20": 150_0000}


def test_files_of_one_day_succeed_each_other(desk: Any) -> None:
    """Corrected twice on the same day, back to the first value included: the latest import counts."""
    for number, amount in enumerate(("100.00", "150.00", "120.00", "150.00", "100.00")):
        desk.take(
            "deals", HEAD + A.replace("100.00", amount) + f"x{number},X,2018-01-01,,,Open,1.00,EUR,T1\n", "2018-01-10"
        )
        assert desk.now("opportunity", "a").amount == int(float(amount) * 10_000)


def managers(day: str, known: str | None = None) -> dict[int, int]:
    from salesops.records.entities import entity
    from salesops.records.history import rows_as_known

    known_on = date.fromisoformat(known) if known else None
    rows = rows_as_known(entity("reporting_line"), None, known_on, date.fromisoformat(day))
    return {row["person"]: row["manager"] for row in rows}


def test_a_move_never_rewrites_history(desk: Any, compare: Any) -> None:
    """A list of who reports to whom, without dates: a change is an end and a beginning on the file's date."""
    from salesops.common.ids import record_id

    ann, bob, vera, mark, zoe = (record_id("person", "crm", name) for name in ("ann", "bob", "vera", "mark", "zoe"))
    desk.take("lines", "person,manager\nann,vera\nbob,vera", "2018-01-10")
    desk.take("lines", "person,manager\nann,mark\nbob,vera", "2018-02-10")
    desk.take("lines", "person,manager\nann,mark\nbob,vera\nzoe,mark", "2018-02-20")
    desk.take("lines", "person,manager\nann,zoe\nbob,vera\nzoe,mark", "2018-03-10")
    assert managers("2018-01-15") == {ann: vera, bob: vera, zoe: mark}
    assert managers("2018-02-10") == {ann: mark, bob: vera, zoe: mark}
    assert managers("2018-03-10") == {ann: zoe, bob: vera, zoe: mark}
    assert managers("2018-01-15", "2018-01-15") == {ann: vera, bob: vera, zoe: mark}
    compare("moves", kit.dump())


def test_somebody_who_leaves_a_snapshot_has_left_and_may_return(desk: Any) -> None:
    from salesops.common.ids import record_id

    ann, bob, vera = (record_id("person", "crm", name) for name in ("ann", "bob", "vera"))
    for day, text in (
        ("2018-01-10", "ann,vera\nbob,vera"),
        ("2018-02-10", "bob,vera"),
        ("2018-02-20", "bob,vera"),
        ("2018-03-10", "ann,vera\nbob,vera"),
    ):
        desk.take("lines", "person,manager\n" + text, day, mode="snapshot")
    assert managers("2018-02-09") == {ann: vera, bob: vera}
    assert managers("2018-02-10") == {bob: vera}
    assert managers("2018-03-09") == {bob: vera}
    assert managers("2018-03-10") == {ann: vera, bob: vera}


def test_events_that_a_snapshot_leaves_out_are_deleted(desk: Any) -> None:
    from salesops.records.models import Activity

    head = "at,owner,subject\n"
    one, two = "2018-01-02 10:00,ann,Lunch\n", "2018-01-03 10:00,bob,Visit\n"
    desk.take("visits", head + one + one + two, "2018-01-10", mode="snapshot")
    live = Activity.objects.filter(recorded_to=None, deleted=False)
    assert live.count() == 3  # an exact duplicate counts
    desk.take("visits", head + one + two, "2018-01-20", mode="snapshot")
    assert live.count() == 2
    desk.take("visits", head + one + one + two, "2018-01-30", mode="snapshot")
    assert live.count() == 3
