"""The command line: options anywhere, formats, exit codes, words instead of tracebacks, empty states, start-up."""

from __future__ import annotations

import csv
import io
import os
import shlex
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from salesops.common.errors import WorkspaceError
from salesops.output import shown, write_rows
from salesops.workspace import read_config

from .conftest import Door


def plain(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a shell runs it, in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "salesops.cli", *words],
        cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


# Anywhere, in every form


def test_options_stand_anywhere(acme: Door) -> None:
    """`--as`, `--format` and `--workspace` mean the same in front of, within and behind a command."""
    home = str(acme.folder)
    answers = {
        acme(*words).out
        for words in (
            ("--format", "csv", "--as", "ben", "-w", home, "record", "list", "opportunity"),
            ("record", "--as=ben", "list", "--format=csv", "opportunity", f"--workspace={home}", "-w", home),
            ("record", "list", "opportunity", "--as", "ben", "--format", "csv", "--workspace", home),
        )
    }
    assert len(answers) == 1
    assert "Cedar rollout" in answers.pop()


@pytest.mark.parametrize(
    "words",
    [
        ("scorecard",),
        ("cohorts", "--of", "wins", "--measure", "revenue"),
        ("cohorts", "--of", "wins", "--open", "2025", "--age", "0"),
        ("metrics", "list"),
        ("metrics", "query", "win_rate,bookings", "--by", "owner", "--period", "2025"),
        ("metrics", "drill", "bookings", "--period", "2025"),
        ("explain", "win_rate", "--period", "2025-Q1"),
        ("pipeline", "waterfall", "--from", "2025-Q2"),
        ("pipeline", "stages", "--from", "2025-Q2"),
        ("pipeline", "waterfall", "--from", "2025-Q2", "--by", "product_line,owner"),
        ("pipeline", "funnel", "--kind", "active", "--from", "2025-Q1", "--by", "owner"),
        ("pipeline", "funnel", "--step", "Won", "--kind", "snapshot"),
        ("pipeline", "slipping", "--period", "2025-Q1", "--cell", "owner=Ben Okafor"),
        ("pipeline", "stale", "--where", "amount > 0"),
        ("pipeline", "curves", "--deals", "--limit", "3"),
        ("pipeline", "conversion", "--from", "2025-Q1", "--by", "team", "--where", "amount > 1000"),
        ("pipeline", "curves", "--by", "owner", "--at", "30,60"),
        ("pipeline", "velocity", "--period", "quarter", "--from", "2025-01-01"),
        ("pipeline", "velocity", "--change", "--from", "2025-Q1", "--to", "2025-Q2"),
        ("pipeline", "changes", "--from", "2025-04-01", "--to", "2025-06-30"),
        ("pipeline", "transitions", "--of", "stages"),
        ("pipeline", "rework", "--of", "stages"),
        ("pipeline", "effect", "won_deals", "--since", "2025-04-01", "--from", "2025-01-01", "--to", "2025-06-30"),
        ("metrics", "change", "win_rate", "--by", "owner", "--from", "2025-Q1", "--to", "2025-Q2"),
        ("people", "activity", "--period", "2025-Q1"),
        ("people", "activity", "--period", "2025-Q1", "--kinds"),
        ("people", "mix", "--period", "2025-Q1"),
        ("people", "ramp"),
        ("people", "ramp", "--newcomers"),
        ("people", "compare", "--period", "2025-Q1"),
        ("quality",),
        ("quality", "rules"),
        ("record", "list", "account"),
        ("record", "show", "opportunity", "D01"),
        ("record", "history", "opportunity", "D01"),
        ("user", "list"),
        ("audit", "list"),
        ("audit", "verify"),
        ("import", "list"),
        ("import", "errors", "1"),
        ("mapping", "list"),
        ("mapping", "show", "salesforce"),
        ("field", "list"),
        ("rule", "list"),
        ("task", "list"),
        ("refresh",),
    ],
)
def test_every_answer_in_every_form(acme: Door, words: tuple[str, ...]) -> None:
    """A table has no trailing spaces, JSON is one object, CSV has a heading and rows of its width."""
    table = acme(*words)
    assert table.code == 0, table.err
    assert table.out.strip()
    assert not [line for line in table.out.splitlines() if line != line.rstrip()]
    assert isinstance(acme(*words, "--format", "json").json, dict)
    heading, *rows = list(csv.reader(io.StringIO(acme(*words, "--format", "csv").out)))
    assert heading
    assert {len(row) for row in rows} <= {len(heading)}


def test_what_a_command_did_is_json_too(acme: Door) -> None:
    """A command that only says what it did says it in the form that was asked for."""
    made = acme("record", "create", "account", "name=Fir", "--format", "json").json
    assert made["entity"] == "account"
    gone = acme("record", "delete", "account", "Fir", "--format", "csv").out.splitlines()
    assert gone == ["entity,deleted", f"account,{made['id']}"]
    assert acme("--format", "json", "user", "create", "zoe").json == {"created": "zoe"}
    basis = {row["date_basis"] for row in acme("metrics", "list", "--format", "json").rows}
    assert "creation" in basis


def test_money_is_exact_in_json_and_rounded_for_people(acme: Door) -> None:
    """1/3 of a price has four decimals in JSON and CSV, and its currency's two in a table."""
    words = ("metrics", "query", "bookings", "--period", "2025-Q1")
    assert acme(*words, "--format", "json").rows[0]["bookings"] == "75000.0000"
    assert "75,000.00 USD" in acme(*words).out
    assert shown(Decimal("0.3333"), "money", "EUR") == "0.33 EUR"
    assert shown(Decimal("1234.5"), "money", "JPY") == "1,234 JPY"
    assert shown(Decimal("1.2345"), "money", "KWD") == "1.234 KWD"


def test_csv_is_safe_in_a_spreadsheet(capsys: pytest.CaptureFixture[str]) -> None:
    """Text that a spreadsheet would run is defused; numbers stay numbers."""
    write_rows([{"name": "=cmd()", "amount": Decimal("-5.10")}], "csv")
    assert capsys.readouterr().out == "name,amount\n'=cmd(),-5.10\n"


def test_figures_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns of figures end where their heading ends; wide characters count twice."""
    write_rows([{"who": "日本", "n": 5}, {"who": "Ann", "n": 1200}], units={"n": "count"})
    assert capsys.readouterr().out == "who       n\n日本      5\nAnn   1,200\n"


def test_quality_shows_what_is_to_be_fixed(acme: Door) -> None:
    """The score, then the rules that found something, the most serious first; `--all`, JSON and CSV have every rule."""
    done = acme("quality")
    assert done.lines[0].startswith("Overall ")
    assert "completeness " in done.lines[0]
    every = acme("quality", "--format", "json").rows
    broken = [row for row in every if row["to_fix"]]
    assert [line.split()[0] for line in done.lines[3 : 3 + len(broken)]] == [row["rule"] for row in broken]
    order = ["error", "warning", "info"]
    urgency = [(order.index(row["severity"]), -row["to_fix"]) for row in broken]
    assert urgency == sorted(urgency)
    assert f"{len(every) - len(broken)} more rules have nothing to fix (--all shows them)" in done.lines
    assert "What to fix: salesops quality list RULE" in done.lines
    assert len(acme("quality", "--all").lines) > len(every) > len(broken)
    assert acme("quality", "--by", "entity").lines[0] == done.lines[0]


def test_an_explanation_leads_to_its_records(acme: Door) -> None:
    """The command that an explanation names lists the records behind the number, with their ids in the source."""
    for words in (
        ("explain", "win_rate", "--period", "2025-Q1", "--where", "source = 'Web'"),
        ("pipeline", "explain", "--from", "2025-Q2", "--scope", "all_open"),
    ):
        line = next(line for line in acme(*words).out.splitlines() if "records: " in line)
        found = acme(*shlex.split(line.partition("records: salesops ")[2]), "--format", "json")
        assert found.code == 0, found.err
        assert found.rows
    rows = acme("metrics", "drill", "bookings", "--period", "2025-Q1", "--format", "json").rows
    assert ("D01", "Alder starter") in {(row["external_id"], row["name"]) for row in rows}


def test_records_are_exact_in_json_and_readable_in_a_table(acme: Door) -> None:
    """Money with its currency and moments without a zero time for people; canonical values for programs."""
    words = ("record", "show", "opportunity", "D07")
    exact = {row["field"]: row["value"] for row in acme(*words, "--format", "json").rows}
    lines = acme(*words).lines
    assert Decimal(exact["amount"]) == 25_000
    assert any(line.startswith("amount 25,000.00 USD") for line in lines), lines
    assert exact["created"].endswith("00:00:00+00:00")
    assert f"created {exact['created'][:10]} assumed" in lines


def test_the_scorecard_is_of_what_one_may_see(acme: Door) -> None:
    """A rep's scorecard has their figures, exact in JSON, and the count of what is not theirs."""
    whole, own = acme("scorecard", "--format", "json").json, acme("scorecard", "--as", "ben", "--format", "json").json
    assert [row["metric"] for row in whole["rows"]] == [row["metric"] for row in own["rows"]]
    assert (whole["hidden"], whole["notes"]) == (0, [])
    assert acme("scorecard").lines[0].startswith("Acme: ")
    assert acme("scorecard", "--as", "nobody").code == 3


# Exit codes: the command, its code, and what must be said


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (2, "Did you mean pipeline?", ("pipelin",)),
        (2, "Dimensions: owner", ("metrics", "query", "win_rate", "--by", "ownr")),
        (2, "2017-12-31", ("metrics", "query", "win_rate", "--as-of", "2025-13-01")),
        (2, "is not a period", ("metrics", "query", "win_rate", "--period", "2025-Q9")),
        (2, "", ("metrics", "query", "win_rate", "--as-of", "2025-06-30", "--as-known-on", "2025-03-31")),
        (2, "from which day on", ("pipeline", "waterfall")),
        (2, "--as needs a value", ("user", "list", "--as")),
        (2, "--as needs a value", ("user", "--as", "--format", "json", "list")),
        (2, "Roles: owner", ("user", "create", "eve", "--roles", "king")),
        (3, "there is no active user 'nobody'", ("record", "list", "account", "--as", "nobody")),
        (3, "", ("import", "list", "--as", "ben")),
        (3, "", ("audit", "verify", "--as", "ben")),
        (3, "", ("record", "create", "account", "name=Gum", "--as", "ada")),
        (4, "Did you mean win_rate?", ("metrics", "query", "win_rte")),
        (4, "Entities: ", ("record", "list", "oportunity")),
        (4, "there is no opportunity 'D99'", ("record", "show", "opportunity", "D99")),
        (4, "salesops import list", ("import", "undo", "99")),
        (4, "salesops import list", ("import", "errors", "99")),
        (4, "there is no file", ("import", "nowhere.csv")),
        (4, "Mappings: ", ("mapping", "show", "../salesops")),
        (4, "salesops quality rules", ("quality", "list", "nothing")),
        (6, "is no number", ("record", "edit", "opportunity", "D01", "amount=many")),
        (6, "There is no field 'foo'", ("record", "list", "opportunity", "--where", "foo = 1")),
    ],
)
def test_mistakes_are_told_in_words(acme: Door, code: int, said: str, words: tuple[str, ...]) -> None:
    """What a person gets wrong ends with its code and a sentence on standard error, never with a traceback."""
    done = acme(*words)
    assert (done.code, done.out) == (code, ""), done
    assert said in done.err
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) <= 4, done.err


def test_errors_are_json_where_json_was_asked_for(acme: Door) -> None:
    """A script reads what went wrong, with code and remedy, from standard error."""
    import json

    done = acme("metrics", "query", "win_rte", "--format", "json")
    assert done.out == ""
    assert json.loads(done.err) == {
        "error": "NotFound", "message": "there is no metric 'win_rte'", "remedy": "Did you mean win_rate?",
        "exit_code": 4, "problems": [],
    }  # fmt: skip
    assert json.loads(acme("pipeline", "waterfall", "--format", "json").err)["exit_code"] == 2


def test_somebody_was_faster(acme: Door) -> None:
    """An edit of a version that is no longer the latest is refused with code 5."""
    words = ("record", "edit", "opportunity", "D01", "next_step=Call", "--expected")
    assert acme(*words, "1").code == 5


def test_broken_workspaces(tmp_path: Path) -> None:
    """No folder, no settings, settings that cannot be read or used, a state that is none: code 7 and a sentence."""
    (tmp_path / "ws").mkdir()
    settings = tmp_path / "ws" / "salesops.toml"
    for text in (None, "name = ", 'currency = "ZZZ"', 'fiscal_start_month = "x"', "time_zone = 5", 'today = "soon"'):
        if text is not None:
            settings.write_text(text, encoding="utf-8")
        done = plain("user", "list", "-w", "ws", folder=tmp_path)
        assert (done.returncode, done.stdout) == (7, ""), (text, done)
        assert done.stderr.startswith("Error: ")
        assert "Traceback" not in done.stderr
    settings.write_text('name = "A"', encoding="utf-8")
    (tmp_path / "ws" / "state.sqlite").write_text("no database at all, " * 50, encoding="utf-8")
    assert plain("user", "list", "-w", "ws", folder=tmp_path).returncode == 7


def test_settings_are_checked_all_at_once(tmp_path: Path) -> None:
    """Kinds first, then values: every problem of the file in one error."""
    file = tmp_path / "salesops.toml"
    file.write_text('name = 5\nfiscal_start_month = "x"\nweek_start = true\n', encoding="utf-8")
    with pytest.raises(WorkspaceError) as kinds:
        read_config(tmp_path)
    assert all(
        name in str(kinds.value) for name in ("name must be", "fiscal_start_month must be", "week_start must be")
    )
    file.write_text('currency = "ZZZ"\nweek_start = 9\ntoday = "2026-13-01"\n', encoding="utf-8")
    with pytest.raises(WorkspaceError) as values:
        read_config(tmp_path)
    assert all(name in str(values.value) for name in ("currency", "week_start", "today '2026-13-01' is no day"))
    file.write_text('today = "2026-12-31"\n', encoding="utf-8")
    assert read_config(tmp_path).today == "2026-12-31"


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    """An unreachable DATABASE_URL is code 7; `init` leaves nothing that hinders a second attempt."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    done = plain("init", "ws", "--database-url", url, folder=tmp_path)
    assert done.returncode == 7, done
    assert "DATABASE_URL" in done.stderr
    assert not (tmp_path / "ws" / "salesops.toml").exists()
    (tmp_path / "ws" / "salesops.toml").write_text('name = "A"', encoding="utf-8")
    assert plain("user", "list", "-w", "ws", folder=tmp_path, DATABASE_URL=url).returncode == 7


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    """Rights that are missing are named, with code 7."""
    (tmp_path / "ws").mkdir(mode=0)
    assert plain("init", "ws", folder=tmp_path).returncode == 7


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    """`init` does not touch what is there."""
    (tmp_path / "ws").write_text("mine", encoding="utf-8")
    done = plain("init", "ws", folder=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False)


# What to do next


def test_the_overview(tmp_path: Path) -> None:
    """`salesops` alone says where to start; it is quick, because it loads no room."""
    done = plain(folder=tmp_path)
    assert done.returncode == 0
    assert "no workspace yet" in done.stdout
    assert "salesops init acme" in done.stdout
    assert "Ask:" in plain("--help", folder=tmp_path).stdout


def test_help_loads_no_room() -> None:
    """`salesops --help` imports neither Django nor DuckDB, Arrow or Polars (its start is measured, generously)."""
    heavy = "django", "duckdb", "pyarrow", "polars", "numpy", "sqlglot", "rich"
    code = f"import sys; from salesops.cli import main; main(['--help']); sys.exit(bool({heavy!r} and set({heavy!r}) & set(sys.modules)))"
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0
    assert time.monotonic() - started < 10


def test_every_room_is_there(acme: Door) -> None:
    """Each command of the overview loads and explains itself."""
    from salesops.cli import ROOMS, SECTIONS

    assert set(ROOMS) <= {name for names in SECTIONS.values() for name in names}
    for names in SECTIONS.values():
        for name in names:
            done = acme(name, "--help")
            assert (done.code, done.err) == (0, ""), name
            assert "Usage: salesops" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("record", "list", "opportunity"), "salesops import FILE"),
        (("import", "list"), "No import yet: salesops import FILE"),
        (("quality",), "salesops import FILE"),
        (("rule", "list"), "salesops rule add"),
        (("task", "list"), "Nothing to do."),
        (("quality", "errors"), "No row was refused"),
    ],
)
def test_empty_states_say_what_to_do(empty: Door, words: tuple[str, ...], said: str) -> None:
    """Where there is nothing, a command says how there will be something."""
    done = empty(*words)
    assert done.code == 0, done.err
    assert said in done.out
    assert empty(*words, "--format", "json").rows == []


def test_numbers_of_an_empty_workspace(empty: Door) -> None:
    """No record: no value, and no error."""
    for words in (("metrics", "query", "win_rate,bookings"), ("explain", "win_rate"), ("metrics", "drill", "bookings")):
        done = empty(*words)
        assert (done.code, done.err) == (0, ""), words
        assert done.out.strip()


def test_a_closed_pipe_is_no_error(acme: Door) -> None:
    """`salesops ... | head -1` ends quietly."""
    command = f"{sys.executable} -m salesops.cli metrics list -w '{acme.folder}' --format json | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("{", "")


def test_alerts_say_what_they_cannot_judge(acme: Door) -> None:
    """Half a year is too little to tell what is usual; in a format for programs there are the same notes."""
    done = acme("metrics", "alerts", "--metrics", "won_deals", "--as-of", "2025-06-30")
    assert done.code == 0
    assert done.lines[0] == "No alert: nothing lies outside the expected in the latest finished month."
    assert "won_deals: too early to judge, 5 finished months of the 17 that it takes" in done.lines
    told = acme("metrics", "alerts", "--metrics", "won_deals", "--as-of", "2025-06-30", "--format", "json").json
    assert (told["rows"], "nothing could be judged" in told["notes"]) == ([], True)
    assert acme("metrics", "alerts", "--by", "colour", "--metrics", "sales_cycle_days.median").code == 2
