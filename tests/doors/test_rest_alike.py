"""No role sees or does through REST what the Python door hides or refuses: every operation, for every role, through both doors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from salesops.records.access import SEES_ALL

from .conftest import Door, Served, token, with_toml

V1 = "/api/v1"
TODAY = "2026-06-30"
ROLES = {
    "owner": ("owner", ""), "adele": ("admin", ""), "otto": ("ops", ""), "fay": ("finance", ""), "eve": ("exec", ""),
    "enzo": ("engineer", ""), "ada": ("auditor", ""), "mara": ("manager", "Mara Stone"), "ben": ("rep", "Ben Okoye"),
    "nell": ("rep", ""),
}  # fmt: skip
BIG = """[big_wins]
kind = "sum"
title = "Bookings of 20,000 and more"
fact = "closed"
measure = "value"
where = "status = 'won' and value >= 20000"
"""
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
    "slipping": ("pipeline/slipping?period=2025-Q3", "here.pipeline.slipping('2025-Q3').to_dict()['rows']"),
    "open deals": (
        "pipeline/deals?least=1000&text=o",
        "here.pipeline.open_deals(least=1000, text='o').to_dict()['rows']",
    ),
    "stale": ("pipeline/stale", "here.pipeline.stale().to_dict()['rows']"),
    "an effect": (
        "pipeline/effect?metric=bookings&since=2025-04-01&touched=Ben Okoye",
        "here.pipeline.effect('bookings', '2025-04-01', touched=['Ben Okoye']).to_dict()",
    ),
    "targets": ("targets", "here.targets.list()"),
    "targets on a past day": (
        "targets?of=Ben Okoye&period=2025-Q3&as_of=2025-06-30",
        "here.targets.list(of='Ben Okoye', period='2025-Q3', as_of='2025-06-30')",
    ),
    "versions of a target": ("targets/999999/history", "here.records.history('target', 999999)"),
    "the forecast board": (
        "forecast/board?period=2025-Q2&as_of=2025-05-31",
        "here.forecasts.board(period='2025-Q2', as_of='2025-05-31').rows()",
    ),
    "a part of the board": (
        "forecast/board?period=2025-Q2&top=Mara Stone&type=new",
        "here.forecasts.board(period='2025-Q2', top='Mara Stone', type='new').rows()",
    ),
    "forecast calls": ("forecast/calls?period=2025-Q2", "here.forecasts.calls(period='2025-Q2')"),
    "the forecast": ("forecast?period=2026-Q2", "here.forecasts.show(period='2026-Q2')['rows']"),
    "what stands beside it": (
        "forecast?period=2026-Q2&as_of=2026-06-30",
        "here.forecasts.show(period='2026-Q2', as_of='2026-06-30')['methods']",
    ),
    "deals of the forecast": ("forecast/deals", "here.forecasts.deals()"),
    "deals of Mara's people": ("forecast/deals?person=Mara Stone", "here.forecasts.deals(person='Mara Stone')"),
    "why it moved": ("forecast/changes?days=7", "here.forecasts.changes(days=7)['rows']"),
    "by how much": ("forecast/changes?days=1", "here.forecasts.changes(days=1)['difference']"),
    "how good it was": ("forecast/accuracy?weeks=all", "here.forecasts.accuracy()"),
    "what it warns of": (
        "forecast/warnings?period=2025-Q2&as_of=2025-06-01",
        "here.forecasts.warnings(period='2025-Q2', as_of='2025-06-01')['rows']",
    ),
    "warnings of today": ("forecast/warnings?kind=gap", "here.forecasts.warnings(kind='gap')['notes']"),
    "callers": ("forecast/callers?periods=3", "here.forecasts.callers(periods=3)['rows']"),
    "layers": (
        "forecast/callers?periods=3&category=best_case",
        "here.forecasts.callers(periods=3, category='best_case')['layers']",
    ),
    "stored forecasts": ("forecast/runs", "here.forecasts.runs()"),
    "whether one is made": ("forecast/runs?limit=1", "here.forecasts.running()"),
    "imports": ("imports", "[row['id'] for row in here.imports.list()]"),
    "problems of an import": ("imports/1/problems", "here.imports.errors(1)[1]"),
    "the audit log": ("audit?limit=1", "here.audit.list(limit=1)[1]"),
    "the chain of the log": ("audit/verify", "here.audit.verify().ok"),
    "what is to be fixed": (
        "quality/rules/opportunity.next_step_missing/records",
        "here.quality.issues('opportunity.next_step_missing', 1000).total",
    ),
    "the quality": (
        "quality?entity=opportunity",
        "[[r.checked, r.failing] for r in here.quality.check(entity='opportunity').results]",
    ),
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
    "the metrics": ("metrics", "sorted(here.metrics.list())"),
    "a definition": ("metrics/win_rate", "here.metrics.list()['win_rate'].title"),
    "records of a number": (
        "metrics/bookings/drill?period=2025",
        "[str(row['id']) for row in here.metrics.drill('bookings', period='2025').to_pylist()]",
    ),
    "deals of a bar": (
        "pipeline/waterfall/created?period=2025-Q2&scope=all_open",
        "[str(row['id']) for row in here.pipeline.drill('created', period='2025-Q2', scope='all_open')['rows']]",
    ),
    "cases of a transition": (
        "pipeline/transitions/records?of=stages&from_step=Discovery&to_step=Proposal",
        "here.pipeline.transition_cases('Discovery', 'Proposal', of='stages').to_dict()['rows']",
    ),
    "stages of a unit's calendar": (
        "pipeline/stages?from=2025-Q2&moves=true&where=amount > 10000&calendar=workspace",
        "here.pipeline.stages('2025-Q2', moves=True, where='amount > 10000', calendar='workspace').to_dict()",
    ),
    "the guide about a defined metric": (
        "guide?metric=big_wins",
        "here.metrics.guide(metric='big_wins').to_dict()",
    ),
    "the guide's next questions": (
        "guide?metric=win_rate&ask=down&period=2025-Q2",
        "here.metrics.guide(metric='win_rate', ask='down', period='2025-Q2').to_dict()['answers']",
    ),
    "the guide": ("guide?metric=win_rate", "here.metrics.guide(metric='win_rate').to_dict()"),
    "alerts": ("alerts?metrics=bookings,win_rate", "here.metrics.alerts('bookings,win_rate').to_dict()"),
    "what was expected": (
        "alerts/expectations?metric=bookings",
        "here.metrics.expectations('bookings').to_dict()",
    ),
    "the organisation": (
        "people/organisation?as_of=2025-06-30&then=2025-01-31",
        "here.people.organisation(as_of='2025-06-30', then='2025-01-31').to_dict()",
    ),
    "cohorts": ("cohorts?of=wins&by=owner", "here.metrics.cohorts(of='wins', by='owner').to_dict()"),
    "customers of a cohort": (
        "cohorts/2025-Q1/members?of=wins",
        "[str(row['id']) for row in here.metrics.members('2025-Q1', of='wins').to_pylist()]",
    ),
    "activity": ("people/activity?period=2025", "here.people.activity(period='2025').to_dict()"),
    "the mix": ("people/mix?period=2025", "here.people.mix(period='2025').to_dict()"),
    "the ramp": ("people/ramp?as_of=2025-12-31", "here.people.ramp(as_of='2025-12-31').to_dict()"),
    "a fair comparison": ("people/compare?period=2025", "here.people.compare(period='2025').to_dict()"),
    "a defined metric": (
        "metrics/query?metrics=big_wins&period=2025",
        "here.metrics.query('big_wins', period='2025').to_dict()",
    ),
    "definitions": ("definitions", "here.metrics.definitions()"),
    "definitions of a day": (
        "definitions?as_of=2099-12-31",
        "[row['definition'] for row in here.metrics.definitions(as_of='2099-12-31')]",
    ),
    "views": ("views", "[row['name'] for row in here.views.list()]"),
    "what was defined": ("definitions/history", "[row['version'] for row in here.metrics.definitions(history=True)]"),
    "fields": ("fields", "here.fields.list()"),
    "rules": ("rules", "here.rules.list()"),
    "conflicts": ("conflicts", "[row['id'] for row in here.fields.conflicts()]"),
    "accounts": ("users", "[row['username'] for row in here.users.list()]"),
    "tasks": ("tasks", "[row['id'] for row in here.tasks.list()]"),
    "comments": ("comments", "[row['text'] for row in here.comments.list()]"),
    "comments on Ann's deal": (
        "comments?entity=opportunity&key=D01",
        "[row['text'] for row in here.comments.list('opportunity', 'D01')]",
    ),
    "proposals": ("approvals?status=all", "[row['number'] for row in here.approvals.list('all')]"),
    "a proposal": ("approvals/1", "here.approvals.show(1)['title']"),
    "reports": ("reports", "[row['id'] for row in here.reports.list()]"),
    "a report": ("reports/1", "here.reports.show(1)['name']"),
    "what was sent": ("reports/1/runs", "here.reports.history(1)"),
    "stored alerts": ("reports/alerts/stored", "here.reports.alerts()"),
    "my week": ("my-week", "here.people.my_week()"),
    "mappings": ("mappings", "here.mappings.list()"),
    "a mapping": ("mappings/hubspot", "here.mappings.show('hubspot')"),
    "an import": ("imports/1", "[row['status'] for row in here.imports.list() if row['id'] == 1][0]"),
    "problems together": ("imports/1/problems?grouped=true", "here.imports.grouped_errors(1)[0]"),
    "rows kept out": ("quality/errors", "here.quality.errors()[0]"),
    "rules of quality": ("quality/rules", "sorted(here.quality.rules())"),
    "entities": ("entities", "list(here.records.entities())"),
    "an entity": ("entities/opportunity", "here.records.entities()['opportunity'].shape"),
    "the whole log": ("audit/export", "len(list(here.audit.export()))"),
}
WRITTEN: dict[str, tuple[str, str, Any, str]] = {
    "create_record": ("POST", "records/account", {"values": {"x": 1}}, "here.records.create('account', {'x': 1})"),
    "edit_record": ("PATCH", "records/opportunity/D01", {"values": {"x": 1}}, "here.records.edit('opportunity', 'D01', {'x': 1})"),
    "delete_record": ("DELETE", "records/account/Nobody", None, "here.records.delete('account', 'Nobody')"),
    "restore_record": ("POST", "records/account/Nobody/restore", None, "here.records.restore('account', 'Nobody')"),
    "erase_record": (
        "POST", "records/contact/Nobody/erase", {"confirm": "Nobody"}, "here.records.erase('contact', 'Nobody', confirm='Nobody')",
    ),
    "approve": ("POST", "approvals/999999/approve", {}, "here.approvals.approve(999999)"),
    "decline": ("POST", "approvals/1/decline", {"reason": " "}, "here.approvals.decline(1, ' ')"),
    "withdraw": ("POST", "approvals/999999/withdraw", {}, "here.approvals.withdraw(999999)"),
    "create_report": (
        "POST", "reports", {"name": "x", "question": {"kind": "x"}}, "here.reports.create('x', {'kind': 'x'})",
    ),
    "edit_report": ("PATCH", "reports/1", {"schedule": "never"}, "here.reports.edit(1, schedule='never')"),
    "delete_report": ("DELETE", "reports/999999", None, "here.reports.delete(999999)"),
    "run_report": ("POST", "reports/999999/run", None, "here.reports.run(999999)"),
    "create_alert": (
        "POST", "reports/alerts/stored", {"metric": "bookings", "rule": "x"}, "here.reports.create_alert('bookings', 'x')",
    ),
    "edit_alert": ("PATCH", "reports/alerts/stored/1", {"rule": "x"}, "here.reports.edit_alert(1, rule='x')"),
    "delete_alert": ("DELETE", "reports/alerts/stored/999999", None, "here.reports.delete_alert(999999)"),
    "report_week": (
        "PUT", "my-week", {"last": "2020-01-05", "minutes": {"selling": 60}}, "here.people.report_week('2020-01-05', {'selling': 60})",
    ),
    "merge_records": ("POST", "records/account/Nobody/merge", {"loser": "x"}, "here.records.merge('account', 'Nobody', 'x')"),
    "undo_edit": ("POST", "edits/999999/undo", None, "here.records.undo(999999)"),
    "bulk_records": (
        "POST", "bulk/account", {"operations": [{"do": "create", "values": {"x": 1}}]}, "here.records.create('account', {'x': 1})",
    ),
    "edit_together": (
        "POST", "bulk/opportunity/edit", {"keys": ["D01"], "values": {"x": 1}}, "here.records.edit_together('opportunity', ['D01'], {'x': 1})",
    ),
    "start_import": ("POST", "imports", {"upload": 999999}, "here.imports.run('no such file')"),
    "resume_job": ("POST", "imports/jobs/999999/resume", None, "here.imports.run('no such file')"),
    "undo_import": ("POST", "imports/999999/undo", None, "here.imports.undo(999999)"),
    "create_token": ("POST", "tokens", {"name": "x", "scopes": ["x"]}, "here.users.create_token(name='x', scopes=['x'])"),
    "revoke_token": ("POST", "tokens/999999/revoke", None, "here.users.revoke_token(999999)"),
    "set_target": (
        "PUT", "targets", {"metric": "bookings", "starts_on": "2030-01-01", "ends_on": "2030-01-31", "amount": "abc"},
        "here.targets.set('bookings', '2030-01', 'abc')",
    ),
    "withdraw_target": ("POST", "targets/999999/withdraw", None, "here.targets.withdraw(999999)"),
    "call_forecast": ("POST", "forecast/calls", {"commit": "abc", "period": "2030-Q1"}, "here.forecasts.call({'commit': 'abc'}, period='2030-Q1')"),
    "make_forecast": ("POST", "forecast/runs", None, "here.forecasts.ask_run()"),
    "try_scenario": ("POST", "forecast/scenario", {"horizon": 7}, "here.forecasts.scenario(horizon=7)"),
    "create_view": ("POST", "views", {"name": "x", "page": "nowhere"}, "here.views.create('x', 'nowhere')"),
    "delete_view": ("DELETE", "views/999999", None, "here.views.delete(999999)"),
    "define_metrics": ("POST", "definitions", {"definition": "x ="}, "here.metrics.define('x =')"),
    "check_definitions": ("POST", "definitions/check", {"definition": "x ="}, "len(here.metrics.check('x ='))"),
    "undefine_metric": ("DELETE", "definitions/nothing", None, "here.metrics.undefine('nothing')"),
    "declare_field": ("PUT", "fields/account/Bad name", {}, "here.fields.declare('account', 'Bad name')"),
    "retire_field": ("DELETE", "fields/account/nothing", None, "here.fields.retire('account', 'nothing')"),
    "add_word": ("POST", "fields/account/name/words", {"word": "x"}, "here.fields.add_word('account', 'name', 'x')"),
    "own_field": ("PUT", "fields/account/nothing/owner", {"owner": "app"}, "here.fields.own('account', 'nothing', 'app')"),
    "settle_conflict": ("POST", "conflicts/999999/settle", {"take": "kept"}, "here.fields.settle(999999, 'kept')"),
    "add_rule": (
        "POST", "rules", {"entity": "account", "field": "nothing", "found": "x"}, "here.rules.add('account', 'nothing', 'x', None)",
    ),
    "remove_rule": ("DELETE", "rules/999999", None, "here.rules.remove(999999)"),
    "refresh_warehouse": ("POST", "refresh", None, "here.refresh().kind"),
    "create_user": ("POST", "users", {"username": "x", "roles": ["x"]}, "here.users.create('x', roles=['x'])"),
    "edit_user": ("PATCH", "users/nobody", {"name": "x"}, "here.users.edit('nobody', name='x')"),
    "set_password": ("PUT", "users/owner/password", {"password": "short"}, "here.users.set_password('owner', 'short')"),
    "create_task": (
        "POST", "tasks", {"title": "x", "subject": "opportunity", "subject_id": "D01"},
        "here.tasks.create('x', subject='opportunity', subject_id='D01')",
    ),
    "edit_task": ("PATCH", "tasks/1", {"note": "x"}, "here.tasks.edit(1, note='x')"),
    "delete_task": ("DELETE", "tasks/999999", None, "here.tasks.delete(999999)"),
    "create_comment": (
        "POST", "comments", {"entity": "opportunity", "key": "D01", "text": "x"}, "here.comments.create('opportunity', 'D01', 'x')",
    ),
    "delete_comment": ("DELETE", "comments/999999", None, "here.comments.delete(999999)"),
}  # fmt: skip
"""By operation: a call that the rooms refuse to everybody (or that changes nothing of note), and the same in Python."""
ANALYSES = (
    "metrics/",
    "pipeline/",
    "people/",
    "cohorts",
    "alerts",
    "scorecard",
    "guide",
    "quality",
    "forecast/warnings",
    "forecast/callers",
)
ELSEWHERE = {
    "show_me": "no question of the rooms: who the token is (test_rest)",
    "show_job": "a job is of this door (test_rest)",
    "upload_files": "an upload is of this door (test_rest: uploads that are none)",
}
ALL = """
from salesops.common.errors import SalesopsError
from salesops.output import plain
here, result = ws({user!r}), {{}}
for name, text in {asked!r}.items():
    try:
        result[name] = [plain(eval(text))]
    except SalesopsError as error:
        result[name] = type(error).__name__
here.close()
"""
DOCUMENT = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
STATUS = {"UsageError": 400, "NotAllowed": 403, "NotFound": 404, "Conflict": 409, "InvalidData": 422}
PARTS: dict[str, Any] = {
    **{
        name: lambda body: body["items"]
        for name in (
            "its wins",
            "deals of a stage",
            "deals of a curve",
            "changes",
            "slipping",
            "stale",
            "open deals",
            "cases of a transition",
            "definitions",
            "targets",
            "targets on a past day",
            "the forecast board",
            "a part of the board",
            "forecast calls",
            "the forecast",
            "deals of the forecast",
            "deals of Mara's people",
            "why it moved",
            "what it warns of",
            "callers",
            "stored forecasts",
            "fields",
            "rules",
            "problems together",
        )
    },
    **{
        name: lambda body: [row["id"] for row in body["items"]]
        for name in ("records of a number", "deals of a bar", "customers of a cohort", "conflicts", "tasks")
    },
    "what stands beside it": lambda body: body["methods"],
    "by how much": lambda body: body["difference"],
    "warnings of today": lambda body: body["notes"],
    "layers": lambda body: body["layers"],
    "whether one is made": lambda body: body["worker"],
    "proposals": lambda body: [row["number"] for row in body["items"]],
    "a proposal": lambda body: body["title"],
    "reports": lambda body: [row["id"] for row in body["items"]],
    "a report": lambda body: body["name"],
    "what was sent": lambda body: body["items"],
    "stored alerts": lambda body: body["items"],
    "the metrics": lambda body: sorted(one["id"] for one in body["items"]),
    "a definition": lambda body: body["title"],
    "what was defined": lambda body: [row["version"] for row in body["items"]],
    "accounts": lambda body: [row["username"] for row in body["items"]],
    "comments": lambda body: [row["text"] for row in body["items"]],
    "comments on Ann's deal": lambda body: [row["text"] for row in body["items"]],
    "mappings": lambda body: sorted(row["mapping"] for row in body["items"]),
    "a mapping": lambda body: body["text"],
    "an import": lambda body: body["status"],
    "rows kept out": lambda body: body["total"],
    "rules of quality": lambda body: sorted(row["id"] for row in body["items"]),
    "entities": lambda body: [row["name"] for row in body["items"]],
    "an entity": lambda body: body["shape"],
    "the whole log": len,
    "definitions of a day": lambda body: [row["definition"] for row in body["items"]],
    "views": lambda body: [row["name"] for row in body["items"]],
    "the guide's next questions": lambda body: body["answers"],
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
    """The example CRM with somebody of every role, a grade that is masked, a private activity, a target; by Python and over HTTP, on
    a fixed business day: what is asked of "today" does not change at midnight."""
    with_toml(acme.folder, f'today = "{TODAY}"', 'approvals = "none"')
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
    metrics = acme.folder / "big.toml"
    metrics.write_text(BIG)
    for command in (
        ("metrics", "define", metrics),
        ("field", "declare", "account", "tier", "--kind", "kind", "--words", "gold,silver"),
        ("rule", "add", "account", "industry", "technolgy", "technology"),
        ("task", "create", "Call Cedar", "--owner", "ben"),
        ("comment", "create", "opportunity", "D01", "They ask for a reference."),
        ("comment", "create", "opportunity", "D07", "Budget is approved."),
    ):
        made = acme(*command)
        assert made.code == 0, made.err
    with_toml(acme.folder, 'approvals = "roles"')
    made = acme("user", "edit", "nell", "--roles", "ops", "--as", "adele")
    assert "waits for owner" in made.out
    for user in ("owner", "ben"):
        acme.python(f"result = ws({user!r}).reports.create('Monday', {{'kind': 'scorecard'}})")
        acme.python(f"result = ws({user!r}).reports.create_alert('bookings', 'below 10')")
    for day in ("2026-06-23", TODAY):
        made = acme("forecast", "run", "--as-of", day, *(("--no-backtest",) if day != TODAY else ()))
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
        found = rest.items(f"{V1}/records/{entity}?limit={7 if user == 'ben' else 1000}", user)
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


@pytest.fixture(scope="module")
def python(doors: tuple[Door, Served]) -> Mapping[str, Mapping[str, Any]]:
    """What Python answers to everything, by user: a list of the answer, or the name of the error. One session a user; analyses are
    the same for everybody who sees all records, and are asked once for them."""
    every = {name: expression for name, (_, expression) in ASKED.items()}
    own = {name: expression for name, expression in every.items() if not ASKED[name][0].startswith(ANALYSES)}
    found: dict[str, dict[str, Any]] = {}
    for user, (role, _) in ROLES.items():
        alike = user != "owner" and role in SEES_ALL
        told = doors[0].python(ALL.format(user=user, asked=own if alike else every))
        found[user] = {**found["owner"], **told} if alike else told
    return found


@pytest.mark.parametrize("what", ASKED)
def test_the_same_answers(doors: tuple[Door, Served], python: Mapping[str, Mapping[str, Any]], what: str) -> None:
    """For every role the same answer, or the same refusal. Those who see all records get the same analyses: they take turns in asking
    them over REST."""
    statuses = set()
    everything = [user for user, (role, _) in ROLES.items() if role in SEES_ALL]
    asks = everything[list(ASKED).index(what) % len(everything)]
    for user in ROLES:
        if ASKED[what][0].startswith(ANALYSES) and user in everything and user != asks:
            continue
        told = python[user][what]
        answer = doors[1]("GET", f"{V1}/{ASKED[what][0]}", user=user)
        statuses.add(answer.status)
        if isinstance(told, str):
            assert answer.status == STATUS[told], (user, answer.text)
        else:
            assert answer.status == 200, (user, answer.text)
            lines = answer.headers["content-type"] != "application/json"
            found = PARTS.get(what, lambda body: body)(answer.text.splitlines() if lines else answer.json)
            assert _steady(found) == _steady(told[0]), user
    if what in (
        "imports",
        "the audit log",
        "the whole log",
        "a deal of Ann's",
        "a filter by pay",
        "accounts",
        "conflicts",
        "a proposal",
        "a report",
        "how good it was",
    ):
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


def test_what_a_role_may_not_do(doors: tuple[Door, Served]) -> None:
    """For every role and every operation that writes, and for many entities: REST refuses what Python refuses, and nothing else."""
    acme, rest = doors
    for user in ROLES:
        calls = dict(WRITTEN)
        for entity in ("opportunity", "employment", "target", "person", "product"):
            create = f"here.records.create({entity!r}, {{'x': 1}})"
            calls[f"create {entity}"] = ("POST", f"records/{entity}", {"values": {"x": 1}}, create)
        told = acme.python(ALL.format(user=user, asked={name: call[3] for name, call in calls.items()}))
        for name, (method, path, body, _) in calls.items():
            answer = rest(method, f"{V1}/{path}", body, user=user)
            wanted = (STATUS[told[name]],) if isinstance(told[name], str) else (200, 201, 202)
            assert answer.status in wanted, (user, name, told[name], answer.text)


def test_every_operation_is_compared() -> None:
    """Every operation of the document has a scope, and a line above: a new one without them fails here."""
    lines = {path.partition("?")[0] for path, _ in ASKED.values()}
    for template, methods in DOCUMENT["paths"].items():
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template.removeprefix(f"{V1}/"))))
        for method, operation in methods.items():
            name = operation["operationId"]
            assert operation.get("x-scope") or name == "show_me", f"{name} has no scope"
            if name in ELSEWHERE:
                continue
            if method == "get":
                assert any(pattern.fullmatch(line) for line in lines), f"{name} is not compared for every role (ASKED)"
            else:
                assert name in WRITTEN, f"{name} is not compared for every role (WRITTEN)"
                assert pattern.fullmatch(WRITTEN[name][1]), name
                assert WRITTEN[name][0].lower() == method, name
    known = {one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()}
    assert known >= {*WRITTEN, *ELSEWHERE}
