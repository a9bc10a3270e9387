"""The Python door to forecasts: `ws.forecasts.board()`, `ws.forecasts.call({"commit": 120000})`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesops.api import Api


class Forecasts:
    """What will be booked: what the deals say, and what people call."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def board(self, *, as_of: date | str | None = None, **question: Any) -> Any:
        """A line a person of a `period`, as of a day; `top` only somebody and those below, `type` of deals, `currency`."""
        from salesops.forecasting.queries import board

        return board(self._api.session(), self._api.actor, as_of=as_of, **question)

    def call(self, amounts: Mapping[str, Any], **given: Any) -> Any:
        """Call a `period`: cumulative `amounts` by category (commit, best_case, pipeline). `person` and `reason`: a figure beside somebody's
        call; `type`, `currency`, `note`."""
        from salesops.forecasting.actions import submit

        return submit(self._api.session(), self._api.actor, amounts, **given)

    def calls(self, **question: Any) -> list[dict[str, Any]]:
        """Every call of a `period` (of a `person`, a `category`), newest first."""
        from salesops.forecasting.queries import call_history

        return call_history(self._api.session(), self._api.actor, **question)
