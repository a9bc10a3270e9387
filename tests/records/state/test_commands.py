"""The commands of the records room, run as the root command will run them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from tests.records.state.company import Company

from salesops.common.errors import SalesopsError
from salesops.records import actions, commands
from salesops.records.access import Actor


@dataclass
class Door:
    workspace: Any
    actor: Actor


@pytest.fixture
def run(company: Company) -> Any:
    @click.group()
    def root() -> None:
        pass

    for command in commands.GROUPS:
        root.add_command(command)

    def ask(*words: object, as_: str = "owner", typed: str = "") -> str:
        door = Door(company.workspace, company.user(as_))
        done = CliRunner().invoke(root, [str(word) for word in words], obj=door, input=typed)
        if isinstance(done.exception, SalesopsError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return ask


def test_a_record_from_beginning_to_end(run: Any, company: Company) -> None:
    made = run("record", "create", "account", "name=Acme", "city=Kraków", "revenue=1000.5").strip()
    assert "Kraków" in run("record", "show", "account", "Acme")
    version = run("record", "edit", "account", "Acme", "city=", "industry=Toys").split()[-1]
    listed = json.loads(run("record", "list", "account", "--format", "json", "--where", "revenue > 1000"))
    assert listed["rows"][0] | {"created": ""} == {
        "id": made,
        "created": "",
        "name": "Acme",
        "industry": "Toys",
        "revenue": "1000.5000",
        "currency": "EUR",
    }
    assert (listed["total"], listed["notes"]) == (1, ["1 to 1 of 1"])
    with pytest.raises(SalesopsError) as caught:
        run("record", "edit", "account", "Acme", "city=X", "--expected", int(version) - 1)
    assert caught.value.exit_code == 5
    assert "Toys" in run("record", "history", "account", "Acme")
    run("record", "delete", "account", "Acme")
    assert "none of 0" in run("record", "list", "account")
    run("record", "restore", "account", "Acme")
    other = run("record", "create", "account", "name=ACME").strip()
    assert made in run("record", "merge", "account", made, other)
    batch = json.loads(run("record", "history", "account", made, "--format", "json"))["rows"][-1]["batch"]
    assert "2 records" in run("record", "undo", batch)


def test_csv_is_safe_to_open(run: Any, company: Company) -> None:
    actions.create_record(company.owner, "account", {"name": '=HYPERLINK("x")', "latitude": "-1.5"})
    text = run("record", "list", "account", "--fields", "name,latitude", "--format", "csv")
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["name"], row["latitude"]) == ('\'=HYPERLINK("x")', "-1.500000")


def test_lists_say_how_many_there_are(run: Any, company: Company) -> None:
    for number in range(5):
        company.deal(f"D{number}", "Ann")
    assert "1 to 2 of 5" in run("record", "list", "opportunity", "--limit", 2)
    assert "none of 0" in run("record", "list", "opportunity", as_="bob")


def test_users_fields_rules_words_and_tasks(run: Any, company: Company) -> None:
    run("user", "create", "new", "--roles", "rep,manager", "--person", "Zoe")
    run("user", "edit", "new", "--roles", "ops", "--person", "")
    run("user", "deactivate", "new")
    run("user", "password", "ann", typed="long enough\nlong enough\n")
    rows = json.loads(run("user", "list", "--format", "json"))["rows"]
    assert {
        "username": "new",
        "roles": "ops",
        "is_active": False,
        "person": None,
        "name": "",
        "person_name": "",
    } in rows
    run("field", "declare", "account", "tier", "--kind", "kind", "--words", "gold,silver")
    assert "gold silver" in run("field", "list", "account")
    run("field", "own", "account", "tier", "app")
    run("field", "retire", "account", "tier")
    assert "none" not in run("field", "conflicts")
    run("word", "add", "account", "type", "reseller")
    number = run("rule", "add", "product", "name", "GTXPro", "GTX Pro").split()[-1]
    assert "GTX Pro" in run("rule", "list")
    run("rule", "remove", number)
    task = run("task", "create", "Call Zoe", "--due", "2017-03-01").strip()
    assert "Call Zoe" in run("task", "list")
    run("task", "done", task)


def test_the_audit_log(run: Any, company: Company, tmp_path: Path) -> None:
    assert "user.create" in run("audit", "list", "--limit", 0)
    assert json.loads(run("audit", "verify", "--format", "json"))["rows"][0]["ok"] is True
    file = tmp_path / "log.jsonl"
    run("audit", "export", file)
    assert "yes" in run("audit", "verify", "--file", file)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(SalesopsError) as caught:
        run("audit", "verify", "--file", file)
    assert caught.value.exit_code == 6
    with pytest.raises(SalesopsError) as caught:
        run("audit", "list", as_="ann")
    assert caught.value.exit_code == 3
