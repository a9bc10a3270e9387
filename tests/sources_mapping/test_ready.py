"""Ready mappings against the real columns of the systems."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from salesops.sources.mapping import parse_mapping, render_mapping
from salesops.sources.reading import stage
from salesops.sources.ready import key, prepare, ready_mappings, recognise, resolve

# Only with several currencies, or only in an organisation's own fields.
OPTIONAL = {"currencyisocode", "discount"}


def headers(folder: Path) -> dict[str, list[str]]:
    found = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as text:
            found[file.name] = next(csv.reader(text))
    return found


@pytest.mark.parametrize("name", ["salesforce", "hubspot", "pipedrive", "close"])
def test_every_ready_mapping_parses_and_survives_being_written(name: str) -> None:
    mapping = ready_mappings()[name]
    assert parse_mapping(render_mapping(mapping)) == mapping


def test_salesforce_reads_every_object_of_a_sync(shared: Path) -> None:
    found = headers(shared / "fivetran_salesforce")
    mapping = ready_mappings()["salesforce"]
    entities = {name: [p.entity for p in resolve(mapping, name, columns).parts] for name, columns in found.items()}
    assert entities == {
        "sf_account_data.csv": ["account"], "sf_account_history_data.csv": ["account"], "sf_contact_data.csv": ["contact"],
        "sf_contact_history_data.csv": ["contact"], "sf_event_data.csv": ["activity"], "sf_lead_data.csv": ["lead"],
        "sf_opportunity_data.csv": ["opportunity"], "sf_opportunity_history_data.csv": ["opportunity"],
        "sf_opportunity_line_item_data.csv": ["opportunity_line"], "sf_order_data.csv": ["order"],
        "sf_product_2_data.csv": ["product"], "sf_task_data.csv": ["activity"],
        "sf_user_data.csv": ["person", "reporting_line", "team_member"], "sf_user_role_data.csv": ["team"],
    }  # fmt: skip
    recognised = recognise(found)
    assert recognised is not None
    assert recognised.mapping.name == "salesforce"
    history = resolve(mapping, "sf_opportunity_history_data.csv", found["sf_opportunity_history_data.csv"]).parts[0]
    assert history.changed_at == "_fivetran_start"
    assert history.fields["stage"].column == "stage_name"


def test_hubspot_reads_deals_history_pipelines_and_associations(shared: Path) -> None:
    found = headers(shared / "fivetran_hubspot")
    mapping = ready_mappings()["hubspot"]
    entities = {name: [p.entity for p in resolve(mapping, name, columns).parts] for name, columns in found.items()}
    for name, entity in {
        "deal_data.csv": "opportunity", "deal_property_history_data.csv": "opportunity", "deal_stage_data.csv": "opportunity",
        "deal_pipeline_data.csv": "pipeline", "deal_pipeline_stage_data.csv": "stage", "deal_company_data.csv": "opportunity",
        "deal_contact_data.csv": "opportunity_contact", "merged_deal_data.csv": "opportunity", "company_data.csv": "account",
        "contact_data.csv": "contact", "owner_data.csv": "person", "team_data.csv": "team", "owner_team_data.csv": "team_member",
        "engagement_call_data.csv": "activity", "engagement_email_data.csv": "activity", "engagement_meeting_data.csv": "activity",
        "engagement_note_data.csv": "activity", "engagement_task_data.csv": "activity", "engagement_deal_data.csv": "activity",
    }.items():  # fmt: skip
        assert entities[name] == [entity], name
    assert entities["ticket_data.csv"] == []
    assert entities["ticket_pipeline_data.csv"] == []
    recognised = recognise(found)
    assert recognised is not None
    assert recognised.mapping.name == "hubspot"


def test_standard_columns_of_salesforce_exist(shared: Path) -> None:
    """The schema lists 474 objects: a column that is no custom field must be a field of one of its file's objects."""
    schema = json.loads((shared / "salesforce_schema" / "fields.json").read_text(encoding="utf-8"))
    fields = {key(name): {key(f) for f in values} for name, values in schema.items()}
    checked, unknown = 0, []
    for part in ready_mappings()["salesforce"].parts:
        objects = [fields[key(n)] for n in part.match.split("|") if key(n) in fields]
        if not objects:
            continue
        known = set().union(*objects)
        columns = [*part.id, *(s.column for s in part.fields.values() if s.column)]
        columns += [part.history.field, part.history.value, part.history.at] if part.history else []
        for column in columns:
            alternatives = [a.strip() for a in column.split("|")]
            first = key(alternatives[0])
            if alternatives[0].endswith("__c") or first in OPTIONAL or part.changed_at.startswith("_fivetran"):
                continue
            checked += 1
            if first not in known:
                unknown.append(f"{part.match}: {alternatives[0]}")
    assert unknown == ["order | orders: OpportunityId"]  # only where orders are linked to opportunities
    assert checked > 100


def test_export_and_api_spellings_are_one() -> None:
    mapping = ready_mappings()["salesforce"]
    loader = resolve(
        mapping, "Opportunity.csv", ["Id", "AccountId", "StageName", "CloseDate", "CreatedDate", "IsClosed"]
    )
    synced = resolve(
        mapping,
        "sf_opportunity_data.csv",
        ["id", "account_id", "stage_name", "close_date", "created_date", "is_closed"],
    )
    assert [set(r.parts[0].fields) for r in (loader, synced)] == [set(loader.parts[0].fields)] * 2
    actual = loader.parts[0].fields["actual_close"]
    assert actual.when is not None
    assert actual.when.column == "IsClosed"
    assert any("Amount" in missing for missing in loader.missing)


def test_the_page_export_of_hubspot_names_owners_and_companies() -> None:
    columns = [
        "Record ID",
        "Deal Name",
        "Deal Stage",
        "Close Date",
        "Amount",
        "Deal owner",
        "Create Date",
        "Associated Company",
    ]
    resolved = resolve(ready_mappings()["hubspot"], "hubspot-crm-exports-all-deals-2024-01-31.csv", columns)
    assert [p.entity for p in resolved.parts] == ["opportunity"]
    assert resolved.parts[0].fields["owner"].by == "name"
    assert resolved.unused == ()


def test_a_file_without_a_telling_name_is_known_by_its_columns() -> None:
    columns = [
        "id",
        "title",
        "value",
        "currency",
        "stage_id",
        "pipeline_id",
        "status",
        "add_time",
        "close_time",
        "user_id",
        "org_id",
    ]
    found = recognise({"export.csv": columns})
    assert found is not None
    assert found.mapping.name == "pipedrive"
    assert recognise({"weather.csv": ["day", "temperature"]}) is None


@pytest.mark.parametrize(
    ("system", "files"),
    [
        ("pipedrive", {
            "deals.csv": ["id", "title", "value", "currency", "stage_id", "pipeline_id", "status", "add_time", "won_time",
                          "lost_time", "close_time", "expected_close_date", "lost_reason", "user_id", "org_id", "person_id"],
            "stages.csv": ["id", "name", "pipeline_id", "order_nr", "deal_probability"], "pipelines.csv": ["id", "name"],
            "organizations.csv": ["id", "name", "owner_id"], "persons.csv": ["id", "name", "email", "org_id"],
            "users.csv": ["id", "name", "email"], "products.csv": ["id", "name", "code"],
            "activities.csv": ["id", "type", "subject", "due_date", "done", "deal_id", "user_id"],
            "deal_flow.csv": ["item_id", "field_key", "old_value", "new_value", "log_time"],
        }),
        ("close", {
            "opportunities.csv": ["id", "lead_id", "lead_name", "status_id", "status_label", "status_type", "value", "value_currency",
                                  "value_period", "confidence", "user_id", "date_created", "date_won"],
            "leads.csv": ["id", "display_name", "status_label", "date_created"], "contacts.csv": ["id", "name", "lead_id", "title"],
            "users.csv": ["id", "first_name", "last_name", "email"], "opportunity_statuses.csv": ["id", "label", "type"],
            "opportunity_status_changes.csv": ["id", "opportunity_id", "old_status_id", "new_status_id", "date_created"],
            "calls.csv": ["id", "lead_id", "user_id", "direction", "duration", "date_created", "status"],
        }),
    ],
)  # fmt: skip
def test_pipedrive_and_close_are_recognised_whole(system: str, files: dict[str, list[str]]) -> None:
    found = recognise(files)
    assert found is not None
    assert found.mapping.name == system
    for name, columns in files.items():
        assert resolve(found.mapping, name, columns).parts, name


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_stages_of_an_export_get_kinds_from_its_flags(tmp_path: Path) -> None:
    text = "Id,StageName,IsClosed,IsWon,CreatedDate,CloseDate,Amount,Probability\n"
    text += "1,Fini,true,true,2024-01-01,2024-02-01,10,100\n2,Fini,true,true,2024-01-01,2024-02-01,10,100\n"
    text += "3,Weg,true,false,2024-01-01,2024-02-01,10,0\n4,Demo,false,false,2024-01-01,2024-08-01,10,40\n"
    text += "5,Start,false,false,2024-01-01,2024-08-01,10,10\n"
    staged = stage(write(tmp_path, "Opportunity.csv", text), tmp_path / "out")
    prepared = prepare(ready_mappings()["salesforce"], [staged])
    assert [(s.name, s.kind, s.pitch) for s in prepared.mapping.stages] == [
        ("Start", "open", False), ("Demo", "open", True), ("Fini", "won", False), ("Weg", "lost", False),
    ]  # fmt: skip
    assert parse_mapping(render_mapping(prepared.mapping)) == prepared.mapping


def test_a_stage_file_says_which_stages_are_closed(tmp_path: Path) -> None:
    stages = "stage_id,label,pipeline_id,display_order,probability,is_closed,closed_won\n"
    stages += "77,Fertig,p,2,1.0,true,true\n78,Weg,p,3,0.0,true,false\n79,Angebot,p,1,0.4,false,false\n"
    deals = "deal_id,deal_pipeline_stage_id,property_dealname,property_amount,property_closedate,property_createdate\n"
    deals += "1,77,A,10,2024-02-01,2024-01-01\n2,79,B,20,2024-09-01,2024-01-01\n"
    files = [
        stage(write(tmp_path, n, t), tmp_path / "out")
        for n, t in (("deal_pipeline_stage.csv", stages), ("deal.csv", deals))
    ]
    prepared = prepare(ready_mappings()["hubspot"], files)
    kinds = {r.found: r.becomes for r in prepared.mapping.rules if (r.entity, r.field) == ("stage", "kind")}
    assert kinds == {"77": "won", "78": "lost", "79": "open"}
    deal = next(p for p in prepared.mapping.parts if p.entity == "opportunity")
    actual = deal.fields["actual_close"]
    assert actual.when is not None
    assert {"77", "78"} <= set(actual.when.values)
    assert "79" not in actual.when.values
    assert prepared.mapping.stages == ()
    assert {r.found: r.becomes for r in prepared.mapping.rules if r.field == "pitch"}["79"] == "true"
