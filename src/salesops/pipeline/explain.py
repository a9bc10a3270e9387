"""How a waterfall came about: its formula, its bars with their counts, and how to see the deals of each."""

from __future__ import annotations

import hashlib
import shlex
from typing import Any

from salesops.common.explain import Explanation
from salesops.common.money import Money
from salesops.metrics.session import Actor

from .queries import waterfall
from .waterfall import SIGNS, Slice, Window, bars

FORMULA = (
    "start + created + reopened + pulled in + reassigned in + increased + currency "
    "- decreased - won - lost - pushed out - reassigned out - deleted = end"
)
RULE = (
    "evening states: one entry at most, for the reason of the first evening in scope; every change after it; one exit at "
    "most, by the state on the last evening, worth what is known then; closing is a last moment in scope"
)


def version() -> str:
    """A digest of the statement that decides the bars."""
    from datetime import date

    text = "\n".join(
        sql for _, sql in bars(Window(date(2000, 1, 1), date(2000, 1, 31), currency="XXX"), Slice(1, True), "?")
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def explain_waterfall(session: Any, actor: Actor, from_: Any = None, to: Any = None, **options: Any) -> Explanation:
    """Explain a waterfall; `options` as for `queries.waterfall`. The value of each slice is its end."""
    answer = waterfall(session, actor, from_, to, **options)
    names = [one.name for one in answer.columns if one.kind == "dimension" and one.name != "bar"]
    slices: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in answer.to_pylist():
        slices.setdefault(tuple(row[name] for name in names), []).append(row)
    stand = (
        f"from the evening before {answer.from_} to the evening of {answer.to}",
        f"generation {answer.generation}" + (f", as known on {answer.as_known_on}" if answer.as_known_on else ""),
    )
    found = tuple(_of_slice(dict(zip(names, key, strict=True)), rows, answer, options) for key, rows in slices.items())
    if len(found) == 1 and not names:
        one = found[0]
        return Explanation(
            one.title, one.value, formula=FORMULA, rule=RULE, definition=f"pipeline_waterfall {version()}", inputs=one.inputs,
            notes=(*stand, *answer.notes), empty_reason=answer.empty.get("pipeline_waterfall"),
        )  # fmt: skip
    return Explanation(
        "Pipeline waterfall", formula=FORMULA, rule=RULE, definition=f"pipeline_waterfall {version()}", inputs=found,
        notes=(*stand, *answer.notes), empty_reason="one value per slice, below",
    )  # fmt: skip


def _of_slice(cell: dict[str, str], rows: list[dict[str, Any]], answer: Any, options: dict[str, Any]) -> Explanation:
    name = ", ".join(cell.values())
    units = {row["bar"]: int(row["value"].scaleb(4)) for row in rows}
    total = sum(SIGNS.get(bar, 0) * value for bar, value in units.items())
    inputs = tuple(
        Explanation(
            row["bar"].replace("_", " "),
            Money(units[row["bar"]], answer.currency),
            notes=(
                f"{row['count']:,} " + ("changes" if row["bar"] in ("increased", "decreased", "currency") else "deals"),
            ),
            records={"bar": row["bar"], "from": answer.from_, "to": answer.to},
            command=_command(row["bar"], cell, answer, options),
        )
        for row in rows
        if row["bar"] != "end" and row["count"]
    )
    return Explanation(
        f"Pipeline at the end{f', {name}' if name else ''}", Money(units["end"], answer.currency), inputs=inputs,
        notes=("balances exactly" if total == units["end"] else f"does not balance: {total} against {units['end']}",),
    )  # fmt: skip


def _command(bar: str, cell: dict[str, str], answer: Any, options: dict[str, Any]) -> str | None:
    """The command that lists the deals of a bar; None where a filter was not written as text."""
    where = options.get("where")
    if where is not None and not isinstance(where, str):
        return None
    words = ["salesops", "pipeline", "waterfall", "--bar", bar, "--from", str(answer.from_), "--to", str(answer.to)]
    if answer.as_known_on is not None:
        words += ["--as-known-on", str(answer.as_known_on)]
    for name in ("scope", "currency", "where"):
        words += [f"--{name}", str(options[name])] if options.get(name) else []
    words += ["--by", ",".join(cell)] if cell else []
    for name, value in cell.items():
        words += ["--cell", f"{name}={value}"]
    return shlex.join(words)
