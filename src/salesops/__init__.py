"""salesops: the open system that runs a sales operations department.

import salesops
ws = salesops.open("./acme")
ws.metrics.query(["win_rate", "bookings"], by=["owner"], period="quarter", as_of="2017-12-31").to_polars()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from salesops.api import Api, init, open, restore

__all__ = ["Api", "__version__", "init", "open", "restore"]


def __getattr__(name: str) -> object:
    """The Python door is loaded when it is used: rooms can be imported without it."""
    if name in ("Api", "init", "open", "restore"):
        from salesops import api

        return getattr(api, name)
    raise AttributeError(name)
