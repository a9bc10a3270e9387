"""The same files on SQLite and on PostgreSQL: every table of the warehouse is the same, and so is every answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from salesops.metrics.catalogue import every

from .conftest import Door

LOG = """case_id,activity,timestamp
1,Open,2026-02-01T10:00:00Z
1,Work,2026-02-02T10:00:00Z
1,Open,2026-02-05T10:00:00Z
2,Open,2026-05-01T08:00:00Z
2,Close,2026-05-03T20:30:00Z
"""
MAPPING = """name = "tickets"
system = "tickets"
[[file]]
match = "tickets*"
entity = "stage_event"
id = []
[file.fields]
pipeline = { value = "Tickets" }
case_id = "case_id"
activity = "activity"
at = "timestamp"
"""
BUILD = """
from pathlib import Path
from salesops.demo.build import open_demo
from salesops.demo.parameters import Parameters
made = open_demo(Path({folder!r}), Parameters.load(reps=5, years=1, activities="light"))
result = str(made.workspace.database_url)[:10]
"""
ASK = """
here, result = ws(), {{}}
for name in {names!r}:
    answer = here.metrics.query(name, **{question!r}).to_dict()
    del answer["generation"]
    result[name] = answer
"""
TABLES = """
from datetime import date
from salesops.warehouse import open_session
known = {known!r}
result = {{}}
here = ws()
here.refresh()
with open_session(here.workspace, as_known_on=known and date.fromisoformat(known)) as session:
    tables = session.query("SELECT view_name FROM duckdb_views() WHERE NOT internal AND NOT ends_with(view_name, '_late')")
    for name in tables.column(0).to_pylist():
        told = session.query(f'SELECT count(*) AS n, CAST(sum(hash(t)) AS VARCHAR) AS told FROM "{{name}}" AS t').to_pylist()[0]
        result[name] = [told["n"], told["told"]]
"""
END, MIDDLE = "2026-09-30", "2026-03-31"
QUESTIONS = {
    "by rep, as known on a day": {"by": "owner", "as_of": MIDDLE, "as_known_on": MIDDLE, "period": "2026-Q1"},
    "of everybody, in another currency": {"as_of": END, "period": "2026-Q2", "currency": "GBP"},
}
LOGS = sorted(one.name for one in every() if any(part.fact == "case_log" for part in one.variant.parts.values()))
COSTS = sorted(one.name for one in every() if any(part.fact.startswith("spent") for part in one.variant.parts.values()))
NAMES = sorted(one.name for one in every() if one.name not in {*LOGS, *COSTS})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgres: Any) -> Iterator[tuple[Door, Door]]:
    """The demo company with five representatives, and a log of two tickets, in a workspace of either kind."""
    url = postgres.create_database()
    folders = [tmp_path_factory.mktemp(name) for name in ("sqlite", "postgres")]
    doors = Door(folders[0] / "ws"), Door(folders[1] / "ws", DATABASE_URL=url)
    for door, folder, kind in zip(doors, folders, ("", "postgresql"), strict=True):
        (folder / "tickets.csv").write_text(LOG)
        (folder / "tickets.toml").write_text(MAPPING)
        assert door.python(BUILD.format(folder=str(door.folder))) == kind
        done = door("import", folder / "tickets.csv", "--mapping", folder / "tickets.toml")
        assert done.code == 0, done.err
    yield doors
    for door in doors:
        door.close()
    postgres.drop_database(url)


def answers(door: Door, names: list[str], question: dict[str, str]) -> dict[str, Any]:
    """Everything that is said to a question about each of these metrics, but which generation said it."""
    found = door.python(ASK.format(names=names, question=question))
    assert set(found) == set(names), found
    return dict(found)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("known", [None, MIDDLE], ids=["now", "as known on a day"])
def test_the_warehouse_is_the_same_on_both_databases(both: tuple[Door, Door], known: str | None) -> None:
    """Metrics read nothing but a session's tables: every row of every table is the same, so every metric is."""
    here, there = (door.python(TABLES.format(known=known)) for door in both)
    assert here == there
    assert sum(rows > 0 for rows, _ in here.values()) > 30


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_metrics_are_the_same_on_both_databases(both: tuple[Door, Door], question: dict[str, str]) -> None:
    """Rows, notes, what was left out, and why there is no value, of every eighth metric. Most have a value."""
    names = NAMES[len(question) :: 8]
    here, there = (answers(door, names, question) for door in both)
    for name in names:
        assert here[name] == there[name], name
    assert sum(any(row[name] is not None for row in here[name]["rows"]) for name in names) > len(names) / 2


@pytest.mark.slow
@pytest.mark.postgres
def test_costs_are_the_same_on_both_databases(both: tuple[Door, Door]) -> None:
    """Which are nobody's; only one may be without a value: no first customer of the demo company came by a paid campaign."""
    for question in (
        {"period": "quarter", "from_": "2025-10-01", "to": END},
        {"as_of": MIDDLE, "period": "2026-Q1", "currency": "GBP"},
    ):
        here, there = (answers(door, COSTS, question) for door in both)
        for name in COSTS:
            assert here[name] == there[name], name
            assert name == "cac.paid" or any(row[name] is not None for row in here[name]["rows"]), name


@pytest.mark.slow
@pytest.mark.postgres
def test_process_logs_are_the_same_on_both_databases(both: tuple[Door, Door]) -> None:
    """Ticket 1 took four days and was opened twice; ticket 2 two days and a half."""
    for question in ({"by": "pipeline"}, {"by": "pipeline", "as_of": MIDDLE}, {"as_known_on": MIDDLE, "as_of": MIDDLE}):
        here, there = (answers(door, LOGS, question) for door in both)
        assert here == there
    now = answers(both[0], LOGS, {"by": "pipeline"})
    assert [(row["pipeline"], row["rework_share"]) for row in now["rework_share"]["rows"]] == [("Tickets", 0.5)]
