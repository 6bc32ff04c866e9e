"""Failed logins, counted: whoever guesses is not listened to for a while."""

import threading
import time
from collections.abc import Callable

MINUTE = 60.0
REMEMBERED = 10_000
"""Addresses and accounts; beyond it the oldest are forgotten."""

Key = tuple[str, ...]


class Failures:
    """Counts by source address, and by source address and account, in steps of a minute. From any thread."""

    def __init__(
        self, per_account: int, per_source: int, ban: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`ban` is in seconds."""
        self._per_account, self._per_source, self._ban, self._clock = per_account, per_source, ban, clock
        self._lock = threading.Lock()
        self._counts: dict[Key, tuple[float, int]] = {}
        self._banned: dict[Key, float] = {}

    def banned(self, source: str, account: str) -> float:
        """Seconds until this source is listened to again, 0.0 if it is now."""
        with self._lock:
            now = self._clock()
            return max(0.0, *(self._banned.get(key, now) - now for key in ((source,), (source, account))))

    def count(self, source: str, account: str) -> None:
        """A login failed."""
        with self._lock:
            self._count((source,), self._per_source)
            self._count((source, account), self._per_account)

    def _count(self, key: Key, limit: int) -> None:
        now = self._clock()
        began, number = self._counts.pop(key, (now, 0))
        if now - began > MINUTE:
            began, number = now, 0
        self._counts[key] = (began, number + 1)
        if number + 1 >= limit:
            self._banned[key] = now + self._ban
        for kept in (self._counts, self._banned):
            while len(kept) > REMEMBERED:
                kept.pop(next(iter(kept)))
