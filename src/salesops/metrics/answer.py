"""An answer: rows with what is needed to read them, and to know what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Column:
    """One column of an answer: `kind` is period, dimension, id, metric, part or comparison; `unit` that of a metric or part.

    `currency` names the column that holds the currency of each row's amount; empty: the answer's currency.
    """

    name: str
    title: str
    kind: str
    unit: str = ""
    currency: str = ""


@dataclass(frozen=True)
class Answer:
    """Rows (one per period and dimension values) and how to read them.

    Money is exact: decimals with four places in `currency`. For every metric `m` there is the column `m`, and
    `m__<part>`, `m__<part>__n` for what it was made of (numerator, denominator, records used, records left out). Where a row
    may be in a currency of its own (attainment), `m__currency` names it.
    """

    rows: pa.Table
    columns: tuple[Column, ...]
    from_: date | None
    to: date | None
    as_of: date
    as_known_on: date | None
    generation: str
    currency: str
    notes: tuple[str, ...] = ()
    hidden: int = 0
    empty: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        return self.rows

    def to_polars(self) -> polars.DataFrame:
        """The rows as a Polars frame."""
        import polars

        frame = polars.from_arrow(self.rows)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def to_pandas(self) -> Any:
        """The rows as a pandas frame; money columns hold `Decimal`."""
        return self.rows.to_pandas()

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        found: list[dict[str, Any]] = self.rows.to_pylist()
        return found

    def value(self, name: str | None = None) -> Any:
        """The value of a metric (default: the first) in an answer of one row; None where it has none."""
        column = name or next(one.name for one in self.columns if one.kind == "metric")
        if self.rows.num_rows != 1:
            raise ValueError(f"the answer has {self.rows.num_rows} rows, not one")
        return self.rows.column(column)[0].as_py()

    def to_dict(self) -> dict[str, Any]:
        """Rows and everything beside them, JSON-ready: exact numbers and dates as text."""
        return {
            "rows": [{name: _plain(value) for name, value in row.items()} for row in self.to_pylist()],
            "columns": [vars(one) for one in self.columns],
            "from": _plain(self.from_),
            "to": _plain(self.to),
            "as_of": _plain(self.as_of),
            "as_known_on": _plain(self.as_known_on),
            "generation": self.generation,
            "currency": self.currency,
            "notes": list(self.notes),
            "hidden": self.hidden,
            "empty": self.empty,
            "definitions": self.versions,
        }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def money_column(units: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Integers in 10^-4 as exact decimals with four places: the same digits, read with another scale."""
    array = units.combine_chunks() if isinstance(units, pa.ChunkedArray) else units
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.int64())
    whole = array.cast(pa.decimal128(34, 0))
    return pa.Array.from_buffers(pa.decimal128(38, 4), len(whole), whole.buffers(), offset=whole.offset)
