"""The views through which a session sees the files of a generation."""

from __future__ import annotations

from pathlib import Path

from salesops.records.duck import quoted

from .generations import Table


def table_select(folder: Path, table: Table) -> str:
    """The rows of a table: base without the masked keys, and the delta."""
    files = folder / "files"
    base = ", ".join(quoted(files / name) for name in table.base)
    select = f"SELECT * FROM read_parquet([{base}])"
    if not table.mask:
        return select
    mask = f"read_parquet({quoted(files / table.mask)})"
    kept = f"SELECT b.* FROM read_parquet([{base}]) b ANTI JOIN {mask} m ON m.id = b.{table.key}"
    return f"{kept} UNION ALL BY NAME SELECT * FROM read_parquet({quoted(files / table.delta)})"
