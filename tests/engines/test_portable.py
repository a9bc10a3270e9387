"""Statements for other engines: what is rewritten, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlglot import parse_one

from salesops.common.errors import WorkspaceError
from salesops.common.portable import CHECKED, RUN, foreign, transpile
from salesops.metrics import engines
from salesops.metrics.catalogue import every
from salesops.workspace import Config


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
        ("SELECT table_name FROM information_schema.tables", "the table information_schema.tables"),
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
    assert "DIV" not in written("SELECT a // b FROM t", "spark")  # it wraps what is beyond a BIGINT, without an error
    for dialect in (*RUN, *CHECKED):
        assert "DOUBLE" not in written("SELECT a // b FROM t", dialect).upper()


def test_a_sum_is_as_wide_in_spark_as_in_duckdb() -> None:
    """Spark adds BIGINT up to a BIGINT; a count needs nothing more."""
    assert "SUM((`a`) + CAST(0 AS DECIMAL(1, 0)))" in written("SELECT SUM(a) FROM t", "spark")
    assert "DECIMAL" not in written("SELECT SUM(CASE WHEN a THEN 1 ELSE 0 END), SUM(1) FROM t", "spark")
    assert "DECIMAL" not in written("SELECT SUM(a) FROM t", "postgres")


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


def test_nulls_are_last_in_windows_of_bigquery() -> None:
    """It refuses NULLS LAST beside a sum, so that a key of their own puts them last; descending they are last anyway."""
    sql = written("SELECT SUM(a) OVER (PARTITION BY b ORDER BY c, d DESC ROWS UNBOUNDED PRECEDING) FROM t", "bigquery")
    assert "ORDER BY `c` IS NULL, `c`, `d` DESC ROWS" in sql
    assert "NULLS" not in sql


def test_long_names_stay_apart() -> None:
    """PostgreSQL cuts names to 63 bytes without a word; two that begin alike would be one."""
    long = "x" * 70
    sql = written(f"SELECT {long}_in.a, {long}_out.a FROM t AS {long}_in JOIN t AS {long}_out ON TRUE", "postgres")
    names = {part for part in sql.split('"') if part.startswith("xxx")}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://somebody:secret@host/sales",
        "https://host:15002/;token=secret",
        "sparks",
        "postgresql",
    ],
)
def test_a_setting_that_names_no_engine_is_refused(url: str, entities_known: None) -> None:
    """By the workspace's settings and from the environment; nothing secret is shown."""
    from salesops.warehouse.engines import kind_of

    with pytest.raises(WorkspaceError, match="names no engine") as error:
        kind_of(url)
    assert "leave it out to use the built-in DuckDB" in error.value.remedy
    assert "secret" not in str(error.value)
    assert [
        problem for problem in Config(name="Acme", warehouse=url).problems() if problem.startswith("warehouse must be")
    ]


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("postgres://host/sales", "postgresql"),
        ("postgresql://u@host/sales", "postgresql"),
        ("spark", "spark"),
        ("spark://host:7077", "spark"),
        ("sc://host:15002/;token=secret", "spark"),
    ],
)
def test_a_setting_names_its_engine(url: str, engine: str, entities_known: None) -> None:
    """PostgreSQL by either of its schemes; Spark in this process, on a cluster, by Spark Connect."""
    from salesops.warehouse.engines import kind_of

    assert kind_of(url) == engine
    assert not [
        problem for problem in Config(name="Acme", warehouse=url).problems() if problem.startswith("warehouse must be")
    ]


# The page -------------------------------------------------------------------------------------------------------------

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


def test_the_generated_page_is_current() -> None:
    """`python -m salesops.metrics.engines > docs/engines.md`: constructs, what was run, and what keeps metrics from engines.

    Every 20th metric is written for all engines again; all of them with SALESOPS_ENGINES=all."""
    written = PAGE.read_text(encoding="utf-8")
    told = engines.told(written)
    assert written == engines.page(told)
    some = every() if os.environ.get("SALESOPS_ENGINES") == "all" else every()[::20]
    for dialect, found in engines.checked(some).items():
        assert {name: told[dialect][name] for name in found} == found


def test_the_page_says_what_was_run() -> None:
    """A metric that nobody ran on the engine yet is seen as a difference of two numbers."""
    told = PAGE.read_text(encoding="utf-8")
    for ran in engines.RAN.values():
        assert f"{ran.definitions} of {len(every())} definitions in {ran.answers} answers" in told
    assert all(f"| {engines.TITLES[one]} | SQL checked, not run |" in told for one in CHECKED)
