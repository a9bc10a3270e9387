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

    # The model

    def run(
        self, *, as_of: date | str | None = None, test: bool | None = None, weeks: int = 104, step: Any = None
    ) -> Any:
        """Forecast the period of a day (default: today) and the next, and store both; `test=True` makes the back-test anew."""
        from salesops.forecasting.runs import run

        return run(self._api.session(as_of), self._api.actor, as_of=as_of, test=test, weeks=weeks, step=step)

    def ask_run(self) -> bool:
        """Have the worker make today's forecast now; says whether that is new. `running()` tells how far it is."""
        from salesops.forecasting.actions import ask_run

        return ask_run(self._api.actor)

    def running(self) -> dict[str, Any]:
        """Whether the worker makes a forecast (waiting, running, failed, done, none), and how far it is."""
        from salesops.forecasting.runs import running

        return running(self._api.actor)

    def runs(self, **question: Any) -> list[dict[str, Any]]:
        """The stored forecasts (of a `period`), the newest first."""
        from salesops.forecasting.runs import listed

        return listed(self._api.actor, **question)

    def warnings(self, **question: Any) -> dict[str, Any]:
        """What a `period` warns of, each with its deals or person."""
        from salesops.forecasting.insights import early_warnings

        return early_warnings(self._api.session(), self._api.actor, **question)

    def callers(self, **question: Any) -> dict[str, Any]:
        """How good everybody's calls of the last `periods` were, by week of the period, and what each layer added."""
        from salesops.forecasting.insights import callers

        return callers(self._api.session(), self._api.actor, **question)

    def show(self, **question: Any) -> dict[str, Any]:
        """The newest forecast of a `period` (`as_of` a day): rows by person and cut, methods with weights, notes."""
        from salesops.forecasting.runs import show

        return show(self._api.session(), self._api.actor, **question)

    def deals(self, **question: Any) -> list[dict[str, Any]]:
        """The open deals of a forecast (of a `person` and those below): chance, expected close, amount, reasons."""
        from salesops.forecasting.runs import deals

        return deals(self._api.session(), self._api.actor, **question)

    def changes(self, **question: Any) -> dict[str, Any]:
        """Why the forecast is another than `days` ago, deal by deal."""
        from salesops.forecasting.runs import moved

        return moved(self._api.session(), self._api.actor, **question)

    def accuracy(self, *, weeks: str = "all", again: bool = False) -> dict[str, Any]:
        """How good every method was on past weeks; `again=True` makes the back-test anew."""
        from salesops.forecasting.runs import accuracy, retest

        if again:
            retest(self._api.session(), self._api.actor)
        return accuracy(self._api.actor, weeks=weeks)

    def scenario(self, *, horizon: int = 0, **changed: Any) -> dict[str, Any]:
        """The forecast of today beside the same with changes: `dropped`, `slipped`, `won` (deal ids), `win_odds`, `cycle_days`, `arrivals`, `hires`."""
        from salesops.forecasting.runs import scenario
        from salesops.forecasting.scenario import Scenario

        given: dict[str, Any] = {
            name: frozenset(value) if name in ("dropped", "slipped", "won") else value
            for name, value in changed.items()
        }
        return scenario(self._api.session(), self._api.actor, Scenario(**given), horizon=horizon)
