"""The forecast through its doors: made by the worker, shown, explained, added up; nobody sees what is not theirs; killed, it leaves nothing half."""

from __future__ import annotations

import json
import re
import shlex
from decimal import Decimal
from typing import Any

import pytest

from .conftest import ROOT, Door, with_toml

BEFORE, ON, AFTER = "2025-06-10", "2025-06-24", "2025-07-10"
OWN = {"Ben Okoye", "Cedar rollout", "Alder extras", "Cedar labs", "Birch service", "Cedar imaging", "Cedar Inc"}
OTHERS = ("Ann Lee", "Cleo Marsh", "Dan", "Noor Haddad", "Mara Stone", "Alder starter", "Birch plant", "Elm pilot")
EVERYTHING = """
from salesops.common.errors import SalesopsError
from salesops.output import plain
here, result = ws({user!r}), {{}}
for name, ask in (
    ("show", lambda f: f.show()), ("deals", lambda f: f.deals()), ("changes", lambda f: f.changes(days=14)), ("warnings", lambda f: f.warnings()),
    ("callers", lambda f: f.callers()), ("runs", lambda f: f.runs()), ("running", lambda f: f.running()), ("accuracy", lambda f: f.accuracy()),
    ("ask", lambda f: f.ask_run()), ("run", lambda f: f.run()), ("scenario", lambda f: f.scenario()), ("mara", lambda f: f.deals(person="Mara Stone")),
):
    try:
        result[name] = plain(ask(here.forecasts))
    except SalesopsError as error:
        result[name] = type(error).__name__
here.close()
"""
WORK = """
from salesops.jobs.worker import Worker
from salesops.output import plain
here = ws()
f = here.forecasts
states = [f.running(), {"new": f.ask_run()}, {"new": f.ask_run()}, f.running()]
seen = []
import salesops.jobs.kinds as kinds
told = kinds.progress
kinds.progress = lambda job, *said: (told(job, *said), seen.append(f.running()))
assert Worker().step()
kinds.progress = told
states += [f.running(), {"new": f.ask_run()}]
result = plain([states, seen])
"""


@pytest.fixture(scope="module")
def made(acme: Door) -> tuple[Door, Any]:
    """A forecast of 10 June, and one of 24 June by the worker, with all that is known today; Ben has a quota, and
    called the quarter; Mara put 40,000 beside his 50,000."""
    with_toml(acme.folder, f'today = "{ON}"')
    quota = (
        "metric=bookings",
        "kind=quota",
        "status=published",
        "person=Ben Okoye",
        "starts_on=2025-04-01",
        "ends_on=2025-06-30",
        "amount=100000",
    )
    assert acme("record", "create", "target", *quota).code == 0
    assert acme("--as", "ben", "forecast", "call", "commit=50000", "best_case=80000").code == 0
    beside = ("commit=40000", "--person", "Ben Okoye", "--reason", "Cedar slips")
    assert acme("--as", "mara", "forecast", "call", *beside).code == 0
    text = f"from salesops.forecasting.runs import run; here = ws(); result = run(here.session(), here.actor, as_of='{BEFORE}', test=False).runs"
    assert acme.python(text) == {"2025-Q2": 1, "2025-Q3": 2}
    return acme, acme.python(WORK)


def money(rows: list[dict[str, Any]], name: str = "amount") -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def told(made: tuple[Door, Any], user: str) -> dict[str, Any]:
    found: dict[str, Any] = made[0].python(EVERYTHING.format(user=user))
    assert "error" not in found, found
    return found


def test_the_worker_makes_it_once_and_says_how_far_it_is(made: tuple[Door, Any]) -> None:
    """Asked for twice it waits once; on the way it names its step; made from the same records it is not made again."""
    (never, first, second, waiting, done, third), seen = made[1]
    assert (never["status"], first["new"], second["new"], waiting["status"], waiting["asked_by"]) == (
        "none",
        True,
        False,
        "waiting",
        "owner",
    )
    assert {one["status"] for one in seen} == {"running"}
    assert [one["what"] for one in seen][:2] == ["Refreshing", "Reading"]
    assert "Simulating" in {one["what"] for one in seen}
    assert (done["status"], done["problem"], third["new"]) == ("done", "", False)
    rows = made[0]("forecast", "runs", "--format", "json").rows
    assert [(row["number"], row["as_of"], row["period"]) for row in rows] == [
        (4, ON, "2025-Q3"), (3, ON, "2025-Q2"), (2, BEFORE, "2025-Q3"), (1, BEFORE, "2025-Q2"),
    ]  # fmt: skip
    assert "No forecast was made for 2025-06-11 to 2025-06-23" in rows[1]["notes"][-1]


def test_every_level_adds_up(made: tuple[Door, Any]) -> None:
    """expected = its parts on every row; those at the top, the teams and the types each make the company; deals make its open part."""
    show = told(made, "owner")["show"]
    rows = show["rows"]
    parts = ("booked", "open", "arrivals", "adjustment")
    for row in rows:
        assert Decimal(row["expected"]) == sum(Decimal(row[name]) for name in parts), row
    (company,) = (row for row in rows if row["dimension"] == "company")
    for kept in ({"dimension": "person", "level": 0}, {"dimension": "team"}, {"dimension": "type"}):
        same = [row for row in rows if kept.items() <= row.items()]
        assert same
        assert money(same, "expected") == Decimal(company["expected"]), kept
    assert money(told(made, "owner")["deals"], "expected") == Decimal(company["open"])
    ben = next(row for row in rows if row["value"] == "Ben Okoye")
    assert (Decimal(ben["target"]), Decimal(ben["booked"])) == (100_000, 40_000)
    assert 0 <= ben["p_target"] <= 1
    assert [row["value"] for row in rows if row["dimension"] == "team"] != []
    assert all(not row["value"].isdigit() for row in rows)


def test_changes_add_up(made: tuple[Door, Any]) -> None:
    """From 10 to 24 June, deal by deal: exactly the difference of the two forecasts."""
    changes = told(made, "owner")["changes"]
    assert (changes["before"], changes["after"]) == (BEFORE, ON)
    earlier = made[0]("forecast", "show", "--as-of", BEFORE, "--by", "company", "--format", "json").rows[0]["expected"]
    now = made[0]("forecast", "show", "--by", "company", "--format", "json").rows[0]["expected"]
    assert money(changes["rows"]) == Decimal(changes["difference"]) == Decimal(now) - Decimal(earlier) != 0


def test_a_rep_sees_only_his(made: tuple[Door, Any]) -> None:
    """Ben: his row, his deals, his changes, his calls. Nobody else's name and no other deal is anywhere in what he is told; he makes nothing."""
    mine = told(made, "ben")
    assert [row["value"] for row in mine["show"]["rows"]] == ["Ben Okoye"]
    assert mine["show"]["methods"] == []
    assert {row["owner"] for row in mine["deals"]} == {"Ben Okoye"}
    assert {row["name"] for row in mine["deals"]} <= OWN
    assert mine["changes"]["difference"] is None
    assert {row["owner"] for row in mine["changes"]["rows"]} <= {"Ben Okoye"}
    assert {row["person"] for row in mine["warnings"]["rows"]} == {"Ben Okoye"}
    assert all(row["expected"] is None for row in mine["runs"])
    refused = {name: answer for name, answer in mine.items() if isinstance(answer, str)}
    assert refused == {
        "accuracy": "NotAllowed",
        "ask": "NotAllowed",
        "run": "NotAllowed",
        "scenario": "NotAllowed",
        "mara": "NotFound",
    }
    text = json.dumps(mine)
    assert not [name for name in OTHERS if name in text]


def test_a_manager_sees_her_people(made: tuple[Door, Any]) -> None:
    """Mara: herself, Ben and Ann, and how good the forecasts were; an auditor sees all and makes nothing."""
    hers, all_ = told(made, "mara"), told(made, "ada")
    assert {row["value"] for row in hers["show"]["rows"]} == {"Mara Stone", "Ben Okoye", "Ann Lee"}
    assert {row["owner"] for row in hers["deals"]} <= {"Mara Stone", "Ben Okoye", "Ann Lee"}
    assert hers["mara"] == hers["deals"]
    assert "Noor" not in json.dumps(hers)
    assert hers["accuracy"] != "NotAllowed"
    assert (hers["run"], all_["run"], all_["ask"]) == ("NotAllowed",) * 3
    assert len(all_["show"]["rows"]) > len(hers["show"]["rows"])


def test_warnings_open_to_deals_and_people(made: tuple[Door, Any]) -> None:
    """Ben has 40,000 of 100,000, and his 18,000 open are due in the next quarter: of him gap and coverage are told, with amounts."""
    found = told(made, "owner")["warnings"]
    bens = {row["kind"]: row for row in found["rows"] if row["person"] == "Ben Okoye"}
    assert {"gap", "coverage"} <= set(bens)
    show = told(made, "ben")["show"]["rows"][0]
    assert Decimal(bens["gap"]["amount"]) == 100_000 - Decimal(show["expected"])
    assert bens["coverage"]["words"].startswith("0.")
    assert found["win_rate"] > 0
    only = made[0]("forecast", "warnings", "--kind", "coverage", "--format", "json").rows
    assert {row["kind"] for row in only} == {"coverage"}
    assert made[0]("forecast", "warnings", "--kind", "doom").code == 2


def test_how_good_callers_were(made: tuple[Door, Any]) -> None:
    """In July the quarter is over: Ben called 50,000 in its last two weeks and won 40,000, so 100 called brought 80; alone, he is shrunk to himself.
    Mara's figure beside it took the whole error away."""
    acme = made[0]
    with_toml(acme.folder, f'today = "{AFTER}"')
    try:
        found = told(made, "owner")["callers"]
        (ben,) = found["rows"]
        assert (ben["person"], ben["scope"], ben["periods"], ben["calls"]) == ("Ben Okoye", "own", 1, 1)
        assert (ben["own"], ben["factor"], ben["pattern"]) == (0.8, 0.8, "")
        assert ben["weeks"] == [{"week": week, "periods": 1, "mean": 1.25, "deviation": None} for week in (13,)]
        steps = {(one["step"], one["person"]): one for one in found["layers"]}
        called, beside = "calls over the period before", "figures beside calls"
        assert set(steps) == {(called, ""), (called, "Ben Okoye"), (beside, ""), (beside, "Ben Okoye")}
        assert (steps[called, ""]["weeks"], steps[called, ""]["error"]) == (1, 0.25)
        assert steps[called, ""]["added"] == pytest.approx(steps[called, ""]["error_before"] - 0.25)
        assert [steps[beside, ""][name] for name in ("error_before", "error", "added")] == [
            0.25,
            0,
            0.25,
        ]  # Mara's 40,000 came true
        assert told(made, "ben")["callers"]["rows"] == [ben]
        assert acme("forecast", "callers", "--category", "best_case", "--format", "json").rows[0]["own"] == 0.5
    finally:
        with_toml(acme.folder, f'today = "{ON}"')


def test_every_command_of_the_guide_runs(made: tuple[Door, Any]) -> None:
    """On the example CRM, in the order of the page."""
    page = (ROOT / "docs" / "guides" / "forecasting.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    assert len(lines) > 20
    for line in lines:
        done = made[0](*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)


KILLED = """
import os, signal
from salesops.forecasting.runs import run
here = ws()
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
class Deals(dict):
    def get(self, *asked):
        die()
import salesops.forecasting.stored as stored
if {when!r} == "writing":
    write = stored.write_run
    stored.write_run = lambda folder, found, about, deals: write(folder, found, about, Deals(deals))
run(here.session(), here.actor, test=False, step=lambda what, done, all_: die() if (what, done) == {when!r} else None)
"""


@pytest.mark.parametrize("when", [("Simulating", 1), "writing"], ids=["between two periods", "while it is written"])
def test_killed_in_the_middle_no_half_run_is_left(made: tuple[Door, Any], when: Any) -> None:
    """kill -9 between the two periods, and in the middle of writing: every stored forecast can be read, and the next run is whole."""
    acme = made[0]
    doomed = Door(acme.folder)
    with pytest.raises(AssertionError, match="ended over"):
        doomed.python(KILLED.format(when=when))
    doomed.close()
    before = acme("forecast", "runs", "--limit", "100", "--format", "json").rows
    numbers = [row["number"] for row in before]
    read = f"from salesops.forecasting import runs, stored; ws(); result = [len(stored.read_run(runs.place(), n).forecast.nodes) for n in {numbers}]"
    assert all(acme.python(read))
    whole = acme("forecast", "run", "--no-backtest", "--format", "json")
    assert whole.code == 0, whole.err
    after = acme("forecast", "runs", "--limit", "100", "--format", "json").rows
    assert [row["number"] for row in after[2:]] == numbers
    assert {row["period"] for row in after[:2]} == {"2025-Q2", "2025-Q3"}
