"""History: as of a day, as known on another, against the oracle of `common.effective`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.records.state.company import Company, put_change, rolled_back

from salesops.common import effective
from salesops.common.errors import Conflict, UsageError
from salesops.records import actions, chains, context, history, queries, scope, sqltools, writing
from salesops.records.entities import entity

FIRST = date(2017, 1, 1)
FIELDS = ("name", "region", "segment")
days = st.integers(0, 9)
rows = st.tuples(st.sampled_from((1, 2)), st.sampled_from(FIELDS), st.sampled_from(("a", "b", None)), days, days)


def noon(day: int) -> int:
    return context.day_start(FIRST + timedelta(days=day)) + 12 * 3_600_000_000


def write(found: list[tuple[int, str, str | None, int, int]], start: int = 0) -> None:
    """Rows recorded in their order, as source rows of one import each."""
    for seq, (record, field, value, when, known) in enumerate(found, start):
        put_change(record, field, value, noon(when), noon(known), seq)


def state(as_of: int, known: int | None = None) -> dict[int, dict[str, Any]]:
    day = FIRST + timedelta(days=as_of)
    known_on = None if known is None else FIRST + timedelta(days=known)
    return history.state_as_of(entity("opportunity"), [1, 2], day, known_on)


@settings(max_examples=30)
@given(st.lists(rows, max_size=8), days, days)
def test_state_agrees_with_the_oracle(ws: Any, found: Any, one: int, other: int) -> None:
    as_of, known = sorted((one, other))
    changes = [effective.Change(r, f, v, e, k, seq) for seq, (r, f, v, e, k) in enumerate(found)]
    with rolled_back():
        write(found)
        assert state(as_of, known) == effective.state_as_of(changes, as_of, known)
        assert state(as_of) == effective.state_as_of(changes, as_of)


@settings(max_examples=25)
@given(st.lists(rows, max_size=6), st.lists(rows, max_size=4), days, days)
def test_later_facts_never_change_earlier_answers(ws: Any, before: Any, after: Any, one: int, other: int) -> None:
    as_of, known = sorted((one, other))
    with rolled_back():
        write(before)
        then, then_known = state(as_of), state(as_of, known)
        write([row for row in after if row[3] > as_of], len(before))
        assert state(as_of) == then
        write([row for row in after if row[4] > known], len(before) + 10)
        assert state(as_of, known) == then_known


@settings(max_examples=25)
@given(st.lists(rows, min_size=1, max_size=8))
def test_current_rows_are_the_latest_state(ws: Any, found: Any) -> None:
    with rolled_back():
        write(found)
        latest = history.state_as_of(entity("opportunity"), [1, 2])
        rows = entity("opportunity").model.objects.order_by("id").values("id", *FIELDS)
        assert {row["id"]: {name: row[name] for name in FIELDS} for row in rows} == {
            record: {name: fields.get(name) for name in FIELDS} for record, fields in latest.items()
        }


def test_a_whole_row_and_single_fields_say_the_same(clean: Any) -> None:
    put_change(1, "*", '{"name": "A", "amount": "10000", "region": "\\u0001", "custom.tier": "gold"}', noon(1), noon(1))
    put_change(1, "name", "B", noon(2), noon(2))
    row = entity("opportunity").model.objects.values().get(id=1)
    assert (row["name"], row["amount"], row["region"]) == ("B", 10_000, None)
    assert '"tier"' in row["custom"]
    assert state(1)[1] == {"name": "A", "amount": 10_000, "region": None}


def test_an_undated_value_shows_now_and_on_no_day(clean: Any) -> None:
    put_change(1, "name", "A", noon(1), noon(1))
    put_change(1, "region", "West", None, noon(1))
    assert entity("opportunity").model.objects.get(id=1).region == "West"
    assert state(9)[1] == {"name": "A"}
    put_change(1, "region", "East", noon(3), noon(0))
    assert entity("opportunity").model.objects.get(id=1).region == "East"


def test_rows_of_batches_that_are_not_live_do_not_count(clean: Any) -> None:
    put_change(1, "name", "A", noon(1), noon(1))
    put_change(1, "name", "staged", noon(2), noon(2), status="staged")
    put_change(2, "name", "undone", noon(2), noon(2), status="undone")
    assert state(9) == {1: {"name": "A"}}
    assert list(entity("opportunity").model.objects.values_list("id", "name")) == [(1, "A")]


def test_a_day_later_than_the_knowing_is_refused(clean: Any) -> None:
    with pytest.raises(UsageError):
        state(5, 4)
    with pytest.raises(UsageError):
        queries.list_records(writing_owner(clean), "opportunity", as_of=date(2018, 1, 2), as_known_on=date(2018, 1, 1))


def writing_owner(ws: Any) -> Any:
    from salesops.records.access import actor_for

    return actor_for(ws)


def test_deleted_records_are_there_on_earlier_days(company: Company) -> None:
    deal = company.deal("A", "Ann", amount="100")
    actions.delete_record(company.owner, "opportunity", deal, effective=date(2017, 6, 1))
    assert company.names(company.owner) == []
    assert company.names(company.owner, as_of=date(2017, 5, 31)) == ["A"]
    assert company.names(company.owner, as_of=date(2017, 6, 1)) == []
    assert company.names(company.owner, as_of=date(2017, 1, 9)) == []  # not created yet
    actions.restore_record(company.owner, "opportunity", deal)
    assert company.names(company.owner) == ["A"]


def test_intervals_are_superseded_never_updated(company: Company) -> None:
    given = {"team": None, "person": "Ann", "role": "AE", "valid_from": "2017-01-01"}
    member = actions.create_record(company.owner, "team_member", given)
    before = history.rows_as_known(entity("team_member"), [member])[0]
    actions.edit_record(company.owner, "team_member", member, {"role": "Senior AE"})
    rows = list(entity("team_member").model.objects.filter(id=member).order_by("row").values())
    assert [(row["role"], row["recorded_to"] is None) for row in rows] == [("AE", False), ("Senior AE", True)]
    assert rows[0] == {**before, "recorded_to": rows[1]["recorded_from"], "closed_by": rows[1]["batch"]}
    actions.delete_record(company.owner, "team_member", member)
    assert history.rows_as_known(entity("team_member"), [member]) == []
    actions.undo(company.owner, rows[1]["batch"])  # the deletion stands, whatever it was a deletion of
    assert history.rows_as_known(entity("team_member"), [member]) == []
    last = entity("team_member").model.objects.filter(id=member).order_by("-row").first()
    assert last is not None
    actions.undo(company.owner, last.batch)
    assert [row["role"] for row in history.rows_as_known(entity("team_member"), [member])] == ["AE"]


def test_undo_brings_back_what_was(company: Company) -> None:
    deal = company.deal("A", "Ann", amount="100")
    before = entity("opportunity").model.objects.values().get(id=deal)
    actions.edit_record(company.owner, "opportunity", deal, {"amount": "200", "region": "West"})
    batch = queries.history_of(company.owner, "opportunity", deal)[-1]["batch"]
    assert actions.undo(company.owner, batch) == 1
    assert entity("opportunity").model.objects.values().get(id=deal) == before
    with pytest.raises(Conflict):
        actions.undo(company.owner, batch)


def test_merge_redirects_and_can_be_undone(company: Company) -> None:
    one = actions.create_record(company.owner, "account", {"name": "Acme", "owner": "Ann"})
    two = actions.create_record(company.owner, "account", {"name": "ACME Inc", "owner": "Ann", "city": "Kraków"})
    deal = company.deal("A", "Ann", account=two)
    sources = queries.show_record(company.owner, "account", two).source_ids
    assert actions.merge_records(company.owner, "account", one, two) == one
    shown = queries.show_record(company.owner, "account", two)  # the loser's id leads to the winner
    assert (shown.id, shown.values["city"], shown.merged_from) == (one, "Kraków", (two,))
    assert set(sources) < set(shown.source_ids)
    listing = queries.list_records(company.owner, "opportunity", where="account = 'Acme'")
    assert [row["id"] for row in listing.rows] == [deal]
    assert listing.labels["account"][two] == "Acme"
    batch = queries.history_of(company.owner, "account", one)[-1]["batch"]
    actions.undo(company.owner, batch)
    back = queries.show_record(company.owner, "account", two)
    assert (back.id, back.deleted, back.source_ids) == (two, False, sources)
    assert queries.show_record(company.owner, "account", one).values["city"] is None


def test_visible_people_follow_the_day(company: Company) -> None:
    vera = company.user("vera")
    assert scope.visible_people(vera) == {company.people[name] for name in ("Vera", "Mark", "Ann", "Bob")}
    assert scope.visible_people(vera, date(2014, 12, 31)) == {company.people["Vera"]}
    circle = {"person": "Vera", "manager": "Ann", "kind": "line", "valid_from": "2016-01-01"}
    actions.create_record(company.owner, "reporting_line", circle)
    assert len(scope.visible_people(vera)) == 4  # people who report to each other in a circle end somewhere


def test_ticks_are_one_order(clean: Any) -> None:
    first = writing.next_tick()
    assert [writing.next_tick() for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_redirects_read_merges_and_not_the_whole_history(company: Company) -> None:
    """The planner takes the index that holds merges only (PostgreSQL is asked not to prefer reading so small a table whole)."""
    one, other = (actions.create_record(company.owner, "account", {"name": name}) for name in "AB")
    actions.merge_records(company.owner, "account", one, other)
    assert history.redirects(entity("account")) == {other: one}
    if sqltools.is_postgres():
        sqltools.run("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN " if sqltools.is_postgres() else "EXPLAIN QUERY PLAN "
    plan = sqltools.rows(explain + history.redirects_sql(entity("account")))
    assert any("change_merged" in str(line) for line in plan), plan


def test_an_edit_stands_after_what_an_import_says_of_a_day_to_come(company: Company) -> None:
    """An import recorded a role for next year; the role is then edited. Whatever works the order out anew, the edit stands, until it is undone."""
    member = entity("team_member")
    record = actions.create_record(company.owner, "team_member", {"role": "rep"})
    later = context.now() + 365 * 86_400_000_000
    batch = writing.new_batch("import", company.owner, status="live", tick=writing.next_tick())
    member.model.objects.create(id=record, role="lead", recorded_from=later, batch=batch.pk)
    chains.rechain(member, str(record))

    def standing() -> list[str]:
        return [row["role"] for row in history.rows_as_known(member, [record])]

    assert standing() == ["lead"]
    actions.edit_record(company.owner, "team_member", record, {"role": "head"})
    assert standing() == ["head"]
    assert chains.rechain(member, str(record)) == 0
    edit = member.model.objects.filter(id=record).order_by("-row").values_list("batch", flat=True)[0]
    assert actions.undo(company.owner, edit) == 1
    assert standing() == ["lead"]


def test_undoing_a_creation_leaves_no_name(company: Company) -> None:
    from salesops.records.models import SourceId

    record = actions.create_record(company.owner, "account", {"name": "A"})
    made = SourceId.objects.filter(record=record).values_list("batch", flat=True)[0]
    actions.edit_record(company.owner, "account", record, {"city": "Lodz"})
    actions.undo(company.owner, made)
    assert SourceId.objects.filter(record=record).exists()  # the edit describes it still
    actions.undo(company.owner, _latest_edit(record))
    assert not SourceId.objects.filter(record=record).exists()


def _latest_edit(record: int) -> int:
    from salesops.records.models import Change

    return int(Change.objects.filter(record=record).order_by("-id").values_list("batch", flat=True)[0])
