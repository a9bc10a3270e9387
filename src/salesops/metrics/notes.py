"""What an answer says beside its rows: fallbacks, records left out, undated records, what is assumed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from .calendars import note_of
from .facts import fact
from .request import Request
from .session import Actor


def total(raw: pa.Table, column: str) -> int:
    """The sum of a raw column; 0 when it is not there."""
    if column not in raw.column_names:
        return 0
    return sum(one for one in raw.column(column).to_pylist() if one is not None)


def notes_of(session: Any, actor: Actor, request: Request, raw: pa.Table) -> list[str]:
    """The notes of an answer, each once. How many records have no date is told to those who see all of them only."""
    found: list[str] = []
    entities: set[str] = set()
    for n, one in enumerate(request.asked):
        variant = one.variant
        if variant.fallback and not total(raw, f"m{n}__{variant.needs}"):
            found.append(f"{one.name}: {variant.fallback_note}")
        for name, part in variant.parts.items():
            entities.add(fact(part.fact).undated)
            if left := total(raw, f"m{n}__{name}__out"):
                found.append(f"{one.name}: {left:,} left out of {name}: {part.left_out}")
            if told := total(raw, f"m{n}__{name}__told"):
                used = total(raw, f"m{n}__{name}__n")
                found.append(f"{one.name}: {told:,} of {used:,} {fact(part.fact).noun} {part.told}")
        if variant.own_currency:
            found += own_currencies(one.name, n, request, raw)
        found += [f"{one.name}: {text}" for text in one.metric.notes if one.metric.additive == "semi" and len(raw) > 1]
    for entity in sorted(entities - {""}) if actor.sees_all else ():
        if count := undated(session, entity):
            found.append(f"{count:,} records ({entity}) have no date and are in no answer about days")
    found += note_of(request.unit, request.grain, request.by)
    if session.as_known_on is not None:
        found.append(assumed(session))
    return list(dict.fromkeys(found))


def own_currencies(name: str, n: int, request: Request, raw: pa.Table) -> list[str]:
    """In which currencies attainment was worked, where it was not the asked one for everybody."""
    codes, several = raw.column(f"m{n}__currency").to_pylist(), raw.column(f"m{n}__several").to_pylist()
    own = Counter(code for code in codes if code != request.currency)
    found = []
    if own:
        groups = ", ".join(f"{code}: {count:,}" for code, count in sorted(own.items()))
        found.append(
            f"{name}: worked in the quota's currency where all quotas of a group are in one ({groups}); "
            "credits at the close day's spot rate into it"
        )
    if any(several):
        found.append(
            f"{name}: {sum(several):,} with quotas in several currencies, in {request.currency}: quotas at the plan rate, "
            "credits at the close day's spot rate"
        )
    return found


def undated(session: Any, entity: str) -> int:
    """How many records of an entity have no date at all."""
    cache = session.__dict__.setdefault("_metric_columns", {})
    if "undated" not in cache:
        rows = session.query("SELECT entity, COUNT(*) AS n FROM undated GROUP BY entity").to_pylist()
        cache["undated"] = {row["entity"]: row["n"] for row in rows}
    return int(cache["undated"].get(entity, 0))


def assumed(session: Any) -> str:
    """How much of what was used has a recorded time that is only assumed."""
    share = getattr(session.manifest, "assumed_share", None)
    known = f"as known on {session.as_known_on}"
    if share is None:
        return f"{known}: where a source gave no recorded time, it is assumed to be the effective time"
    return f"{known}: {share:.1%} of the recorded times are assumed to be the effective time"
