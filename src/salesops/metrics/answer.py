"""An answer: rows with what is needed to read them, and to know what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from salesops.spreadsheet import Exported, Table

from .definitions import Asked

if TYPE_CHECKING:
    import polars

    from .definitions import Asked


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
class Answer(Exported):
    """Rows (one per period and dimension values) and how to read them.

    Money is exact: decimals with four places in `currency`. For every metric `m` there is the column `m`, and
    `m__<part>`, `m__<part>__n` for what it was made of (numerator, denominator, records used, records left out). Where a row
    may be in a currency of its own (attainment), `m__currency` names it. `where` is the filter of the question, as text. `total` counts the
    rows of all pages where the answer is a page of a list.
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
    where: str = ""
    total: int | None = None
    asked: tuple[Asked, ...] = ()

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

    def table(self) -> Table:
        """Every column, with what it means, as it is written to a file; ids, longer than a spreadsheet's numbers, as text."""
        ids = [one.name for one in self.columns if one.kind == "id"]
        rows = self.to_pylist()
        return Table(
            rows=[{**row, **{name: row[name] and str(row[name]) for name in ids}} for row in rows] if ids else rows,
            columns=[one.name for one in self.columns],
            units={one.name: one.unit for one in self.columns if one.unit},
            currency=self.currency,
            currencies={one.name: one.currency for one in self.columns if one.currency},
            about=self.about(),
            definitions=self.definitions(),
        )

    def about(self) -> list[tuple[str, Any]]:
        """What is to be known of the whole answer, in order: days, generation, currency, filter, what is hidden, notes."""
        known = "now" if self.as_known_on is None else self.as_known_on
        return [
            ("from (inclusive)", self.from_), ("to (inclusive)", self.to), ("as of", self.as_of), ("as known on", known),
            ("generation", self.generation), ("currency", self.currency), ("filter", self.where or "none"),
            *([("records in all", self.total)] if self.total is not None else []),
            ("hidden records, not yours", self.hidden), *(("note", one) for one in self.notes),
            *(("no value", f"{name}: {why}") for name, why in self.empty.items()),
        ]  # fmt: skip

    def definitions(self) -> list[dict[str, Any]]:
        """A row for every column: title, unit, and of a metric its definition, variant, formula and rules."""
        known = {one.name: one for one in self.asked}
        return [
            {"column": one.name, "title": one.title, "kind": one.kind, "unit": one.unit.replace("_", " ")}
            | (definition(known[one.name]) if one.kind == "metric" and one.name in known else {})
            for one in self.columns
        ]

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
        } | ({} if self.total is None else {"total": self.total})


def definition(one: Asked) -> dict[str, str]:
    """What a metric in a variant is, as text: definition, formula, rules, version."""
    return {
        "metric": one.metric.id, "variant": one.variant.name or "default", "definition": one.metric.question,
        "variant title": one.variant.title, "formula": one.variant.formula, "rule": one.variant.rule,
        "date basis": one.metric.date_basis, "currency rule": one.metric.currency_rule, "without a value": one.metric.empty_rule,
        "notes": "; ".join(one.metric.notes), "version": one.version,
    }  # fmt: skip


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
