"""Writes the catalogue as a page: `python -m salesops.metrics.document > docs/metrics.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .catalogue import metrics
from .definitions import Asked, Metric
from .facts import fact

HEAD = """# The metric catalogue

This page is generated (`python -m salesops.metrics.document > docs/metrics.md`); the definitions are in
`src/salesops/metrics/catalogue`. How to ask is in [guides/metrics.md](guides/metrics.md).

A zero denominator gives no value, never 0. A ratio over a group is the ratio of the sums. Every metric can be asked as of
a past day, as known on a past day, by dimension and by period. The version changes whenever the definition does.
"""


def page(head: str = HEAD, known: Mapping[str, Metric] | None = None) -> str:
    """The whole page as Markdown: of the catalogue, or of the metrics that people defined."""
    shown = metrics() if known is None else known
    parts = [head, *_index(shown)]
    for one in shown.values():
        parts += ["", *_metric(one)]
    return "\n".join(parts) + "\n"


def _index(known: Mapping[str, Metric]) -> Iterator[str]:
    yield "| metric | question | unit | better |"
    yield "| --- | --- | --- | --- |"
    for one in known.values():
        unit = one.unit.replace("_", " ")
        yield f"| [`{one.id}`](#{one.id}) | {one.question} | {unit} | {one.better} |"


def _metric(one: Metric) -> Iterator[str]:
    yield f"## {one.id}"
    yield ""
    yield f"**{one.title}.** {one.question}"
    yield ""
    yield f"- unit: {one.unit.replace('_', ' ')}; better: {one.better}; adds up: {ADDS[one.additive]}"
    yield f"- date basis: {one.date_basis}"
    if one.currency_rule != "none":
        yield f"- currency: {one.currency_rule}"
    yield f"- empty: {one.empty_rule}"
    for note in one.notes:
        yield f"- {note}"
    if one.owner:
        yield f"- answered for by: {one.owner}"
    if one.watch_for:
        yield f"- watch for: {one.watch_for}"
    if one.reads_with:
        yield f"- read it together with: {', '.join(f'`{name}`' for name in one.reads_with)}"
    if one.table:
        yield f"- a table: `salesops {one.table}`"
        return
    yield ""
    yield "| ask | is | formula | from | rule | version |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for variant in one.variants:
        asked = Asked(one, variant)
        facts = "; ".join(dict.fromkeys(fact(part.fact).title for part in variant.parts.values()))
        formula = variant.formula.replace("|", "\\|")
        yield f"| `{asked.name}` | {variant.title} | {formula} | {facts} | {variant.rule} | {asked.version} |"


ADDS = {
    "additive": "over any dimension and over time",
    "semi": "over dimensions, never over time",
    "none": "no",
}

if __name__ == "__main__":
    print(page(), end="")
