"""The demo company: what it refers to exists, its history makes sense, the same seed gives the same company."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salesops.common.errors import UsageError
from salesops.demo.figures import measure
from salesops.demo.parameters import Parameters
from salesops.demo.simulate import write_company
from salesops.records.entities import Entity, entities

END = date(2026, 9, 30)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entity]:
    """Every entity of the product, from a workspace of its own."""
    from salesops import workspace

    if workspace._opened is None:
        workspace.create(tmp_path_factory.mktemp("workspace") / "demo")
    return entities()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four representatives, two years, no entry errors."""
    out = tmp_path_factory.mktemp("clean")
    write_company(out, Parameters.load(reps=24, years=2, dirt=False))
    return out


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo default."""
    out = tmp_path_factory.mktemp("usual")
    write_company(out, Parameters.load())
    return out


@cache
def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def files(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.parquet"))


def contents(folder: Path) -> dict[str, str]:
    """A digest of what is in each file."""
    found = {}
    for name in files(folder):
        sink = pa.BufferOutputStream()
        table = pq.read_table(folder / f"{name}.parquet").combine_chunks()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        found[name] = hashlib.sha256(sink.getvalue()).hexdigest()
    return found


def latest(folder: Path, entity: str, field: str) -> pl.DataFrame:
    """The last value of a field: id, value."""
    history = read(folder, f"{entity}_history").filter(pl.col("field") == field)
    return history.sort("id", "effective", "seq").group_by("id").last().select("id", "value")


# --- The format -----------------------------------------------------------------------------------------------------

ARROW = {
    "text": pa.string(), "kind": pa.string(), "ref": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(),
    "date": pa.date32(), "instant": pa.timestamp("us", tz="UTC"), "money": pa.decimal128(18, 4),
}  # fmt: skip


def test_every_file_is_an_entity_with_its_fields_and_types(usual: Path, known: dict[str, Entity]) -> None:
    for name in files(usual):
        entity = known[name.removesuffix("_history")]
        schema = pq.read_schema(usual / f"{name}.parquet")
        if name.endswith("_history"):
            assert schema.names == ["id", "field", "value", "effective", "recorded", "seq"]
            assert set(read(usual, name)["field"].unique()) <= {"deleted", *entity.by_name}
            continue
        extra = {"versioned": ["created", "changed_at"], "interval": ["valid_from", "valid_to"], "event": ["at"]}
        named = [*extra[entity.shape], *entity.by_name]
        assert set(schema.names) == {"id", *named}, name
        for field in entity.fields:
            wanted = ARROW.get(field.kind) or pa.decimal128(18, field.places)
            assert schema.field(field.name).type == wanted, (name, field.name)


def test_all_words_of_a_closed_list_are_its_words(usual: Path, known: dict[str, Entity]) -> None:
    for name, entity in known.items():
        if name not in files(usual):
            continue
        for field in (f for f in entity.fields if f.kind == "kind"):
            assert set(read(usual, name)[field.name].drop_nulls().unique()) <= set(field.words), (name, field.name)
            if f"{name}_history" in files(usual):
                assert set(latest(usual, name, field.name)["value"].drop_nulls()) <= set(field.words)


def test_the_company_has_every_entity_but_those_of_imported_logs(usual: Path, known: dict[str, Entity]) -> None:
    assert set(known) - set(files(usual)) == {"stage_event"}


@pytest.mark.parametrize("company", ["clean", "usual"])
def test_ids_are_unique_and_every_reference_exists(
    company: str, known: dict[str, Entity], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(company)
    there = {name: set(read(folder, name)["id"]) for name in files(folder) if not name.endswith("_history")}
    for name, ids in there.items():
        assert len(ids) == len(read(folder, name)), name
        for field in (f for f in known[name].fields if f.kind == "ref"):
            used = set(read(folder, name)[field.name].drop_nulls())
            if f"{name}_history" in files(folder):
                history = read(folder, f"{name}_history")
                used |= set(history.filter(pl.col("field") == field.name)["value"].drop_nulls())
                assert set(history["id"]) <= ids, name
            assert used <= there[field.target], (name, field.name)


# --- People ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "key"),
    [
        ("reporting_line", ["person"]), ("employment", ["person"]), ("territory_member", ["territory"]),
        ("team_member", ["person"]), ("absence", ["person"]), ("price", ["price_book", "product"]),
        ("exchange_rate", ["kind", "currency"]), ("territory_assignment", ["account"]),
    ],
)  # fmt: skip
def test_intervals_do_not_overlap(usual: Path, entity: str, key: list[str]) -> None:
    """A person has one manager, one job and one team at a time; a price book one price."""
    rows = read(usual, entity).sort(*key, "valid_from")
    clash = rows.filter(
        (pl.col("valid_from") < pl.col("valid_to").fill_null(date(9999, 1, 1)).shift(1).over(key))
        | (pl.col("valid_to") <= pl.col("valid_from"))
    )
    assert clash.is_empty()


def test_nobody_reports_to_themselves_and_everybody_ends_at_the_head(usual: Path) -> None:
    lines = read(usual, "reporting_line").filter(pl.col("valid_to").is_null())
    manager = dict(lines.select("person", "manager").iter_rows())
    heads = set()
    for person in manager:
        seen = []
        while person in manager:
            assert person not in seen
            seen.append(person)
            person = manager[person]
        heads.add(person)
    assert len(heads) == 1


def test_records_are_owned_by_people_employed_on_that_day(clean: Path) -> None:
    jobs = read(clean, "employment").group_by("person").agg(pl.col("valid_from").min(), pl.col("valid_to").max())
    deals = read(clean, "opportunity").join(jobs, left_on="owner", right_on="person", how="left")
    assert (deals["created"].dt.date() >= deals["valid_from"]).all()


# --- History --------------------------------------------------------------------------------------------------------


def test_changes_come_after_creation_and_are_known_after_they_happen(usual: Path) -> None:
    closing = datetime.combine(END + timedelta(days=1), time(), UTC)
    for name in (f for f in files(usual) if f.endswith("_history")):
        rows = read(usual, name).join(
            read(usual, name.removesuffix("_history")).select("id", "created"), on="id", validate="m:1"
        )
        assert (rows["effective"] > rows["created"]).all(), name
        assert (rows["recorded"] >= rows["effective"]).all(), name
        assert (rows["recorded"] < closing).all(), name
        steps = rows.sort("id", "seq").select(pl.col("effective") - pl.col("effective").shift(1).over("id")).to_series()
        assert (steps.drop_nulls() >= timedelta(0)).all()
    deals = read(usual, "opportunity_history")
    assert 0.02 < (deals["recorded"] > deals["effective"]).mean() < 0.10


def test_stage_paths_are_legal(clean: Path) -> None:
    """Forward (skips allowed), one stage back, closed from anywhere, out of lost when reopened; in one pipeline."""
    first = read(clean, "opportunity").select("id", "pipeline", value="stage", effective="created")
    moves = (
        read(clean, "opportunity_history")
        .filter(pl.col("field") == "stage")
        .join(first.select("id", "pipeline"), on="id")
    )
    path = pl.concat([first, moves.select(first.columns)]).sort("id", "effective")
    stages = read(clean, "stage").select(value="id", of="pipeline", at="position", kind="kind")
    path = path.join(stages, on="value", maintain_order="left")
    assert (path["pipeline"] == path["of"]).all()
    path = path.with_columns(
        before=pl.col("at").shift(1).over("id"), was=pl.col("kind").shift(1).over("id")
    ).drop_nulls("before")
    step = path["at"] - path["before"]
    fine = (step > 0) | (step == -1) | (path["was"] == "lost")
    assert fine.all()
    assert (path["was"] != "won").all()
    assert (step != 0).all()


def test_closing_has_its_date_and_losing_its_reason(clean: Path) -> None:
    kind = dict(read(clean, "stage").select("id", "kind").iter_rows())
    stage = dict(latest(clean, "opportunity", "stage").iter_rows())
    closed = dict(latest(clean, "opportunity", "actual_close").drop_nulls().iter_rows())
    reason = dict(latest(clean, "opportunity", "loss_reason").drop_nulls().iter_rows())
    deleted = set(latest(clean, "opportunity", "deleted")["id"])
    done = {deal: kind[s] for deal, s in stage.items() if kind[s] != "open" and deal not in deleted}
    assert {deal for deal in closed if deal not in deleted} == set(done)
    assert {deal for deal in reason if deal not in deleted} == {deal for deal, how in done.items() if how == "lost"}
    assert max(closed.values()) <= END.isoformat()
    assert set(read(clean, "order")["opportunity"]) <= {deal for deal, how in done.items() if how == "won"}


def test_amounts_are_the_sums_of_their_lines(clean: Path) -> None:
    """Quoted deals, orders: to the cent."""
    lines = read(clean, "opportunity_line").join(latest(clean, "opportunity_line", "amount"), on="id", how="left")
    lines = lines.with_columns(net=pl.coalesce(pl.col("value").cast(pl.Decimal(18, 4)), "amount"))
    total = lines.group_by("opportunity").agg(pl.col("net").sum())
    deals = read(clean, "opportunity").join(latest(clean, "opportunity", "amount"), on="id", how="left")
    deals = deals.with_columns(now=pl.coalesce(pl.col("value").cast(pl.Decimal(18, 4)), "amount"))
    both = total.join(deals, left_on="opportunity", right_on="id")
    assert len(both) == len(total) > 300
    assert (both["net"] == both["now"]).all()
    orders = read(clean, "order")
    ordered = read(clean, "order_line").group_by("order").agg(pl.col("amount").sum().alias("net"))
    joined = orders.join(ordered, left_on="id", right_on="order")
    assert len(joined) == len(orders)
    assert (joined["amount"] == joined["net"]).all()
    priced = read(clean, "order_line").select(
        (pl.col("amount") - pl.col("cost") == pl.col("profit")).all().alias("profit")
    )
    assert priced.item()


def test_nobody_pays_more_than_was_invoiced(clean: Path) -> None:
    paid = read(clean, "payment").group_by("invoice").agg(pl.col("amount").sum().alias("paid"))
    invoices = read(clean, "invoice").join(paid, left_on="id", right_on="invoice")
    assert (invoices["paid"] <= invoices["amount"]).all()
    settled = latest(clean, "invoice", "status").filter(pl.col("value") == "paid")
    assert (invoices.join(settled, on="id").select((pl.col("paid") == pl.col("amount")).all())).item()


def test_a_converted_lead_names_what_it_became(clean: Path) -> None:
    status = latest(clean, "lead", "status").filter(pl.col("value") == "converted")
    deal = latest(clean, "lead", "converted_opportunity").rename({"value": "opportunity"})
    both = status.join(deal, on="id", how="full", coalesce=True)
    assert both.null_count().sum_horizontal().item() == 0
    assert both["opportunity"].is_unique().all()
    leads = read(clean, "lead").select("id", "created").join(both, on="id")
    deals = read(clean, "opportunity").select("id", born="created", campaign="campaign")
    joined = leads.join(deals, left_on="opportunity", right_on="id")
    assert (joined["created"] < joined["born"]).all()
    assert joined["campaign"].null_count() == 0


def test_entry_errors_are_there_unless_switched_off(usual: Path, clean: Path) -> None:
    for folder, expected in ((usual, True), (clean, False)):
        deals = read(folder, "opportunity")
        closed = latest(folder, "opportunity", "actual_close").drop_nulls().with_columns(pl.col("value").str.to_date())
        backwards = deals.join(closed, on="id").filter(pl.col("first_contact") > pl.col("value"))
        assert (len(backwards) > 0) is expected
        zero = latest(folder, "opportunity", "amount").filter(pl.col("value") == "0.0000")
        assert (len(zero) > 0) is expected
        contacts = read(folder, "contact")
        assert (contacts["name"].str.to_uppercase() == contacts["name"]).any() is expected


# --- The same seed, the knobs ----------------------------------------------------------------------------------------


def test_the_same_parameters_give_the_same_tables(tmp_path: Path) -> None:
    small = {"reps": 6, "years": 1}
    for name, given in (("a", small), ("b", small), ("c", {**small, "seed": 1})):
        write_company(tmp_path / name, Parameters.load(**given))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a")["opportunity"] != contents(tmp_path / "c")["opportunity"]


def test_less_activity_does_not_reshuffle_the_deals(tmp_path: Path) -> None:
    for level in ("light", "none"):
        write_company(tmp_path / level, Parameters.load(reps=6, years=1, activities=level))
    light, none = contents(tmp_path / "light"), contents(tmp_path / "none")
    assert "activity" not in none
    assert {name for name in none if none[name] != light[name]} == set()


@pytest.mark.parametrize("reps", [1, 2, 3, 5, 200])
def test_any_number_of_representatives(tmp_path: Path, reps: int, known: dict[str, Entity]) -> None:
    summary = write_company(tmp_path, Parameters.load(reps=reps, years=1, activities="light"))
    jobs = read(tmp_path, "employment").filter((pl.col("role") == "rep") & pl.col("valid_to").is_null())
    assert 0.7 * reps <= len(jobs) <= reps
    assert summary.rows["opportunity"] == len(read(tmp_path, "opportunity"))
    if reps <= 5:
        there = {name: set(read(tmp_path, name)["id"]) for name in ("person", "account", "opportunity")}
        for field, target in (("owner", "person"), ("account", "account")):
            assert set(read(tmp_path, "opportunity")[field]) <= there[target]


@pytest.mark.parametrize(
    ("reps", "opportunities", "changes"), [(60, 9_000, 120_000), (800, 50_000, 500_000), (300, 120_000, 1_200_000)]
)
def test_asked_for_sizes_are_hit(tmp_path: Path, reps: int, opportunities: int, changes: int) -> None:
    """To two in a hundred; the last one takes several blocks."""
    summary = write_company(
        tmp_path, Parameters.load(reps=reps, opportunities=opportunities, changes=changes, activities="none")
    )
    assert summary.rows["opportunity"] == pytest.approx(opportunities, rel=0.02)
    assert summary.changes == pytest.approx(changes, rel=0.02)


def test_impossible_parameters_are_named_all_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        Parameters.load(reps=0, years=99)
    assert [problem.field for problem in refused.value.problems] == ["reps", "years"]
    with pytest.raises(UsageError, match="colour"):
        Parameters.load(colour="red")


def test_the_span_is_whole_years_up_to_the_last_day() -> None:
    assert Parameters.load().start == date(2023, 10, 1)
    assert Parameters.load(end=date(2024, 2, 29), years=1).start == date(2023, 3, 1)


# --- Is it plausible? -------------------------------------------------------------------------------------------------


def test_the_default_company_is_plausible(usual: Path) -> None:
    found = measure(usual, Parameters.load())
    print(*(f"{name}: {value}" for name, value in found.items()), sep="\n")
    assert 0.20 <= found["win_rate"] <= 0.35
    assert 40 <= found["cycle_days_mean"] <= 90
    assert 0.05 <= found["lead_conversion"] <= 0.20
    assert 0.30 <= found["selling_time_share"] <= 0.45
    later = list(found["attainment_rate_by_quarter"].values())[1:]
    assert any(0.50 <= share <= 0.65 for share in later)
    low, _, high = found["attainment_p25_p50_p75"]
    assert low < 0.8 < 1.2 < high
    ramp = found["bookings_by_tenure_quarter"]
    assert ramp[1] < 0.6 < ramp[-1]
    assert found["won_in_last_10_days_of_quarter"] > 1.4 * 10 / 91
    assert found["closed_later_than_first_expected"] > 0.6
    slips = found["slip_rate_there_three_quarters_before_and_bad"]
    assert slips[-1] > 1.15 * sum(slips[:-1]) / len(slips[:-1])
    assert found["bad_quarter_win_rate"] < 0.7 * found["win_rate_there_before"]
