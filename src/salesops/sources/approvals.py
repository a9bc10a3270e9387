"""What of this room may need approval: undoing an import. Known from the start of a process, whatever it imports (`web.apps`)."""

from __future__ import annotations

from typing import Any

from salesops.records import approvals, context
from salesops.records.access import Actor
from salesops.records.approvals import Decided, Kind


def _apply(actor: Actor, held: dict[str, Any], decided: Decided) -> dict[str, Any]:
    from .imports import undo_at_once

    return undo_at_once(context.folder(), actor, held["batch"], decided, wait=10)


def _base(held: dict[str, Any]) -> str:
    from .imports import undo_base

    return undo_base(held)


approvals.register(Kind("import_undo", "Undo of an import", "undo_import", _apply, _base))
