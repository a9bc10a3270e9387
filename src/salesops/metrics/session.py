"""What the metric room needs of a warehouse session and of an actor (docs/internals.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from salesops.common.periods import FiscalCalendar


class Actor(Protocol):
    """Who asks: `records.access.Actor` is one."""

    @property
    def username(self) -> str: ...
    @property
    def person(self) -> int | None: ...
    @property
    def sees_all(self) -> bool: ...


class Manifest(Protocol):
    """What a session says about its generation without reading a table."""

    @property
    def reporting_currency(self) -> str: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def today(self) -> date: ...


class Session(Protocol):
    """One generation of the warehouse, reduced to what was known on a day."""

    @property
    def generation(self) -> str: ...
    @property
    def as_known_on(self) -> date | None: ...
    @property
    def manifest(self) -> Any: ...

    def query(self, sql: Any) -> pa.Table: ...


def calendar_of(session: Any) -> FiscalCalendar:
    """The fiscal calendar of a session's workspace."""
    own = getattr(session, "calendar", None)
    if isinstance(own, FiscalCalendar):
        return own
    workspace = getattr(session, "workspace", None)
    return workspace.config.calendar if workspace is not None else FiscalCalendar()


def currencies_of(session: Any, table: str = "opportunity") -> frozenset[str] | None:
    """Currencies in use in a table; None when the manifest does not say."""
    found = getattr(session.manifest, "currencies", None)
    if isinstance(found, Mapping):
        found = found.get(table)
    return None if found is None else frozenset(code for code in found if code)


def custom_columns(session: Any, table: str) -> Mapping[str, str]:
    """Columns of a table by name with their SQL types; read once per session."""
    cache = session.__dict__.setdefault("_metric_columns", {})
    if table not in cache:
        shape = session.query(f'SELECT * FROM "{table}" LIMIT 0').schema
        cache[table] = {field.name: str(field.type) for field in shape}
    known: Mapping[str, str] = cache[table]
    return known
