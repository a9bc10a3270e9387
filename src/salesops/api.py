"""The Python door: `ws = salesops.open("./acme")`, then `ws.metrics.query([...]).to_polars()`.

Everything here calls the rooms' queries and actions as one acting user; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from salesops.common.errors import WorkspaceError
from salesops.workspace import Config, Workspace, create, open_workspace


def init(path: Path | str, **settings: Any) -> Api:
    """Make a workspace and open it. `settings` are those of `salesops.toml`: name, currency, time_zone, fiscal_start_month ..."""
    return Api(create(Path(path), Config(**settings)))


def open(path: Path | str, user: str | None = None) -> Api:
    """Open the workspace in `path` as `user` (default: its owner's account)."""
    return Api(open_workspace(path), user)


class Api:
    """An opened workspace, asked and changed as one user."""

    def __init__(self, workspace: Workspace, user: str | None = None, door: str = "python") -> None:
        from salesops.records.access import actor_for

        self.workspace = workspace
        self.actor = actor_for(workspace, user, door=door)
        self._sessions: dict[date | None, Any] = {}
        self.metrics = Metrics(self)
        self.pipeline = Pipeline(self)
        self.records = Records(self)
        self.imports = Imports(self)
        self.quality = Quality(self)

    def as_user(self, username: str) -> Api:
        """The same workspace as another user."""
        return Api(self.workspace, username, self.actor.door)

    def session(self, as_known_on: date | str | None = None) -> Any:
        """The current generation as known on a day, brought up to the records first; kept open between questions."""
        from salesops.warehouse.generations import load
        from salesops.warehouse.session import Session

        day = date.fromisoformat(as_known_on) if isinstance(as_known_on, str) else as_known_on
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
        from salesops.records import access
        from salesops.warehouse import refresh

        access.require(self.actor, "refresh")
        return refresh(self.workspace, full=full)

    def backup(self, target: Path | str, **options: Any) -> Any:
        """Write a backup, taken at one moment, to a file."""
        from salesops.backup import backup

        return backup(self.workspace, target, actor=self.actor, **options)

    def verify_audit(self) -> Any:
        """Check the audit log's chain."""
        from salesops.records import audit

        return audit.verify(self.actor)

    def close(self) -> None:
        """Close the sessions; the workspace stays this process's own."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()


def up_to_date(workspace: Workspace) -> None:
    """Refresh when records changed since the current generation, so that an answer never lags behind an edit."""
    from salesops.records.writing import current_tick
    from salesops.warehouse import refresh
    from salesops.warehouse.generations import load

    current = load(workspace.warehouse)
    if current is None or current.tick < current_tick() or current.today != str(workspace.today):
        refresh(workspace)


@contextmanager
def fresh_session(workspace: Workspace, as_known_on: date | None = None) -> Iterator[Any]:
    """A session over an up-to-date generation, for one command."""
    from salesops.warehouse import open_session

    up_to_date(workspace)
    with open_session(workspace, as_known_on=as_known_on) as session:
        yield session


class _Room:
    def __init__(self, api: Api) -> None:
        self._api = api


class Metrics(_Room):
    """Numbers: see `salesops.metrics.query` for what can be asked."""

    def query(self, metrics: str | Sequence[str], *, as_known_on: date | str | None = None, **question: Any) -> Any:
        """Answer a question: `by=["owner"]`, `period="quarter"`, `as_of="2017-12-31"`, `where="region = 'West'"` ..."""
        from salesops.metrics.query import query

        return query(self._api.session(as_known_on), self._api.actor, metrics, as_known_on=as_known_on, **question)

    def explain(self, metric: str, *, as_known_on: date | str | None = None, **question: Any) -> Any:
        """Where a number comes from: formula, parts, exclusions, generation."""
        from salesops.metrics.explain import explain

        return explain(self._api.session(as_known_on), self._api.actor, metric, **question)

    def drill(self, metric: str, *, as_known_on: date | str | None = None, **question: Any) -> Any:
        """The records behind a number, page by page."""
        from salesops.metrics.drill import drill

        return drill(self._api.session(as_known_on), self._api.actor, metric, **question)

    def list(self) -> Any:
        """Every metric of the catalogue."""
        from salesops.metrics.catalogue import metrics

        return metrics()


class Pipeline(_Room):
    """How the pipeline moved."""

    def waterfall(self, from_: date | str, to: date | str | None = None, **question: Any) -> Any:
        """Start, what came in, what changed, what went out, end: `scope="closing_in_period"` or `"all_open"`, `by=[...]`."""
        from salesops.pipeline.queries import waterfall

        return waterfall(self._api.session(question.pop("as_known_on", None)), self._api.actor, from_, to, **question)


class Records(_Room):
    """Records of every entity: list, show, create, edit, delete, restore, merge, history."""

    def list(self, entity: str, **question: Any) -> Any:
        from salesops.records import queries

        return queries.list_records(self._api.actor, entity, **question)

    def show(self, entity: str, key: object, **question: Any) -> Any:
        from salesops.records import queries

        return queries.show_record(self._api.actor, entity, key, **question)

    def history(self, entity: str, key: object) -> Any:
        from salesops.records import queries

        return queries.history_of(self._api.actor, entity, key)

    def create(self, entity: str, values: dict[str, Any], **options: Any) -> Any:
        from salesops.records import actions

        return actions.create_record(self._api.actor, entity, values, **options)

    def edit(self, entity: str, key: object, values: dict[str, Any], **options: Any) -> Any:
        from salesops.records import actions

        return actions.edit_record(self._api.actor, entity, key, values, **options)

    def delete(self, entity: str, key: object, **options: Any) -> Any:
        from salesops.records import actions

        return actions.delete_record(self._api.actor, entity, key, **options)

    def restore(self, entity: str, key: object) -> Any:
        from salesops.records import actions

        return actions.restore_record(self._api.actor, entity, key)

    def merge(self, entity: str, winner: object, loser: object) -> Any:
        from salesops.records import actions

        return actions.merge_records(self._api.actor, entity, winner, loser)


class Imports(_Room):
    """Files in, and back out."""

    def run(self, *paths: Path | str, **options: Any) -> Any:
        """Import files together; see `salesops.sources.imports.import_files`."""
        from salesops.sources.imports import import_files

        return import_files(self._api.workspace, self._api.actor, paths, **options)

    def undo(self, batch: int) -> Any:
        from salesops.sources.imports import undo_import

        return undo_import(self._api.workspace, self._api.actor, batch)

    def list(self) -> Any:
        from salesops.sources.imports import list_imports

        return list_imports(self._api.actor)

    def errors(self, batch: int, limit: int = 100, offset: int = 0) -> Any:
        from salesops.sources.imports import row_errors

        return row_errors(self._api.actor, batch, limit, offset)


class Quality(_Room):
    """How complete, valid, unique, fresh and consistent the records are."""

    def check(self, **question: Any) -> Any:
        from salesops.sources.quality.queries import check

        return check(self._api.session(), self._api.actor, **question)
