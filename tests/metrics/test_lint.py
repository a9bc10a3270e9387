"""Definitions mean the same on every engine, or are refused with the construct and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesops.metrics import document, lint
from salesops.metrics.catalogue import every
from salesops.metrics.definitions import Asked, Metric, Part, Variant
from salesops.metrics.sql import parse


def test_the_catalogue_is_clean() -> None:
    """As `make check` runs it."""
    assert lint.main() == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT arg_max(amount, day_from) FROM opportunity",
        "SELECT * FROM a ASOF JOIN b ON a.id = b.id AND a.day >= b.day",
        "SELECT round_even(x, 2) FROM t",
        "SELECT ROUND(x, 2) FROM t",
        "SELECT extract(isodow FROM day) FROM t",
        "SELECT date_trunc('week', day) FROM t",
        "SELECT GREATEST(a, b) FROM t",
        "SELECT CAST(a > b AS DOUBLE) / NULLIF(c, 0) FROM t",
        "SELECT CAST(value AS DOUBLE) FROM t",
        "SELECT a / b FROM t",
        "SELECT CAST(a AS DOUBLE) / b FROM (SELECT 1 AS a) t JOIN u ON t.a / u.b",
        "SELECT AVG(a) FROM t",
        "SELECT median(a) FROM t",
        "SELECT quantile_cont(a, 0.5) FROM t",
        "SELECT current_date",
        "SELECT CAST(a AS TIMESTAMPTZ) FROM t",
        "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1",
        "SELECT SUM(a) FILTER (WHERE b) FROM t",
        "SELECT f.id FROM f LEFT JOIN opportunity AS o ON o.id = f.id",
        "SELECT DATE_DIFF('month', a, b) FROM t",
        "SELECT SUM(a) OVER () FROM t",
    ],
)
def test_what_is_not_portable_is_refused(sql: str) -> None:
    """With the construct and what to do instead."""
    found = list(lint.problems("here", parse(sql)))
    assert found
    assert all(text.startswith("here: ") and text.count(": ") >= 2 for text in found)


def test_a_broken_definition_is_refused_with_its_place() -> None:
    """A part that does not exist, a fact that does not exist, a column that does not exist."""
    won = Part("closed", where="status = 'won'")

    def asked(value: str, part: Part = won) -> Asked:
        variant = Variant("", "t", "f", value, {"won": part})
        return Asked(Metric("mine", "t", "q", "ratio", "up", "d", (variant,)), variant)

    assert "'lost'" in lint.metric_problems(asked("won / lost"))[0]
    assert "no fact 'nowhere'" in lint.metric_problems(asked("won", Part("nowhere")))[0]
    assert lint.metric_problems(asked("won")) == []
    assert lint.metric_problems(asked("won", Part("closed", "AVG(value)")))


def test_the_generated_page_is_current() -> None:
    """`python -m salesops.metrics.document > docs/metrics.md`."""
    written = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    assert written.read_text(encoding="utf-8") == document.page()


def test_versions_change_with_the_definition() -> None:
    """Twelve digits, all different."""
    versions = [one.version for one in every()]
    assert len(set(versions)) == len(versions)
