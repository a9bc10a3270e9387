"""What holds for whatever is imported, in whatever order (hypothesis).

An import takes a few tenths of a second, so one example holds many records and few imports.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.imports import kit

START = datetime(2018, 1, 1)
DAYS = [date(2018, 1, 1) + timedelta(days=n) for n in (0, 5, 9, 14, 19, 24, 29)]
moderate = settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)


def moment(rng: random.Random, used: set[tuple[str, datetime]], record: str) -> datetime:
    """A moment in January 2018 at which this record has not changed yet."""
    while True:
        at = START + timedelta(minutes=rng.randrange(30 * 24 * 60))
        if (record, at) not in used:
            used.add((record, at))
            return at


def versions(rng: random.Random, count: int = 30) -> list[dict[str, Any]]:
    """Rows that each carry an id, their own change time and the time when the change was learned."""
    used: set[tuple[str, datetime]] = set()
    rows = []
    for number in range(rng.randrange(count // 2, count)):
        record = f"d{rng.randrange(6)}"
        at = moment(rng, used, record)
        rows.append(
            {
                "id": record, "changed": at.isoformat(" "), "learned": (at + timedelta(days=rng.choice([0, 0, 3, 9]))).isoformat(" "),
                "gone": rng.choice(["no", "no", "no", "yes"]), "created": f"2018-01-0{int(record[1]) + 1}", "name": f"N{number}",
                "amount": rng.choice(["", "100.50", "200.00"]), "stage": rng.choice(["Open", "Won", "Lost", ""]),
                "owner": rng.choice(["ann", "bob", ""]), "tier": rng.choice(["T1", "T2", ""]),
            }
        )  # fmt: skip
    return rows


def beginnings() -> list[dict[str, Any]]:
    """The deals as they came into being."""
    values = {"learned": "", "gone": "no", "amount": "", "stage": "Open", "owner": "ann", "tier": "T1"}
    born = [f"2018-01-0{n + 1}" for n in range(6)]
    return [
        {"id": f"d{n}", "changed": f"{day} 00:00", "created": day, "name": f"N{n}", **values}
        for n, day in enumerate(born)
    ]


def roles(rng: random.Random) -> list[dict[str, Any]]:
    used: set[tuple[str, datetime]] = set()
    rows = []
    for _ in range(rng.randrange(6, 14)):
        record = f"m{rng.randrange(3)}"
        rows.append(
            {
                "id": record, "changed": moment(rng, used, record).isoformat(" "), "team": rng.choice(["east", "west"]), "person": "ann",
                "role": rng.choice(["rep", "lead", ""]), "from": f"2018-01-{rng.randrange(1, 20):02}",
                "to": rng.choice(["", "2018-02-01"]),
            }
        )  # fmt: skip
    return rows


def changes(rng: random.Random) -> list[dict[str, Any]]:
    """One changed field per row, with what it was before."""
    used: set[tuple[str, datetime]] = set()
    rows = []
    for number in range(8):
        for field, words in (("stage", ["Open", "Won", "Lost"]), ("next_step", ["call", "mail", "wait"])):
            times = sorted(moment(rng, used, f"d{number % 3}") for _ in range(2))
            rows += [
                {
                    "id": f"d{number % 3}",
                    "field": field,
                    "value": rng.choice(words),
                    "old": rng.choice(words),
                    "at": at.isoformat(" "),
                }
                for at in times
            ]
    return rows


def split(rng: random.Random, rows: list[Any], parts: int) -> list[list[Any]]:
    """The rows in any order, in so many files; some of them twice."""
    rows = [*rows, *rng.sample(rows, len(rows) // 4)]
    rng.shuffle(rows)
    cuts = sorted(rng.sample(range(1, len(rows)), parts - 1))
    return [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


@moderate
@given(st.integers(0, 2**32))
def test_any_batches_in_any_order_give_the_same(desk: Any, seed: int) -> None:
    rng = random.Random(seed)
    deals, members, fields = versions(rng), roles(rng), changes(rng)
    found = []
    for parts in (1, 3):
        kit.clear()
        desk.take("versions", beginnings())
        pieces = zip(split(rng, deals, parts), split(rng, members, parts), split(rng, fields, parts), strict=True)
        for one, two, three in pieces:
            desk.files({"versions": one, "roles": two, "changes": three}, "2018-03-01")
        found.append(kit.meaning(DAYS))
    for name, first in found[0].items():
        assert found[1][name] == first, name


def crowded(rng: random.Random) -> dict[str, list[dict[str, Any]]]:
    """One file of each kind whose rows share few records and moments, so that many say different things of the same moment."""
    moments = [f"2018-01-{day:02} 12:00:00" for day in (10, 10, 15, 20)]
    number = rng.randrange(2, 8)
    deals = [
        {
            "id": f"d{rng.randrange(2)}", "changed": rng.choice(moments), "learned": "", "gone": rng.choice(["no", "no", "yes"]),
            "created": "2018-01-01", "name": rng.choice(["N1", "N2"]), "amount": rng.choice(["", "100.50"]), "stage": rng.choice(["Open", "Won"]),
            "owner": "ann", "tier": rng.choice(["T1", "T2"]),
        }
        for _ in range(number)
    ]  # fmt: skip
    members = [
        {"id": f"m{rng.randrange(2)}", "changed": rng.choice(moments), "team": rng.choice(["east", "Öst", "west"]), "person": "ann",
         "role": rng.choice(["rep", "Lead", ""]), "from": rng.choice(["", "2018-01-03"]), "to": rng.choice(["", "2018-02-01"])}
        for _ in range(number)
    ]  # fmt: skip
    fields = [
        {
            "id": f"d{rng.randrange(2)}",
            "field": "next_step",
            "value": rng.choice(["call", "mail", ""]),
            "old": "",
            "at": rng.choice(moments),
        }
        for _ in range(number)
    ]
    return {"versions": deals, "roles": members, "changes": fields}


@moderate
@given(st.integers(0, 2**32))
def test_what_different_files_say_of_one_moment_has_one_order(desk: Any, seed: int) -> None:
    """Files that contradict each other about the same moments, one import each in any order, or all in one import."""
    rng = random.Random(seed)
    files = [crowded(rng) for _ in range(3)]
    found = []
    for run in ("in order", "backwards", "together"):
        kit.clear()
        desk.take("versions", beginnings())
        if run == "together":
            desk.files(
                {f"{name}-{n}": rows for n, file in enumerate(files) for name, rows in file.items()}, "2018-03-01"
            )
        else:
            for file in files if run == "in order" else files[::-1]:
                desk.files(file, "2018-03-01")
        found.append(kit.meaning(DAYS))
        if run == "backwards":
            _work_out_anew()
            found.append(kit.meaning(DAYS))
    for other in found[1:]:
        for name, first in found[0].items():
            assert other[name] == first, name


def _work_out_anew() -> None:
    """Current rows and ends of rows by the rules of the state database rather than those of the import."""
    from salesops.records import chains, history
    from salesops.records.entities import entity
    from salesops.records.models import Change

    deals, members = entity("opportunity"), entity("team_member")
    history.recompute_current(deals, list(Change.objects.filter(entity=deals.code).values_list("record", flat=True)))
    assert chains.rechain(members, f"SELECT id FROM {members.table}") == 0


def test_rows_of_one_moment_in_one_file_are_successive(desk: Any) -> None:
    """In a file the later row counts, whichever it is; a file that says less of the moment changes nothing, before or after."""
    from salesops.records.entities import entity
    from salesops.records.history import rows_as_known

    at = "2018-01-10 12:00:00"
    deal = {
        "id": "d1",
        "changed": at,
        "learned": "",
        "gone": "no",
        "created": "2018-01-01",
        "amount": "",
        "stage": "Open",
        "owner": "ann",
        "tier": "",
    }
    role = {"id": "m1", "changed": at, "team": "east", "person": "ann", "from": "", "to": ""}
    for names in (("A", "B", "C"), ("C", "B", "A"), ("B", "A", "B")):
        whole = {"versions": [{**deal, "name": n} for n in names], "roles": [{**role, "role": n} for n in names]}
        less = {name: rows[1:2] for name, rows in whole.items()}
        for order in ((whole, less), (less, whole)):
            kit.clear()
            for file in order:
                desk.files(file, "2018-03-01")
            assert desk.now("opportunity", "d1").name == names[-1]
            assert [row["role"] for row in rows_as_known(entity("team_member"))] == [names[-1]]
            assert desk.files(whole, "2018-03-02").status == "unchanged"


@moderate
@given(st.integers(0, 2**32))
def test_rows_without_an_id_count_as_often_as_they_occur(desk: Any, seed: int) -> None:
    rng = random.Random(seed)
    rows = [
        {
            "at": f"2018-01-{rng.randrange(1, 4):02} 10:00",
            "owner": rng.choice(["ann", "bob"]),
            "subject": rng.choice(["Lunch", "Visit"]),
        }
        for _ in range(rng.randrange(4, 20))
    ]
    from salesops.records.models import Activity

    kit.clear()
    desk.take("visits", rows, "2018-01-10")
    assert Activity.objects.count() == len(rows)
    before = kit.dump()
    rng.shuffle(rows)
    again = desk.take("visits", rows, "2018-01-20")
    assert again.status == "unchanged"
    assert kit.dump() == before


@moderate
@given(st.integers(0, 2**32), st.integers(3, 25))
def test_what_comes_later_changes_no_earlier_answer(desk: Any, seed: int, day: int) -> None:
    """As of D: facts effective after D. As known on K: facts recorded after K."""
    rng = random.Random(seed)
    deals, members = versions(rng, 40), roles(rng)
    border = START + timedelta(days=day)
    days = [d for d in DAYS if d < border.date()] or [DAYS[0]]
    kit.clear()
    desk.take("versions", beginnings())

    def part(rows: list[Any], column: str, late: bool) -> list[Any]:
        return [r for r in rows if (datetime.fromisoformat(r[column]) >= border) == late] or rows[:0]

    def answers() -> Any:
        effective = {name: kit.as_of(name, days) for name in ("opportunity",)}
        known = {name: kit.as_of(name, days, days[-1]) for name in ("opportunity", "team_member")}
        return effective, known

    first = {"versions": part(deals, "changed", False), "roles": part(members, "changed", False)}
    first = {name: rows for name, rows in first.items() if rows}
    if not first:
        return
    desk.files(first, "2018-03-01")
    effective, _ = answers()
    later = {"versions": part(deals, "changed", True), "roles": part(members, "changed", True)}
    later = {name: rows for name, rows in later.items() if rows}
    if later:
        desk.files(later, "2018-03-02")
    assert answers()[0] == effective

    kit.clear()
    desk.take("versions", beginnings())
    early = {"versions": part(deals, "learned", False), "roles": part(members, "changed", False)}
    early = {name: rows for name, rows in early.items() if rows}
    if early:
        desk.files(early, "2018-03-01")
    _, known = answers()
    late = {"versions": part(deals, "learned", True), "roles": part(members, "changed", True)}
    late = {name: rows for name, rows in late.items() if rows}
    if late:
        desk.files(late, "2018-03-02")
    assert answers()[1] == known


@moderate
@given(st.integers(0, 2**32))
def test_undone_in_any_order_everything_is_as_it_was(desk: Any, seed: int) -> None:
    from salesops.records import actions

    rng = random.Random(seed)
    kit.clear()
    companies = [{"id": n, "name": f"C{n}", "city": "Lodz", "industry": "Tools", "employees": n} for n in range(4)]
    desk.take("companies", companies)
    actions.edit_record(desk.owner, "account", desk.now("account", "1").pk, {"city": "Radom"})
    before = kit.dump()
    deals, members = split(rng, versions(rng), 2), split(rng, roles(rng), 2)
    made = [
        desk.files({"versions": deals[0], "roles": members[0]}, "2018-03-01"),
        desk.take("companies", [{**c, "city": rng.choice(["Lodz", "Opole"])} for c in companies[1:]], "2018-03-02", mode="snapshot"),
        desk.files({"versions": deals[1], "roles": members[1]}, "2018-03-03"),
        desk.take("lines", f"person,manager\nann,{rng.choice(['vera', 'mark'])}\nbob,vera", "2018-03-04"),
        desk.take("lines", f"person,manager\nann,{rng.choice(['vera', 'mark'])}\nzoe,vera", "2018-03-05", mode="snapshot"),
    ]  # fmt: skip
    batches = [r.batch for r in made if r.batch and r.status == "live"]
    rng.shuffle(batches)
    for batch in batches:
        desk.undo(batch)
    after = kit.dump()
    for name in before.keys() | after.keys():
        assert after.get(name) == before.get(name), name


def test_an_import_that_was_undone_can_be_made_again(desk: Any) -> None:
    rows = versions(random.Random(7))
    first = desk.take("versions", rows)
    whole = kit.dump()
    desk.undo(first.batch)
    assert kit.dump() == {}
    again = desk.take("versions", rows)
    assert (again.status, kit.dump()) == ("live", whole)
    assert again.batch != first.batch


@pytest.mark.parametrize("seed", range(2))
def test_the_same_on_both_databases(desk: Any, compare: Callable[[str, Any], None], seed: int) -> None:
    rng = random.Random(seed)
    for number, rows in enumerate(split(rng, versions(rng), 2)):
        desk.files({"versions": rows, "roles": roles(rng)}, f"2018-03-0{number + 1}")
    desk.take("lines", "person,manager\nann,vera\nbob,vera", "2018-03-04")
    result = desk.take("lines", "person,manager\nann,mark\nzoe,vera", "2018-03-05", mode="snapshot")
    compare(f"seed-{seed}", kit.meaning(DAYS) | kit.dump())
    desk.undo(result.batch)
    compare(f"seed-{seed}-undone", kit.dump())
