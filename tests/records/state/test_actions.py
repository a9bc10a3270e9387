"""Creating, editing and reading records, settings, users and work."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.records.state.company import NAMES, Company

from salesops.common.errors import Conflict, InvalidData, NotAllowed, NotFound, SalesopsError, UsageError
from salesops.records import (
    actions,
    actions_settings,
    actions_users,
    actions_work,
    audit,
    queries,
    values,
)
from salesops.records.entities import entities, entity


def sample(field: Any) -> str | None:
    kind = field.kind
    if kind == "kind":
        return str(field.words[0])
    if kind == "text":
        return "EUR" if "currency" in field.name else "Europe/Paris" if field.name == "time_zone" else "some text"
    plain = {"integer": "3", "boolean": "yes", "date": "2017-03-31", "instant": "2017-03-31 12:00", "money": "10.5"}
    return plain.get(kind, None if kind == "ref" else "0.5")


@pytest.mark.parametrize("name", NAMES)
def test_every_entity_can_be_created_shown_edited_deleted_and_restored(company: Company, name: str) -> None:
    kind = entity(name)
    given = {field.name: sample(field) for field in kind.fields if field.name not in ("valid_to",)}
    record = actions.create_record(company.owner, name, given)
    shown = queries.show_record(company.owner, name, record)
    for field in kind.fields:
        if given.get(field.name) is not None:
            assert shown.text(field) != "", field.name
    text = next(field.name for field in kind.fields if field.kind not in ("ref", "kind") and field.name != "created")
    actions.edit_record(company.owner, name, record, {text: sample(kind.by_name[text])})
    assert queries.list_records(company.owner, name, where=f"id = '{record}'").total == 1
    actions.delete_record(company.owner, name, record)
    assert queries.list_records(company.owner, name, where=f"id = '{record}'").total == 0
    assert queries.list_records(company.owner, name, where=f"id = '{record}'", deleted=True).total == 1
    actions.restore_record(company.owner, name, record)
    assert queries.list_records(company.owner, name, where=f"id = '{record}'").total == 1
    assert queries.history_of(company.owner, name, record)
    assert audit.verify().ok


def test_mistakes_are_told_all_at_once(company: Company) -> None:
    given = {"name": "A", "amount": "12,5", "currency": "EURO", "type": "other", "stage": "Nowhere", "colour": "red"}
    with pytest.raises(InvalidData) as caught:
        actions.create_record(company.owner, "opportunity", given)
    assert {problem.field for problem in caught.value.problems} == {"amount", "currency", "type", "stage", "colour"}
    assert all(problem.remedy for problem in caught.value.problems)
    assert queries.list_records(company.owner, "opportunity").total == 0


def test_two_editors(company: Company) -> None:
    deal = company.deal("A", "Ann")
    seen = queries.show_record(company.owner, "opportunity", deal).version
    actions.edit_record(company.user("ann"), "opportunity", deal, {"next_step": "Call"}, expected=seen)
    with pytest.raises(Conflict):
        actions.edit_record(company.owner, "opportunity", deal, {"next_step": "Write"}, expected=seen)


def test_an_edit_that_changes_nothing_writes_nothing(company: Company) -> None:
    deal = company.deal("A", "Ann", amount="100.00")
    before = audit.entries(company.owner)[1]
    actions.edit_record(company.owner, "opportunity", deal, {"amount": "100", "name": "A"})
    assert audit.entries(company.owner)[1] == before


def test_an_edit_dated_back_changes_past_answers_only(company: Company) -> None:
    deal = company.deal("A", "Ann", amount="100")
    actions.edit_record(company.owner, "opportunity", deal, {"amount": "300"}, effective=date(2017, 9, 1))
    actions.edit_record(company.owner, "opportunity", deal, {"amount": "200"}, effective=date(2017, 6, 1))
    amounts = [
        queries.show_record(company.owner, "opportunity", deal, as_of=day).values["amount"]
        for day in (date(2017, 5, 31), date(2017, 6, 1), date(2017, 9, 1))
    ]
    assert amounts == [1_000_000, 2_000_000, 3_000_000]
    assert queries.show_record(company.owner, "opportunity", deal).values["amount"] == 3_000_000


def test_filters_orders_and_pages(company: Company) -> None:
    account = actions.create_record(company.owner, "account", {"name": "O'Neil & 100% Söhne", "owner": "Ann"})
    for number in range(7):
        company.deal(f"D{number}", "Ann" if number % 2 else "Bob", amount=str(100 * number), account=account)
    listing = queries.list_records(company.owner, "opportunity", order="-amount", limit=3, offset=2)
    assert ([row["name"] for row in listing.rows], listing.total) == (["D4", "D3", "D2"], 7)
    asked = {
        "amount > 300": ["D4", "D5", "D6"],
        "amount between 100 and 200": ["D1", "D2"],
        "owner = 'Ann' and amount >= 300": ["D3", "D5"],
        "owner.id = '" + str(company.people["Bob"]) + "' and name in ('D0', 'D1')": ["D0"],
        "account = 'O''Neil & 100% Söhne' and not (amount < 600)": ["D6"],
        "created = '2017-01-10' and region is null and amount * 2 = 200": ["D1"],
        "created > '2017-01-10'": [],
    }
    for where, names in asked.items():
        assert company.names(company.owner, where=where) == names, where
    assert company.names(company.user("ann"), where="amount >= 300") == ["D3", "D5"]
    with pytest.raises(InvalidData):
        queries.list_records(company.owner, "opportunity", where="amount > 'much'")
    with pytest.raises(UsageError):
        queries.list_records(company.owner, "opportunity", order="colour")
    assert queries.find(company.user("ann"), "opportunity", "d1") != []
    assert queries.find(company.user("ann"), "opportunity", "d2") == []


def test_records_are_named_by_id_external_id_system_or_name(company: Company) -> None:
    deal = company.deal("Big one", "Ann")
    external = queries.show_record(company.owner, "opportunity", deal).source_ids[0][1]
    for key in (deal, str(deal), external, f"app:{external}", "Big one"):
        assert queries.show_record(company.owner, "opportunity", key).id == deal
    assert queries.show_record(company.owner, "person", "ANN@acme.example").id == company.people["Ann"]
    company.deal("Big one", "Bob")
    with pytest.raises(Conflict):
        queries.show_record(company.owner, "opportunity", "Big one")
    assert (
        queries.show_record(company.user("ann"), "opportunity", "Big one").id == deal
    )  # hers is the only one she sees
    with pytest.raises(NotFound):
        queries.show_record(company.owner, "opportunity", "Nothing")


def test_custom_fields_are_typed_and_filter(company: Company) -> None:
    declare = actions_settings.declare_field
    declare(company.owner, "opportunity", "tier", "kind", words=("gold", "silver"))
    declare(company.owner, "opportunity", "score", "number")
    declare(company.owner, "opportunity", "budget", "money")
    declare(company.owner, "opportunity", "partner", "ref", target="account")
    partner = actions.create_record(company.owner, "account", {"name": "Partner"})
    deal = company.deal("A", "Ann", tier="Gold", score="1.5", budget="99.95", **{"custom.partner": "Partner"})
    company.deal("B", "Ann", tier="silver")
    shown = queries.show_record(company.owner, "opportunity", deal).values
    wanted = {"tier": "gold", "score": 1_500_000, "budget": 999_500, "partner": partner}
    assert {name: shown[f"custom.{name}"] for name in wanted} == wanted
    assert company.names(company.owner, where="tier = 'gold' and score > 1.4 and budget < 100") == ["A"]
    assert company.names(company.owner, where="custom.partner = 'Partner'") == ["A"]
    with pytest.raises(InvalidData):
        actions.edit_record(company.owner, "opportunity", deal, {"tier": "bronze"})
    with pytest.raises(Conflict):
        declare(company.owner, "opportunity", "tier", "text")
    with pytest.raises(InvalidData):
        declare(company.owner, "opportunity", "amount", "text")
    actions.edit_record(company.owner, "opportunity", deal, {"tier": ""})
    assert queries.show_record(company.owner, "opportunity", deal).values["custom.tier"] is None
    actions_settings.retire_field(company.owner, "opportunity", "tier")
    assert "custom.tier" not in queries.show_record(company.owner, "opportunity", deal).values


def test_declared_words_value_rules_and_ownership(company: Company) -> None:
    deal = company.deal("A", "Ann")
    with pytest.raises(InvalidData):
        actions.edit_record(company.owner, "opportunity", deal, {"type": "pilot"})
    actions_settings.declare_word(company.owner, "opportunity", "type", "Pilot")
    actions.edit_record(company.owner, "opportunity", deal, {"type": "pilot"})
    rule = actions_settings.add_rule(company.owner, "product", "name", "GTXPro", "GTX Pro")
    assert actions_settings.list_rules(company.owner, "product")[0]["becomes"] == "GTX Pro"
    actions_settings.remove_rule(company.owner, rule)
    assert actions_settings.list_rules(company.owner) == []
    actions_settings.set_owner(company.owner, "opportunity", "amount", "source")
    with pytest.raises(InvalidData):
        actions.edit_record(company.owner, "opportunity", deal, {"amount": "1"})
    actions_settings.set_owner(company.owner, "opportunity", "amount", "app", record=deal)
    actions.edit_record(company.owner, "opportunity", deal, {"amount": "1"})
    with pytest.raises(NotAllowed):
        actions_settings.set_owner(company.user("ann"), "opportunity", "amount", "app")


def test_a_conflict_is_settled_once(company: Company) -> None:
    from salesops.records.models import ImportConflict

    deal = company.deal("A", "Ann", amount="1")
    row = ImportConflict.objects.create(
        batch=0, entity="opportunity", record=deal, field="amount", kept="10000", offered="20000"
    )
    assert len(actions_settings.list_conflicts(company.owner)) == 1
    actions_settings.resolve_conflict(company.owner, row.pk, "offered")
    assert queries.show_record(company.owner, "opportunity", deal).values["amount"] == 20_000
    with pytest.raises(NotFound):
        actions_settings.resolve_conflict(company.owner, row.pk, "kept")


def test_there_is_always_an_owner_and_only_owners_make_them(company: Company) -> None:
    with pytest.raises(Conflict):
        actions_users.deactivate_user(company.owner, "owner")
    with pytest.raises(NotAllowed):
        actions_users.create_user(company.user("admin"), "second", roles="owner")
    with pytest.raises(NotAllowed):
        actions_users.edit_user(company.user("admin"), "admin", roles="owner")
    with pytest.raises(InvalidData):
        actions_users.create_user(company.owner, "weak", password="short")
    with pytest.raises(UsageError):
        actions_users.create_user(company.owner, "odd", roles="king")
    actions_users.set_password(company.user("ann"), "ann", "long enough")
    with pytest.raises(NotAllowed):
        actions_users.set_password(company.user("ann"), "bob", "long enough")
    assert {row["username"] for row in actions_users.list_users(company.owner)} >= {"owner", "ann"}


def test_work_hangs_on_records(company: Company) -> None:
    deal = company.deal("A", "Ann")
    ann, bob = company.user("ann"), company.user("bob")
    actions_work.create_work(ann, "comment", subject="opportunity", subject_id="A", text="Looks good")
    assert [row["text"] for row in actions_work.list_work(company.user("mark"), "comment")] == ["Looks good"]
    assert actions_work.list_work(bob, "comment") == []
    with pytest.raises(NotFound):
        actions_work.create_work(bob, "comment", subject="opportunity", subject_id=deal, text="Mine?")
    task = actions_work.create_work(ann, "task", title="Call", owner="bob", due=date(2017, 2, 1))
    actions_work.finish_task(bob, task, "done")
    assert actions_work.list_work(ann, "task", status="done")[0]["done"] is not None
    view = actions_work.create_work(ann, "saved_view", name="Mine", page="/pipeline", query="owner=me")
    assert actions_work.list_work(bob, "saved_view") == []
    with pytest.raises(NotAllowed):
        actions_work.delete_work(bob, "saved_view", view)
    with pytest.raises(InvalidData):
        actions_work.create_work(ann, "task")


def test_every_action_leaves_an_entry_and_an_event(company: Company) -> None:
    from salesops.records.models import AuditEntry, Batch, Outbox

    deal = company.deal("A", "Ann")
    entry = AuditEntry.objects.order_by("-id").first()
    event = Outbox.objects.order_by("-id").first()
    assert entry is not None
    assert event is not None
    assert (entry.action, entry.record, entry.rows, len(entry.digest)) == ("create", deal, 1, 64)
    assert json.loads(event.payload)["records"]["opportunity"][str(deal)]
    assert Batch.objects.filter(kind="edit", status="live", tick__isnull=True).count() == 0


def test_what_fails_leaves_nothing(company: Company) -> None:
    counts = [model.objects.count() for model in _everything()]
    for wrong in ({"name": "X", "owner": "Nobody"}, {}, {"name": "X", "amount": "1.23456"}):
        with pytest.raises(SalesopsError):
            actions.create_record(company.owner, "opportunity", wrong)
    with pytest.raises(NotAllowed):
        actions.create_record(company.user("ann"), "lead", {"name": "X", "owner": "Bob"})
    assert [model.objects.count() for model in _everything()] == counts


def _everything() -> list[Any]:
    from django.apps import apps

    return list(apps.get_app_config("records").get_models())


def test_values_in_their_three_forms(clean: Any) -> None:
    deal = entity("opportunity").by_name
    for name, text, raw, shown, python in (
        ("amount", "1200.5", 12_005_000, "1200.5", Decimal("1200.5")),
        ("probability_override", "25%", 250_000, "0.25", Decimal("0.25")),
        ("actual_close", "2017-03-31", date(2017, 3, 31), "2017-03-31", date(2017, 3, 31)),
        ("created", "2017-03-31 00:00", 1_490_911_200_000_000, "2017-03-31 00:00:00+02:00", None),
    ):
        field = deal[name]
        parsed, problems = values.parse(entity("opportunity"), field, text)
        assert (parsed, problems) == (raw, [])
        assert values.from_text(field, values.to_text(field, raw)) == raw
        assert values.display(field, raw) == shown
        assert python is None or values.to_python(field, raw) == python
    for name, raw, currency, shown in (
        ("amount", 11_320_000, "USD", "1,132.00 USD"),
        ("amount", 11_320_050, "USD", "1,132.005 USD"),
        ("amount", 11_320_000, "JPY", "1,132 JPY"),
        ("amount", 11_320_000, None, "1,132.00"),
        ("created", 1_490_911_200_000_000, None, "2017-03-31"),
        ("created", 1_490_963_400_000_000, None, "2017-03-31 14:30"),
        ("created", 1_490_963_405_000_000, None, "2017-03-31 14:30:05"),
        ("actual_close", date(2017, 3, 31), None, "2017-03-31"),
        ("amount", None, "USD", ""),
    ):
        assert values.shown(deal[name], raw, currency=currency) == shown
    for name, text in (("amount", "1.23456"), ("amount", "NaN"), ("amount", "1e40"), ("created", "soon")):
        assert values.parse(entity("opportunity"), deal[name], text)[1]
    assert list(entities()) == NAMES
