"""Statements for other engines: what is rewritten, what is refused."""

from __future__ import annotations

import pytest
from sqlglot import parse_one

from salesops.common.portable import CHECKED, RUN, foreign, transpile


def written(sql: str, dialect: str) -> str:
    """A statement of the DuckDB dialect for another engine."""
    return transpile(parse_one(sql, dialect="duckdb"), dialect)


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("SELECT arg_max(a, b) FROM t", "ArgMax"),
        ("SELECT greatest(a, b) FROM t", "Greatest"),
        ("SELECT round_even(a, 2) FROM t", "round_even()"),
        ("SELECT date_trunc('week', a) FROM t", "TimestampTrunc"),
        ("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1", "Qualify"),
        ("SELECT CAST(a AS DECIMAL(18, 2)) FROM t", "CAST AS DECIMAL"),
        ("SELECT t.a FROM t ASOF JOIN s ON t.a >= s.a", "ASOF, SEMI or ANTI JOIN"),
        ("SELECT date_diff('month', a, b) FROM t", "DATE_DIFF of anything but days"),
        ("SELECT a // 2, SIGN(a), CAST(a AS HUGEINT) FROM t", ""),
    ],
)
def test_a_construct_that_engines_read_differently_is_foreign(sql: str, construct: str) -> None:
    """Such a statement is not sent to another engine."""
    found = foreign(parse_one(sql, dialect="duckdb"))
    assert found == construct or (not construct and not found)


def test_integers_are_divided_exactly() -> None:
    """Each engine by a function of whole numbers or by the remainder, never by a binary quotient."""
    assert written("SELECT a // b FROM t", "postgres") == 'SELECT DIV(CAST(("a") AS DECIMAL), ("b")) FROM "t"'
    assert "DIV" in written("SELECT a // b FROM t", "spark")
    for dialect in (*RUN, *CHECKED):
        assert "DOUBLE" not in written("SELECT a // b FROM t", dialect).upper()


def test_the_sign_of_an_amount_stays_a_whole_number() -> None:
    """PostgreSQL's and Spark's SIGN give a float, which would make a float of the amount that it multiplies."""
    for dialect in ("postgres", "spark"):
        assert "SIGN" not in written("SELECT SIGN(a) * b FROM t", dialect)


def test_a_constant_in_group_by_is_its_column() -> None:
    """`GROUP BY 'text'` is refused by PostgreSQL."""
    sql = written("SELECT '2024' AS period, k, SUM(v) AS v FROM t GROUP BY '2024', k", "postgres")
    assert sql.endswith('GROUP BY 1, "k"')


def test_nulls_stay_last_in_every_order() -> None:
    """PostgreSQL's own default puts them first when descending, Spark's when ascending."""
    assert "DESC NULLS LAST" in written("SELECT a FROM t ORDER BY a DESC", "postgres")
    assert "NULLS LAST" in written("SELECT a FROM t ORDER BY a", "spark")
