"""Hand-made rows (`tests.metrics.build.World`) as a generation of Parquet files, asked on any engine that a workspace can name."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from sqlglot import parse_one
from tests.metrics.build import Session

from salesops.common.portable import foreign, transpile
from salesops.warehouse.engines import Engine, open_engine
from salesops.warehouse.generations import Generation, Table
from salesops.warehouse.views import table_select

_numbers = count(1)


class Elsewhere:
    """A hand-made session whose statements another engine answers; one that is not portable fails the test."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self.con, self.manifest, self.calendar = session.con, session.manifest, session.calendar
        self.generation, self.as_known_on = session.generation, session.as_known_on
        if "definitions" in session.__dict__:
            self.definitions = session.__dict__["definitions"]
        self.engine = engine
        self.asked = Counter[str]()

    def query(self, sql: Any) -> pa.Table:
        """As `warehouse.session.Session.query`, and never answered by DuckDB."""
        text = sql if isinstance(sql, str) else sql.sql(dialect="duckdb")
        tree: Any = parse_one(text, dialect="duckdb")
        assert not foreign(tree), f"{foreign(tree)} is not portable: {text}"
        schema = self.con.execute(f"SELECT * FROM ({text}) LIMIT 0").to_arrow_table().schema
        self.asked[self.engine.dialect] += 1
        return self.engine.query(transpile(tree, self.engine.dialect), schema)


def elsewhere(session: Session, url: str, folder: Path) -> Elsewhere:
    """The tables of a session as files in a folder, and in the engine of this URL."""
    files = folder / "warehouse" / "files"
    files.mkdir(parents=True, exist_ok=True)
    number, made = next(_numbers), {}
    for (name,) in session.con.execute("SHOW TABLES").fetchall():
        file = f"{name}-{number}.parquet"
        rows = session.con.execute(f"COPY (SELECT * FROM \"{name}\") TO '{files / file}' (FORMAT parquet)").fetchone()
        made[name] = Table((file,), rows[0] if rows else 0)
    manifest = session.manifest
    generation = Generation(
        number, number, number, made, manifest.reporting_currency, manifest.time_zone, manifest.today.isoformat(), ""
    )
    workspace: Any = SimpleNamespace(
        path=folder, warehouse=folder / "warehouse", work=folder / "work", config=SimpleNamespace(warehouse=url)
    )
    selects = {name: table_select(workspace.warehouse, table) for name, table in made.items()}
    engine = open_engine(workspace, generation, session.con, selects, {}, ())
    assert engine is not None
    return Elsewhere(session, engine)
