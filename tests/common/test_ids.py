"""Record ids and row keys: the same in Python and DuckDB."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.common.ids import content_key, content_key_sql, record_id, record_id_sql

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def test_a_record_id_is_stable_and_positive() -> None:
    assert record_id("opportunity", "crm", "1C1I7A6R") == 7_794_700_678_848_437_488
    assert record_id("account", "crm", "1C1I7A6R") != record_id("opportunity", "crm", "1C1I7A6R")
    assert record_id("a", "b", "c\x1fd") >= 0


def test_parts_cannot_run_together() -> None:
    with pytest.raises(InvalidData):
        record_id("a\x1fb", "c", "d")
    with pytest.raises(InvalidData, match="not valid text"):
        record_id("a", "b", "\ud800")


@settings(max_examples=40)
@given(st.lists(TEXT, min_size=1, max_size=30), st.sampled_from(["crm", "o'neil", "zażółć"]))
def test_duckdb_computes_the_same_ids_and_keys(texts: list[str], system: str) -> None:
    connection = duckdb.connect()
    rows = connection.execute(
        f"select {record_id_sql('opportunity', system, 'x')}, {content_key_sql(['x', 'y'])}"
        " from (select unnest($1::varchar[]) as x, unnest($2::varchar[]) as y)",
        [texts, [None, *texts][: len(texts)]],
    ).fetchall()
    pairs = zip(texts, [None, *texts], strict=False)
    assert rows == [(record_id("opportunity", system, one), content_key([one, two])) for one, two in pairs]


def test_a_missing_id_stays_missing(db: duckdb.DuckDBPyConnection) -> None:
    sql = record_id_sql("opportunity", "crm", "x")
    row = db.execute(f"select typeof({sql}), {sql} from (select null::varchar as x)").fetchone()
    assert row == ("BIGINT", None)
    assert db.execute(f"select {record_id_sql('a', 'b', '42')}").fetchone() == (record_id("a", "b", "42"),)


def test_a_content_key_tells_what_differs() -> None:
    rows = [
        [None],
        [""],
        ["", ""],
        ["a", "b"],
        ["ab"],
        ["1"],
        [1],
        [True],
        [date(2017, 1, 1)],
        ["2017-01-01"],
        [0],
        [10],
    ]
    assert len({content_key(row) for row in rows}) == len(rows)
    assert content_key([100]) == content_key([Decimal("1E+2")]) == content_key([100.0])
    assert content_key([0]) == content_key([Decimal("-0.00")])
    with pytest.raises(InvalidData):
        content_key([object()])
