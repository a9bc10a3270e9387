"""The Python door to compensation: `ws.compensation.preview("plan.yaml", person="Ann Lee")`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesops.api import Api


class Compensation:
    """Plans as tested text, and what one would pay. Plans themselves: `salesops.compensation` (reader, lint, tested, letter, diff)."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def preview(self, plan: str, person: object | None = None, *, through: date | str | None = None) -> Any:
        """What a plan (a file, or the name of an example) would pay a person (default: oneself) up to a day; nothing is stored or paid."""
        from salesops.compensation.queries import plan_of, preview

        return preview(self._api.session(), self._api.actor, plan_of(plan), person, through=through)
