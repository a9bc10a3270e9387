"""The same files on SQLite and on PostgreSQL: every metric gives the same answer, row for row and digit for digit."""

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
SLA = "record create target metric=lead_response_minutes kind=goal number=60 starts_on=2025-01-01 ends_on=2026-12-31".split()  # noqa: SIM905
END, MIDDLE = "2026-09-30", "2026-03-31"
QUESTIONS = {
    "by rep, as of the last day": {"by": "owner", "period": "quarter", "from_": "2025-10-01", "to": END},
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
        made = door(*SLA)
        assert made.code == 0, made.err
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
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_every_metric_is_the_same_on_both_databases(both: tuple[Door, Door], question: dict[str, str]) -> None:
    """Rows, notes, what was left out, and why there is no value. Few metrics may be empty, or nothing was compared."""
    here, there = (answers(door, NAMES, question) for door in both)
    for name in NAMES:
        assert here[name] == there[name], name
    empty = sorted(name for name in NAMES if all(row[name] is None for row in here[name]["rows"]))
    assert len(empty) <= len(NAMES) // 6, empty


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
