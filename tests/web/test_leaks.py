"""Nothing leaks: every address of the route table, asked by every kind of reader, and searched for what that reader may not see.

A route without an entry in `ASKED` (or, where it takes forms, in `SENT`) fails: whoever adds a page says here how to open it. What a
reader may see is what the rooms' queries list for them; the company holds planted names and amounts that occur once.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from tests.conftest import ROOT
from tests.doors.conftest import Door, with_toml

from .conftest import Said, Site

READERS = {"ben": "rep", "mara": "manager", "lone": "rep", "ada": "auditor", "eve": "engineer"}
"""Ben sells, Mara leads him and Ann, Lone is a rep who is no person of the company; Ada and Eve see every record, but nobody's pay."""
PLANTED = """
from salesops.records import access, actions, actions_settings, actions_users, actions_work, context, queries
from salesops.web.shell.routes import ROUTES
import salesops.web.urls
ws()
owner = access.actor_for()
stages = {row['kind']: row['id'] for row in queries.list_records(owner, 'stage').rows}
def made(entity, **given):
    return actions.create_record(owner, entity, given)
def person(name):
    return queries.show_record(owner, 'person', name).id
cleo, ben = person('Cleo Marsh'), person('Ben Okoye')
day = '2025-05-05'
ids = {}
ids['account'] = made('account', name='Quokka Holding', owner=cleo, phone='+49 171 5550199', street='Wombat Lane 7')
ids['contact'] = made('contact', name='Zelda Quagga', email='zelda@quagga.example', account=ids['account'], owner=cleo)
ids['lead'] = made('lead', name='Lorenzo Okapi', email='lorenzo@okapi.example', company='Okapi Works', owner=cleo)
stage = queries.show_record(owner, 'opportunity', 'D01').values
ids['opportunity'] = made('opportunity', name='Quokka takeover', account=ids['account'], owner=cleo, stage=stage['stage'],
                          pipeline=stage['pipeline'], amount='31415926.53', created='2025-03-03', actual_close=day,
                          next_step='Call the narwhal', competitor='Axolotl Systems')
ids['open'] = made('opportunity', name='Quokka prospect', account=ids['account'], owner=cleo, amount='27182818.28', created='2025-04-04',
                   expected_close='2025-06-06', pipeline=stage['pipeline'], stage=stages['open'])
ids['activity'] = made('activity', at=day, kind='meeting', subject='Dugong dinner', owner=cleo, opportunity=ids['opportunity'])
ids['private'] = made('activity', at=day, kind='meeting', subject='Pangolin doctor', owner=cleo, visibility='private')
ids['order'] = made('order', number='ORD-TAPIR', account=ids['account'], opportunity=ids['opportunity'], owner=cleo, ordered_on=day, amount='16180339.88')
ids['invoice'] = made('invoice', number='INV-TAPIR', account=ids['account'], order=ids['order'], issued_on=day, amount='14142135.62')
made('payment', at=day, account=ids['account'], invoice=ids['invoice'], amount='17320508.07')
made('subscription', account=ids['account'], valid_from=day, recurring_amount='22360679.77')
ids['employment'] = made('employment', person=cleo, valid_from='2025-01-01', role='AE', grade='GRADE-IBEX', cost_centre='CC-IBEX', employee_number='NO-IBEX')
made('cost', at=day, person=cleo, function='sales', category='Salary Ibex', amount='26457513.11', month='2025-05-01')
ids['target'] = made('target', metric='bookings', kind='quota', person=cleo, period='2025-Q2', starts_on='2025-04-01', ends_on='2025-06-30',
                     amount='24494897.42', status='published')
made('forecast_call', at=day, person=cleo, made_by=cleo, scope='own', starts_on='2025-04-01', ends_on='2025-06-30', category='commit',
     amount='11235813.21', note='Kinkajou will sign')
about = {'subject': 'opportunity', 'subject_id': str(ids['opportunity'])}
ids['comment'] = actions_work.create_work(owner, 'comment', text='Echidna says hello to @ben', **about)
ids['task'] = actions_work.create_work(owner, 'task', title='Feed the platypus', **about)
ids['view'] = actions_work.create_work(owner, 'saved_view', name='Numbat view', page='/pipeline', query='period=2025')
from salesops.reports.actions import create_report
ids['report'] = create_report(owner, 'Numbat weekly', {'kind': 'scorecard'})
from salesops.reports.alerts import create_alert
ids['alert'] = create_alert(owner, 'win_rate', 'below 20%', ['numbat@acme.example'])
from salesops.records import actions_erase
ids['approval'] = actions_erase.erase(owner, 'contact', ids['contact'], confirm='Zelda Quagga', note='Numbat asked').number
ids['deal'] = queries.show_record(owner, 'opportunity', 'D03').id
ids['own'] = queries.show_record(owner, 'account', queries.show_record(owner, 'opportunity', 'D03').values['account']).id
ids['cleo'], ids['ben'] = cleo, ben
result = {'ids': ids, 'routes': [[r.name, r.pattern, r.action, list(r.methods)] for r in ROUTES],
          'powers': {name: sorted(roles) for name, roles in access.PERMISSIONS.items()}}
"""
SECRETS: dict[str, tuple[str, ...]] = {
    "sales": (
        "Quokka Holding", "Wombat Lane", "5550199", "Zelda", "quagga.example", "Lorenzo", "Okapi", "Quokka takeover", "narwhal", "Axolotl",
        "Quokka prospect", "Dugong", "ORD-TAPIR", "INV-TAPIR", "Echidna", "platypus",
        *("Kinkajou", "11,235,813", "11235813", "11.2M"),
        *("31,415,926", "31415926", "31.4M", "27,182,818", "27182818", "27.2M", "16,180,339", "16180339", "16.2M"),
        *("14,142,135", "14142135", "17,320,508", "17320508", "22,360,679", "22360679", "24,494,897", "24494897", "24.5M"),
    ),
    "pay": ("GRADE-IBEX", "CC-IBEX", "NO-IBEX", "26,457,513", "26457513", "Salary Ibex"),
    "private": ("Pangolin doctor",),
    "own": ("Numbat",),
}  # fmt: skip
"""What is planted, by what it takes to read it: seeing Cleo's records, seeing pay, being Cleo, being the owner who kept the view (an auditor reads
of it in the log of what everybody did)."""
HIDDEN = {
    "ben": ("sales", "pay", "private", "own"), "mara": ("sales", "pay", "private", "own"), "lone": ("sales", "pay", "private", "own"),
    "ada": ("pay", "private"), "eve": ("pay", "private", "own"), "owner": ("private",),
}  # fmt: skip
ALL_PAGES = ("ben", "ada")
FEW = (
    "record-list", "record-file", "record", "record-related", "record-names", "record-work", "record-work-one", "palette", "home",
    "pipeline-deals", "number-records", "inbox", "pipeline", "metric-file", "settings", "access", "audit",
    "reports", "report", "alerts", "approvals", "approval",
)  # fmt: skip
"""Pages that the other readers ask: those that show records. What they may see is decided by the same queries."""
FILES = ("csv", "xlsx")
P = "period=2025"
LISTED = (
    "account", "contact", "lead", "opportunity", "activity", "order", "invoice", "payment", "subscription", "cost", "target", "employment",
    "person", "stage_event", "forecast_call",
)  # fmt: skip
HELD = ("account", "contact", "lead", "opportunity", "order", "invoice", "target")
"""Planted records that a rep's and a manager's pages must not know."""

ASKED: dict[str, tuple[str, ...]] = {
    "home": (f"?{P}", "?period=2025-Q2&as_of=2025-05-20", "?scope=owner:Cleo%20Marsh"),
    "metrics": ("metrics", "metrics?q=win"),
    "metric": (f"metric/bookings?{P}&by=owner", f"metric/bookings?{P}&by=account&view=table", f"metric/acquisition_cost?{P}",
               f"metric/win_rate?{P}&where=account%20%3D%20'Quokka%20Holding'"),
    "metric-beside": (f"metric/bookings/beside?{P}&change=account",),
    "metric-file": tuple(f"metric/bookings/answer.{form}?{P}&by=account" for form in FILES),
    "metric-define": ("metrics/define",),
    "targets": (f"targets?{P}&kind=quota&whose=person",),
    "target-history": ("targets/{target}/history",),
    "why": (f"number/bookings/why?{P}", f"number/bookings/why?{P}&cell=owner%3DCleo%20Marsh"),
    "number-records": (f"number/bookings/records?{P}", f"number/bookings/records?{P}&cell=owner%3DCleo%20Marsh",
                       f"number/acquisition_cost/records?{P}", f"number/order_revenue/records?{P}"),
    "inbox": ("inbox",),
    "forecast": ("forecast?period=2025-Q2", "forecast?period=2025-Q2&format=csv", "forecast?period=2025-Q2&format=xlsx",
                 "forecast?period=2025-Q2&top=Cleo%20Marsh"),
    "forecast-deals": ("forecast/deals?period=2025-Q2&as_of=2025-06-01", "forecast/deals?period=2025-Q2&as_of=2025-06-01&format=csv"),
    "forecast-changes": ("forecast/changes?period=2025-Q2&as_of=2025-06-01", "forecast/changes?period=2025-Q2&as_of=2025-06-01&format=csv"),
    "forecast-accuracy": ("forecast/accuracy",),
    "forecast-run": ("forecast/run",),
    "forecast-call": ("forecast/call?period=2025-Q2", "forecast/call?period=2025-Q2&person={cleo}", "forecast/call?period=2025-Q2&person={ben}"),
    "forecast-history": ("forecast/history?period=2025-Q2", "forecast/history?period=2025-Q2&person={cleo}",
                         "forecast/history?period=2025-Q2&format=csv"),
    "pipeline": (f"pipeline?{P}",),
    "pipeline-hygiene": (f"pipeline/hygiene?{P}", f"pipeline/hygiene?{P}&format=csv"),
    "pipeline-velocity": (f"pipeline/velocity?{P}",),
    "pipeline-process": (f"pipeline/process?{P}", f"pipeline/process?{P}&format=csv&list=variants"),
    "pipeline-cases": (f"pipeline/process/cases?{P}&step=Qualifying&to=Won", f"pipeline/process/cases?{P}&step=Won&to=(end)&format=csv"),
    "pipeline-deals": (f"pipeline/deals?{P}", f"pipeline/deals?{P}&format=csv", f"pipeline/deals?{P}&format=xlsx",
               "pipeline/deals?owner=Cleo%20Marsh"),
    "pipeline-funnel": (f"pipeline/funnel?{P}", f"pipeline/funnel?{P}&kind=active&format=csv"),
    "pipeline-funnel-records": (f"pipeline/funnel/records?{P}&step=Won&kind=active", f"pipeline/funnel/records?{P}&step=Leads&kind=active&format=csv"),
    "pipeline-stage-deals": (f"pipeline/funnel/stage?{P}&stage=Won&of=entered", f"pipeline/funnel/stage?{P}&stage=Won&of=here&format=csv"),
    "pipeline-curve-deals": (f"pipeline/funnel/curve?{P}&start=creation", f"pipeline/funnel/curve?{P}&start=creation&format=xlsx"),
    "pipeline-movement": ("pipeline/movement?window=days&from=2025-03-01&to=2025-06-30&by=account",
               "pipeline/movement?list=changes&format=csv&from=2025-03-01&to=2025-06-30&window=days"),
    "pipeline-moves": ("pipeline/movement/deals?bar=won&from=2025-03-01&to=2025-06-30&window=days",
               "pipeline/movement/deals?bar=created&from=2025-03-01&to=2025-06-30&window=days&format=csv"),
    "settings": ("settings",), "access": ("settings/people",), "keys": ("settings/keys",), "account": ("account",),
    "sign-in": ("sign-in",), "sign-in-link": ("sign-in/link/not-a-link",), "sign-in-code": ("sign-in/code",),
    "palette": ("palette?q=quokka", "palette?q=zelda", "palette?q=a", "palette?q=numbat"),
    "scopes": ("scopes?q=quokka", "scopes?q=e"),
    "records": ("records",),
    "record-list": (*(f"records/{one}" for one in ("opportunity", "contact", "activity", "cost", "target",
               "employment")), "records/opportunity?where=amount%20%3E%2030000000", "records/opportunity?f.account=Quokka&deleted=1",
                    "records/opportunity?order=-amount", "records/employment?f.grade=GRADE-IBEX", "records/cost?order=-amount",
               "records/activity?f.subject=Pangolin"),
    "record-file": (*(f"records/{one}/file/csv" for one in LISTED), "records/opportunity/file/xlsx", "records/employment/file/xlsx",
               "records/cost/file/xlsx"),
    "record": ("record/opportunity/{deal}", "record/account/{own}", "record/person/{cleo}", "record/person/{ben}", "record/activity/{private}",
               *(f"record/{one}/{{{one}}}" for one in HELD), "record/opportunity/{deal}?versions", "record/opportunity/{open}?as_of=2025-05-20"),
    "record-related": ("related/person/{cleo}/employment/person", "related/person/{cleo}/target/person",
               "related/account/{account}/opportunity/account",
                       "related/account/{own}/opportunity/account", "related/opportunity/{opportunity}/activity/opportunity"),
    "record-edit": ("change/opportunity/{deal}", "change/opportunity/{opportunity}", "change/account/{account}", "change/employment/{employment}"),
    "record-create": ("create/opportunity", "create/activity"),
    "record-names": ("named/account?q=quo", "named/opportunity?q=quo", "named/contact?q=zel", "named/lead?q=lor", "named/order?q=ORD"),
    "record-merge": ("merge/account/{account}", "merge/account/{own}?loser={account}"),
    "record-work": ("work/opportunity/{opportunity}", "work/opportunity/{deal}"),
    "record-work-one": ("work/opportunity/{opportunity}/comment/{comment}", "work/opportunity/{deal}/comment/{comment}",
               "work/opportunity/{deal}/task/{task}"),
    "quality": ("data/quality", "data/quality?by=owner&all=1"),
    "quality-rule": ("data/quality/{rule}", "data/quality/account-without-deal"),
    "quality-file": ("data/quality/{rule}/file/csv", "data/quality/{rule}/file/xlsx"),
    "guide": ("guide",), "organisation": ("plans/organisation",),
    "people": (f"playbook/people?{P}",), "people-file": (f"playbook/people/file/activity/csv?{P}",),
    "audit": ("settings/audit", "settings/audit?entity=opportunity"), "audit-file": ("settings/audit/file",),
    "imports": ("data/imports",), "import-new": ("data/imports/new",), "import-job": ("data/imports/job/1",),
    "import-job-state": ("data/imports/job/1/state",), "import-batch": ("data/imports/1",),
    "alerts": ("alerts",), "approvals": ("approvals",), "approval": ("approvals/{approval}",),
    "reports": ("reports",), "report": ("reports/{report}",), "report-file": ("reports/{report}/runs/1/file",),
    "my-week": ("playbook/my-week",),
    "record-erase": ("erase/contact/{contact}", "erase/person/{ben}"),
    "sign-in-provider": ("sign-in/provider",),
    "sign-in-back": ("sign-in/provider/back",),
}  # fmt: skip
"""How each page is asked. `{opportunity}` is the planted one, `{deal}` one of Ben's."""

SENT: dict[str, tuple[str, dict[str, str]]] = {
    "record-edit": ("change/opportunity/{opportunity}", {"name": "taken", "shown.name": "", "was.name": ""}),
    "record-create": ("create/product", {"name": "taken"}),
    "record-delete": ("delete/opportunity/{opportunity}", {}),
    "record-restore": ("restore/opportunity/{opportunity}", {}),
    "record-undo": ("undo/{batch}", {}),
    "record-merge": ("merge/account/{own}", {"loser": "{account}"}),
    "record-list": ("records/opportunity", {"pick": "{opportunity}", "field": "next_step", "value": "taken"}),
    "record-work": ("work/opportunity/{opportunity}", {"text": "taken"}),
    "record-work-one": ("work/opportunity/{opportunity}/comment/{comment}", {"do": "delete"}),
    "target-cell": ("targets/cell", {"metric": "bookings", "kind": "goal", "whose": "company", "period": "2025", "value": "1", "was": ""}),
    "forecast-run": ("forecast/run", {}),
    "forecast-call": ("forecast/call", {"person": "{cleo}", "commit": "1", "reason": "taken"}),
    "inbox": ("inbox", {"do": "finish", "number": "{task}"}),
    "views": ("views", {"do": "drop", "number": "{view}"}),
    "settings": ("settings", {"do": "field", "entity": "account", "field": "taken", "kind": "text"}),
    "access": ("settings/people", {"do": "edit", "username": "owner", "roles": "rep", "active": "on"}),
    "keys": ("settings/keys", {"do": "revoke", "number": "{token}"}),
    "account": ("account", {"do": "nothing of ours"}),
    "metric-define": ("metrics/define", {"definition": "id: taken\nformula: 1\n"}),
    "metric-check": ("metrics/check", {"definition": "id: taken\n"}),
    "my-week": ("playbook/my-week", {"do": "nothing of ours"}),
    "reports": ("reports", {"do": "nothing of ours"}),
    "alerts": ("alerts", {"do": "drop", "number": "{alert}"}),
    "approval": ("approvals/{approval}", {"do": "approve"}),
    "report": ("reports/{report}", {"do": "drop"}),
    "record-erase": ("erase/contact/{contact}", {"confirm": "Zelda Quagga", "name": "Zelda Quagga"}),
    "audit-verify": ("settings/audit/verify", {}),
    "import-new": ("data/imports/new", {}),
    "import-job": ("data/imports/job/1", {"do": "load"}),
    "import-batch": ("data/imports/1", {"do": "undo"}),
    "sign-in": ("sign-in", {"username": "owner", "password": "guess"}),
    "sign-in-code": ("sign-in/code", {"code": "000000"}),
    "sign-out": ("sign-out", {}),
}  # fmt: skip
"""A form to each address that takes one, which the reader must not have their way with."""
RECORDS = re.compile(r"/(?:record|change|delete|merge|work)/([a-z_]+)/(\d+)(?=[\"'/?&#\s<])")


@dataclass
class Company:
    """The served company, what is planted in it, and its routes."""

    site: Site
    ids: dict[str, Any]
    routes: list[tuple[str, str, str, list[str]]]
    sees: dict[str, dict[str, list[int]]]
    powers: dict[str, list[str]]
    tokens: dict[str, str] = field(default_factory=dict)

    def get(self, user: str, path: str) -> tuple[Said, str]:
        """An answer, and the text to search: of a workbook, the text of its sheets."""
        said = self.site.get(user, "/" + path)
        if not said.content.startswith(b"PK"):
            return said, said.text
        with zipfile.ZipFile(io.BytesIO(said.content)) as book:
            return said, " ".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))

    def send(self, user: str, path: str, fields: dict[str, str]) -> Said:
        """A form as a reader sends it; the token of their pages is asked for once."""
        if user not in self.tokens:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.site.get(user, "/account").text)
            assert found
            self.tokens[user] = found[1]
        body = urlencode({**fields, "csrfmiddlewaretoken": self.tokens[user]})
        return self.site.send("POST", "/" + path, body, user, {"Content-Type": "application/x-www-form-urlencoded"})

    def python(self, text: str) -> Any:
        return self.site.door.python(text)

    def pages(self, name: str) -> list[str]:
        return [one.format(**self.ids) for one in ASKED[name]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The example CRM with its three teams' deals, and what is planted: all of it Cleo's, whom neither Ben nor Mara leads."""
    folder = tmp_path_factory.mktemp("leaks") / "company"
    door = Door(folder)
    assert door("init", folder, "--name", "Acme").code == 0
    assert door("import", ROOT / "examples" / "crm").code == 6  # one row is refused
    with_toml(folder, 'approvals = "none"')
    for name, role in READERS.items():
        linked = {"ben": ("--person", "Ben Okoye"), "mara": ("--person", "Mara Stone")}.get(name, ())
        assert door("user", "create", name, "--roles", role, *linked).code == 0
    assert door("user", "token", "create", "owner", "--name", "robot", "--scopes", "records:read").code == 0
    with_toml(folder, 'approvals = "erasure"', 'approval_policy = "two_person"')
    planted = door.python(PLANTED)
    assert "ids" in planted, planted
    seen = door.python(
        "from salesops.records import access, queries\nfrom salesops.records.entities import entities\n"
        f"result = {{user: {{name: [r['id'] for r in queries.list_records(access.actor_for(None, user), name, limit=100000).rows] for name in entities()}}"
        f" for user in {[*READERS, 'owner']!r}}}"
    )
    for day in ("2025-05-20", "2025-06-01"):
        assert door("forecast", "run", "--as-of", day, "--no-backtest").code == 0
    ids = planted["ids"] | {"batch": 1, "token": 1, "rule": "opportunity-without-amount"}
    site = Site(folder, door)
    ids["rule"] = re.findall(r'href="/data/quality/([\w.-]+)', site.get("owner", "/data/quality").text)[0]
    yield Company(site, ids, [(a, b, c, d) for a, b, c, d in planted["routes"]], seen, planted["powers"])
    site.close()


def pattern_of(text: str) -> re.Pattern[str]:
    """A route's pattern as a regular expression over paths."""
    kinds = {"str": "[^/]+", "int": r"\d+", "path": ".+"}
    return re.compile(re.sub(r"<(\w+):\w+>", lambda found: kinds[found[1]], text.replace(".", r"\.")))


def test_every_route_is_asked(company: Company) -> None:
    """A page has an entry in `ASKED`, an address of forms one in `SENT`, and the entries lead to the route that they are of."""
    gets = {name: pattern for name, pattern, _action, methods in company.routes if "GET" in methods}
    posts = {name: pattern for name, pattern, _action, methods in company.routes if "POST" in methods}
    assert set(gets) == set(ASKED)
    assert set(posts) == set(SENT)
    for name, pattern in gets.items():
        for path in company.pages(name):
            assert pattern_of(pattern).fullmatch(path.partition("?")[0]), (name, path)
    for name, pattern in posts.items():
        assert pattern_of(pattern).fullmatch(SENT[name][0].format(**company.ids)), name


def read(company: Company, user: str) -> dict[str, tuple[Said, str]]:
    """Every page of the table as a reader gets it, by its path."""
    found = {}
    for name, _pattern, action, methods in company.routes:
        if "GET" not in methods or (user not in ALL_PAGES and name not in FEW):
            continue
        for path in company.pages(name):
            found[path] = company.get(user, path)
            assert found[path][0].status < 500, (user, path, found[path][1])
            if action not in ("", "open") and user in READERS and READERS[user] not in company.powers[action]:
                assert found[path][0].status == 403, (user, path)
    return found


@pytest.mark.parametrize("user", READERS)
def test_nothing_leaks(company: Company, user: str) -> None:
    """No answer holds a planted name or amount that is not this reader's, nor leads to a record that they do not see."""
    leaks = []
    for path, (said, text) in read(company, user).items():
        told = said.text if text is said.text else text
        for kind in HIDDEN[user]:
            leaks += [f"{path}: {secret}" for secret in SECRETS[kind] if secret in told and secret not in unquote(path)]
        for entity, record in set(RECORDS.findall(told)):
            if (
                entity in company.sees[user]
                and int(record) not in company.sees[user][entity]
                and f"{entity}/{record}" not in path
            ):
                leaks.append(f"{path}: leads to {entity} {record}")
    assert not leaks, "\n".join(leaks)


def test_the_owner_finds_what_is_planted(company: Company) -> None:
    """What the readers above do not find is there to be found: the owner's answers hold every name, and every amount in some form."""
    told = "".join(text for _said, text in read(company, "owner").values())
    sought = [secret for kind in ("sales", "pay", "own") for secret in SECRETS[kind]]
    assert [
        secret
        for secret in sought
        if secret not in told and secret.replace(",", "") not in told and not secret.endswith("M")
    ] == []
    assert "Pangolin doctor" not in told  # a private appointment is not even the owner's


@pytest.mark.parametrize("user", ["ben"])
def test_a_filter_is_no_oracle(company: Company, user: str) -> None:
    """A question for what is hidden is answered, letter for letter, like a question for what does not exist."""
    pairs = (
        ("metric/bookings?period=2025&where=account%20%3D%20'{}'", "Quokka Holding", "Quokkb Holding"),
        ("records/opportunity?where=amount%20%3E%20{}", "30000000", "90000000"),
        ("records/opportunity?f.name={}", "takeover", "takeovez"),
        ("records/contact?f.account={}", "Quokka", "Quokkb"),
        ("named/contact?q={}", "Zelda", "Zeldb"),
        ("palette?q={}", "Quokka", "Quokkb"),
        ("pipeline/deals?account={}", "Quokka", "Quokkb"),
        ("record/opportunity/{}", str(company.ids["opportunity"]), "987654"),
        ("change/account/{}", str(company.ids["account"]), "987654"),
        ("work/opportunity/{}", str(company.ids["opportunity"]), "987654"),
        ("targets/{}/history", str(company.ids["target"]), "987654"),
    )
    token = re.compile(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ?"|&quot;X-CSRFToken&quot;: ?&quot;)[\w]+')
    for path, there, nowhere in pairs:
        answers = []
        for one in (there, nowhere):
            said = company.site.get(user, "/" + path.format(one.replace(" ", "%20")))
            text = said.text
            for form in (
                one,
                one.replace(" ", "%20"),
                one.replace(" ", "+"),
                one.lower(),
                f"{int(one):,}" if one.isdigit() else one,
            ):
                text = text.replace(form, "WHAT")
            answers.append((said.status, token.sub("", text)))
        assert answers[0] == answers[1], (user, path)


@pytest.mark.parametrize("user", READERS)
def test_counts(company: Company, user: str) -> None:
    """Lists, files, the index of records and the headline of a metric count what the rooms count for this reader."""
    index = company.get(user, "records")[1]
    for entity, ids in company.sees[user].items():
        row = re.search(rf'href="/records/{entity}">[^<]*</a><span[^>]*>([\d,]+)<', index)
        assert row, entity
        assert row[1] == f"{len(ids):,}", (user, entity)
    for entity in ("opportunity", "account", "employment", "activity", "target"):
        rows = list(csv.reader(io.StringIO(company.get(user, f"records/{entity}/file/csv")[1])))
        assert len(rows) - 1 == len(company.sees[user][entity]), (user, entity)
    asked = f"result = ws({user!r}).metrics.query('created_deals,bookings', period='2025').to_pylist()[0]"
    figures = company.python(asked)
    for name in ("created_deals", "bookings"):
        rows = list(
            csv.DictReader(
                io.StringIO(company.get(user, f"metric/{name}/answer.csv?period=2025&grain=year&periods=2")[1])
            )
        )
        assert float(rows[-1][name] or 0) == float(figures[name] or 0), (user, name)
    opened = company.get(user, "number/created_deals/records?period=2025")[1]
    assert len(set(re.findall(r'href="/record/opportunity/(\d+)', opened))) == int(figures["created_deals"] or 0)


# what signing in leaves (attempts, links that were used, mails about it) is left out: the readers sign in themselves
STATE = """
from django.apps import apps
from salesops.records.writing import current_tick
ws()
def table(model):
    names = [f.attname for f in model._meta.concrete_fields if f.attname not in ('last_used', 'last_login')]
    return sorted(repr(row) for row in model.objects.values_list(*names))
result = {m.__name__: table(m) for m in apps.get_app_config('records').get_models() if m.__name__ not in ('AuditEntry', 'SignInCount', 'UsedLink', 'Outbox')}
result['tick'] = current_tick()
"""


def test_forms_of_others_change_nothing(company: Company) -> None:
    """A form sent without the right to is refused: 403 where a role lacks the permission; and nothing has changed afterwards."""
    before = company.python(STATE)
    for user, role in READERS.items():
        for name, _pattern, action, methods in company.routes:
            allowed = (name == "record-work" and user in ("ada", "eve")) or (name == "forecast-run" and user == "eve")
            if "POST" not in methods or name == "sign-out" or allowed:
                continue  # who sees a deal may comment on it, an engineer may have a forecast made
            path, form = SENT[name]
            sent = {key: value.format(**company.ids) for key, value in form.items()}
            said = company.send(user, path.format(**company.ids), sent)
            assert said.status < 500, (user, name, said.text)
            if action not in ("", "open") and role not in company.powers[action]:
                assert said.status == 403, (user, name, said.status)
    after = company.python(STATE)
    assert {name for name in before if before[name] != after[name]} == set()
    assert json.dumps(after).count("taken") == json.dumps(before).count("taken")
