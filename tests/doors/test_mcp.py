"""An assistant at the door: the package's own client talks to `salesops mcp` over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from .conftest import Door

Call = tuple[str, dict[str, Any]]
WRITING = {
    "create_record",
    "edit_record",
    "create_task",
    "create_comment",
    "define_metrics",
    "undefine_metric",
    "edit_alert",
    "report_week",
    "set_alert",
    "set_target",
    "call_forecast",
    "withdraw_target",
}


def alone(talk: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What a conversation gave, in a thread of its own: another test's browser may hold this thread's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(talk())).result()


def served(folder: Path, user: str, calls: Sequence[Call] = ()) -> tuple[dict[str, Any], list[Any]]:
    """Start the server as a user, list its tools, call some; gives the tools by name and the results."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
    words = ["-m", "salesops.cli", "mcp", "--workspace", str(folder), "--as", user]
    server = StdioServerParameters(command=sys.executable, args=words, env=kept, cwd=folder.parent)

    async def talk() -> tuple[dict[str, Any], list[Any]]:
        async with Client(server, read_timeout_seconds=120) as client:
            tools = {one.name: one for one in (await client.list_tools()).tools}
            return tools, [await client.call_tool(name, given) for name, given in calls]

    return alone(talk)


def told(folder: Path, user: str, *calls: Call) -> list[dict[str, Any]]:
    """What the tools answered; an error fails the test."""
    _, results = served(folder, user, calls)
    for (name, _), one in zip(calls, results, strict=True):
        assert not one.is_error, (name, one.content[0].text)
    return [one.structured_content for one in results]


def refused(folder: Path, user: str, *calls: Call) -> list[str]:
    """The errors of calls that must fail."""
    _, results = served(folder, user, calls)
    assert all(one.is_error for one in results), [one.structured_content for one in results]
    return [one.content[0].text for one in results]


BOOKINGS: Call = ("query_metrics", {"metrics": "bookings", "by": "owner", "period": "2025"})
READS: list[Call] = [
    ("list_metrics", {}),
    ("metric_definition", {"metric": "win_rate"}),
    BOOKINGS,
    ("query_metrics", {"metrics": "win_rate,open_pipeline.all_open", "as_of": "2025-06-30", "as_known_on": "2099-01-01"}),
    ("drill", {"metric": "bookings", "period": "2025", "cell": {"owner": "Ben Okoye"}}),
    ("explain", {"metric": "bookings", "period": "2025"}),
    ("metric_change", {"metric": "bookings", "from": "2025-Q1", "to": "2025-Q2", "by": "owner"}),
    ("alerts", {"metrics": "bookings,win_rate", "period": "month"}),
    ("kpi_guide", {"metric": "win_rate"}),
    ("kpi_guide", {"metric": "win_rate", "ask": "down", "period": "2025-Q1"}),
    ("cohorts", {"customers_of": "wins", "as_of": "2025-06-30"}),
    ("cohort_customers", {"cohort": "2025-Q1", "customers_of": "wins"}),
    ("scorecard", {}),
    ("people_activity", {"period": "2025-Q1", "kinds_of_activity": True}),
    ("people_mix", {"period": "2025-Q1"}),
    ("people_ramp", {"as_of": "2025-12-31"}),
    ("people_compare", {"compared": "win_rate", "period": "2025-Q1"}),
    ("list_definitions", {}),
    ("list_definitions", {"history": True}),
    ("check_definition", {"definition": "[x]\nkind = 'sum'"}),
    ("list_targets", {"metric": "bookings", "target_period": "2025"}),
    ("forecast_board", {"forecast_period": "2025-Q2", "top": "Mara Stone"}),
    ("forecast_calls", {"forecast_period": "2025-Q2"}),
    ("forecast", {"limit": 3}),
    ("forecast_deals", {"person": "Mara Stone"}),
    ("forecast_changes", {"days_before": 1}),
    ("forecast_accuracy", {"weeks_of_period": "all"}),
    ("forecast_warnings", {"warning": "coverage"}),
    ("forecast_callers", {"past_periods": 2}),
    ("list_tasks", {}),
    ("list_approvals", {"approval_status": "all"}),
    ("show_approval", {"number": 1}),
    ("list_reports", {}),
    ("list_own_alerts", {}),
    ("my_week", {}),
    ("list_comments", {"entity": "opportunity"}),
    ("pipeline_waterfall", {"period": "2025-Q2", "scope": "all_open", "by": "owner"}),
    ("pipeline_waterfall_deals", {"from": "2025-Q2", "scope": "all_open", "bar": "won"}),
    ("pipeline_stages", {"from": "2025-Q2", "moves": True}),
    ("pipeline_funnel", {"kind": "snapshot", "period": "2025-Q2"}),
    ("pipeline_funnel_records", {"step": "Won", "kind": "snapshot", "to": "2025-06-30"}),
    ("pipeline_conversion", {}),
    ("pipeline_stage_deals", {"stage": "Discovery", "which": "entered"}),
    ("pipeline_curves", {"at": [30, 60], "by": "owner", "start": "creation"}),
    ("pipeline_velocity", {"period": "quarter", "from": "2025-Q1", "to": "2025-Q2"}),
    ("pipeline_velocity_change", {"from": "2025-Q1", "to": "2025-Q2"}),
    ("pipeline_changes", {"from": "2025-04-01", "to": "2025-06-30", "limit": 5}),
    ("pipeline_slipping", {"period": "2025-Q2"}),
    ("pipeline_stale", {"as_of": "2025-06-30"}),
    ("pipeline_variants", {"of": "stages"}),
    ("pipeline_transitions", {"of": "stages"}),
    ("pipeline_rework", {"of": "stages"}),
    ("pipeline_effect", {"metric": "won_deals", "since": "2025-04-01", "from": "2025-01-01", "to": "2025-06-30"}),
    ("list_records", {"entity": "opportunity", "limit": 3, "order": "-amount"}),
    ("show_record", {"entity": "opportunity", "key": "D03"}),
    ("quality", {}),
    ("quality", {"rule": "opportunity.next_step_missing"}),
]  # fmt: skip


def test_every_tool_answers(acme: Door) -> None:
    """Each tool that reads is called; none that writes is offered; all say that they change nothing."""
    earlier = date.today() - timedelta(days=60)  # a forecast of the next period, too: one of the two is the current one
    assert acme("forecast", "run", "--as-of", earlier, "--no-backtest").code == 0
    assert acme("forecast", "run").code == 0
    tools, results = served(acme.folder, "owner", READS)
    failed = [(name, one.content[0].text) for (name, _), one in zip(READS, results, strict=True) if one.is_error]
    assert not failed
    assert set(tools) == {name for name, _ in READS}
    assert all(one.annotations.read_only_hint and one.description for one in tools.values())


def test_an_answer_is_that_of_the_command(acme: Door) -> None:
    """The same rows, and what is needed to read them: days, generation, currency, definition, hidden records."""
    (answer,) = told(acme.folder, "owner", BOOKINGS)
    wanted = acme("metrics", "query", "bookings", "--by", "owner", "--period", "2025", "--format", "json").json
    assert [{**row, "owner_id": str(row["owner_id"])} for row in wanted["rows"]] == answer["rows"]
    for name in ("from", "to", "as_of", "generation", "currency", "notes"):
        assert answer[name] == wanted[name], name
    assert (answer["hidden_records"], answer["rows_in_all"], answer["filter"], answer["as_known_on"]) == (
        0,
        4,
        "none",
        "now",
    )
    column = next(one for one in answer["columns"] if one["column"] == "bookings")
    assert (column["unit"], column["definition"]) == ("money", "What did we win?")
    assert column["formula"]
    assert column["version"] == wanted["definitions"]["bookings"]


def test_a_rep_sees_only_his(acme: Door) -> None:
    """Ben's bookings, deals and records; what is hidden from him is counted; Ann's deal is not there for him."""
    answer, total, deals, records = told(
        acme.folder, "ben", BOOKINGS, ("query_metrics", {"metrics": "bookings", "period": "2025"}),
        ("drill", {"metric": "bookings", "period": "2025"}), ("list_records", {"entity": "opportunity"}),
    )  # fmt: skip
    assert [(row["owner"], Decimal(row["bookings"])) for row in answer["rows"]] == [("Ben Okoye", 70_000)]
    assert Decimal(total["rows"][0]["bookings"]) == 70_000
    assert answer["hidden_records"] > 0
    assert any("not yours" in note for note in answer["notes"])
    assert {row["name"] for row in deals["rows"]} == {"Cedar rollout", "Cedar labs"}
    assert deals["hidden_records"] > 0
    assert {row["name"] for row in records["rows"]} == {
        "Cedar rollout", "Alder extras", "Cedar labs", "Birch service", "Cedar imaging",
    }  # fmt: skip
    (error,) = refused(acme.folder, "ben", ("show_record", {"entity": "opportunity", "key": "D01"}))
    assert "D01" in error


def test_mistakes_are_told_with_their_remedy(acme: Door) -> None:
    """An unknown metric, a parameter that there is not, a page without rows, a day that is none; the server goes on."""
    calls: list[Call] = [
        ("query_metrics", {"metrics": "win_rat"}),
        ("query_metrics", {"metrics": "bookings", "bye": "owner"}),
        ("query_metrics", {"metrics": "bookings", "limit": 0}),
        ("query_metrics", {"metrics": "bookings", "as_known_on": "yesterday"}),
        ("pipeline_waterfall", {}),
        ("people_compare", {"compared": "pay"}),
    ]
    near, unknown, page, day, needed, pay = refused(acme.folder, "owner", *calls)
    assert "win_rate" in near
    assert "bye" in unknown
    assert "limit of 1 to" in page
    assert "Write for example 2017-12-31" in day
    assert "Name a period" in needed
    assert "win_rate" in pay


def test_pages(acme: Door) -> None:
    """Two pages are the whole."""
    first, second, whole = told(
        acme.folder, "owner", (BOOKINGS[0], {**BOOKINGS[1], "limit": 3}),
        (BOOKINGS[0], {**BOOKINGS[1], "offset": 3, "limit": 3}), BOOKINGS,
    )  # fmt: skip
    assert first["rows"] + second["rows"] == whole["rows"]
    assert first["rows_in_all"] == 4


def test_nobody_unknown_is_served(acme: Door) -> None:
    """Without an account there is no server."""
    done = acme("mcp", "--as", "nobody")
    assert done.code == 3
    assert "nobody" in done.err


@pytest.fixture
def writable(acme: Door) -> Any:
    """The workspace, while assistants may write in it."""
    file = acme.folder / "salesops.toml"
    before = file.read_text()
    assert "mcp_writes = false" in before
    file.write_text(before.replace("mcp_writes = false", "mcp_writes = true"))
    yield acme
    file.write_text(before)


def test_writing_needs_the_setting_and_the_role(writable: Door) -> None:
    """Ben edits his own deal, not Ann's; an auditor edits nothing; the audit log names the door."""
    folder = writable.folder
    own: Call = ("edit_record", {"entity": "opportunity", "key": "D03", "values": {"next_step": "Call"}})
    tools, (edited, shown) = served(folder, "ben", [own, ("show_record", {"entity": "opportunity", "key": "D03"})])
    assert set(tools) >= WRITING
    assert not tools["edit_record"].annotations.read_only_hint
    assert shown.structured_content["version"] == edited.structured_content["version"]
    assert shown.structured_content["values"]["next_step"] == "Call"
    refused(folder, "ben", ("edit_record", {"entity": "opportunity", "key": "D01", "values": {"next_step": "Call"}}))
    assert "may not" in refused(folder, "ada", own)[0]
    big: Call = (
        "define_metrics",
        {"definition": "[wins]\nkind = 'sum'\nfact = 'closed'\nmeasure = 'value'\nwhere = \"status = 'won'\""},
    )
    assert "may not" in refused(folder, "ben", big)[0]
    made, asked, ended = told(
        folder,
        "owner",
        big,
        ("query_metrics", {"metrics": "wins", "period": "2025"}),
        ("undefine_metric", {"metric": "wins"}),
    )
    assert (made["done"][0]["done"], ended) == ("defined", {"undefined": "wins"})
    assert Decimal(asked["rows"][0]["wins"]) > 0
    share: Call = ("set_target", {"metric": "win_rate", "target_period": "2025-Q1", "value": "32%"})
    assert "may not" in refused(folder, "ben", share)[0]
    (made,) = told(folder, "owner", share)
    listed, ended, left = told(
        folder, "owner", ("list_targets", {"metric": "win_rate", "targets_of": "company"}),
        ("withdraw_target", {"target": made["id"]}), ("list_targets", {"metric": "win_rate"}),
    )  # fmt: skip
    assert [(row["id"], Decimal(row["value"])) for row in listed["rows"]] == [(made["id"], Decimal("0.32"))]
    assert (ended, left["rows"][0]["status"]) == ({"withdrawn": made["id"]}, "withdrawn")
    logged = writable("audit", "list", "--limit", "1", "--user", "ben", "--format", "json").rows[0]
    assert (logged["door"], logged["action"]) == ("mcp", "edit")


def test_the_setting_counts_at_every_call(writable: Door) -> None:
    """A setting that is taken back while the server runs stops writing at once."""
    file = writable.folder / "salesops.toml"
    task: Call = ("create_task", {"title": "Call Cedar"})
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
    words = ["-m", "salesops.cli", "mcp", "--workspace", str(writable.folder), "--as", "ben"]

    async def talk() -> list[Any]:
        async with Client(StdioServerParameters(command=sys.executable, args=words, env=kept)) as client:
            first = await client.call_tool(*task)
            file.write_text(file.read_text().replace("mcp_writes = true", "mcp_writes = false"))
            return [first, await client.call_tool(*task)]

    first, second = alone(talk)
    assert not first.is_error
    assert second.is_error
    assert "mcp_writes" in second.content[0].text
