"""PostgreSQL state in a backup: every table by COPY, out of one snapshot and into an empty database.

Needs no program of PostgreSQL's, so it does not matter which version is installed beside the server. Loading runs in a
process of its own (`python -m salesops.backup_tables FOLDER MARK`), because one process serves one workspace.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesops.common.errors import Conflict, WorkspaceError

if TYPE_CHECKING:
    import psycopg

INDEX = "tables.json"
_PIECE = 1 << 20


def dump(url: str, folder: Path) -> dict[str, Any]:
    """Write every table into `folder`, as of one moment; gives tick, applied migrations and the audit log's head."""
    import psycopg

    folder.mkdir(parents=True)
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        tables = _tables(connection)
        for name, columns in tables.items():
            statement = _sql(f"COPY {_quoted(name)} ({_listed(columns)}) TO STDOUT")
            with (
                connection.cursor() as cursor,
                (folder / f"{name}.copy").open("wb") as out,
                cursor.copy(statement) as copy,
            ):
                for piece in copy:
                    out.write(piece)
        (folder / INDEX).write_text(json.dumps(tables, indent=1), encoding="utf-8")
        return facts(lambda sql: connection.execute(_sql(sql)).fetchall())


def facts(rows: Any) -> dict[str, Any]:
    """What a manifest says of the state, by a function that gives the rows of a query."""
    tick = rows("SELECT tick FROM records_clock")
    head = rows("SELECT hash FROM records_auditentry ORDER BY id DESC LIMIT 1")
    applied = rows("SELECT app, name FROM django_migrations ORDER BY app, name")
    return {
        "tick": tick[0][0] if tick else 0,
        "audit_head": head[0][0] if head else "",
        "migrations": [list(row) for row in applied],
    }


def check_empty(url: str, mark: str) -> None:
    """Raise Conflict when the database holds anything but an interrupted restore of the same backup."""
    import psycopg

    try:
        with psycopg.connect(url) as connection:
            tables = _tables(connection)
            if tables and _mark(connection) == mark:
                return
            full = [name for name in tables if name not in ("django_migrations", "django_content_type")]
            held = [
                name for name in full if connection.execute(_sql(f"SELECT 1 FROM {_quoted(name)} LIMIT 1")).fetchone()
            ]
    except psycopg.OperationalError as error:
        raise WorkspaceError(f"the database cannot be reached: {error}", remedy="Check DATABASE_URL") from error
    if held:
        raise Conflict(
            f"the database is not empty: {', '.join(sorted(held)[:5])}",
            remedy="Set DATABASE_URL to an empty database, then restore again",
        )


def load_in_process(folder: Path, mark: str, environment: dict[str, str]) -> None:
    """Load the tables of an unpacked backup into its database, in a process of its own."""
    command = [sys.executable, "-m", "salesops.backup_tables", str(folder), mark]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it was stopped"]
        raise WorkspaceError(f"the database could not be loaded: {lines[-1]}", remedy="Mend it, then restore again")


def finish(url: str) -> None:
    """Forget that a restore was under way: the workspace stands."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("COMMENT ON TABLE records_clock IS NULL")


def load(folder: Path, mark: str) -> None:
    """Make the tables as they were when the backup was made, and fill them in one transaction that carries `mark`."""
    import psycopg

    from salesops.workspace import open_workspace

    workspace = open_workspace(folder, migrate=False)
    _migrate(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["migrations"])
    tables = json.loads((folder / "tables" / INDEX).read_text(encoding="utf-8"))
    with psycopg.connect(workspace.database_url) as connection:
        connection.execute(_sql(f"TRUNCATE {', '.join(map(_quoted, tables))} CASCADE"))
        for name, columns in tables.items():
            statement = _sql(f"COPY {_quoted(name)} ({_listed(columns)}) FROM STDIN")
            with (
                connection.cursor() as cursor,
                (folder / "tables" / f"{name}.copy").open("rb") as source,
                cursor.copy(statement) as copy,
            ):
                while piece := source.read(_PIECE):
                    copy.write(piece)
        _reset_sequences(connection, tables)
        connection.execute(_sql(f"COMMENT ON TABLE records_clock IS 'restoring {mark}'"))


def _migrate(applied: list[list[str]]) -> None:
    from django.core.management import call_command

    latest = {app: name for app, name in sorted(applied)}  # noqa: C416
    for app, name in latest.items():
        call_command("migrate", app, name, interactive=False, verbosity=0)


def _reset_sequences(connection: psycopg.Connection[Any], tables: dict[str, list[str]]) -> None:
    for name, columns in tables.items():
        for column in columns:
            sequence = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", (name, column)).fetchone()
            if sequence and sequence[0]:
                upper = f"(SELECT COALESCE(MAX({_quoted(column)}), 0) + 1 FROM {_quoted(name)})"
                connection.execute(_sql(f"SELECT setval('{sequence[0]}', {upper}, false)"))


def _mark(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT obj_description(to_regclass('records_clock'), 'pg_class')").fetchone()
    return str(row[0]).removeprefix("restoring ") if row and row[0] else ""


def _tables(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t "
        "USING (table_schema, table_name) WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' "
        "ORDER BY c.table_name, c.ordinal_position"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(columns: list[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _sql(text: str) -> bytes:
    return text.encode()


if __name__ == "__main__":
    load(Path(sys.argv[1]), sys.argv[2])
