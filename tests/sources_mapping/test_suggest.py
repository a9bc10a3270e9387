"""Suggested mappings for real files that nobody has described."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesops.sources.mapping import Condition, parse_mapping, render_mapping
from salesops.sources.reading import stage
from salesops.sources.suggest import Suggestion, suggest


def suggested(shared: Path, out: Path, *names: str) -> Suggestion:
    found = suggest([stage(shared / name, out) for name in names])
    assert parse_mapping(render_mapping(found.mapping)) == found.mapping
    return found


def parts(found: Suggestion) -> dict[str, list[tuple[tuple[str, ...], set[str]]]]:
    listed: dict[str, list[tuple[tuple[str, ...], set[str]]]] = {}
    for part in found.mapping.parts:
        listed.setdefault(part.entity, []).append((part.id, set(part.fields)))
    return listed


MAVEN = [f"maven_crm/{name}.csv" for name in ("accounts", "products", "sales_pipeline", "sales_teams")]


def test_maven_needs_no_edit(shared: Path, tmp_path: Path) -> None:
    found = suggested(shared, tmp_path, *MAVEN)
    by_entity = {p.entity: p for p in found.mapping.parts}
    deal = by_entity["opportunity"]
    assert deal.id == ("opportunity_id",)
    assert deal.fields["created"].column == "engage_date"
    assert deal.fields["actual_close"].column == "close_date"
    assert deal.fields["amount"].column == "close_value"
    assert deal.fields["amount"].known_from == "close_date"
    assert deal.fields["stage"].at == "close_date"
    assert [(m.at, m.fields) for m in deal.milestones] == [("engage_date", {"stage": "Engaging"})]
    assert deal.fields["owner"].by == deal.fields["account"].by == "id"
    assert by_entity["opportunity_line"].fields["quantity"].value == "1"
    assert by_entity["price"].fields["list_price"].column == "sales_price"
    assert by_entity["reporting_line"].fields["manager"].column == "manager"
    assert by_entity["account"].fields["parent"].column == "subsidiary_of"
    people = [p for p in found.mapping.parts if p.entity == "person"]
    assert [p.id for p in people] == [("sales_agent",), ("manager",)]
    assert people[0].fields["region"].column == "regional_office"
    assert [(s.name, s.kind) for s in found.mapping.stages] == [
        ("Prospecting", "open"), ("Engaging", "open"), ("Won", "won"), ("Lost", "lost"),
    ]  # fmt: skip
    assert [(r.entity, r.field, r.found, r.becomes) for r in found.mapping.rules] == [
        ("opportunity_line", "product", "GTXPro", "GTX Pro")
    ]


def test_a_pipeline_alone_makes_the_records_that_it_names(shared: Path, tmp_path: Path) -> None:
    found = parts(suggested(shared, tmp_path, "maven_crm_ddmmyy/sales_pipeline.csv"))
    assert found["account"] == [(("account",), {"name"})]
    assert found["person"] == [(("sales_agent",), {"name"})]
    assert found["product"] == [(("product",), {"name"})]


def test_superstore_is_orders_lines_products_and_customers(shared: Path, tmp_path: Path) -> None:
    found = suggested(shared, tmp_path, "superstore/superstore.csv")
    listed = parts(found)
    assert listed["order"][0][0] == ("Order ID",)
    assert {"ordered_on", "shipped_on", "account", "segment", "region"} <= listed["order"][0][1]
    assert listed["order_line"][0][0] == ()
    assert {"amount", "profit", "quantity", "discount", "product", "order"} <= listed["order_line"][0][1]
    assert {"name", "family", "line"} <= listed["product"][0][1]
    assert listed["account"] == [(("Customer Name",), {"name"})]


@pytest.mark.parametrize("name", ["Helpdesk.csv", "Helpdesk.xes.gz", "BPI_Challenge_2013_closed_problems.csv"])
def test_logs_are_cases_with_activities_and_times(shared: Path, tmp_path: Path, name: str) -> None:
    found = suggested(shared, tmp_path, f"process_logs/{name}")
    (part,) = found.mapping.parts
    assert part.entity == "stage_event"
    assert part.id == ()
    assert part.fields["pipeline"].value == name.split(".")[0]
    assert [part.fields[f].column for f in ("case_id", "activity", "at")] == ["case_id", "activity", "timestamp"]
    assert found.custom == {}


@pytest.mark.parametrize(
    ("name", "entity", "identity"),
    [
        ("cdnow/cdnow_restored_1997.csv", "order", ()),
        ("x_education/Leads.csv", "lead", ("Prospect ID",)),
        ("fortune500/fortune_500.csv", "account", ("name",)),
        ("bank_marketing/bank-additional.csv", "lead", ()),
        ("febrl/dataset1.csv", "contact", ("rec_id",)),
        ("splink_fake/splink_fake_1000.csv", "contact", ("unique_id",)),
    ],
)
def test_other_tables(shared: Path, tmp_path: Path, name: str, entity: str, identity: tuple[str, ...]) -> None:
    found = suggested(shared, tmp_path, name)
    assert (found.mapping.parts[0].entity, found.mapping.parts[0].id) == (entity, identity)
    assert found.notes


def test_select_means_missing(shared: Path, tmp_path: Path) -> None:
    found = suggested(shared, tmp_path, "x_education/Leads.csv")
    assert {(r.found, r.becomes) for r in found.mapping.rules} == {("Select", None)}
    assert "custom.specialization" in {r.field for r in found.mapping.rules}


def test_a_close_date_on_open_deals_is_an_expected_one(tmp_path: Path) -> None:
    text = "Deal ID,Deal Name,Stage,Amount,Created,Close Date,Owner\n"
    text += "".join(
        f"{n},D{n},{'Won' if n % 3 else 'Proposal'},{n}00.50,2024-01-{n:02},2024-03-{n:02},Ann\n" for n in range(1, 20)
    )
    file = tmp_path / "deals.csv"
    file.write_text(text, encoding="utf-8")
    found = suggest(stage(file, tmp_path / "out"))
    deal = found.mapping.parts[0]
    assert deal.fields["expected_close"].column == "Close Date"
    assert deal.fields["actual_close"].when == Condition("Stage", ("Won",))
    assert [(s.name, s.kind, s.pitch) for s in found.mapping.stages] == [
        ("Proposal", "open", True),
        ("Won", "won", False),
    ]


def test_later_editions_of_a_file_are_read_by_the_same_mapping(tmp_path: Path) -> None:
    file = tmp_path / "deals_2024-01-31.csv"
    file.write_text("deal_id,stage,amount\n1,Won,5\n2,Lost,6\n", encoding="utf-8")
    part = suggest(stage(file, tmp_path / "out")).mapping.parts[0]
    assert part.takes("deals_2024-02-29.csv")


def test_example_mappings_parse_and_fit_their_files(shared: Path, tmp_path: Path) -> None:
    from salesops.sources.mapping import load_mapping
    from salesops.sources.ready import resolve

    folder = Path(__file__).resolve().parents[2] / "examples" / "mappings"
    files = {
        "maven": ["maven_crm", "maven_crm_ddmmyy"], "superstore": ["superstore"], "cdnow": ["cdnow"],
        "helpdesk": ["process_logs"], "bpi2013": ["process_logs"], "fortune500": ["fortune500"], "x_education": ["x_education"],
    }  # fmt: skip
    for name, folders in files.items():
        mapping = load_mapping(folder / f"{name}.toml")
        for place in folders:
            taken = [f for f in sorted((shared / place).iterdir()) if mapping.parts_for(f.name)]
            assert taken, name
            for file in taken:
                staged = stage(file, tmp_path)
                resolved = resolve(mapping, file.name, [c.name for c in staged.columns])
                assert len(resolved.parts) == len(mapping.parts_for(file.name))
                assert resolved.missing == ()
