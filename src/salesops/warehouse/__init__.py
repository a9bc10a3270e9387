"""The columnar copy of the records that questions are asked of, in immutable generations."""

from __future__ import annotations

from .refresh import Refreshed, refresh
from .session import Session, open_session

__all__ = ["Refreshed", "Session", "open_session", "refresh"]
