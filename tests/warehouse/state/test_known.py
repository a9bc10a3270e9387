"""Properties: what a session says of a day, as known on another, is what the plain reading of the rules says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.warehouse.state.world import DAYS, Fact, World, at

from salesops.common.effective import Change, state_as_of
from salesops.common.instants import end_of_day

RECORDS = range(1, 7)
VALUES: dict[str, dict[str, Any]] = {
    "opportunity": {
        "name": st.sampled_from(["A", "Ü", ""]),
        "amount": st.integers(1, 9),
        "owner": st.integers(101, 103),
        "stage": st.integers(1, 4),
        "expected_close": st.sampled_from([str(d) for d in DAYS[:3]]),
        "currency": st.sampled_from(["EUR", "USD"]),
    },
    "account": {"name": st.sampled_from(["X", "Y"]), "segment": st.sampled_from(["SMB", "Big"]), "owner": st.integers(101, 103)},
}  # fmt: skip


@st.composite
def facts(draw: Any) -> list[Fact]:
    """Random history of deals and accounts: whole rows and single fields, emptied values, deletions, late news, undated ones."""
    found = []
    for _ in range(draw(st.integers(5, 40))):
        entity = draw(st.sampled_from(sorted(VALUES)))
        record = draw(st.sampled_from(RECORDS)) + (100 if entity == "account" else 0)
        on, hour = draw(st.sampled_from(DAYS)), draw(st.sampled_from([0, 3, 12, 23]))
        effective = at(on, hour)
        late = draw(st.sampled_from([0, 0, 0, 1, 5])) * 86_400_000_000
        fields = VALUES[entity]
        kind = draw(st.sampled_from(["*", "field", "field", "deleted"]))
        value: Any
        if kind == "*":
            name = "*"
            names = draw(st.sets(st.sampled_from(sorted(fields)), min_size=1))
            value = {n: draw(st.none() | fields[n]) for n in sorted(names)}
        elif kind == "deleted":
            name, value = "deleted", draw(st.sampled_from(["0", "1"]))
        else:
            name = draw(st.sampled_from(sorted(fields)))
            value = draw(st.none() | fields[name])
        undated = draw(st.integers(0, 9)) == 0
        found.append(
            Fact(entity, record, name, value, None if undated else effective, effective + late, draw(st.integers(0, 3)))
        )
    return found


def oracle(found: list[Fact], entity: str, as_of: date, known: date | None) -> dict[int, dict[str, Any]]:
    """The records that were there on a day, by the plain reading."""
    rows = [
        Change(f.record, name, value, f.effective, f.recorded, f.seq)
        for f in found
        if f.entity == entity and f.effective is not None
        for name, value in (f.value.items() if f.field == "*" else [(f.field, f.value)])
    ]
    until = end_of_day(as_of, "Europe/Warsaw") - 1
    by = None if known is None else end_of_day(known, "Europe/Warsaw") - 1
    state = state_as_of(rows, until, by)
    blank = dict.fromkeys(VALUES[entity])
    if entity == "opportunity":
        blank["currency"] = "EUR"  # money without a currency is the workspace's
    there = {r: v for r, v in state.items() if v.get("deleted") != "1"}
    return {r: blank | {n: v for n, v in said.items() if n in blank and v is not None} for r, said in there.items()}  # type: ignore[misc]


def told(session: Any, entity: str, as_of: date) -> dict[int, dict[str, Any]]:
    names = list(VALUES[entity])
    rows = session.query(
        f"SELECT id, {', '.join(names)} FROM {entity} WHERE day_from <= DATE '{as_of}' AND DATE '{as_of}' < day_to "
        f"AND created_on <= DATE '{as_of}' AND NOT deleted"
    ).to_pylist()
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)), "one version a record and day"
    return {r.pop("id"): {n: str(v) if isinstance(v, date) else v for n, v in r.items()} for r in rows}


def agree(world: World, found: list[Fact], days: list[date], known: date | None) -> None:
    from salesops.warehouse import open_session

    with open_session(world.ws, as_known_on=known) as session:
        for as_of in days:
            for entity in VALUES:
                assert told(session, entity, as_of) == oracle(found, entity, as_of, known), (entity, as_of, known)


SETTINGS = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes seconds: shrinking would take hours
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SETTINGS
@given(found=facts(), seed=st.integers(0, 20))
def test_a_session_says_what_was_true_and_known(world: World, found: list[Fact], seed: int) -> None:
    world.empty()
    world.stages()
    world.write(found)
    world.refresh(full=True)
    asked = [DAYS[0], DAYS[seed], DAYS[-1]]
    agree(world, found, asked, None)
    for known in (DAYS[seed], DAYS[-1] + timedelta(days=3)):
        agree(world, found, [d for d in asked if d <= known], known)


@SETTINGS
@given(first=facts(), second=facts(), third=facts())
def test_a_patched_warehouse_equals_one_built_anew(
    world: World, first: list[Fact], second: list[Fact], third: list[Fact]
) -> None:
    world.empty()
    world.stages()
    world.write(first)
    world.refresh(full=True)
    for part in (second, third):
        world.write(part)
        assert world.refresh().kind == "incremental"
    patched, known = world.everything(), world.everything(DAYS[9])
    assert world.refresh(full=True).kind == "full"
    assert world.everything() == patched
    assert world.everything(DAYS[9]) == known
