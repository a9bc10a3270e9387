"""How often a token may call: so many calls a minute, the unused ones of a minute saved up.

Counted in the memory of each worker process (a token bucket): a start of the server begins anew, and several workers allow a
token as many times as much. `rate_limit` in `salesops.toml` is the number of calls a minute; 0 sets no limit.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from salesops.common.errors import SalesopsError
from salesops.records import context

A_MINUTE = 1200
"""Calls a minute, unless `rate_limit` in `salesops.toml` says otherwise."""
MOST_TOKENS = 10_000


class TooOften(SalesopsError):
    """More calls of a token than its share; `wait` is in seconds."""

    def __init__(self, wait: int, a_minute: int) -> None:
        super().__init__(
            f"this token has made more than {a_minute:,} calls in a minute",
            remedy=f"Call again in {wait} s; the workspace's setting rate_limit says how many calls a minute there may be",
        )
        self.wait = wait


class Buckets:
    """Calls left by token, and when that was so. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, token: str, a_minute: int) -> int:
        """Take a call of a token: 0, or (nothing is taken) in how many seconds there is one.

        >>> moment = [0.0]
        >>> buckets = Buckets(lambda: moment[0])
        >>> [buckets.take("a", 2) for _ in range(3)], buckets.take("b", 2)
        ([0, 0, 30], 0)
        >>> moment[0] = 30.0
        >>> buckets.take("a", 2), buckets.take("a", 2)
        (0, 30)
        """
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(token, (float(a_minute), now))
            left = min(float(a_minute), left + (now - since) * a_minute / 60)
            taken = left >= 1
            self._left[token] = (left - taken, now)
            while len(self._left) > MOST_TOKENS:
                self._left.popitem(last=False)
        return 0 if taken else ceil((1 - left) * 60 / a_minute)


buckets = Buckets()


def check_rate(token: str) -> None:
    """Count a call of a token; raises TooOften where it has none left."""
    setting = context.option("rate_limit", A_MINUTE)
    a_minute = setting if type(setting) is int and setting >= 0 else A_MINUTE
    if a_minute and (wait := buckets.take(token, a_minute)):
        raise TooOften(wait, a_minute)
