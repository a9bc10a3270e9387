"""Where definitions are kept: files `metrics/*.toml` of the workspace, and the state (by `define`), with what was when.

A definition of the state is replaced, never edited: `created` and `ended` say when it held, the digest of its content which it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import tomli_w

from salesops.common.errors import Conflict, InvalidData, NotFound, Problem
from salesops.records import access, audit, context
from salesops.records.access import Actor
from salesops.records.writing import emit
from salesops.workspace import Workspace

from ..catalogue import metrics
from ..definitions import Asked, Metric
from .compiled import Compiled, compile_all
from .text import Definition, read

FOLDER: Final = "metrics"
STATE: Final = "metrics define"
"""The source of definitions of the state, in problems."""


class Defined(dict[str, Metric]):
    """The users' metrics by id, those that hold; `broken` says what is wrong with the others."""

    broken: Mapping[str, list[Problem]] = {}


@dataclass
class Found:
    """What there is in files and state, compiled."""

    definitions: list[Definition] = field(default_factory=list)
    compiled: Compiled = field(default_factory=Compiled)
    problems: list[Problem] = field(default_factory=list)


def defined(session: Any) -> Defined:
    """The metrics that people have defined, for one session; read again when a file or the state has changed."""
    return _kept(session)[1]


def known(session: Any, actor: Actor) -> dict[str, Metric]:
    """Every metric by id: those of the catalogue, then those that people defined."""
    access.require(actor, "read")
    return {**metrics(), **defined(session)}


def stamp_of(session: Any) -> tuple[Any, ...]:
    """What tells one state of the definitions from another: equal as long as no file and no definition of the state has changed."""
    return _stamp(session)


def found(session: Any) -> Found:
    """All definitions of a session's workspace and every mistake in them."""
    return _kept(session)[0]


def _kept(session: Any) -> tuple[Found, Defined]:
    stamp = _stamp(session)
    kept = session.__dict__.get("_defined_metrics")
    if kept is None or kept[0] != stamp:
        made = Found()
        for source, text in _texts(session):
            definitions, problems = read(text, source)
            made.definitions += definitions
            made.problems += problems
        if made.definitions:
            made.compiled = compile_all(session, made.definitions)
            made.problems += made.compiled.problems
        metrics = Defined(made.compiled.metrics)
        metrics.broken = made.compiled.broken
        kept = session.__dict__["_defined_metrics"] = (stamp, made, metrics)
    return kept[1], kept[2]


def _workspace(session: Any) -> Workspace | None:
    """The workspace whose files and state are read; a session over tables alone has none."""
    found = getattr(session, "workspace", None)
    return found if isinstance(found, Workspace) else None


def _files(session: Any) -> list[Path]:
    workspace = _workspace(session)
    return sorted((workspace.path / FOLDER).glob("*.toml")) if workspace is not None else []


def _stamp(session: Any) -> tuple[Any, ...]:
    if _workspace(session) is None:
        return tuple(getattr(session, "definitions", ()))
    from salesops.records.models import CustomField, UserMetric

    files = tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in _files(session))
    rows = tuple(UserMetric.objects.filter(ended__isnull=True).order_by("name").values_list("id", flat=True))
    fields = tuple(CustomField.objects.order_by("id").values_list("id", "kind")) if files or rows else ()
    return files, rows, fields


def _texts(session: Any) -> list[tuple[str, str]]:
    """(source, text) of everything: the state's first, then files by name; a session without a workspace carries its own."""
    if _workspace(session) is None:
        return list(getattr(session, "definitions", ()))
    from salesops.records.models import UserMetric

    rows = UserMetric.objects.filter(ended__isnull=True).order_by("name").values_list("definition", flat=True)
    texts = [(STATE, text) for text in rows]
    for file in _files(session):
        texts.append((f"{FOLDER}/{file.name}", file.read_bytes().decode("utf-8", "replace")))
    return texts


# Actions ------------------------------------------------------------------------------------------------------------------


def check(session: Any, actor: Actor, text: str | None = None, source: str = "definition") -> list[Problem]:
    """Every mistake of a text together with what is defined already; without one, of everything that is defined."""
    access.require(actor, "read")
    if text is None:
        return list(found(session).problems)
    own, problems = read(text, source)
    if problems:
        return problems + _alone(session, own).problems
    return _together(session, own)[1]


def define(session: Any, actor: Actor, text: str, source: str = "definition") -> list[dict[str, str]]:
    """Take definitions into the state: all of them, or none where any has a mistake. Gives name, version and what was done
    (`defined`, `changed`, `unchanged`). InvalidData lists every mistake; one who uses a changed metric is checked, too."""
    from django.db import transaction

    from salesops.records.models import UserMetric

    access.require(actor, "define_metrics")
    own, problems = read(text, source)
    if not own and not problems:
        problems = [Problem(source, None, None, "The text defines nothing", "Write for example: [my_metric]")]
    _refuse(problems + (_alone(session, own).problems if problems else []))
    done = []
    with transaction.atomic():
        audit.lock()
        _refuse(_together(session, own)[1])
        for one in own:
            there = UserMetric.objects.filter(name=one.name, ended__isnull=True).first()
            if there is not None and there.digest == one.digest:
                done.append({"metric": one.name, "version": one.digest, "done": "unchanged"})
                continue
            now = context.clock()
            if there is not None:
                UserMetric.objects.filter(pk=there.pk).update(ended=now, ended_by=actor.username)
            UserMetric.objects.create(
                name=one.name, definition=tomli_w.dumps({one.name: one.values}), digest=one.digest, user=actor.username, created=now
            )  # fmt: skip
            detail = {"name": one.name, "digest": one.digest, "before": there.digest if there is not None else ""}
            audit.write(actor, "metric.define", entity="metric", rows=1, detail=detail)
            emit("metric.define", detail)
            done.append(
                {"metric": one.name, "version": one.digest, "done": "changed" if there is not None else "defined"}
            )
    return done


def undefine(session: Any, actor: Actor, name: str) -> None:
    """End a definition of the state; its history stays. Refused while others are made of it."""
    from django.db import transaction

    from salesops.records.models import UserMetric

    access.require(actor, "define_metrics")
    with transaction.atomic():
        audit.lock()
        there = UserMetric.objects.filter(name=name, ended__isnull=True).first()
        if there is None:
            file = next((one.source for one in found(session).definitions if one.name == name), "")
            remedy = f"It stands in {file}: remove it there" if file else "salesops metrics definitions lists them"
            raise NotFound(f"there is no definition {name!r} in the state", remedy)
        rest = [one for one in found(session).definitions if one.name != name or one.source != STATE]
        before = set(found(session).compiled.metrics)
        lost = sorted(before - set(compile_all(session, rest).metrics) - {name})
        if lost:
            raise Conflict(f"{', '.join(lost)} would have no value without {name}", "Undefine or change them first")
        UserMetric.objects.filter(pk=there.pk).update(ended=context.clock(), ended_by=actor.username)
        detail = {"name": name, "digest": there.digest}
        audit.write(actor, "metric.undefine", entity="metric", rows=1, detail=detail)
        emit("metric.undefine", detail)


def history(actor: Actor, name: str = "", as_of: date | None = None) -> list[dict[str, Any]]:
    """Every definition that the state has had (of one metric), the oldest first: version, since and until when, by whom; with
    `as_of` those that counted at the end of that day."""
    from django.db.models import Q

    from salesops.records.models import UserMetric

    access.require(actor, "read")
    rows = UserMetric.objects.order_by("name", "id")
    if name:
        rows = rows.filter(name=name)
    if as_of is not None:
        end = context.day_end(as_of)
        rows = rows.filter(Q(ended__isnull=True) | Q(ended__gte=end), created__lt=end)
    return [
        {"metric": row.name, "version": row.digest, "created": row.created, "by": row.user, "ended": row.ended,
         "ended_by": row.ended_by, "definition": row.definition}
        for row in rows
    ]  # fmt: skip


def listed(session: Any, actor: Actor) -> list[dict[str, Any]]:
    """Every definition that counts now: kind, unit, where it stands, the version of its text, that of what it computes (`computed`, which
    answers name: what it is made of changes it, too), and how many mistakes it has."""
    access.require(actor, "read")
    compiled = found(session).compiled
    rows = []
    for one in found(session).definitions:
        made = compiled.metrics.get(one.name)
        rows.append({
            "metric": one.name, "kind": one.kind, "title": made.title if made else "", "unit": made.unit if made else "",
            "from": one.source, "version": one.digest, "computed": Asked(made, made.variants[0]).version if made else "",
            "mistakes": 0 if made else len(compiled.broken.get(one.name, ())),
        })  # fmt: skip
    return rows


def _alone(session: Any, own: list[Definition]) -> Compiled:
    names = {one.name for one in own}
    others = [one for one in found(session).definitions if one.name not in names or one.source != STATE]
    return compile_all(session, [*others, *own])


def _together(session: Any, own: list[Definition]) -> tuple[Compiled, list[Problem]]:
    """What definitions come to beside those that there are (they take the place of the state's): their own mistakes, and those
    of others that held before."""
    made = _alone(session, own)
    held = set(found(session).compiled.metrics)
    names = {one.name for one in own} | held
    known = set(found(session).problems)
    lost = [each for name in names for each in made.broken.get(name, ()) if each not in known]
    return made, list(dict.fromkeys([*(each for each in made.problems if each in lost), *lost]))


def _refuse(problems: list[Problem]) -> None:
    if problems:
        count = f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}"
        raise InvalidData(f"The definition has {count}", "Nothing was defined: mend them and define it again", problems)
