"""The KPI guide: which figure to watch for which problem, which means nothing in this business, what to read together with
it, what to ask when it moves, and what others report. Data in TOML beside this file; no I/O but reading it once.

`guide` gives the pages of one question; `watch`, `applies`, `read_with`, `when_it_moves` and `benchmarks` its parts.
"""

from .ask import Guide, applies, benchmarks, guide, read_with, watch, when_it_moves
from .data import load

__all__ = ["Guide", "applies", "benchmarks", "guide", "load", "read_with", "watch", "when_it_moves"]
