"""The Python door: everything that the command line can, with the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Door


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ws().metrics.query(['win_rate', 'bookings'], by=['owner'], period='2025-Q1').to_polars().height", 3),
        ("ws().metrics.query('bookings', period='quarter', from_='2025-Q1', to='2025-Q2').to_pandas().shape[0]", 2),
        ("float(ws().metrics.query('open_pipeline.all_open', as_of='2025-03-31').value())", 85_000.0),
        ("'win_rate' in ws().metrics.list()", True),
        ("ws().metrics.cohorts(of='wins', period='year', as_of='2025-06-30').matrix('active')['0'][0].as_py() > 0", True),
        ("ws().metrics.members('2025', of='wins').total > 0", True),
        ("ws().metrics.scorecard().rows[0]['metric']", "bookings"),
        ("str(ws().metrics.explain('bookings', period='2025-Q1').value.amount)", "75000.0000"),
        ("[r['name'] for r in ws().metrics.drill('bookings', period='2025-Q1', limit=2).to_pylist()]",
         ["Alder starter", "Birch plant 1"]),
        ("ws().pipeline.waterfall('2025-Q2', scope='all_open').to_polars()['count'][0]", 3),
        ("ws().pipeline.drill('won', '2025-Q2', scope='all_open')['total']", 5),
        ("len(ws().pipeline.stages('2025-Q2')) > 0, len(ws().pipeline.stages('2025-Q2', moves=True)) > 0", [True, True]),
        ("sum(r['cases'] for r in ws().pipeline.variants(of='stages').to_pylist())", 19),
        ("ws().pipeline.funnel(kind='snapshot', to='2025-06-30').to_pylist()[-1]['step']", "Won"),
        ("len(ws().pipeline.conversion()) > 0, len(ws().pipeline.curves(by='owner')) > 0", [True, True]),
        ("ws().pipeline.velocity_change('2025-Q1', '2025-Q2').to_pylist()[-1]['driver']", "velocity"),
        ("ws().metrics.change('bookings', '2025-Q1', '2025-Q2', by='owner').to_pylist()[-1]['owner']", "(all)"),
        ("ws().pipeline.effect('won_deals', '2025-04-01', from_='2025-01-01', to='2025-06-30').effect.refused[:10]", "Too little"),
        (
            "float(sum(r['effect'] for r in ws().pipeline.changes('2025-04-01', '2025-06-30').to_pylist()))"
            " - (lambda v: float(v[-1] - v[0]))(ws().pipeline.waterfall('2025-Q2', scope='all_open').rows['value'].to_pylist())",
            0.0,
        ),
        ("ws().pipeline.explain('2025-Q2', scope='all_open').find('won') is not None", True),
        ("ws().records.list('account', where=\"industry = 'Food'\").total", 1),
        ("ws().records.list('opportunity', as_of='2025-01-15').total", 2),
        ("ws().records.show('opportunity', 'D07').values['amount']", 250_000_000),
        ("len(ws().records.history('opportunity', 'D07')) >= 2", True),
        ("sorted(ws().records.entities())[0]", "absence"),
        ("ws().quality.check(entity='opportunity').overall.checked > 0", True),
        ("ws().quality.issues('opportunity.next_step_missing').total > 0", True),
        ("'opportunity.next_step_missing' in ws().quality.rules()", True),
        ("[b['id'] for b in ws().imports.list()]", [1]),
        ("ws().imports.errors(1)[1] >= 1", True),
        ("'salesforce' in ws().mappings.list(), 'entity' in ws().mappings.show('salesforce')", [True, True]),
        ("{u['username'] for u in ws().users.list()} >= {'ben', 'mara'}", True),
        ("ws().audit.verify().ok, ws().audit.list(limit=1)[1] > 3, len(list(ws().audit.export())) > 3", [True, True, True]),
    ],
)  # fmt: skip
def test_reads(acme: Door, text: str, expected: Any) -> None:
    """Questions and their answers."""
    assert acme.python(f"result = {text}") == expected


def test_the_package_offers_its_doors() -> None:
    """What `import salesops` offers, without loading a room."""
    import salesops

    assert salesops.restore.__module__ == salesops.open.__module__ == "salesops.api"
    assert set(salesops.__all__) == {"Api", "__version__", "init", "open", "restore"}


def test_writes(acme: Door) -> None:
    """Create, edit with a version, delete, bring back, merge, take back; fields, rules, tasks, users."""
    text = """
w = ws()
one = w.records.create("account", {"name": "Hazel", "industry": "Food"}, effective="2025-01-01")
version = w.records.show("account", one).version
w.records.edit("account", one, {"city": "Gdynia"}, expected=version)
w.records.delete("account", one)
w.records.restore("account", one)
two = w.records.create("account", {"name": "Hazel Ltd"})
w.records.merge("account", one, two)
w.records.undo(w.records.history("account", two)[-1]["batch"])
w.records.show("account", two)
w.fields.declare("account", "tier", "kind", words=("gold", "silver"))
w.records.edit("account", one, {"custom.tier": "gold"})
w.fields.own("account", "city", "app")
rule = w.rules.add("account", "industry", "Foood", "Food")
w.rules.remove(rule)
task = w.tasks.create("Call Hazel")
open_tasks = len(w.tasks.list())
w.tasks.done(task)
w.users.create("ivy", roles="exec")
w.users.edit("ivy", name="Ivy")
w.users.deactivate("ivy")
result = [w.records.show("account", one).values["custom.tier"], open_tasks - len(w.tasks.list()), w.fields.conflicts()]
"""
    assert acme.python(text) == ["gold", 1, []]


def test_import_and_undo(acme: Door, exports: Path) -> None:
    """The same files change nothing; a dry run says what would; a suggested mapping is text."""
    assert acme.python(f"result = ws().imports.run({str(exports)!r}).status") == "unchanged"
    assert acme.python(f"result = ws().imports.run({str(exports)!r}, dry_run=True, file_date='2025-07-01').errors") == 1
    assert 'entity = "opportunity"' in acme.python(f"result = ws().mappings.suggest({str(exports)!r})")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ws().metrics.query('win_rte')", "NotFound"),
        ("ws().metrics.query('win_rate', as_known_on='soon')", "UsageError"),
        ("ws().records.list('opportunity', as_of='2025-02-30')", "UsageError"),
        ("ws().mappings.show('../salesops')", "NotFound"),
        ("import salesops; salesops.open('/nowhere')", "WorkspaceError"),
        ("import salesops; salesops.init('elsewhere', currncy='EUR')", "UsageError"),
        ("ws().imports.undo(99)", "NotFound"),
    ],
)
def test_mistakes(acme: Door, text: str, error: str) -> None:
    """Mistakes are exceptions that name the remedy."""
    answer = acme.python(text)
    assert answer["error"] == error, answer


def test_an_edit_is_in_the_next_answer(acme: Door) -> None:
    """No refresh has to be asked for; the day before the edit keeps its answer."""
    text = """
with ws() as w:
    ask = lambda **q: float(w.metrics.query("open_pipeline.all_open", **q).value())
    before = ask(), ask(as_of="2025-06-30")
    w.records.edit("opportunity", "D17", {"amount": "13000"})
    result = [ask() - before[0], ask(as_of="2025-06-30") - before[1]]
"""
    assert acme.python(text) == [1000.0, 0.0]


def test_a_warehouse_of_an_older_salesops_is_made_anew(acme: Door) -> None:
    """A generation in another layout, or of other settings, is never asked: the next question builds its own."""
    text = """
import json
with ws() as w:
    folder = w.workspace.warehouse
    old = (folder / "CURRENT").read_text().strip()
    manifest = json.loads((folder / f"{old}.json").read_text())
    (folder / f"{old}.json").write_text(json.dumps(manifest | {"signature": "of an older layout"}))
    found = w.metrics.query("won_deals")
    result = [found.value() > 0, found.generation != old]
"""
    assert acme.python(text) == [True, True]
