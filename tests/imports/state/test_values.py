"""Values, names, systems: what a cell becomes, and which record a row means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.imports import kit

HEAD = "id,name,created,owner,company,stage,amount,currency,tier\n"


def test_value_rules_are_kept_and_applied_again(desk: Any) -> None:
    text = (
        kit.MAPPING + '[[rule]]\nentity = "account"\nfield = "industry"\nfound = "technolgy"\nbecomes = "technology"\n'
    )
    desk.mapping.write_text(text)
    rows = "id,name,city,industry,employees\n1,Acme,Krakow,technolgy,10\n"
    desk.take("companies", rows)
    assert desk.now("account", "1").industry == "technology"
    desk.mapping.write_text(kit.MAPPING)  # the rule is the workspace's now
    desk.take("companies", rows + "2,Bolt,Lodz,technolgy,20\n", "2018-01-10")
    assert desk.now("account", "2").industry == "technology"
    assert (desk.ws.mappings / "crm.toml").exists()


def test_custom_fields_are_declared_from_their_content(desk: Any) -> None:
    from salesops.records.models import CustomField

    lines = [
        'name = "c"',
        "[[file]]",
        'match = "companies*"',
        'entity = "account"',
        'id = "id"',
        "[file.fields]",
        'name = "name"',
    ]
    lines += [f'"custom.{name}" = "{name}"' for name in ("score", "since", "share", "note", "vip")]
    (desk.folder / "c.toml").write_text("\n".join(lines))
    rows = "id,name,score,since,share,note,vip\n1,Acme,7,2017-05-01,12.5,hello,yes\n2,Bolt,9,2017-06-01,7.25,you,no\n"
    asked = {"mapping": str(desk.folder / "c.toml")}
    before = kit.dump()
    desk.take("companies", rows, **asked, dry_run=True)
    assert CustomField.objects.count() == 0
    assert kit.dump() == before
    desk.take("companies", rows, **asked)
    kinds = dict(CustomField.objects.values_list("name", "kind"))
    assert kinds == {"score": "integer", "since": "date", "share": "scaled:6", "note": "text", "vip": "boolean"}
    assert json.loads(desk.now("account", "1", "c").custom) == {
        "note": "hello", "score": "7", "share": "12500000", "since": "2017-05-01", "vip": "1"
    }  # fmt: skip


def test_amounts_keep_their_currency(desk: Any) -> None:
    rows = "a,A,2018-01-01,,,Open,100.50,EUR,\nb,B,2018-01-01,,,Open,2000,PLN,\nc,C,2018-01-01,,,Open,,,\n"
    desk.take("deals", HEAD + rows)
    found = {key: (desk.now("opportunity", key).amount, desk.now("opportunity", key).currency) for key in "abc"}
    assert found == {"a": (1_005_000, "EUR"), "b": (20_000_000, "PLN"), "c": (None, None)}


def test_references_by_name_meet_the_record_of_that_name(desk: Any) -> None:
    companies = "id,name,city,industry,employees\n1,Acme,Krakow,Tools,10\n2,Bolt,Lodz,Tools,20\n"
    desk.files({"companies": companies, "deals": HEAD + "a,A,2018-01-01,ann, ACME ,Open,1,EUR,\n"})
    assert desk.now("opportunity", "a").account == desk.now("account", "1").pk
    desk.take("deals", HEAD + "b,B,2018-01-01,ann,Bolt,Open,1,EUR,\n", "2018-01-10")
    assert desk.now("opportunity", "b").account == desk.now("account", "2").pk


def test_a_name_that_two_records_bear_names_none_and_is_told(desk: Any) -> None:
    companies = "id,name,city,industry,employees\n1,Acme,Krakow,Tools,10\n"
    deal = HEAD + "a,A,2018-01-01,ann,Acme,Open,1,EUR,\n"
    desk.files({"companies": companies, "deals": deal})
    first = desk.now("account", "1").pk
    companies += "2,Acme,Lodz,Tools,20\n"
    desk.files(
        {"companies": companies, "deals": deal.replace(",1,EUR", ",2,EUR") + "b,B,2018-01-01,ann,Acme,Open,1,EUR,\n"},
        "2018-01-10",
    )
    assert desk.now("opportunity", "a").account == first  # what is unclear says nothing
    assert desk.now("opportunity", "b").account is None
    told = [p for p in desk.problems() if "names several" in p["problem"]]
    assert [(p["source"], p["row"], p["field"], p["value"], p["severity"]) for p in told] == [
        ("deals.csv", 2, "company", "Acme", "warning"), ("deals.csv", 3, "company", "Acme", "warning"),
    ]  # fmt: skip


def test_what_is_referred_to_and_not_described_is_known_by_name(desk: Any) -> None:
    from salesops.common.ids import record_id
    from salesops.warehouse import open_session, refresh
    from salesops.warehouse.refresh import discard

    discard(desk.ws)
    desk.take("deals", HEAD + "a,A,2018-01-01,Ann Nowak,Acme,Open,1,EUR,\n")
    refresh(desk.ws, full=True)
    with open_session(desk.ws) as session:
        found = session.query(
            "SELECT p.name AS owner, a.name AS account FROM opportunity o JOIN person p ON p.id = o.owner JOIN account a ON a.id = o.account"
        )
    assert found.to_pylist() == [{"owner": "Ann Nowak", "account": "Acme"}]
    desk.take("people", "id,name,email\nAnn Nowak,Anna Nowak,an@x.example\n", "2018-01-10")
    assert desk.now("person", "Ann Nowak").pk == record_id("person", "crm", "Ann Nowak")


def test_two_systems_and_one_company_after_a_merge(desk: Any) -> None:
    from salesops.records import actions
    from salesops.records.models import Account

    crm = "id,name,city,industry,employees\n1,Acme,Krakow,Tools,10\n"
    erp = "id,name,city,industry,employees\nX,ACME Inc,Krakow,Steel,10\n"
    desk.take("companies", crm, "2018-01-01")
    desk.take("companies", erp, "2018-01-01", system="erp")
    winner, loser = desk.now("account", "1"), desk.now("account", "X", "erp")
    assert winner.pk != loser.pk
    actions.merge_records(desk.owner, "account", winner.pk, loser.pk)

    desk.take("companies", erp + "Y,Yard,Lodz,Steel,5\n", "2018-02-01", system="erp")
    assert desk.now("account", "1").industry == "Tools"  # the other system only repeats itself
    desk.take("companies", erp.replace(",10", ",12"), "2018-03-01", system="erp")
    now = desk.now("account", "1")
    assert (now.name, now.industry, now.employees) == ("Acme", "Tools", 12)
    assert desk.now("account", "X", "erp").deleted
    deals = HEAD.replace("company", "company") + "a,A,2018-01-01,,ACME Inc,Open,1,EUR,\n"
    desk.take("deals", deals, "2018-03-02", system="erp")
    assert Account.objects.filter(deleted=False).count() == 2


def test_a_bad_cell_that_two_parts_read_is_one_problem(desk: Any) -> None:
    second = '[[file]]\nmatch = "deals*"\nentity = "campaign"\nid = "id"\n[file.fields]\nstarts_on = "created"\n'
    desk.mapping.write_text(kit.MAPPING + second)
    result = desk.take("deals", HEAD + "a,A,2018-02-30,ann,,Open,1,EUR,\nb,B,2018-02-01,ann,,Open,1,EUR,\n")
    assert result.errors == 1
    assert [(p["row"], p["field"], p["value"]) for p in desk.problems()] == [(2, "created", "2018-02-30")]


def test_bad_rows_are_listed_and_the_good_ones_are_in(desk: Any) -> None:
    rows = "".join(f"g{n},Good,2018-01-{n:02},ann,Acme,Open,{n}.00,EUR,T\n" for n in range(1, 21))
    rows += "b1,Bad day,2018-13-45,ann,Acme,Open,1.00,EUR,T\n,No id,2018-01-01,ann,Acme,Open,1.00,EUR,T\n"
    rows += "b2,Bad sum,2018-01-02,ann,Acme,Open,many,EUR,T\n"
    result = desk.take("deals", HEAD + rows)
    assert result.counts["opportunity"]["new"] == 20
    assert result.errors == 3
    found = {(p["row"], p["field"]): p for p in desk.problems()}
    assert sorted(found) == [(22, "created"), (23, "id"), (24, "amount")]  # lines of the file
    assert (found[(24, "amount")]["problem"], found[(24, "amount")]["value"]) == ("is no amount", "many")
    assert "Write a number" in found[(24, "amount")]["remedy"]
    assert "Bad sum" in found[(24, "amount")]["content"]  # the row itself is kept
    again = desk.take("deals", HEAD + rows)
    assert (again.status, again.batch) == ("unchanged", result.batch)


def test_a_mapping_that_names_absent_columns_is_refused_whole(desk: Any) -> None:
    from salesops.common.errors import InvalidData

    text = (
        'name = "x"\n[[file]]\nmatch = "changes*"\nentity = "account"\nid = "nothing"\n[file.fields]\nname = "name"\n'
    )
    (desk.folder / "x.toml").write_text(text)
    before = kit.dump()
    with pytest.raises(InvalidData):
        desk.take("changes", "id,name\n1,Acme", mapping=str(desk.folder / "x.toml"))
    assert kit.dump() == before
    assert list(desk.ws.work.glob("import-*")) == []


def test_a_dry_run_changes_nothing_and_shows_what_would_be(desk: Any) -> None:
    from salesops.records.models import AuditEntry, Batch

    before, entries, batches = kit.dump(), AuditEntry.objects.count(), Batch.objects.count()
    text = HEAD + "a,Alpha,2018-01-01,ann,Acme,Open,1.00,EUR,T1\nb,Beta,soon,ann,Acme,Open,1.00,EUR,T1\n"
    seen = desk.take("deals", text, dry_run=True)
    assert (seen.status, seen.batch) == ("dry_run", None)
    assert seen.counts["opportunity"]["new"] >= 1
    assert any(row.get("name") == "Alpha" for row in seen.preview)
    assert kit.dump() == before
    assert (AuditEntry.objects.count(), Batch.objects.count()) == (entries, batches)
    assert list(desk.ws.work.glob("import-*")) == []
    assert list(desk.ws.mappings.iterdir()) == []


def test_source_columns_that_hold_currency_signs(desk: Any) -> None:
    desk.take("deals", HEAD + 'a,A,2018-01-01,,,Open,"€1,200.50",EUR,\nb,B,2018-01-01,,,Open,"€3,000.00",EUR,\n')
    assert desk.now("opportunity", "a").amount == 12_005_000


def test_a_units_time_zone_is_one(desk: Any) -> None:
    """In any case of letters; what is none is left out with a warning, and the rest of the row is in."""
    (desk.folder / "u.toml").write_text(
        'name = "u"\n[[file]]\nmatch = "units*"\nentity = "business_unit"\nid = "id"\n'
        '[file.fields]\nname = "name"\ntime_zone = "zone"\n'
    )
    desk.take(
        "units", "id,name,zone\n1,PL,europe/warsaw\n2,US,Amerika/Chicago\n3,JP,\n", mapping=str(desk.folder / "u.toml")
    )
    found = {key: desk.now("business_unit", key, "u") for key in "123"}
    assert {key: (one.name, one.time_zone) for key, one in found.items()} == {
        "1": ("PL", "Europe/Warsaw"), "2": ("US", None), "3": ("JP", None),
    }  # fmt: skip
    told = [(one["field"], one["problem"], one["value"]) for one in desk.problems()]
    assert told == [("zone", "is no time zone; nothing is taken over", "Amerika/Chicago")]
