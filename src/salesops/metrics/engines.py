"""Which engines can answer the catalogue: `python -m salesops.metrics.engines > docs/engines.md`.

Every metric in every variant is built, written for each engine, and read back by SQLGlot in that engine's dialect. SQLGlot passes
functions that it does not know through without a word, so a name that is not on our list is refused; so is what an engine is
known to refuse although it parses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from salesops.common.portable import ALLOWED, CHECKED, NotPortable, transpile

from .build import Builder
from .catalogue import every
from .definitions import Asked
from .lint import ALL_SEEN, REMEDIES, requests_of, shape
from .series import SeriesBuilder, fits

PASSED: Final = {
    "postgres": {"DIV"},
    "spark": set[str](),
    "trino": set[str](),
    "snowflake": set[str](),
    "bigquery": {"DIV"},
    "clickhouse": {"INTDIV"},
}
"""Functions that SQLGlot does not know and the engine has."""
TITLES: Final = {
    "duckdb": "DuckDB",
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "trino": "Trino",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
}
CAUTIONS: Final = {
    "spark": (
        "the session needs `spark.sql.ansi.enabled = true` and `spark.sql.session.timeZone = UTC`, which salesops sets; sums and quotients are DECIMAL, "
        "because a sum of BIGINT is a BIGINT there, and DIV wraps a quotient beyond 9 x 10^18 around without an error, in ANSI mode, too"
    ),
    "trino": "a sum of BIGINT is a BIGINT: one beyond 9 x 10^18 is an error, where DuckDB goes on",
    "snowflake": "the session needs `TIMEZONE = 'UTC'`; names are written in small letters and quoted, so the tables must be made so",
    "bigquery": "LEFT JOINs without an equality are refused by BigQuery; those found are named below",
    "clickhouse": (
        "the session needs `join_use_nulls = 1` and `aggregate_functions_null_for_empty = 1`: without them a missing row is 0, not null, and the "
        "answers are wrong without a word; a sum of Int64 wraps around silently beyond 9 x 10^18"
    ),
}


@dataclass(frozen=True)
class Ran:
    """What `make test-engines` compared with DuckDB on an engine, and found equal, when it was run last."""

    version: str
    day: str
    definitions: int
    answers: int
    analyses: int
    examples: int


RAN: Final = {"postgres": Ran("PostgreSQL 15", "22 November 2026", 158, 676, 26, 400)}
"""Written by hand after a run; `tests/engines` counts again."""
SPARK: Final = (
    "no difference where run so far, on 23 November 2026 (PySpark 4.0.5 in the asking process), of the 158 definitions of that day's "
    "start: 158 answers by month, 146 by owner, 121 by region; all five "
    "questions of 50 definitions (211 answers); all 26 analyses. One run of all 676 answers, and the random definitions, not yet. Spark Connect (`sc://`) and "
    "a cluster of Spark's own (`spark://`), each on the same machine: four metrics now, as known on a past day four on Connect and two on the "
    "cluster; on Connect files, exact numbers and "
    "refusals, too. Databricks, EMR, Dataproc, YARN and Kubernetes: never asked"
)
"""What was found equal, and when, until one run has answered all: then a line of `RAN`."""
REWRITTEN: Final = {
    "a // b": "must be exact and cut towards zero: others divide integers by `/`, by DIV() or not at all, some in binary floating point",
    "SUM(a)": "is a BIGINT in Spark when `a` is one: too narrow",
    "SIGN(a)": "gives a binary float elsewhere, and an exact product would become one",
    "CAST(a AS HUGEINT)": "has another name elsewhere",
    "DATE_DIFF('day', a, b)": "takes its arguments in another order elsewhere, or does not exist",
    "ROW_NUMBER() OVER (PARTITION BY a ORDER BY b)": "puts nulls last, elsewhere first",
}
"""Columns that are written anew, and why."""
Problems = Mapping[str, Mapping[str, list[str]]]
"""By engine, and by metric and variant."""


def statement(one: Asked) -> exp.Expression:
    """The richest statement of a metric: several periods and currencies, by owner where it can be."""
    request, session = list(requests_of(one))[-1], shape()
    builder = SeriesBuilder if fits(session, ALL_SEEN, request) else Builder
    return builder(session, ALL_SEEN, request).statement()


def dialect_problems(tree: exp.Expression, dialect: str) -> Iterator[str]:
    """What keeps a statement from an engine."""
    try:
        text = transpile(tree, dialect)
        back = sqlglot.parse_one(text, dialect=dialect)
    except (NotPortable, SqlglotError) as error:
        yield str(error).splitlines()[0]
        return
    for node in back.find_all(exp.Anonymous):
        if str(node.this).upper() not in PASSED[dialect]:
            yield f"{str(node.this).upper()}() is passed through"
    if dialect == "bigquery":
        for join in back.find_all(exp.Join):
            if join.side == "LEFT" and not _equal(join.args.get("on")):
                yield f"LEFT JOIN {join.alias_or_name} without an equality"


def _equal(on: exp.Expression | None) -> bool:
    """Whether a condition joins by an equality, among others that all must hold."""
    if on is None:
        return False
    parts = on.flatten() if isinstance(on, exp.And) else [on]
    return any(isinstance(one.unnest(), exp.EQ) for one in parts)


def checked(definitions: Iterable[Asked]) -> Problems:
    """What keeps these metrics from engines; empty lists where there is nothing."""
    found: dict[str, dict[str, list[str]]] = {dialect: {} for dialect in CHECKED}
    for one in definitions:
        tree = statement(one)
        for dialect in CHECKED:
            found[dialect][one.name] = sorted(set(dialect_problems(tree, dialect)))
    return found


HEAD = """# Engines

This page is generated (`python -m salesops.metrics.engines > docs/engines.md`). How to move a workspace's warehouse to
PostgreSQL or Spark is in [guides/warehouse.md](guides/warehouse.md#another-engine).

Every metric is written once, in the DuckDB dialect, from the constructs below, and is written for another engine by SQLGlot and the rewrites
of `salesops.common.portable`.

## What was run, and what was not

**Run** means: `make test-engines` loads the same tables into the engine, asks every metric in every variant (by month, by owner, by region, as of a past
day, by product in euros), and compares with DuckDB: integers, money, days and words exactly, other figures to 1e-9 of their size, quantiles by row number.
Further it compares the analyses that have statements of their own, corner cases with figures worked by hand, and random definitions (random measures,
conditions, dimensions and periods, which are equal too or refused before they are asked).
**SQL checked** means: the richest statement of each definition (two quarters, by owner, in one currency) was generated, read back in the engine's dialect and
searched for functions that the engine does not have. Nothing was sent to such an engine, no setting of salesops names it, and the analyses are
not checked so.
"""


def page(problems: Problems) -> str:
    """The whole page as Markdown."""
    parts = [HEAD, "| engine | how | metrics |", "| --- | --- | --- |"]
    parts.append("| DuckDB | built in; the measure of the others | all |")
    parts.append(
        f"| PostgreSQL | run: `make test-engines` asks all, `make test` one of each kind | {_ran('postgres')} |"
    )
    parts.append(f"| Spark 4.0 | run: `make test-engines` asks all | {SPARK} |")
    for dialect in CHECKED:
        refused = any(problems[dialect].values())
        parts.append(f"| {TITLES[dialect]} | SQL checked, not run | {'all but those below' if refused else 'all'} |")
    parts += ["", f"**Spark**: {CAUTIONS['spark']}."]
    for dialect in CHECKED:
        parts += ["", f"**{TITLES[dialect]}**: {CAUTIONS[dialect]}."]
        found: dict[str, list[str]] = {}
        for name, texts in problems[dialect].items():
            for text in texts:
                found.setdefault(text, []).append(name)
        parts += [f"- {text}: {', '.join(f'`{name}`' for name in names)}" for text, names in sorted(found.items())]
    parts += ["", *_constructs()]
    return "\n".join(parts) + "\n"


def _ran(dialect: str) -> str:
    one = RAN[dialect]
    return (
        f"{one.definitions} of {len(every())} definitions in {one.answers} answers, {one.analyses} analyses (waterfall, funnel, cohorts ...), "
        f"{one.examples} random definitions: no difference ({one.version}, {one.day})"
    )


def told(text: str) -> Problems:
    """The problems that a page tells."""
    found: dict[str, dict[str, list[str]]] = {dialect: {one.name: [] for one in every()} for dialect in CHECKED}
    dialects, dialect = {f"**{TITLES[one]}**": one for one in CHECKED}, ""
    for line in text.splitlines():
        dialect = "" if line.startswith("#") else dialects.get(line.partition(":")[0], dialect)
        if dialect and line.startswith("- "):
            problem, _, names = line.removeprefix("- ").partition(": `")
            for name in names.removesuffix("`").split("`, `"):
                found[dialect][name].append(problem)
    return found


def _constructs() -> Iterator[str]:
    yield "## Constructs"
    yield ""
    yield "Allowed, by SQLGlot's names (a definition with any other is refused by `make check`):"
    yield ""
    yield ", ".join(f"`{name}`" for name in sorted(ALLOWED)) + "."
    yield ""
    yield "Refused, with what to write instead:"
    yield ""
    yield "| construct | instead |"
    yield "| --- | --- |"
    for name, remedy in sorted(REMEDIES.items()):
        yield f"| `{name}` | {remedy} |"
    yield "| an unknown function | write it with CASE, sums and joins |"
    yield "| `a / b` of integers | cast the numerator to DOUBLE, or use `//` |"
    yield "| a cast of a boolean to a number | `CASE WHEN ... THEN 1 ELSE 0 END` |"
    yield "| ASOF, SEMI and ANTI joins | EXISTS, or a join on `day_from` and `day_to` |"
    yield "| DOUBLE in a column | only as the numerator of the last division |"
    yield ""
    yield "Rewritten for each engine, here for the two that are run:"
    yield ""
    yield "| written | because it | PostgreSQL | Spark |"
    yield "| --- | --- | --- | --- |"
    for text, reason in REWRITTEN.items():
        tree: Any = sqlglot.parse_one(f"SELECT {text}", dialect="duckdb")
        cells = (transpile(tree, dialect).removeprefix("SELECT ") for dialect in ("postgres", "spark"))
        yield f"| `{text}` | {reason} | {' | '.join(f'`` {cell} ``' for cell in cells)} |"
    yield ""
    yield "Besides: constants in GROUP BY become places of columns, subqueries get names, names are quoted and in small letters (at most 63 bytes in"
    yield "PostgreSQL), arithmetic that is told apart by the size of an amount is done in decimals throughout, and BigQuery's windows put nulls last by a"
    yield "key of their own."


if __name__ == "__main__":
    print(page(checked(every())), end="")
