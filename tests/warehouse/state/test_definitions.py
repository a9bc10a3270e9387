"""Definitions of metrics in the state: defined by one, known to all at once, replaced and ended, one current version a name."""

from __future__ import annotations

import pytest
from tests.warehouse.state.world import World

from salesops.common.errors import InvalidData, NotFound

OPEN = '[open_now]\nkind = "count"\nfact = "open_state"\n'


def test_what_one_defines_the_session_of_another_answers(world: World) -> None:
    from salesops.metrics.defined import kept
    from salesops.metrics.query import query
    from salesops.records.access import actor_for
    from salesops.warehouse import open_session

    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, amount=1)
    world.refresh()
    owner = actor_for(world.ws)
    with open_session(world.ws) as one, open_session(world.ws) as other:
        with pytest.raises(NotFound):
            query(other, owner, "open_now")
        assert [row["done"] for row in kept.define(one, owner, OPEN)] == ["defined"]
        assert query(other, owner, "open_now").value() == 1
        changed = OPEN + "where = \"region = 'West'\"\n"
        assert [row["done"] for row in kept.define(other, owner, changed)] == ["changed"]
        assert query(one, owner, "open_now").value() == 0
        with pytest.raises(InvalidData) as error:
            kept.define(one, owner, OPEN.replace("open_state", "opn"))
        assert error.value.problems[0].row == 3
        assert query(one, owner, "open_now").value() == 0
        assert [row["ended"] is None for row in kept.history(owner, "open_now")] == [False, True]
        kept.undefine(one, owner, "open_now")
        with pytest.raises(NotFound):
            query(other, owner, "open_now")
        assert [row["ended"] is None for row in kept.history(owner, "open_now")] == [False, False]
