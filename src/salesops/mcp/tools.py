"""The tools: for each what it answers, which parameters it takes, and the question of the Python door that it asks.

Answers are JSON: rows (a page of them, 200 unless asked otherwise, and how many there are in all), with the definitions of the metrics,
the days, the generation, notes, and how many records are hidden from the user. Ids are text: they have more digits than JSON readers keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from salesops.api import Api
from salesops.common.errors import UsageError
from salesops.output import plain
from salesops.spreadsheet import Exported

PAGE, MOST = 200, 2_000


@dataclass(frozen=True)
class Parameter:
    """A parameter of tools: its type, what it means, and what Python calls it."""

    kind: Any
    description: str
    python: str


def _parameters(**known: tuple[Any, str]) -> dict[str, Parameter]:
    found = {}
    for python, (kind, description) in known.items():
        found[python.rstrip("_")] = Parameter(kind, description, python)
        found[python] = found[python.rstrip("_")]
    return found


PARAMETERS = _parameters(
    metrics=(str, "Metrics, separated by commas, such as win_rate,bookings or win_rate.value (list_metrics has them)"),
    metric=(str, "A metric, such as win_rate, or one in a variant, such as win_rate.value"),
    by=(str, "Dimensions, separated by commas: owner, team, region, product ..."),
    period=(str, "A grain (day, week, month, quarter, year), or one period such as 2026-Q1"),
    from_=(str, "First day, inclusive, or a period such as 2026-Q1"),
    to=(str, "Last day, inclusive, or a period that ends on it"),
    where=(str, "A filter, for example: region = 'West' and amount > 1000"),
    as_of=(str, "As of the evening of this day, such as 2026-03-31 (default: today)"),
    as_known_on=(str, "Only what had been recorded by this day"),
    currency=(str, "Currency of amounts (default: the workspace's)"),
    calendar=(str, "The business unit by whose fiscal calendar periods are counted, or workspace"),
    compare=(str, "What to set beside it: previous, year_ago, target (the goal, else the plan), goal, plan or quota"),
    totals=(bool, "The total over all dimension values, too"),
    cell=(dict[str, Any], 'Of which group: dimensions to values, for example {"owner": "Ann Lee"}'),
    offset=(int, "Rows to skip"),
    limit=(int, f"Rows to give (default {PAGE}, at most {MOST:,})"),
    scope=(str, "closing_in_period (deals that close in the days) or all_open"),
    bar=(str, "A bar of the waterfall, such as created, won, lost, slipped"),
    kind=(str, "active (in the days), cohort (created in them) or snapshot (all there is at the end)"),
    moves=(bool, "Count every move instead of comparing two evenings"),
    pipeline=(str, "Only this pipeline"),
    of=(str, "log (process log) or stages"),
    customers_of=(str, "What makes a customer: orders, subscriptions or wins"),
    stage=(str, "A stage"),
    which=(str, "Which deals of the stage: entered, moved_on, lost or here"),
    step=(str, "A step of the funnel: Leads, Deals, a stage, Won"),
    start=(str, "Since when days are counted: first_contact, creation or qualified"),
    at=(list[int], "The days to show, for example [30, 60, 90]"),
    kinds=(str, "Only these kinds of change, separated by commas: created, won, stage, owner ..."),
    since=(str, "The day of the change"),
    touched=(list[str], "The units that the change touched; none: all of them"),
    grain=(str, "week or month"),
    problem=(str, "A problem, such as unstable_forecast"),
    business_model=(str, "What is sold, such as subscription (default: the workspace's setting)"),
    entity=(str, "An entity, such as opportunity, account, person, lead"),
    key=(str, "An id, an external id, system:external id, or the name"),
    order=(str, "Fields to sort by: name,-amount"),
    rule=(str, "A rule of data quality (without it: the score of every rule)"),
    values=(dict[str, Any], 'Fields to values, for example {"next_step": "Call"}'),
    expected=(int, "The version that was seen; refused when there is a newer one"),
    kinds_of_activity=(bool, "By kind of activity, too"),
    age=(int, "Only those active at this age, in periods"),
    cohort=(str, "A cohort, such as 2025-01 or 2025-Q1"),
    compared=(str, "win_rate, lead_conversion or qualification_rate"),
    segment=(dict[str, Any], 'Of the benchmarks, for example {"country": "US"}'),
    ask=(str, "up or down: answer the questions for when the metric went there"),
    history=(bool, "Every definition that there was, with its text, since and until when"),
    target_kind=(str, "goal, plan or quota"),
    targets_of=(str, "Only of this person, team or unit, or of the company"),
    target_period=(str, "A period such as 2026-Q3, FY2026, 2026-03 or 2026-01-15..2026-02-28"),
    value=(str, "An amount, a number, or a share such as 32%"),
    person=(str, "Of this person: name, e-mail address or id"),
    team=(str, "Of this team"),
    forecast_period=(str, "A month, quarter or year such as 2026-Q4 (default: the current one)"),
    deal_type=(str, "Only deals and calls of this type: new, expansion or renewal"),
    call_category=(str, "commit, best_case or pipeline"),
    days_before=(int, "Against the forecast of so many days before (default 7; 1: the one before)"),
    weeks_of_period=(str, "Weeks of the period: all, 1-4, 5-8 or 9-"),
    warning=(str, "Only this kind: gap, coverage, single deal, stale commit, past its close date, happy ears, sandbagging"),
    past_periods=(int, "How many ended periods back (default 8)"),
    top=(str, "Only this person (name or id) and everybody below"),
    commit=(str, "At least this will be booked, what is closed included"),
    best_case=(str, "With luck this, commit included"),
    note=(str, "What stands behind it"),
    reason=(str, "Why another figure than theirs"),
    business_unit=(str, "Of this business unit"),
    provenance=(str, "Where it comes from, for example: plan 2026, second version"),
    effective=(str, "The day since when it is true (default: now)"),
    target=(str, "The id of a target (list_targets has them)"),
    definition=(str, "Definitions of metrics as TOML text (the workspace's guide to metrics shows how)"),
    task_status=(str, "open or done"),
    approval_status=(str, "open, decided, all, approved, declined, withdrawn or replaced"),
    mine=(bool, "Only those that wait for the user's own decision"),
    number=(int, "The number of a proposal"),
    report=(int, "The number of a report: what was sent of it, run by run (without it: the reports)"),
    alert=(int, "The number of an alert"),
    alert_rule=(str, "below 20%, above 50, drops by 10%, drops by 5 pp; with: in this month"),
    active=(bool, "false pauses it, true goes on"),
    minutes=(dict[str, int], "Minutes by kind: selling, outreach, customer, admin, crm_entry, internal, training, travel, other"),
    text=(str, "The comment"),
    title=(str, "What is to be done"),
    due=(str, "By which day"),
    owner=(str, "Whose task it is (default: the user's own)"),
)  # fmt: skip
WHEN = ("where", "as_of", "as_known_on", "currency", "calendar")
DAYS = ("from", "to", *WHEN)
PAGED = ("offset", "limit")


@dataclass(frozen=True)
class Tool:
    """One tool: its name, what it answers, how it asks, and what it takes."""

    name: str
    description: str
    run: Callable[[Api, dict[str, Any]], dict[str, Any]]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    writes: bool = False


def _answered(ask: Callable[..., Any]) -> Callable[[Api, dict[str, Any]], dict[str, Any]]:
    """A question of Python as a tool whose answer is given page by page."""

    def run(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
        page = _page(asked)
        return body(ask(api, **asked), page)

    return run


def _listed(ask: Callable[..., Any]) -> Callable[[Api, dict[str, Any]], dict[str, Any]]:
    """A question that takes offset and limit itself."""

    def run(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
        offset, limit = _page(asked)
        return body(ask(api, **asked, offset=offset, limit=limit), None)

    return run


def _page(asked: dict[str, Any]) -> tuple[int, int]:
    """Take offset and limit out of a question."""
    offset, limit = asked.pop("offset", 0), asked.pop("limit", PAGE)
    if not (offset >= 0 and 1 <= limit <= MOST):
        raise UsageError(
            f"offset {offset} and limit {limit} are no page", f"Use an offset from 0 and a limit of 1 to {MOST:,}"
        )
    return offset, limit


def body(found: Any, page: tuple[int, int] | None) -> dict[str, Any]:
    """An answer as JSON: rows (of a page), what is said beside them, and the definitions of its columns."""
    if isinstance(found, Exported):
        table = found.table()
        offset, limit = page or (0, len(table.rows))
        rows = [{name: plain(row.get(name)) for name in table.columns} for row in table.rows[offset : offset + limit]]
        told: dict[str, Any] = {"rows": rows, "columns": [_filled(one) for one in table.definitions]}
        if page is not None:
            told |= {"rows_in_all": len(table.rows), "offset": offset}
        for name, value in table.about:
            key = name.removesuffix(" (inclusive)").removesuffix(", not yours").replace(" ", "_")
            if name in ("note", "no value"):
                told.setdefault(f"{key}s", []).append(value)
            else:
                told[key] = plain(value)
        return {"notes": []} | told
    return _texts(plain(found if isinstance(found, Mapping) else found.to_dict()))


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items() if value not in ("", None)}


def _texts(value: Any, name: str = "") -> Any:
    """Ids as text."""
    if isinstance(value, dict):
        return {key: _texts(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one, name) for one in value]
    return str(value) if isinstance(value, int) and (name == "id" or name.endswith("_id")) else value


def _metrics(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "metrics": [
            {"metric": one.id, "title": one.title, "question": one.question, "unit": one.unit, "better": one.better}
            | (
                {"table": f"salesops {one.table}"}
                if one.table
                else {"variants": [v.name or "default" for v in one.variants]}
            )
            for one in api.metrics.list().values()
        ]
    }


def _definition(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    from salesops.metrics.answer import definition
    from salesops.metrics.catalogue import metric
    from salesops.metrics.defined.kept import defined
    from salesops.metrics.definitions import Asked

    one = metric(asked["metric"].partition(".")[0], defined(api.session()))
    found = {name: value for name, value in asdict(one).items() if name != "variants"}
    variants = [definition(Asked(one, variant)) for variant in one.variants]
    kept = ("variant", "variant title", "formula", "rule", "version")
    found["variants"] = [{name: each[name] for name in kept if each[name]} for each in variants]
    return dict(plain(found))


def _bar(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    from decimal import Decimal

    offset, limit = _page(asked)
    found = api.pipeline.drill(asked.pop("bar"), **asked, offset=offset, limit=limit)
    rows = [{**row, "value": Decimal(row["value"]).scaleb(-4)} for row in found["rows"]]
    beside = {"records_in_all": found["total"], "value": Decimal(found["value"]).scaleb(-4), "offset": offset}
    return {**body({**beside, "rows": rows}, None), "generation": api.session(asked.get("as_known_on")).generation}


def _quality(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    if rule := asked.pop("rule", None):
        found = api.quality.issues(rule, limit, offset)
        rows = [
            {"id": i.id, "name": i.name, "owner": i.owner_name, "system": i.system, "value": i.value}
            for i in found.rows
        ]
        about = {"rule": rule, "title": found.rule.title, "why": found.rule.why, "remedy": found.rule.remedy}
        return body({**about, "records_in_all": found.total, "offset": offset, "rows": rows}, None)
    return body(api.quality.check(**asked), (offset, limit))


def _shown(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    found = api.records.show(**asked)
    values = {one.name: plain(found.value(one)) for one in found.fields if found.values.get(one.name) is not None}
    about = {"entity": found.entity.name, "id": str(found.id), "version": found.version, "deleted": found.deleted}
    known = {"source_ids": [list(one) for one in found.source_ids], "assumed": list(found.assumed)}
    return {**about, "values": values, **known, "as_of": plain(found.as_of), "as_known_on": plain(found.as_known_on)}


def _figures(ask: Callable[..., Any]) -> Callable[[Api, dict[str, Any]], dict[str, Any]]:
    """A question about people: its rows page by page, and what stands beside the whole table."""

    def run(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
        page = _page(asked)
        found = ask(api, **asked)
        return {**body(found, page), **_texts(plain(dict(found.beside)))}

    return run


def _members(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    of = asked.pop("customers_of", "orders")
    found = api.metrics.members(of=of, offset=offset, limit=limit, **asked)
    beside = {"customers_in_all": found.total, "revenue": found.revenue, "currency": found.currency, "offset": offset}
    return body({**beside, "rows": found.to_pylist()}, None)


def _scorecard(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    card = api.metrics.scorecard()
    told = {"as_of": card.as_of, "currency": card.currency, "hidden_records": card.hidden, "rows": card.rows}
    return body({**told, "managers": card.managers, "quota_reached": sorted(card.reached)}, None)


def _definitions(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    rows = api.metrics.definitions(asked.pop("metric", ""), **asked)
    return {"definitions": _moments(rows, ("created", "ended"))}


def _checked(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"mistakes": [one.to_dict() for one in api.metrics.check(asked.get("definition"))]}


def _defined(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"done": api.metrics.define(asked["definition"])}


def _undefined(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    api.metrics.undefine(asked["metric"])
    return {"undefined": asked["metric"]}


def _tasks(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return _work(api.tasks.list(asked.get("task_status", "open")), asked)


def _comments(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return _work(api.comments.list(asked["entity"], asked.get("key", "")), asked)


def _approvals(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    rows = api.approvals.list(asked.pop("approval_status", "open"), mine=asked.pop("mine", False))
    offset, limit = _page(asked)
    shown = _moments(rows[offset : offset + limit], ("asked", "decided"))
    return body({"rows_in_all": len(rows), "offset": offset, "rows": shown}, None)


def _approval(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return body(_moments([api.approvals.show(asked["number"])], ("asked", "decided"))[0], None)


def _reports(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    if (number := asked.pop("report", None)) is not None:
        runs = api.reports.history(number)
        sent = [{**run, "sent": _moments(run["sent"], ("sent",))} for run in runs[offset : offset + limit]]
        rows, total = _moments(sent, ("due", "finished")), len(runs)
    else:
        found = api.reports.list()
        rows, total = _moments(found[offset : offset + limit], ("next",)), len(found)
    return body({"rows_in_all": total, "offset": offset, "rows": rows}, None)


def _own_alerts(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return body({"rows": api.reports.alerts()}, None)


def _alert_set(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"alert": api.reports.create_alert(asked["metric"], asked["alert_rule"])}


def _alert_edited(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    api.reports.edit_alert(asked["alert"], rule=asked.get("alert_rule"), active=asked.get("active"))
    return {"alert": asked["alert"]}


def _week(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return body(api.people.my_week(), None)


def _week_reported(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"written": api.people.report_week(api.people.my_week()["last"], asked["minutes"])}


def _work(rows: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """A page of work, with its moments as text."""
    offset, limit = _page(asked)
    shown = _moments(rows[offset : offset + limit], ("created", "done"))
    return body({"rows_in_all": len(rows), "offset": offset, "rows": shown}, None)


def _moments(rows: list[dict[str, Any]], times: tuple[str, ...]) -> list[dict[str, Any]]:
    from salesops.common.instants import from_us

    return [
        {**row, **{name: row[name] and from_us(row[name]).isoformat() for name in times if name in row}} for row in rows
    ]


TARGET = {"target_kind": "kind", "target_period": "period", "targets_of": "of"}
"""What a tool calls otherwise than Python does, for other tools take another thing by that name."""


def _target(asked: dict[str, Any]) -> dict[str, Any]:
    return {TARGET.get(name, name): value for name, value in asked.items()}


def _targets(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    rows = api.targets.list(**_target(asked))
    return body({"rows_in_all": len(rows), "offset": offset, "rows": rows[offset : offset + limit]}, None)


def _said(asked: dict[str, Any]) -> dict[str, Any]:
    names = {
        "forecast_period": "period",
        "deal_type": "type",
        "call_category": "category",
        "days_before": "days",
        "weeks_of_period": "weeks",
        "warning": "kind",
        "past_periods": "periods",
    }
    return {names.get(name, name): value for name, value in asked.items()}


def _board(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    page = _page(asked)
    return body(api.forecasts.board(**_said(asked)), page)


def _calls(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    rows = api.forecasts.calls(**_said(asked))
    return body({"rows_in_all": len(rows), "offset": offset, "rows": rows[offset : offset + limit]}, None)


def _forecast(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    found = api.forecasts.show(**_said(asked))
    return body(
        {**found, "rows_in_all": len(found["rows"]), "offset": offset, "rows": found["rows"][offset : offset + limit]},
        None,
    )


def _forecast_deals(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    offset, limit = _page(asked)
    rows = api.forecasts.deals(**_said(asked), limit=1_000_000)
    return body({"rows_in_all": len(rows), "offset": offset, "rows": rows[offset : offset + limit]}, None)


def _called(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    amounts: dict[str, Any] = {name: asked.pop(name) for name in ("commit", "best_case") if name in asked}
    done = api.forecasts.call(amounts, **_said(asked))
    return body({"due_on": done.due_on, "calls": dict(done.ids), "adjusts": done.adjusts}, None)


def _target_set(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return body(api.targets.set(**_target(asked)), None)


def _target_withdrawn(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    record = asked.pop("target").strip()
    if not record.isdigit():
        raise UsageError(f"{record!r} is no id of a target", "list_targets shows the ids")
    waiting = api.targets.withdraw(record, **asked)
    return {"withdrawn": record} if waiting is None else body(waiting, None)


def _commented(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"comment": api.comments.create(**asked)}


def _created(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(api.records.create(**asked))}


def _edited(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"version": api.records.edit(**asked)}


def _task(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    return {"task": api.tasks.create(**asked)}


TOOLS = (
    Tool("list_metrics", "Every metric: id, title, the question that it answers, unit, variants.", _metrics),
    Tool("metric_definition", "One metric: its question, formula of every variant, rules, when it has no value, what to read with it.",
         _definition, ("metric",)),
    Tool("query_metrics", "Ask for numbers: metrics by dimensions and periods, as of a day, as known on a day, with comparison.",
         _answered(lambda api, **asked: api.metrics.query(**asked)), ("metrics",),
         ("by", "period", *DAYS, "compare", "totals", *PAGED)),
    Tool("drill", "The records behind a number, with what each adds to it.",
         _listed(lambda api, **asked: api.metrics.drill(**asked)), ("metric",), ("cell", "period", *DAYS, *PAGED)),
    Tool("explain", "How a number came about: formula, definition, inputs, rule, what was left out, how to see its records.",
         _answered(lambda api, **asked: api.metrics.explain(**asked)), ("metric",), ("cell", "period", *DAYS)),
    Tool("metric_change", "Why a sum or a ratio changed from one period to another: mix, rate and volume by group.",
         _answered(lambda api, **asked: api.metrics.change(**asked)), ("metric", "from", "to"), ("by", *WHEN, *PAGED)),
    Tool("alerts", "Unexpected drops and surges of the latest finished week or month: how unusual, and which group moved them.",
         _answered(lambda api, **asked: api.metrics.alerts(**asked)), (), ("metrics", "period", "by", "from", *WHEN)),
    Tool("kpi_guide", "Which figures to watch for a problem, how to read a metric, what to ask when it moves, what others report.",
         _answered(lambda api, **asked: api.metrics.guide(**asked)), (),
         ("problem", "metric", "ask", "business_model", "period", "where", "segment")),
    Tool("cohorts", "Customers by first purchase: how many stay and what they bring, by age in periods.",
         _answered(lambda api, customers_of="orders", **asked: api.metrics.cohorts(of=customers_of, **asked)), (),
         ("customers_of", "period", "by", *DAYS, *PAGED)),
    Tool("cohort_customers", "The customers of one cohort, with what they brought so far.", _members, ("cohort",),
         ("customers_of", "age", "where", "as_of", "as_known_on", "currency", "calendar", "cell", *PAGED)),
    Tool("scorecard", "The figures asked for first: this fiscal quarter beside the last one, and who made them.", _scorecard),
    Tool("people_activity", "What people do: activities, meetings, minutes, selling and other time of everybody.",
         _figures(lambda api, kinds_of_activity=False, **asked: api.people.activity(kinds=kinds_of_activity, **asked)), (),
         ("kinds_of_activity", "period", *DAYS, *PAGED)),
    Tool("people_mix", "What the top quarter by attainment does otherwise: shares of minutes by kind.",
         _figures(lambda api, **asked: api.people.mix(**asked)), (), ("period", *DAYS, *PAGED)),
    Tool("people_ramp", "How newcomers come up to the level of the tenured, month by month, and who is how far.",
         _figures(lambda api, **asked: api.people.ramp(**asked)), (), ("as_of", "as_known_on", "currency", *PAGED)),
    Tool("people_compare", "Everybody against those of the same segment and tenure: what is luck, and what stands out.",
         _figures(lambda api, compared="win_rate", **asked: api.people.compare(compared, **asked)), (),
         ("compared", "period", *DAYS, *PAGED)),
    Tool("list_definitions", "The metrics that people defined: kind, unit, version, mistakes; or those of a day, or of all times.", _definitions,
         (), ("metric", "history", "as_of")),
    Tool("list_targets", "Targets of metrics: of whom, for which period, the value, and why one counts for nothing.", _targets, (),
         ("metric", "target_kind", "target_period", "targets_of", "as_of", "as_known_on", *PAGED)),
    Tool("forecast_board", "What will be booked: target, closed, commit and best case as they count, a row a person.", _board, (),
         ("forecast_period", "as_of", "top", "deal_type", "currency", *PAGED)),
    Tool("forecast_calls", "Every call of a period, newest first: whose, by whom, how much, with reason and note.", _calls, (),
         ("forecast_period", "person", "call_category", *PAGED)),
    Tool("forecast", "What is expected of everybody and the company: booked + open + arrivals, P10 to P90, chance of the target, methods.", _forecast,
         (), ("forecast_period", "as_of", *PAGED)),
    Tool("forecast_deals", "The open deals behind the forecast: chance, expected close, amount, and the reasons of the chance.", _forecast_deals, (),
         ("forecast_period", "as_of", "person", *PAGED)),
    Tool("forecast_changes", "Why the forecast is another than days ago, deal by deal.",
         lambda api, asked: body(api.forecasts.changes(**_said(asked)), None), (), ("forecast_period", "as_of", "days_before")),
    Tool("forecast_accuracy", "How far off every method was on past weeks, with what was known then: error, bias, coverage, skill, noise floor.",
         lambda api, asked: body(api.forecasts.accuracy(**_said(asked)), None), (), ("weeks_of_period",)),
    Tool("forecast_warnings", "What the period warns of: gap, coverage, single deals, stale commits, people who call too high or too low.",
         lambda api, asked: body(api.forecasts.warnings(**_said(asked)), None), (), ("forecast_period", "as_of", "warning")),
    Tool("forecast_callers", "How good people's calls were: what 100 called bring, by week of the period, and what each layer added.",
         lambda api, asked: body(api.forecasts.callers(**_said(asked)), None), (), ("call_category", "past_periods")),
    Tool("check_definition", "Every mistake of a definition of metrics (or of all that are defined); changes nothing.", _checked, (),
         ("definition",)),
    Tool("list_tasks", "Tasks: who does what by when.", _tasks, (), ("task_status", *PAGED)),
    Tool("list_comments", "Comments on the records of an entity, or on one of them.", _comments, ("entity",), ("key", *PAGED)),
    Tool("list_approvals", "Proposals of the user, and those that the user may decide: what changes, who asked, whether they are stale.", _approvals,
         (), ("approval_status", "mine", *PAGED)),
    Tool("show_approval", "One proposal: what it changes, before and after; who asked, who decided.", _approval, ("number",), ()),
    Tool("list_reports", "The user's reports: what each shows, in which form, to whom, when next; or what was sent of one.", _reports, (),
         ("report", *PAGED)),
    Tool("list_own_alerts", "What the user wants to be told of: metric, rule, whether it is paused or holds now.", _own_alerts, (), ()),
    Tool("my_week", "The user's own week to report: its days, minutes by kind as reported and as their activities say.", _week, (), ()),
    Tool("pipeline_waterfall", "What changed the pipeline between the evening before `from` and the evening of `to`: a row for every bar.",
         _answered(lambda api, **asked: api.pipeline.waterfall(**asked)), (),
         ("period", "from", "to", "scope", "by", "where", "currency", "as_known_on", *PAGED)),
    Tool("pipeline_waterfall_deals", "The deals of one bar of the waterfall, with what each adds.", _bar, ("bar",),
         ("period", "from", "to", "scope", "where", "currency", "as_known_on", "cell", *PAGED)),
    Tool("pipeline_stages", "From which stage to which deals went.",
         _answered(lambda api, **asked: api.pipeline.stages(**asked)), (), ("period", "from", "to", "moves", "where", "calendar", "as_known_on", *PAGED)),
    Tool("pipeline_funnel", "From lead to win, step by step.",
         _answered(lambda api, **asked: api.pipeline.funnel(**asked)), (), ("kind", "pipeline", "period", "by", *DAYS, *PAGED)),
    Tool("pipeline_funnel_records", "The leads or deals of one step of the funnel.",
         _listed(lambda api, **asked: api.pipeline.funnel_records(**asked)), ("step",), ("kind", "pipeline", "period", "cell", *DAYS, *PAGED)),
    Tool("pipeline_conversion", "Stage by stage: who goes on, how long it takes, what is lost, how old the cohort is.",
         _answered(lambda api, **asked: api.pipeline.conversion(**asked)), (), ("pipeline", "period", "by", *DAYS, *PAGED)),
    Tool("pipeline_stage_deals", "The deals behind a stage's conversion.",
         _listed(lambda api, which="entered", **asked: api.pipeline.stage_deals(of=which, **asked)), ("stage",),
         ("which", "pipeline", "period", "cell", *DAYS, *PAGED)),
    Tool("pipeline_curves", "Shares won, lost and still open by day since the start, open deals censored, with bands.",
         _answered(lambda api, **asked: api.pipeline.curves(**asked)), (), ("start", "at", "period", "by", *DAYS, *PAGED)),
    Tool("pipeline_velocity", "What the pipeline earns a day, and its drivers: deals, average value, win rate, cycle.",
         _answered(lambda api, **asked: api.pipeline.velocity(**asked)), (), ("period", "by", *DAYS, *PAGED)),
    Tool("pipeline_velocity_change", "What each driver added to the change of velocity from one period to another.",
         _answered(lambda api, **asked: api.pipeline.velocity_change(**asked)), ("from", "to"), ("by", *WHEN, *PAGED)),
    Tool("pipeline_changes", "What changed deal by deal, with its effect on the open pipeline.",
         _listed(lambda api, **asked: api.pipeline.changes(**asked)), (),
         ("period", "from", "to", "scope", "kinds", "where", "currency", "as_known_on", *PAGED)),
    Tool("pipeline_slipping", "Deals that were due in a period and slipped: why, how far, how often pushed.",
         _listed(lambda api, **asked: api.pipeline.slipping(**asked)), (), ("period", "cell", *DAYS, *PAGED)),
    Tool("pipeline_stale", "Open deals where nothing happens for longer than is usual in their stage.",
         _listed(lambda api, **asked: api.pipeline.stale(**asked)), (), ("where", "as_of", "as_known_on", "currency", "cell", *PAGED)),
    Tool("pipeline_variants", "Distinct paths of cases and how often each was taken.",
         _answered(lambda api, **asked: api.pipeline.variants(**asked)), (), ("of", "pipeline", "where", "as_of", "as_known_on", *PAGED)),
    Tool("pipeline_transitions", "Where cases wait, the bottlenecks first.",
         _answered(lambda api, **asked: api.pipeline.transitions(**asked)), (), ("of", "pipeline", "where", "as_of", "as_known_on", *PAGED)),
    Tool("pipeline_rework", "Which steps of cases are done again.",
         _answered(lambda api, **asked: api.pipeline.rework(**asked)), (), ("of", "pipeline", "where", "as_of", "as_known_on", *PAGED)),
    Tool("pipeline_effect", "A metric before and after a day, the touched units against the others, with how sure one can be.",
         _answered(lambda api, **asked: api.pipeline.effect(**asked)), ("metric", "since"), ("by", "touched", "grain", *DAYS)),
    Tool("list_records", "A page of the records of an entity that the user may see.",
         _listed(lambda api, **asked: api.records.list(**asked)), ("entity",), ("where", "order", "as_of", "as_known_on", *PAGED)),
    Tool("show_record", "One record: its values, what its sources call it, its version, which values are assumed.", _shown,
         ("entity", "key"), ("as_of", "as_known_on")),
    Tool("quality", "How good the data is: the score of every rule, or the records that break one.", _quality, (),
         ("rule", "entity", *PAGED)),
    Tool("create_record", "Create a record of an entity.", _created, ("entity", "values"), (), writes=True),
    Tool("edit_record", "Change fields of a record.", _edited, ("entity", "key", "values"), ("expected",), writes=True),
    Tool("define_metrics", "Take metrics that are defined in TOML into the workspace: all of them, or none where one has a mistake.",
         _defined, ("definition",), (), writes=True),
    Tool("undefine_metric", "End the definition of a metric; its history stays.", _undefined, ("metric",), (), writes=True),
    Tool("call_forecast", "Say what will be booked in a period: cumulative amounts; with person and reason a figure beside somebody's call.", _called,
         (), ("commit", "best_case", "forecast_period", "person", "deal_type", "currency", "note", "reason"), writes=True),
    Tool("set_target", "Set what a metric should be in a period, of a person, team or unit, else of the company; again: a new version.", _target_set,
         ("metric", "target_period", "value"),
         ("target_kind", "person", "team", "business_unit", "currency", "provenance", "effective"), writes=True),
    Tool("withdraw_target", "Withdraw a target: from then on nobody has set it; its history stays.", _target_withdrawn, ("target",),
         ("effective",), writes=True),
    Tool("create_comment", "Comment on a record.", _commented, ("entity", "key", "text"), (), writes=True),
    Tool("set_alert", "Be told in the inbox when a metric is or does what the rule says.", _alert_set, ("metric", "alert_rule"), (), writes=True),
    Tool("edit_alert", "Change, pause or resume an alert.", _alert_edited, ("alert",), ("alert_rule", "active"), writes=True),
    Tool("report_week", "Report the user's own last week in minutes by kind, all kinds at once.", _week_reported, ("minutes",), (), writes=True),
    Tool("create_task", "Create a task: who does what by when.", _task, ("title",), ("due", "owner"), writes=True),
)  # fmt: skip
