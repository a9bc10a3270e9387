"""Edits in the product and later imports: who decides a field, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

FIRST = """id,name,city,industry,employees
           1,Acme,Krakow,Tools,10
           2,Bolt,Lodz,Tools,20"""


def edit(desk: Any, external: str, **given: Any) -> None:
    from salesops.records import actions

    actions.edit_record(desk.owner, "account", desk.now("account", external).pk, given)


def test_an_edit_stays_when_the_source_merely_repeats_itself(desk: Any) -> None:
    desk.take("companies", FIRST, "2018-01-01")
    edit(desk, "1", city="Warszawa")
    again = desk.take("companies", FIRST + "\n3,Cask,Gdynia,Tools,30", "2018-01-10")
    assert desk.now("account", "1").city == "Warszawa"
    assert again.counts["account"] == {"rows": 3, "new": 1, "changed": 0}
    assert desk.conflicts() == []


def test_a_new_value_of_the_source_wins_and_the_edit_is_listed(desk: Any, compare: Any) -> None:
    desk.take("companies", FIRST, "2018-01-01")
    edit(desk, "1", city="Warszawa", employees=11)
    result = desk.take("companies", FIRST.replace("Krakow", "Poznan"), "2018-01-10")
    acme = desk.now("account", "1")
    assert (acme.city, acme.employees) == ("Poznan", 11)
    assert desk.conflicts() == [("city", "Poznan", "Warszawa")]
    assert result.conflicts == 1
    desk.undo(result.batch)
    assert desk.now("account", "1").city == "Warszawa"


def test_a_field_of_the_app_is_never_overwritten_and_told_once(desk: Any) -> None:
    from salesops.records.actions_settings import list_conflicts, resolve_conflict, set_owner

    desk.take("companies", FIRST, "2018-01-01")
    set_owner(desk.owner, "account", "city", "app")
    edit(desk, "1", city="Warszawa")
    desk.take("companies", FIRST.replace("Krakow", "Poznan"), "2018-01-10")
    assert desk.now("account", "1").city == "Warszawa"
    assert desk.conflicts() == [("city", "Warszawa", "Poznan")]
    desk.take("companies", FIRST.replace("Krakow", "Poznan").replace("20", "21"), "2018-01-20")
    assert desk.now("account", "2").employees == 21
    assert desk.conflicts() == [("city", "Warszawa", "Poznan")]
    resolve_conflict(desk.owner, list_conflicts(desk.owner)[0]["id"], "offered")
    assert desk.now("account", "1").city == "Poznan"


def test_one_record_may_have_an_owner_of_its_own(desk: Any) -> None:
    from salesops.records.actions_settings import set_owner

    desk.take("companies", FIRST, "2018-01-01")
    set_owner(desk.owner, "account", "city", "app")
    edit(desk, "1", city="Warszawa")
    edit(desk, "2", city="Radom")
    set_owner(desk.owner, "account", "city", "source", record=desk.now("account", "2").pk)
    desk.take("companies", FIRST + "\n3,Cask,Gdynia,Tools,30", "2018-01-10")
    assert desk.now("account", "1").city == "Warszawa"
    assert desk.now("account", "2").city == "Lodz"  # the source decides even when it only repeats itself
    assert desk.now("account", "3").city == "Gdynia"


def test_a_record_deleted_in_the_product_stays_deleted(desk: Any) -> None:
    from salesops.records import actions

    desk.take("companies", FIRST, "2018-01-01")
    actions.delete_record(desk.owner, "account", desk.now("account", "1").pk)
    desk.take("companies", FIRST.replace("20", "21"), "2018-01-10")
    assert desk.now("account", "1").deleted
    desk.take("companies", FIRST, "2018-01-20", mode="snapshot")
    assert desk.now("account", "1").deleted


def test_edits_of_intervals_and_events_stay_as_well(desk: Any) -> None:
    from salesops.records import actions
    from salesops.records.models import Activity

    calls = "id,at,owner,minutes,outcome\nc1,2018-01-02 10:00,ann,30,good\nc2,2018-01-03 10:00,ann,15,bad"
    desk.take("calls", calls, "2018-01-05")
    call = Activity.objects.get(external_id="c1")
    actions.edit_record(desk.owner, "activity", call.id, {"outcome": "very good"})
    desk.take("calls", calls.replace("15", "16"), "2018-01-06")
    now = {a.external_id: (a.minutes, a.outcome) for a in Activity.objects.filter(recorded_to=None)}
    assert now == {"c1": (30, "very good"), "c2": (16, "bad")}
    assert desk.conflicts() == []
    desk.take("calls", calls.replace("good", "so so"), "2018-01-07")
    now = {a.external_id: a.outcome for a in Activity.objects.filter(recorded_to=None)}
    assert now == {"c1": "so so", "c2": "bad"}
    assert desk.conflicts() == [("outcome", "so so", "very good")]


def test_history_alone_cannot_be_mapped(desk: Any) -> None:
    from salesops.common.errors import InvalidData

    for field in ("merged_into", "merged_from", "deleted"):
        text = f'name = "x"\n[[file]]\nmatch = "companies*"\nentity = "account"\nid = "id"\n[file.fields]\n{field} = "city"\n'
        (desk.folder / "x.toml").write_text(text)
        with pytest.raises(InvalidData) as refused:
            desk.take("companies", FIRST, mapping=str(desk.folder / "x.toml"))
        assert field in refused.value.render()
        history = (
            'name = "x"\n[[file]]\nmatch = "companies*"\nentity = "account"\nid = "id"\n'
            f'[file.history]\nfield = "name"\nvalue = "city"\nat = "industry"\n[file.history.names]\n"Acme" = "{field}"\n'
        )
        if field != "deleted":
            (desk.folder / "x.toml").write_text(history)
            with pytest.raises(InvalidData) as refused:
                desk.take("companies", FIRST, mapping=str(desk.folder / "x.toml"))
            assert f"account.{field} is history" in refused.value.render()


def test_an_edit_made_while_an_import_is_computed_is_kept(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits do not wait for imports: what was written meanwhile is worked into the current rows when the import goes live."""
    from salesops.sources import imports

    desk.take("companies", FIRST, "2018-01-01")
    whole = imports.Computation.finish

    def finish_and_wait(work: Any) -> Any:
        outcome = whole(work)
        edit(desk, "1", city="Warszawa")
        return outcome

    monkeypatch.setattr(imports.Computation, "finish", finish_and_wait)
    desk.take("companies", FIRST.replace(",10", ",12"), "2018-01-10")
    now = desk.now("account", "1")
    assert (now.city, now.employees) == ("Warszawa", 12)
