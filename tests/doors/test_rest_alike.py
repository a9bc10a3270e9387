"""No role sees through REST what the Python door hides: every entity, number and list, for every role, through both doors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Door, Served, token

V1 = "/api/v1"
ROLES = {
    "owner": ("owner", ""), "adele": ("admin", ""), "otto": ("ops", ""), "fay": ("finance", ""), "eve": ("exec", ""),
    "enzo": ("engineer", ""), "ada": ("auditor", ""), "mara": ("manager", "Mara Stone"), "ben": ("rep", "Ben Okoye"),
    "nell": ("rep", ""),
}  # fmt: skip
LISTED = """
from salesops.records.access import MASKED
here, result = ws({user!r}), {{}}
for name in here.records.entities():
    listing = here.records.list(name)
    result[name] = [
        [str(row["id"]), sorted(f.name for f in listing.fields if row.get(f.name) == MASKED),
         {{f.name: str(row[f.name]) for f in listing.fields if f.kind == "ref" and row.get(f.name) is not None}},
         {{f.name: listing.labels.get(f.target, {{}}).get(row[f.name]) for f in listing.fields
          if f.kind == "ref" and row.get(f.name) is not None}},
         {{f.name: row[f.name] for f in listing.fields if f.kind in ("text", "kind", "integer", "boolean")}}]
        for row in listing.rows
    ]
"""
ASKED: dict[str, tuple[str, str]] = {
    "a metric": (
        "metrics/query?metrics=bookings,win_rate&by=owner&period=2025",
        "here.metrics.query('bookings,win_rate', by='owner', period='2025').to_dict()",
    ),
    "a metric on a past day": (
        "metrics/query?metrics=open_pipeline.all_open&by=manager&as_of=2025-06-30",
        "here.metrics.query('open_pipeline.all_open', by='manager', as_of='2025-06-30').to_dict()",
    ),
    "a comparison": (
        "metrics/query?metrics=bookings&period=2025-Q2&compare=previous",
        "here.metrics.query('bookings', period='2025-Q2', compare='previous').to_dict()",
    ),
    "an explanation": (
        "metrics/bookings/explain?period=2025",
        "here.metrics.explain('bookings', period='2025').to_dict()",
    ),
    "the waterfall": (
        "pipeline/waterfall?from=2025-Q2&scope=all_open&by=owner",
        "here.pipeline.waterfall('2025-Q2', scope='all_open', by='owner').to_dict()",
    ),
    "its explanation": (
        "pipeline/waterfall/explain?from=2025-Q2",
        "here.pipeline.explain('2025-Q2', scope='closing_in_period').to_dict()",
    ),
    "stages": ("pipeline/stages?from=2025-Q2", "here.pipeline.stages('2025-Q2').to_dict()"),
    "variants of logs": ("pipeline/variants", "here.pipeline.variants().to_dict()"),
    "variants of stages": ("pipeline/variants?of=stages", "here.pipeline.variants(of='stages').to_dict()"),
    "the funnel": (
        "pipeline/funnel?from=2025-Q1&by=owner",
        "here.pipeline.funnel(from_='2025-Q1', by='owner').to_dict()",
    ),
    "its wins": ("pipeline/funnel/records?step=Won", "here.pipeline.funnel_records('Won').to_dict()['rows']"),
    "conversion": ("pipeline/conversion?by=owner", "here.pipeline.conversion(by='owner').to_dict()"),
    "deals of a stage": (
        "pipeline/conversion/records?stage=Proposal",
        "here.pipeline.stage_deals('Proposal').to_dict()['rows']",
    ),
    "curves": ("pipeline/curves?at=30&at=90", "here.pipeline.curves(at=(30, 90)).to_dict()"),
    "deals of a curve": ("pipeline/curves/records", "here.pipeline.curve_deals().to_dict()['rows']"),
    "velocity": ("pipeline/velocity?period=2025-Q2", "here.pipeline.velocity(period='2025-Q2').to_dict()"),
    "why velocity changed": (
        "pipeline/velocity/change?from=2025-Q1&to=2025-Q2",
        "here.pipeline.velocity_change('2025-Q1', '2025-Q2').to_dict()",
    ),
    "why a metric changed": (
        "metrics/bookings/change?from=2025-Q1&to=2025-Q2&by=owner",
        "here.metrics.change('bookings', '2025-Q1', '2025-Q2', by='owner').to_dict()",
    ),
    "transitions": ("pipeline/transitions?of=stages", "here.pipeline.transitions(of='stages').to_dict()"),
    "rework": ("pipeline/rework", "here.pipeline.rework().to_dict()"),
    "changes": (
        "pipeline/changes?from=2025-04-01&to=2025-06-30",
        "here.pipeline.changes('2025-04-01', '2025-06-30').to_dict()['rows']",
    ),
    "slipping": ("pipeline/slipping?period=2025-Q2", "here.pipeline.slipping('2025-Q2').to_dict()['rows']"),
    "stale": ("pipeline/stale", "here.pipeline.stale().to_dict()['rows']"),
    "an effect": (
        "pipeline/effect?metric=bookings&since=2025-04-01&touched=Ben Okoye",
        "here.pipeline.effect('bookings', '2025-04-01', touched=['Ben Okoye']).to_dict()",
    ),
    "targets": ("targets", "[str(row['id']) for row in here.records.list('target').rows]"),
    "imports": ("imports", "[row['id'] for row in here.imports.list()]"),
    "problems of an import": ("imports/1/problems", "here.imports.errors(1)[1]"),
    "the audit log": ("audit?limit=1", "here.audit.list(limit=1)[1]"),
    "the chain of the log": ("audit/verify", "here.audit.verify().ok"),
    "what is to be fixed": (
        "quality/rules/opportunity.next_step_missing/records",
        "here.quality.issues('opportunity.next_step_missing', 1000).total",
    ),
    "the quality": ("quality", "[[r.checked, r.failing] for r in here.quality.check().results]"),
    "tokens": ("tokens", "sorted(row['id'] for row in here.users.tokens())"),
    "a deal of Ann's": ("records/opportunity/D01", "here.records.show('opportunity', 'D01').version"),
    "its history": ("records/opportunity/D01/history", "len(here.records.history('opportunity', 'D01'))"),
    "a filter by pay": (
        "records/employment?where=grade = 'G7'",
        "[str(row['id']) for row in here.records.list('employment', where=\"grade = 'G7'\").rows]",
    ),
    "a sort by pay": (
        "records/employment?order=grade",
        "[str(row['id']) for row in here.records.list('employment', order='grade').rows]",
    ),
    "the scorecard": ("scorecard", "here.metrics.scorecard().rows"),
}
STATUS = {"UsageError": 400, "NotAllowed": 403, "NotFound": 404, "Conflict": 409, "InvalidData": 422}
PARTS: dict[str, Any] = {
    **{
        name: lambda body: body["items"]
        for name in ("its wins", "deals of a stage", "deals of a curve", "changes", "slipping", "stale")
    },
    "targets": lambda body: [row["id"] for row in body["items"]],
    "imports": lambda body: [row["batch"] for row in body["items"]],
    "problems of an import": lambda body: body["total"],
    "the audit log": lambda body: body["total"],
    "the chain of the log": lambda body: body["ok"],
    "what is to be fixed": lambda body: body["total"],
    "the quality": lambda body: [[one["checked"], one["failing"]] for one in body["rules"]],
    "tokens": lambda body: sorted(row["id"] for row in body["items"]),
    "a deal of Ann's": lambda body: body["version"],
    "its history": lambda body: len(body["items"]),
    "a filter by pay": lambda body: [row["id"] for row in body["items"]],
    "a sort by pay": lambda body: [row["id"] for row in body["items"]],
    "the scorecard": lambda body: body["rows"],
}
"""What of an answer over REST is compared; the whole of it where nothing is named."""


@pytest.fixture(scope="module")
def doors(acme: Door) -> Iterator[tuple[Door, Served]]:
    """The example CRM with somebody of every role, a grade that is masked, a private activity, a target; by Python and over HTTP."""
    for name, (role, person) in ROLES.items():
        if name not in ("owner", "fay", "ada", "mara", "ben"):
            assert acme("user", "create", name, "--roles", role, *(("--person", person) if person else ())).code == 0
    for words in (
        ("employment", "person=Ann Lee", "grade=G7", "pay_currency=USD", "valid_from=2025-01-01"),
        ("employment", "person=Ben Okoye", "grade=G5", "pay_currency=USD", "valid_from=2025-01-01"),
        ("activity", "subject=Secret", "owner=Ann Lee", "visibility=private", "at=2025-03-03"),
        (
            "target",
            "metric=bookings",
            "person=Ben Okoye",
            "starts_on=2025-01-01",
            "ends_on=2025-12-31",
            "amount=100000",
        ),
    ):
        made = acme("record", "create", *words)
        assert made.code == 0, made.err
    served = Served(acme.folder)
    served.tokens = {name: token(acme, name) for name in ROLES}
    yield acme, served
    served.close()


@pytest.mark.parametrize("user", ROLES)
def test_the_same_records(doors: tuple[Door, Served], user: str) -> None:
    """Of all entities the same rows, the same fields masked, the same labels told, the same values."""
    acme, rest = doors
    by_python = acme.python(LISTED.format(user=user))
    assert "error" not in by_python, by_python
    for entity, rows in by_python.items():
        found = rest.items(f"{V1}/records/{entity}?limit=7", user)
        assert [row["id"] for row in found] == [row[0] for row in rows], entity
        for row, (_, masked, ids, labels, plain) in zip(found, rows, strict=True):
            values = row["values"]
            assert sorted(row["masked"]) == masked
            assert all(values[name] is None for name in masked)
            shown = {name: one for name, one in values.items() if isinstance(one, dict)}
            assert {name: one["id"] for name, one in shown.items()} == {k: v for k, v in ids.items() if k not in masked}
            assert {name: one["label"] for name, one in shown.items()} == {
                k: v for k, v in labels.items() if k not in masked
            }
            assert {name: values[name] for name in plain if name not in masked} == {
                name: one for name, one in plain.items() if name not in masked
            }


@pytest.mark.parametrize("what", ASKED)
def test_the_same_answers(doors: tuple[Door, Served], what: str) -> None:
    """For every role the same answer, or the same refusal."""
    acme, rest = doors
    path, expression = ASKED[what]
    statuses = set()
    for user in ROLES:
        told = acme.python(f"from salesops.output import plain\nhere = ws({user!r})\nresult = [plain({expression})]")
        answer = rest("GET", f"{V1}/{path}", user=user)
        statuses.add(answer.status)
        if isinstance(told, dict):
            assert answer.status == STATUS[told["error"]], (user, answer.text)
        else:
            assert answer.status == 200, (user, answer.text)
            found = PARTS.get(what, lambda body: body)(answer.json)
            assert _steady(found) == _steady(told[0]), user
    if what in ("imports", "the audit log", "a deal of Ann's", "a filter by pay"):
        assert len(statuses) > 1, "somebody is refused, or the comparison shows nothing"


def _steady(body: Any) -> Any:
    """An answer without the name of its generation, which a question of either door may have made anew."""
    if isinstance(body, dict):
        return {
            key: str(one) if (key == "id" or key.endswith("_id")) and one is not None else _steady(one)
            for key, one in body.items()
            if key != "generation"
        }
    if isinstance(body, list):
        return [_steady(one) for one in body if not (isinstance(one, str) and "generation" in one)]
    return body


def test_what_a_role_may_not_write(doors: tuple[Door, Served]) -> None:
    """For every role, entity and way to write: REST refuses what Python refuses."""
    acme, rest = doors
    for user in ROLES:
        for entity in ("account", "opportunity", "employment", "target", "person", "product"):
            told = acme.python(f"ws({user!r}).records.create({entity!r}, {{'nonsense': 1}})")["error"]
            answer = rest("POST", f"{V1}/records/{entity}", {"values": {"nonsense": 1}}, user=user)
            assert answer.status == STATUS[told], (user, entity, answer.text)
