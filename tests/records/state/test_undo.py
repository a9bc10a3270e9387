"""Whatever was edited, deleted and merged: undone in any order, everything is as it was (hypothesis)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.records.state.company import rolled_back

from salesops.common.errors import Conflict, NotFound, UsageError
from salesops.records import actions, history
from salesops.records.access import actor_for
from salesops.records.entities import entity

steps = st.lists(
    st.tuples(
        st.sampled_from(("edit", "delete", "restore", "merge", "correct", "close")),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=7,
)


def snapshot() -> Any:
    from salesops.records.models import Account, SourceId

    spans = [
        (row["id"], row["role"], row["deleted"])
        for row in entity("team_member")
        .model.objects.filter(recorded_to__isnull=True, batch__in=history.live_batches())
        .values()
    ]
    sources = list(SourceId.objects.order_by("pk").values_list("pk", "record"))
    return list(Account.objects.order_by("id").values()), sources, sorted(spans)


@settings(max_examples=25)
@given(steps, st.randoms(use_true_random=False))
def test_undone_in_any_order(ws: Any, found: Any, random: Any) -> None:
    from salesops.records.models import Batch

    with rolled_back():
        owner = actor_for(ws)
        accounts = [actions.create_record(owner, "account", {"name": f"A{number}"}) for number in range(3)]
        spans = [actions.create_record(owner, "team_member", {"role": f"R{number}"}) for number in range(3)]
        before = snapshot()
        first = Batch.objects.order_by("-id").values_list("id", flat=True)[0]
        for number, (step, one, other) in enumerate(found):
            try:
                if step == "edit":
                    actions.edit_record(owner, "account", accounts[one], {"city": f"C{number}"})
                elif step == "delete":
                    actions.delete_record(owner, "account", accounts[one])
                elif step == "restore":
                    actions.restore_record(owner, "account", accounts[one])
                elif step == "merge" and one != other:
                    actions.merge_records(owner, "account", accounts[one], accounts[other])
                elif step == "correct":
                    actions.edit_record(owner, "team_member", spans[one], {"role": f"S{number}"})
                elif step == "close":
                    actions.delete_record(owner, "team_member", spans[one])
            except (Conflict, NotFound, UsageError):
                continue  # it is deleted, or merged with the other already
        made = list(Batch.objects.filter(id__gt=first, status="live").values_list("id", flat=True))
        random.shuffle(made)
        for batch in made:
            actions.undo(owner, batch)
        assert snapshot() == before
