"""A workspace: the folder that holds one company's configuration, state and warehouse.

    acme/
        salesops.toml     configuration, for people to edit
        state.sqlite      records, unless DATABASE_URL moves them to PostgreSQL
        warehouse/        generations of Parquet files and CURRENT
        mappings/         import mappings, small text files
        forecasts/        forecasts and back-tests as they were made
        work/             staged files of imports under way

One process serves one workspace: Django is configured once.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import tomli_w

from salesops.common.errors import Conflict, InvalidData, UsageError, WorkspaceError
from salesops.common.instants import zone_name
from salesops.common.money import CURRENCIES
from salesops.common.periods import FiscalCalendar

CONFIG = "salesops.toml"
BUSINESS_MODELS = ("subscription", "usage", "one_price", "transactional", "durable", "projects", "self_serve")
"""What a company sells, as far as it decides which metrics mean something (see `salesops.metrics.guide`)."""
WAREHOUSES = {"postgresql://": "postgresql", "postgres://": "postgresql", "spark://": "spark", "sc://": "spark"}
"""How the URL of a warehouse begins, and the engine that it means; `spark` alone is a Spark inside the process."""
CREATED = ("ops", "finance", "exec", "engineer", "auditor", "manager", "rep")
"""Roles of accounts that a sign-in provider may bring about: none that manages accounts."""
DEADLINE = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]?\d|2[0-3]):[0-5]\d( \S+)?"
"""How a weekly deadline is written."""
APPROVALS = ("erasure", "roles", "bulk_edit", "import_undo", "past_targets")
"""What a workspace may have approved before it is done (see `salesops.records.approvals`)."""
_opened: Path | None = None


KINDS = {str: "text in quotation marks", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Config:
    """What `salesops.toml` says. Money without a currency is `currency`; days end at midnight in `time_zone`."""

    name: str = "My company"
    currency: str = "USD"
    time_zone: str = "UTC"
    fiscal_start_month: int = 1
    fiscal_pattern: str = "month"
    fiscal_year_named_by: str = "end"
    week_start: int = 0
    database_url: str = ""
    warehouse: str = ""  # the engine that answers questions: empty = DuckDB, else spark or a URL of PostgreSQL
    today: str = ""  # a fixed business day, for a demo or a closed data set; empty = the clock's
    keep_generations: int = 3
    peer_aggregates: bool = (
        False  # figures of a group of people may be shown to others than who sees its records; never pay
    )
    peer_minimum: int = 5  # people who must be behind such a figure
    mcp_writes: bool = False  # an assistant (salesops mcp) may create and edit records, as far as its user may
    business_model: str = ""  # one of BUSINESS_MODELS; empty = not said, every metric applies
    approval_policy: str = ""  # two_person or self; empty = two_person where somebody else may approve, else self
    approvals: str = "erasure, roles"  # what is approved before it is done: words of APPROVALS, or none
    approvals_from_rows: int = 100  # an edit of so many records together is a bulk edit
    second_factor: str = ""  # "required": everybody signs in with one; empty = who wants to
    idle_minutes: int = 1440  # a session without a request for so long ends; 0 = only after two weeks
    served_as: str = ""  # https://... where a proxy with a certificate stands in front; empty = plain HTTP
    oidc_issuer: str = ""  # a provider to sign in at (OpenID Connect); its secret is in SALESOPS_OIDC_CLIENT_SECRET
    oidc_client_id: str = ""
    oidc_title: str = ""  # what people call the provider
    oidc_create_role: str = ""  # the role of accounts made for whom the provider knows; empty = none is made
    forecast_period: str = "quarter"  # what is called: month, quarter or year
    forecast_deadline: str = ""  # when a week's calls are due: "Mon 10:00", with a zone where it is another
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def calendar(self) -> FiscalCalendar:
        """The workspace's fiscal calendar."""
        return FiscalCalendar(
            kind=self.fiscal_pattern,  # type: ignore[arg-type]
            start_month=self.fiscal_start_month,
            week_start=self.week_start,
            year_named_by=self.fiscal_year_named_by,  # type: ignore[arg-type]
        )

    def problems(self) -> list[str]:
        """What is wrong with the settings, all at once."""
        if found := self._wrong_kinds():
            return found
        if self.currency not in CURRENCIES:
            found.append(f"currency {self.currency!r} is no ISO 4217 code, for example USD or EUR")
        if self.time_zone not in available_timezones():
            try:
                found.append(f"time_zone {self.time_zone!r} must be written {zone_name(self.time_zone)}")
            except InvalidData as error:
                found.append(f"time_zone: {error}".rstrip("."))
        if not 1 <= self.fiscal_start_month <= 12:
            found.append("fiscal_start_month must be 1 to 12")
        if self.fiscal_pattern not in ("month", "445", "454", "544"):
            found.append("fiscal_pattern must be month, 445, 454 or 544")
        if self.fiscal_year_named_by not in ("start", "end"):
            found.append("fiscal_year_named_by must be start or end")
        if not 0 <= self.week_start <= 6:
            found.append("week_start must be 0 (Monday) to 6 (Sunday)")
        if self.warehouse not in ("", "spark") and not self.warehouse.startswith(tuple(WAREHOUSES)):
            found.append(
                'warehouse must be "postgresql://user@host:5432/database", "spark", "spark://host:7077" or "sc://host:15002"; '
                "leave it out for DuckDB"
            )
        if self.keep_generations < 1:
            found.append("keep_generations must be 1 or more")
        if self.peer_minimum < 3:
            found.append("peer_minimum must be 3 or more")
        if self.business_model and self.business_model not in BUSINESS_MODELS:
            found.append(
                f"business_model {self.business_model!r} is unknown: use {', '.join(BUSINESS_MODELS)}, or leave it out"
            )
        if self.approval_policy not in ("", "two_person", "self"):
            found.append('approval_policy must be "two_person" or "self", or left out')
        if unknown := [word for word in self.approvals.replace(",", " ").split() if word not in (*APPROVALS, "none")]:
            found.append(f"approvals: {', '.join(unknown)} is unknown: use {', '.join(APPROVALS)}, or none")
        if self.approvals_from_rows < 2:
            found.append("approvals_from_rows must be 2 or more")
        if self.second_factor not in ("", "required"):
            found.append('second_factor must be "required", or left out')
        if self.idle_minutes < 0:
            found.append("idle_minutes must be 0 or more")
        if self.served_as and not re.fullmatch(r"https?://[^/\s@]+", self.served_as):
            found.append(f"served_as {self.served_as!r} must be an address without a path: https://sales.example.com")
        if self.oidc_issuer and not re.fullmatch(
            r"https://\S+|http://(localhost|127\.0\.0\.1)(:\d+)?(/\S*)?", self.oidc_issuer
        ):
            found.append(f"oidc_issuer {self.oidc_issuer!r} must be an https:// address")
        if self.oidc_create_role not in ("", *CREATED):
            found.append(f"oidc_create_role must be one of {', '.join(CREATED)}, or left out")
        if self.forecast_period not in ("month", "quarter", "year"):
            found.append("forecast_period must be month, quarter or year")
        if self.forecast_deadline and not re.fullmatch(DEADLINE, self.forecast_deadline):
            found.append(
                'forecast_deadline must be a weekday and a time, with a zone if you like: "Mon 10:00 Europe/Berlin"'
            )
        if self.today and not _is_day(self.today):
            found.append(f"today {self.today!r} is no day, for example 2026-09-30")
        return found

    def _wrong_kinds(self) -> list[str]:
        """Settings that are no text, whole number or switch where one is needed."""
        found = []
        for name, column in Config.__dataclass_fields__.items():
            value, kind = getattr(self, name), type(column.default)
            if kind in KINDS and type(value) is not kind:
                what = KINDS[kind]
                found.append(f"{name} must be {what}, not {value!r}")
        return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True)
class Workspace:
    """An opened workspace: its folder and its configuration."""

    path: Path
    config: Config

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse"

    @property
    def mappings(self) -> Path:
        return self.path / "mappings"

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def database_url(self) -> str:
        return os.environ.get("SALESOPS_DATABASE_URL", "")

    @property
    def today(self) -> date:
        """The business day that it is now."""
        if self.config.today:
            return date.fromisoformat(self.config.today)
        return datetime.now(ZoneInfo(self.config.time_zone)).date()


def read_config(path: Path) -> Config:
    """The configuration of the workspace in `path`; raises WorkspaceError with all that is wrong in it."""
    file = path / CONFIG
    if not file.exists():
        raise WorkspaceError(f"{path} is no workspace: it has no {CONFIG}", remedy=f"salesops init {path}")
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{file} cannot be read: {error}", remedy="Correct the line that it names") from error
    known = {k: v for k, v in values.items() if k in Config.__dataclass_fields__ and k != "extra"}
    config = Config(**known, extra={k: v for k, v in values.items() if k not in known})
    if problems := config.problems():
        raise WorkspaceError(f"{file}: {'; '.join(problems)}", remedy=f"Correct {CONFIG}")
    return config


def create(path: Path, config: Config | None = None) -> Workspace:
    """Make a workspace in `path` (created when missing) and open it. An existing workspace is refused."""
    config = config or Config()
    if problems := config.problems():
        raise UsageError("; ".join(problems), remedy="Correct the setting")
    if (path / CONFIG).exists():
        raise Conflict(f"{path} is a workspace already", remedy="Open it, or choose another folder")
    for folder in (path, path / "warehouse", path / "mappings", path / "work"):
        folder.mkdir(parents=True, exist_ok=True)
    values = {k: getattr(config, k) for k in Config.__dataclass_fields__ if k != "extra"}
    values = {k: v for k, v in values.items() if v != "" or k in ("name",)}
    temporary = path / (CONFIG + ".new")
    temporary.write_text(
        tomli_w.dumps({**values, **config.extra, "secret_key": secrets.token_urlsafe(32)}), encoding="utf-8"
    )
    with suppress(OSError):
        temporary.chmod(0o600)
    temporary.rename(path / CONFIG)
    return open_workspace(path)


def open_workspace(path: Path | str, *, migrate: bool = True) -> Workspace:
    """Open the workspace in `path`: configure Django for it and bring its tables up to date.

    Raises WorkspaceError when the folder is no workspace, or when this process has another one open.
    """
    global _opened
    folder = Path(path).expanduser().resolve()
    config = read_config(folder)
    if _opened not in (None, folder):
        raise WorkspaceError(
            f"this process has {_opened} open", remedy="One process serves one workspace: start another process"
        )
    for name in ("warehouse", "mappings", "work"):
        (folder / name).mkdir(exist_ok=True)
    if _opened is None:
        _configure(folder, config)
        _opened = folder
    if migrate:
        _migrate(folder)
    return Workspace(folder, config)


def _configure(folder: Path, config: Config) -> None:
    import django

    os.environ["SALESOPS_WORKSPACE"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "salesops.web.settings"
    os.environ["SALESOPS_SECRET_KEY"] = str(config.extra.get("secret_key", "not-serving"))
    hosts = config.extra.get("allowed_hosts", [])
    os.environ["SALESOPS_ALLOWED_HOSTS"] = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
    os.environ["SALESOPS_SERVED_AS"] = config.served_as
    url = os.environ.get("DATABASE_URL") or config.database_url
    if url:
        os.environ["SALESOPS_DATABASE_URL"] = url
    else:
        os.environ.pop("SALESOPS_DATABASE_URL", None)
    django.setup()


def _migrate(folder: Path) -> None:
    """Apply pending migrations under the workspace's lock; each runs in its own transaction."""
    from django.core.management import call_command
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not pending:
            return
        from salesops.common.locks import exclusive

        with exclusive(folder / "migrate.lock", wait=120):
            call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise WorkspaceError(
            f"the state database cannot be opened: {error}",
            remedy="Check DATABASE_URL, that the server runs, and that the folder can be written",
        ) from error
