"""The Python door: `ws = salesops.open("./acme")`, then `ws.metrics.query([...]).to_polars()`.

Everything here calls the rooms' queries and actions as one acting user; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from salesops.api_compensation import Compensation
from salesops.api_forecasts import Forecasts
from salesops.common.errors import UsageError, WorkspaceError
from salesops.workspace import Config, Workspace, create, open_workspace

Day = date | str
DAYS = {"as_of", "as_known_on", "effective", "file_date", "expires"}
"""Arguments of records and imports that are days."""


def init(path: Path | str, **settings: Any) -> Api:
    """Make a workspace and open it. `settings` are those of `salesops.toml`: name, currency, time_zone, fiscal_start_month ..."""
    if unknown := sorted(set(settings) - set(Config.__dataclass_fields__)):
        known = ", ".join(name for name in Config.__dataclass_fields__ if name != "extra")
        raise UsageError(f"there is no setting {', '.join(unknown)}", remedy=f"Settings: {known}")
    return Api(create(Path(path), Config(**settings)))


def open(path: Path | str = ".", user: str | None = None) -> Api:
    """Open the workspace in `path` as `user` (default: its owner's account).

    Raises WorkspaceError when the folder is none, and NotAllowed when there is no such active user.
    """
    return Api(open_workspace(path), user)


def restore(file: Path | str, folder: Path | str) -> Any:
    """Put the workspace of a backup into a missing or empty folder; gives what was put in place."""
    from salesops.backup import restore

    return restore(file, folder)


class Api:
    """An opened workspace, asked and changed as one user."""

    def __init__(self, workspace: Workspace, user: str | None = None, door: str = "python") -> None:
        from salesops.records.access import actor_for

        self.workspace = workspace
        self.actor = actor_for(workspace, user, door=door)
        self._sessions: dict[date | None, Any] = {}
        self.metrics = Metrics(self)
        self.targets = Targets(self)
        self.people = People(self)
        self.pipeline = Pipeline(self)
        self.records = Records(self)
        self.imports = Imports(self)
        self.quality = Quality(self)
        self.mappings = Mappings(self)
        self.users = Users(self)
        self.audit = Audit(self)
        self.fields = Fields(self)
        self.rules = Rules(self)
        self.tasks = Tasks(self)
        self.comments = Comments(self)
        self.views = Views(self)
        self.reports = Reports(self)
        self.forecasts = Forecasts(self)
        self.compensation = Compensation(self)
        self.approvals = Approvals(self)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def as_user(self, username: str) -> Api:
        """The same workspace as another user."""
        return Api(self.workspace, username, self.actor.door)

    def session(self, as_known_on: Day | None = None) -> Any:
        """The current generation as known on a day, brought up to the records first; kept open between questions."""
        from salesops.warehouse.generations import load
        from salesops.warehouse.session import Session

        day = _day(as_known_on)
        up_to_date(self.workspace)
        current = load(self.workspace.warehouse)
        if current is None:
            raise WorkspaceError("there is no warehouse yet", remedy="salesops refresh")
        kept = self._sessions.get(day)
        if kept is None or kept.generation != current.name:
            if kept is not None:
                kept.close()
            kept = self._sessions[day] = Session(self.workspace, current, day)
        return kept

    def refresh(self, full: bool = False) -> Any:
        """Bring the warehouse up to the records."""
        from salesops.warehouse import refresh

        return refresh(self.workspace, actor=self.actor, full=full)

    def backup(self, target: Path | str, **options: Any) -> Any:
        """Write a backup, taken at one moment, to a file."""
        from salesops.backup import backup

        return backup(self.workspace, target, actor=self.actor, **options)

    def close(self) -> None:
        """Close the sessions; the workspace stays this process's own."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()


def up_to_date(workspace: Workspace) -> None:
    """Refresh when records, settings or the layout changed since the current generation, so that an answer never lags behind."""
    from salesops.warehouse import refresh
    from salesops.warehouse.refresh import is_current

    if not is_current(workspace):
        refresh(workspace)


@contextmanager
def fresh_session(workspace: Workspace, as_known_on: date | None = None) -> Iterator[Any]:
    """A session over an up-to-date generation, for one command."""
    from salesops.warehouse import open_session

    up_to_date(workspace)
    with open_session(workspace, as_known_on=as_known_on) as session:
        yield session


def _day(given: Day | None) -> date | None:
    """A day given as a date or as ISO text; raises UsageError for other text."""
    if not isinstance(given, str):
        return given
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise UsageError(f"{given!r} is no day", remedy="Write for example 2017-12-31") from None


def _days(question: dict[str, Any]) -> dict[str, Any]:
    """A question with the days in it as dates."""
    return {name: _day(value) if name in DAYS else value for name, value in question.items()}


class _Room:
    def __init__(self, api: Api) -> None:
        self._api = api


class Metrics(_Room):
    """Numbers: see `salesops.metrics.query` for what can be asked."""

    def query(self, metrics: str | Sequence[str], *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Answer a question: `by=["owner"]`, `period="quarter"`, `as_of="2017-12-31"`, `where="region = 'West'"` ..."""
        from salesops.metrics.query import query

        return query(self._api.session(as_known_on), self._api.actor, metrics, as_known_on=as_known_on, **question)

    def explain(self, metric: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Where a number comes from: formula, parts, exclusions, generation."""
        from salesops.metrics.explain import explain

        return explain(self._api.session(as_known_on), self._api.actor, metric, **question)

    def drill(self, metric: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The records behind a number, page by page."""
        from salesops.metrics.drill import drill

        return drill(self._api.session(as_known_on), self._api.actor, metric, **question)

    def change(self, metric: str, from_: Day, to: Day, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Why a metric changed from one period to another: mix, rate and volume `by` a dimension."""
        from salesops.metrics.change import explain_change

        return explain_change(self._api.session(as_known_on), self._api.actor, metric, from_=from_, to=to, **question)

    def alerts(self, metrics: str | Sequence[str] = (), *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Unexpected drops and surges of the latest finished `period` (week or month), and the group that moved them (`by`)."""
        from salesops.metrics.alerts import alerts

        return alerts(self._api.session(as_known_on), self._api.actor, metrics, **question)

    def expectations(self, metric: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """One metric by finished `period` (week or month) beside what was expected of each, as `alerts` judges it."""
        from salesops.metrics.alerts import expectations

        return expectations(self._api.session(as_known_on), self._api.actor, metric, **question)

    def cohorts(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Customers by first purchase, how many stay and what they bring by age: `of="orders"`, `"subscriptions"` or `"wins"`,
        `period`, `from_`, `to`, `by`, `where`, `ages`, `as_of`, `currency`."""
        from salesops.metrics.cohorts import cohorts

        return cohorts(self._api.session(as_known_on), self._api.actor, as_known_on=as_known_on, **question)

    def members(self, cohort: str, age: int | None = None, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The customers of one cohort ("2017-01", "2017-Q1"), or those active at one age, page by page."""
        from salesops.metrics.cohorts import members

        session = self._api.session(as_known_on)
        return members(session, self._api.actor, cohort, age, as_known_on=as_known_on, **question)

    def scorecard(self) -> Any:
        """The figures asked for first: this fiscal quarter beside the last one, and who made them."""
        from salesops.metrics.scorecard import scorecard

        return scorecard(self._api.session(), self._api.actor)

    def guide(self, problem: str | None = None, metric: str | None = None, **question: Any) -> Any:
        """What to watch for a problem, how to read a metric and what to ask when it moves, or the problems there are.

        `business_model` (default: the workspace's setting), `period`, `where`, `segment` of the benchmarks. With `ask="up"` or
        `"down"`, the questions for when the metric went there, answered.
        """
        from salesops.metrics.catalogue import metrics
        from salesops.metrics.defined.kept import defined
        from salesops.metrics.guide import guide
        from salesops.metrics.guide.answers import answers

        model = question.pop("business_model", None)
        model = self._api.workspace.config.business_model if model is None else model
        if direction := question.pop("ask", None):
            if not metric:
                raise UsageError("`ask` needs a metric", remedy='For example: guide(metric="win_rate", ask="down")')
            return answers(self._api.session(), self._api.actor, metric, direction, business_model=model, **question)
        if metric and metric.partition(".")[0] not in metrics():
            question["own"] = defined(self._api.session())
        return guide(problem, metric, model, **question)

    def list(self) -> Any:
        """Every metric by id: those of the catalogue, then those that people defined."""
        from salesops.metrics.defined.kept import known

        return known(self._api.session(), self._api.actor)

    def define(self, definition: str | Path, name: str = "definition") -> Any:
        """Take metrics that are defined in TOML (a text, or a file by its `Path`) into the workspace, all or none; gives name,
        version and what was done. Raises InvalidData with every mistake."""
        from salesops.metrics.defined import kept
        from salesops.metrics.defined.commands import text_of

        text, source = text_of(definition) if isinstance(definition, Path) else (definition, name)
        return kept.define(self._api.session(), self._api.actor, text, source)

    def undefine(self, name: str) -> None:
        """End the definition of a metric; its history stays."""
        from salesops.metrics.defined import kept

        kept.undefine(self._api.session(), self._api.actor, name)

    def check(self, definition: str | Path | None = None, name: str = "definition") -> Any:
        """Every mistake of a text or file of definitions, or (without one) of all that are defined, as `Problem` values."""
        from salesops.metrics.defined import kept
        from salesops.metrics.defined.commands import text_of

        if definition is None:
            return kept.check(self._api.session(), self._api.actor)
        text, source = text_of(definition) if isinstance(definition, Path) else (definition, name)
        return kept.check(self._api.session(), self._api.actor, text, source)

    def definitions(self, name: str = "", *, history: bool = False, as_of: Day | None = None) -> Any:
        """The definitions that count now, (`history`) every one that the state has had (of one metric), or (`as_of`) those that
        counted at the end of a day."""
        from salesops.metrics.defined import kept

        if history or as_of is not None:
            return kept.history(self._api.actor, name, _day(as_of))
        rows = kept.listed(self._api.session(), self._api.actor)
        return [row for row in rows if name in ("", row["metric"])]


class Targets(_Room):
    """What a metric should be: of the company, a unit, a team or a person. Answers stand beside it with `compare="target"`."""

    def set(self, metric: str, period: str, value: Any, *, effective: Day | None = None, **given: Any) -> Any:
        """Set a metric for a period ("2026-Q3"): of a `person`, `team` or `business_unit`, else of the company; `kind` goal, plan or
        quota; `currency`, `status`, `provenance`. Setting it again makes a version, true from `effective`."""
        from salesops.metrics.goals import set_target

        return set_target(
            self._api.session(), self._api.actor, metric, period, value, effective=_day(effective), **given
        )

    def list(
        self, metric: str = "", *, as_of: Day | None = None, as_known_on: Day | None = None, **question: Any
    ) -> Any:
        """The targets (of a metric) as they are, or were on a day: `kind`, `period`, `of`, `where`."""
        from salesops.metrics.goals import list_targets

        return list_targets(
            self._api.session(),
            self._api.actor,
            metric=metric,
            as_of=_day(as_of),
            as_known_on=_day(as_known_on),
            **question,
        )

    def withdraw(self, record: object, *, effective: Day | None = None, note: str = "") -> Any:
        """Withdraw a target by its id: it is not set any more. One of a past period may need approval (`Waiting` is given)."""
        from salesops.metrics.goals import withdraw_target

        return withdraw_target(self._api.actor, record, effective=_day(effective), note=note)


class People(_Room):
    """What people do, as far as the user may see it. Questions take `period`, `from_`, `to`, `as_of`, `where`."""

    def activity(self, *, kinds: bool = False, as_known_on: Day | None = None, **question: Any) -> Any:
        """Counts, minutes, selling and other time by person; `kinds=True`: by kind of activity."""
        from salesops.metrics import people

        return people.activity(self._api.session(as_known_on), self._api.actor, kinds=kinds, **question)

    def my_week(self) -> Any:
        """The user's own week to report: its days, minutes by kind as reported (empty: not answered yet) and as captured."""
        from salesops.metrics.survey import my_week

        return my_week(self._api.session(), self._api.actor)

    def report_week(self, last: Day, minutes: dict[str, int]) -> int:
        """Report the user's own week that ends with `last`, in minutes by kind: all of them, what is missing is taken back."""
        from salesops.records import actions_time

        day = _day(last)
        assert day is not None
        return actions_time.report_week(self._api.actor, day, minutes)

    def organisation(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Who reports to whom on a day (`as_of`), and who joined, moved or left since another (`then`)."""
        from salesops.metrics.organisation import organisation

        return organisation(self._api.session(as_known_on), self._api.actor, **question)

    def mix(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """What the top quarter by attainment does otherwise: shares of minutes by kind."""
        from salesops.metrics import people

        return people.mix(self._api.session(as_known_on), self._api.actor, **question)

    def ramp(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """How newcomers come up to the level of the tenured: `as_of`, `currency`."""
        from salesops.metrics import people

        return people.ramp(self._api.session(as_known_on), self._api.actor, **question)

    def compare(self, metric: str = "win_rate", *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Everybody against those of the same segment and tenure."""
        from salesops.metrics import people

        return people.compare(self._api.session(as_known_on), self._api.actor, metric=metric, **question)


class Pipeline(_Room):
    """How the pipeline moved. Days are dates, ISO text or periods ("2017-Q3"); every question about a stretch of days takes
    `period="2017-Q3"` in the place of `from_` and `to`."""

    def waterfall(
        self, from_: Day | None = None, to: Day | None = None, *, as_known_on: Day | None = None, **question: Any
    ) -> Any:
        """Start, what came in, what changed, what went out, end: `scope="closing_in_period"` or `"all_open"`, `by=[...]`."""
        from salesops.pipeline.queries import waterfall

        return waterfall(self._api.session(as_known_on), self._api.actor, from_, to, **question)

    def drill(
        self,
        bucket: str,
        from_: Day | None = None,
        to: Day | None = None,
        *,
        as_known_on: Day | None = None,
        **question: Any,
    ) -> Any:
        """The deals of one bar of the waterfall, page by page."""
        from salesops.pipeline.queries import waterfall_drill

        return waterfall_drill(
            self._api.session(as_known_on), self._api.actor, from_=from_, to=to, bucket=bucket, **question
        )

    def explain(
        self, from_: Day | None = None, to: Day | None = None, *, as_known_on: Day | None = None, **question: Any
    ) -> Any:
        """How the waterfall is made, and that it balances."""
        from salesops.pipeline.explain import explain_waterfall

        return explain_waterfall(self._api.session(as_known_on), self._api.actor, from_, to, **question)

    def stages(
        self,
        from_: Day | None = None,
        to: Day | None = None,
        *,
        moves: bool = False,
        as_known_on: Day | None = None,
        **question: Any,
    ) -> Any:
        """From which stage to which: deals between two evenings, or (`moves`) every move between two days: `where`, `calendar`."""
        from salesops.pipeline.movements import stage_flow, stage_matrix

        ask = stage_flow if moves else stage_matrix
        return ask(self._api.session(as_known_on), self._api.actor, from_, to, **question)

    def variants(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Distinct paths of cases and how often each was taken: `pipeline`, `as_of`, `of="log"` or `"stages"`, `limit`."""
        from salesops.pipeline.movements import process_variants

        return process_variants(self._api.session(as_known_on), self._api.actor, **question)

    def transitions(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Where cases wait, the bottlenecks first: `of="log"` or `"stages"`, `pipeline`, `as_of`, `limit`."""
        from salesops.pipeline.process import transitions

        return transitions(self._api.session(as_known_on), self._api.actor, **question)

    def rework(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Which steps are done again: `of="log"` or `"stages"`, `pipeline`, `as_of`."""
        from salesops.pipeline.process import rework

        return rework(self._api.session(as_known_on), self._api.actor, **question)

    def funnel(self, *, kind: str = "cohort", as_known_on: Day | None = None, **question: Any) -> Any:
        """From lead to win: `kind` active, cohort or snapshot; `period`, `from_`, `to`, `by`, `where`, `pipeline`, `as_of`, `currency`."""
        from salesops.pipeline.funnel import funnel

        return funnel(self._api.session(as_known_on), self._api.actor, kind=kind, **question)

    def conversion(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Stage by stage: conversion, days, what is lost, how old the cohort is. Questions as of `funnel`."""
        from salesops.pipeline.conversion import stage_report

        return stage_report(self._api.session(as_known_on), self._api.actor, **question)

    def curves(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Shares won, lost and open by day since the start, open deals censored: `start`, `at`, `by`, `confidence` ..."""
        from salesops.pipeline.curves import cycle_curves

        return cycle_curves(self._api.session(as_known_on), self._api.actor, **question)

    def funnel_records(self, step: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The leads or deals of one step of a funnel: `step="Won"`, `kind`, `cell={"owner": "Ann Lee"}`, page by page."""
        from salesops.pipeline.funnel import funnel_records

        return funnel_records(self._api.session(as_known_on), self._api.actor, step, **question)

    def stage_deals(self, stage: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The deals behind `conversion`: `of="entered"`, `"moved_on"`, `"lost"` or `"here"`."""
        from salesops.pipeline.conversion import stage_deals

        return stage_deals(self._api.session(as_known_on), self._api.actor, stage, **question)

    def curve_deals(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The deals of a curve, the longest first."""
        from salesops.pipeline.curves import curve_deals

        return curve_deals(self._api.session(as_known_on), self._api.actor, **question)

    def transition_cases(self, from_step: str, to_step: str, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """The cases of one transition, the longest wait first."""
        from salesops.pipeline.process import transition_cases

        return transition_cases(self._api.session(as_known_on), self._api.actor, from_step, to_step, **question)

    def velocity(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Velocity with its drivers, by group and period (`period="quarter"`)."""
        from salesops.pipeline.velocity import velocity

        return velocity(self._api.session(as_known_on), self._api.actor, **question)

    def velocity_change(self, from_: Day, to: Day, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """What each driver added to the change of velocity from one period to another."""
        from salesops.pipeline.velocity import velocity_change

        return velocity_change(self._api.session(as_known_on), self._api.actor, from_, to, **question)

    def changes(
        self, from_: Day | None = None, to: Day | None = None, *, as_known_on: Day | None = None, **question: Any
    ) -> Any:
        """What changed since a day, deal by deal: `kinds`, `scope`, `where`, `offset`, `limit`."""
        from salesops.pipeline.changes import changes

        return changes(self._api.session(as_known_on), self._api.actor, from_, to, **question)

    def slipping(self, period: str | None = None, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Deals that were due in a period and slipped, with the reason: `where`, `cell={"owner": "Ann Lee"}`, `offset`, `limit`."""
        from salesops.pipeline.attention import slipping

        return slipping(self._api.session(as_known_on), self._api.actor, period, **question)

    def open_deals(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Open deals, the largest first: `where`, `cell`, `closing_from`, `closing_to`, `undated`, `least`, `most`, `text`, `offset`, `limit`."""
        from salesops.pipeline.deals import open_deals

        question |= {name: _day(question[name]) for name in ("closing_from", "closing_to") if name in question}
        return open_deals(self._api.session(as_known_on), self._api.actor, **question)

    def stale(self, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """Open deals where nothing happens for longer than is usual in their stage."""
        from salesops.pipeline.attention import stale

        return stale(self._api.session(as_known_on), self._api.actor, **question)

    def effect(self, metric: str, since: Day, *, as_known_on: Day | None = None, **question: Any) -> Any:
        """What followed a change: `touched=["Ann Lee", ...]`, `by="owner"`, `grain="week"`, `from_`, `to`, `season`."""
        from salesops.pipeline.compare import before_after

        return before_after(self._api.session(as_known_on), self._api.actor, metric, since, **question)


class Records(_Room):
    """Records of every entity. A key is the id, an external id (`system:id` where several systems use the same) or the name."""

    def entities(self) -> Any:
        """Every entity by name, with its shape and fields."""
        from salesops.records.entities import entities

        return entities()

    def list(self, entity: str, **question: Any) -> Any:
        """A page of records: `where`, `order`, `limit`, `offset`, `as_of`, `as_known_on`, `deleted`."""
        from salesops.records import queries

        return queries.list_records(self._api.actor, entity, **_days(question))

    def show(self, entity: str, key: object, **question: Any) -> Any:
        """One record: its values, labels, source ids and version; `as_of`, `as_known_on`."""
        from salesops.records import queries

        return queries.show_record(self._api.actor, entity, key, **_days(question))

    def erase(self, entity: str, key: object, *, confirm: str, note: str = "") -> Any:
        """Erase who a person, contact or lead is, for good; counts and amounts stay. `confirm` repeats the record's name. May need
        approval (`Waiting` is given)."""
        from salesops.records import actions_erase

        return actions_erase.erase(self._api.actor, entity, key, confirm=confirm, note=note)

    def history(self, entity: str, key: object) -> Any:
        """Every version: what changed, since when it was true, when it was learned, by whom."""
        from salesops.records import queries

        return queries.history_of(self._api.actor, entity, key)

    def create(self, entity: str, values: dict[str, Any], **options: Any) -> int:
        """Create a record (`effective`: the day since when it is true); gives its id."""
        from salesops.records import actions

        return actions.create_record(self._api.actor, entity, values, **_days(options))

    def edit(self, entity: str, key: object, values: dict[str, Any], **options: Any) -> int:
        """Change fields (`effective`, `expected` version); gives the version."""
        from salesops.records import actions

        return actions.edit_record(self._api.actor, entity, key, values, **_days(options))

    def edit_together(self, entity: str, keys: Sequence[object], values: dict[str, Any], *, note: str = "") -> Any:
        """Give up to 500 records the same values, all or none; gives the batch (None: they had them already) and how many changed.
        Many may need approval (`Waiting` is given)."""
        from salesops.records import actions

        return actions.edit_records(self._api.actor, entity, keys, values, note=note)

    def delete(self, entity: str, key: object, **options: Any) -> int:
        """Delete a record; answers about earlier days still know it."""
        from salesops.records import actions

        return actions.delete_record(self._api.actor, entity, key, **_days(options))

    def restore(self, entity: str, key: object) -> int:
        """Bring a deleted record back."""
        from salesops.records import actions

        return actions.restore_record(self._api.actor, entity, key)

    def merge(self, entity: str, winner: object, loser: object, *, fill: bool = True) -> int:
        """Merge `loser` into `winner`; the loser's ids lead there from now on."""
        from salesops.records import actions

        return actions.merge_records(self._api.actor, entity, winner, loser, fill=fill)

    def undo(self, batch: int) -> int:
        """Undo an edit or a merge by its batch (shown by `history`); gives the number of records."""
        from salesops.records import actions

        return actions.undo(self._api.actor, batch)


class Imports(_Room):
    """Files in, and back out."""

    def run(self, *paths: Path | str, **options: Any) -> Any:
        """Import files together; see `salesops.sources.imports.import_files` (mapping, system, mode, file_date, dry_run ...)."""
        from salesops.sources.imports import import_files

        return import_files(self._api.workspace, self._api.actor, paths, **_days(options))

    def undo(self, batch: int, *, note: str = "") -> Any:
        """Take an import back. May need approval (`Waiting` is given)."""
        from salesops.sources.imports import undo_import

        return undo_import(self._api.workspace, self._api.actor, batch, note=note)

    def list(self) -> Any:
        """Every import, latest first."""
        from salesops.sources.imports import list_imports

        return list_imports(self._api.actor)

    def errors(self, batch: int, limit: int = 100, offset: int = 0) -> Any:
        """A page of an import's problems, and how many there are."""
        from salesops.sources.imports import row_errors

        return row_errors(self._api.actor, batch, limit, offset)

    def grouped_errors(self, batch: int) -> Any:
        """An import's problems, those that are the same but for row and value as one; and how many there are in all."""
        from salesops.sources.kept import grouped_errors

        return grouped_errors(self._api.actor, batch)


class Mappings(_Room):
    """How a source's files become records: small text files."""

    def list(self) -> list[str]:
        """The names of the workspace's own mappings and of the ready ones."""
        from salesops.sources.kept import list_mappings

        return sorted({row["mapping"] for row in list_mappings(self._api.workspace, self._api.actor)})

    def show(self, name: str) -> str:
        """The text of a mapping."""
        from salesops.sources.kept import mapping_text

        return mapping_text(self._api.workspace, self._api.actor, name)

    def suggest(self, *paths: Path | str) -> str:
        """The text of the mapping that an import of these files would use; changes nothing."""
        return str(self._api.imports.run(*paths, dry_run=True).mapping_text)


class Quality(_Room):
    """How complete, valid, unique, fresh and consistent the records are."""

    def check(self, **question: Any) -> Any:
        """Every rule with its score (`entity`, `rule`), summed by entity, dimension, system and owner."""
        from salesops.sources.quality.queries import check

        return check(self._api.session(), self._api.actor, **question)

    def issues(self, rule: str, limit: int = 50, offset: int = 0) -> Any:
        """The records that break a rule, page by page."""
        from salesops.sources.quality.queries import issues

        return issues(self._api.session(), self._api.actor, rule, limit, offset)

    def rules(self) -> Any:
        """Every rule: what it looks at and why it matters."""
        from salesops.sources.quality.rules import rules

        return rules()

    def errors(self, limit: int = 50, offset: int = 0) -> Any:
        """How many rows of imports were kept out or let in with a warning, and a page of them, the newest import first."""
        from salesops.sources.quality.queries import row_errors

        return row_errors(self._api.actor, limit, offset)


class Users(_Room):
    """Accounts: who may be acted as, with which roles."""

    def list(self) -> Any:
        """All accounts."""
        from salesops.records import actions_users

        return actions_users.list_users(self._api.actor)

    def create(self, username: str, **columns: Any) -> Any:
        """Create an account: `name`, `roles`, `person` (key of the person that the user is), `password`. May need approval."""
        from salesops.records import actions_users

        return actions_users.create_user(self._api.actor, username, **columns)

    def edit(self, username: str, **columns: Any) -> Any:
        """Change an account: `name`, `roles`, `person`, `active`. Higher roles may need approval (`Waiting` is given)."""
        from salesops.records import actions_users

        return actions_users.edit_user(self._api.actor, username, **columns)

    def deactivate(self, username: str) -> None:
        """Deactivate an account; what it did stays."""
        from salesops.records import actions_users

        actions_users.deactivate_user(self._api.actor, username)

    def set_password(self, username: str, password: str) -> None:
        """Set the password to sign in with."""
        from salesops.records import actions_users

        actions_users.set_password(self._api.actor, username, password)

    def sign_in_link(self, username: str = "") -> str:
        """The path that signs a user (default: oneself) in without a password, once, within fifteen minutes."""
        from salesops.records import actions_users

        return actions_users.sign_in_link(self._api.actor, username or self._api.actor.username)

    def reset_second_factor(self, username: str) -> None:
        """Take the second factor of a user away who has lost it."""
        from salesops.records import actions_second_factor

        actions_second_factor.reset_second_factor(self._api.actor, username)

    def tokens(self, username: str = "") -> Any:
        """API tokens, without their secrets."""
        from salesops.records import actions_tokens

        return actions_tokens.list_tokens(self._api.actor, username)

    def create_token(self, username: str = "", **columns: Any) -> str:
        """Make a token for REST (`name`, `scopes`, `expires`) of a user (default: oneself); it is shown once."""
        from salesops.records import actions_tokens

        return actions_tokens.create_token(self._api.actor, username, **_days(columns))

    def revoke_token(self, number: int) -> None:
        """End a token for good."""
        from salesops.records import actions_tokens

        actions_tokens.revoke_token(self._api.actor, number)


class Audit(_Room):
    """Who did what."""

    def list(self, **question: Any) -> Any:
        """A page of entries, latest first, and how many there are: `limit`, `offset`, `user`, `action`, `entity`."""
        from salesops.records import audit

        return audit.entries(self._api.actor, **question)

    def verify(self, head: str = "") -> Any:
        """Check the chain; `head` is the hash of the last entry as it was written down elsewhere."""
        from salesops.records import audit

        return audit.verify(self._api.actor, head=head)

    def export(self) -> Any:
        """The whole log, one JSON object a line."""
        from salesops.records import audit

        return audit.export(self._api.actor)


class Fields(_Room):
    """Custom fields, words of closed lists, who owns a field, conflicts with imports."""

    def list(self, entity: str = "") -> Any:
        """The declared custom fields."""
        from salesops.records import actions_settings

        return actions_settings.list_fields(self._api.actor, entity)

    def declare(self, entity: str, name: str, kind: str = "text", **options: Any) -> Any:
        """Declare a custom field: `title`, `words` (of a kind), `target` (of a ref)."""
        from salesops.records import actions_settings

        return actions_settings.declare_field(self._api.actor, entity, name, kind, **options)

    def retire(self, entity: str, name: str) -> None:
        """Take a custom field out of use; its history stays."""
        from salesops.records import actions_settings

        actions_settings.retire_field(self._api.actor, entity, name)

    def add_word(self, entity: str, name: str, word: str, title: str = "") -> None:
        """Add a word to the closed list of a field."""
        from salesops.records import actions_settings

        actions_settings.declare_word(self._api.actor, entity, name, word, title)

    def own(self, entity: str, name: str, owner: str, *, record: object | None = None) -> None:
        """Say who decides a field: "app", "source" or "" (nobody)."""
        from salesops.records import actions_settings

        actions_settings.set_owner(self._api.actor, entity, name, owner, record=record)

    def conflicts(self, settled: bool = False) -> Any:
        """Values of sources that were not taken because the app owns the field."""
        from salesops.records import actions_settings

        return actions_settings.list_conflicts(self._api.actor, resolved=settled)

    def settle(self, number: int, take: str) -> None:
        """Settle a conflict: leave what was "kept", or take what the source "offered"."""
        from salesops.records import actions_settings

        actions_settings.resolve_conflict(self._api.actor, number, take)


class Rules(_Room):
    """Value rules: how a value of a source is read, in every import."""

    def list(self, entity: str = "") -> Any:
        """The value rules."""
        from salesops.records import actions_settings

        return actions_settings.list_rules(self._api.actor, entity)

    def add(self, entity: str, field: str, found: str, becomes: str | None, *, system: str = "*") -> int:
        """Read `found` as `becomes` (None: as missing) from the next import on; gives the rule's number."""
        from salesops.records import actions_settings

        return actions_settings.add_rule(self._api.actor, entity, field, found, becomes, system=system)

    def remove(self, number: int) -> None:
        """Remove a value rule."""
        from salesops.records import actions_settings

        actions_settings.remove_rule(self._api.actor, number)


class Reports(_Room):
    """Figures and pages that are sent at times, and alerts. The worker sends them (`salesops serve`, or `salesops worker`)."""

    def list(self) -> Any:
        """One's reports."""
        from salesops.reports import actions

        return actions.list_reports(self._api.actor)

    def show(self, number: int) -> Any:
        """One report."""
        from salesops.reports import actions

        return actions.show_report(self._api.actor, number)

    def create(self, name: str, question: dict[str, Any], **given: Any) -> int:
        """Make a report: `question` such as {"kind": "metrics", "metrics": "bookings", "by": "owner", "period": "last month"};
        `form` pdf, xlsx or text, `recipients`, `schedule` ("weekly monday 07:00"), `only` changed or alert."""
        from salesops.reports import actions

        return actions.create_report(self._api.actor, name, question, **given)

    def edit(self, number: int, **given: Any) -> None:
        """Change a report; `active=False` pauses it."""
        from salesops.reports import actions

        actions.edit_report(self._api.actor, number, **given)

    def delete(self, number: int) -> None:
        """Delete a report."""
        from salesops.reports import actions

        actions.delete_report(self._api.actor, number)

    def run(self, number: int) -> int:
        """Have the worker make and send it now; gives the number of the run."""
        from salesops.reports import actions

        return actions.run_report(self._api.actor, number)

    def history(self, number: int) -> Any:
        """What was sent to whom, run by run."""
        from salesops.reports import actions

        return actions.history(self._api.actor, number)

    def alerts(self) -> Any:
        """One's alerts."""
        from salesops.reports import alerts

        return alerts.list_alerts(self._api.actor)

    def create_alert(self, metric: str, rule: str, recipients: Sequence[str] = ()) -> int:
        """Be told when a metric is "below 20%", "drops by 10% in this month"."""
        from salesops.reports import alerts

        return alerts.create_alert(self._api.actor, metric, rule, recipients)

    def edit_alert(self, number: int, **given: Any) -> None:
        """Change an alert: `metric`, `rule`, `recipients`; `active=False` pauses it."""
        from salesops.reports import alerts

        alerts.edit_alert(self._api.actor, number, **given)

    def delete_alert(self, number: int) -> None:
        """Delete an alert."""
        from salesops.reports import alerts

        alerts.delete_alert(self._api.actor, number)


class Approvals(_Room):
    """What one person proposes and another decides: erasure, higher roles, and what else the workspace's settings list."""

    def list(self, status: str = "open", *, mine: bool = False, kind: str = "") -> Any:
        """Proposals that the user made or may decide: `status` open, decided, all or one of them; `mine`: those that wait for the user."""
        from salesops.records import approvals

        return approvals.listed(self._api.actor, status, mine=mine, kind=kind)

    def show(self, number: int) -> Any:
        """One proposal: what changes, before and after; who asked, who decided."""
        from salesops.records import approvals

        return approvals.show(self._api.actor, number)

    def approve(self, number: int, reason: str = "") -> Any:
        """Approve somebody else's proposal: it is done now. Gives what doing it gives."""
        from salesops.records import approvals

        return approvals.approve(self._api.actor, number, reason)

    def decline(self, number: int, reason: str) -> None:
        """Decline somebody else's proposal, and say why."""
        from salesops.records import approvals

        approvals.decline(self._api.actor, number, reason)

    def withdraw(self, number: int, reason: str = "") -> None:
        """Take a proposal of one's own back."""
        from salesops.records import approvals

        approvals.withdraw(self._api.actor, number, reason)


class Tasks(_Room):
    """Tasks: who does what by when."""

    def list(self, status: str = "open") -> Any:
        """Tasks that the user may see."""
        from salesops.records import actions_work

        return actions_work.list_work(self._api.actor, "task", status=status)

    def create(self, title: str, **columns: Any) -> int:
        """Create a task: `owner` (default: oneself), `due`, `note`; gives its number."""
        from salesops.records import actions_work

        return actions_work.create_work(self._api.actor, "task", title=title, **columns)

    def done(self, number: int, note: str = "") -> None:
        """Mark a task as done."""
        from salesops.records import actions_work

        actions_work.finish_task(self._api.actor, number, note)

    def edit(self, number: int, **columns: Any) -> None:
        """Change a task: `title`, `owner`, `due`, `note`, `status`."""
        from salesops.records import actions_work

        actions_work.edit_work(self._api.actor, "task", number, **columns)

    def delete(self, number: int) -> None:
        """Delete a task; its audit entries stay."""
        from salesops.records import actions_work

        actions_work.delete_work(self._api.actor, "task", number)


class Comments(_Room):
    """What people say about records."""

    def list(self, entity: str = "", key: object = "") -> Any:
        """Comments on records that the user may see: all of them, those on an entity's records, or those on one."""
        from salesops.records import actions_work

        return actions_work.list_comments(self._api.actor, entity, key)

    def create(self, entity: str, key: object, text: str) -> int:
        """Comment on a record; gives the comment's number."""
        from salesops.records import actions_work

        return actions_work.create_work(self._api.actor, "comment", subject=entity, subject_id=key, text=text)

    def delete(self, number: int) -> None:
        """Delete a comment of one's own; its audit entries stay."""
        from salesops.records import actions_work

        actions_work.delete_work(self._api.actor, "comment", number)


class Views(_Room):
    """Saved views: pages of the workspace with their filters, under a name."""

    def list(self) -> Any:
        """The user's own views, and those that others share."""
        from salesops.records import actions_work

        return actions_work.list_work(self._api.actor, "saved_view")

    def create(self, name: str, page: str, query: str = "", *, shared: bool = False) -> int:
        """Save a view: the `page`'s path, such as /pipeline/, and its `query`; gives its number."""
        from salesops.records import actions_work

        return actions_work.create_work(self._api.actor, "saved_view", name=name, page=page, query=query, shared=shared)

    def delete(self, number: int) -> None:
        """Delete a view of one's own."""
        from salesops.records import actions_work

        actions_work.delete_work(self._api.actor, "saved_view", number)
