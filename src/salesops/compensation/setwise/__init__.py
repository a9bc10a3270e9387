"""Calculates a plan over tables in DuckDB: the same plan objects as the interpreter, whole companies at once.

``calculate`` reads the tables of ``salesops.compensation`` from the schema ``given`` of a connection and leaves the result
in ``calc``; ``save`` stores it, ``recalculate`` does what a change reaches, ``preview`` one payee. Everything is integer
arithmetic; the order and the batches in which rows arrived change nothing. What a plan uses and this back end does not do is refused by name (``scope``).
"""

from __future__ import annotations

from salesops.compensation.setwise.calculation import Outcome, calculate
from salesops.compensation.setwise.changes import recalculate
from salesops.compensation.setwise.scope import unsupported
from salesops.compensation.setwise.single import Closing, differences, preview
from salesops.compensation.setwise.store import Run, check, compact, load, save
from salesops.compensation.setwise.work import Grain, connect, give

__all__ = [
    "Closing", "Grain", "Outcome", "Run", "calculate", "check", "compact", "connect", "differences", "give", "load", "preview",
    "recalculate", "save", "unsupported",
]  # fmt: skip
