"""The suggested reading of a table of deals: stages, dates of opening and closing, amounts, a line for a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from salesops.sources.mapping import Condition, Milestone, Part, Source
from salesops.sources.stages import Seen, distinct, infer_stages
from salesops.sources.words import plain

if TYPE_CHECKING:
    from salesops.sources.suggest import Table
    from salesops.sources.suggest_values import Values


def deal_parts(
    table: Table, values: Values, notes: list[str], plain_fields: dict[str, Source], identity: tuple[str, ...]
) -> tuple[list[Part], list[Seen]]:
    """The parts of a table of deals, and its stages as they occur."""
    source, stage = table.file.source, table.name("stage")
    seen = [Seen(str(v), str(v), None, None, int(n or 0)) for v, n in distinct(table.file, [stage]) if v]
    closed = tuple(row.id for row in infer_stages(seen) if row.kind != "open")
    created, close = table.name("created"), table.name("close")
    fields = dict(plain_fields)
    if created:
        fields["created"] = Source(column=created)
    else:
        notes.append(f"{source}: no column says when a deal was created; undated deals are in no answer about days")
    only_closed = bool(close) and _filled_only_when_closed(table, close, stage, closed)
    if close:
        if only_closed:
            fields["actual_close"] = Source(column=close)
        else:
            fields["expected_close"] = Source(column=close)
            fields["actual_close"] = Source(column=close, when=Condition(stage, closed))
        notes.append(
            f"{source}: {close} is the "
            + ("day of closing" if only_closed else "expected close; of closed deals, the actual one")
        )
    if "expected" in table.fields:
        fields["expected_close"] = Source(column=table.name("expected"))
    if "amount" in table.fields:
        amount = table.name("amount")
        late = only_closed and _filled_only_when_closed(table, amount, stage, closed)
        fields["amount"] = Source(column=amount, known_from=close if late else "")
        if late:
            notes.append(f"{source}: {amount} is only filled when a deal closes, so it counts from {close} on")
    milestone = _entered(table, [row.name for row in infer_stages(seen) if row.kind == "open"], stage)
    if milestone and close:
        fields["stage"] = Source(column=stage, at=close)
        notes.append(f"{source}: {milestone.at} is taken as the day of entering {milestone.fields['stage']!r}")
    else:
        milestone = None
        fields["stage"] = Source(column=stage)
    deal = Part(table.match, "opportunity", identity, fields, milestones=(milestone,) if milestone else ())
    return [deal, *_line(table, values, notes, identity, created)], seen


def _line(table: Table, values: Values, notes: list[str], identity: tuple[str, ...], created: str) -> list[Part]:
    product = table.name("product")
    if not product or not identity:
        return []
    fields = {
        "opportunity": Source(column=identity[0]),
        "product": values.reference(table, "product", product),
        "quantity": Source(column=table.name("quantity")) if "quantity" in table.fields else Source(value="1"),
    }
    if created:
        fields["created"] = Source(column=created)
    if "quantity" not in table.fields:
        notes.append(f"{table.file.source}: each deal has one line of its {product}, quantity 1")
    return [Part(table.match, "opportunity_line", identity, fields, only=Condition(product, ("",), negate=True))]


def _filled_only_when_closed(table: Table, column: str, stage: str, closed: tuple[str, ...]) -> bool:
    """Whether a column has values on closed deals and (almost) none on open ones."""
    if not closed:
        return False
    words = ", ".join("'" + w.replace("'", "''") + "'" for w in closed)
    c, s = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (column, stage))
    sql = f"""SELECT count({c}) FILTER (trim({s}) IN ({words})), count({c}) FILTER (trim({s}) NOT IN ({words})),
                     count(*) FILTER (trim({s}) NOT IN ({words})) FROM read_parquet(?)"""
    with duckdb.connect() as con:
        found = con.execute(sql, [table.file.parquet_path]).fetchone()
    assert found is not None
    return found[0] > 0 and found[2] > 0 and found[1] <= 0.02 * found[2]


def _entered(table: Table, open_stages: list[str], stage: str) -> Milestone | None:
    """A date column named after an open stage (`engage_date`, Engaging) says when the deal entered it."""
    for column in table.file.columns:
        if column.kind not in ("date", "instant"):
            continue
        first = plain(column.name).split(" ")[0]
        for name in open_stages:
            if len(first) >= 5 and plain(name)[:5] == first[:5]:
                return Milestone(column.name, {"stage": name})
    return None
