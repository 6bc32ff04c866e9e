"""How long to wait before the next try: longer after each failure, never all homes of a community at once."""

import random

SETTLED = 10.0
"""Seconds after which a connection that ends has been a good one."""
LONGEST = 60.0


class Pauses:
    """Times are in seconds, of any one clock."""

    def __init__(self, first: float, longest: float = LONGEST) -> None:
        self._first, self._longest = first, longest
        self._failures = 0
        self._due = 0.0

    def left(self, now: float) -> float:
        """Until the next try."""
        return max(0.0, self._due - now)

    def failed(self, now: float) -> None:
        """The try came to nothing, or its connection ended at once."""
        pause = min(self._first * 2.0 ** min(self._failures, 30), self._longest)
        self._failures += 1
        self._due = now + pause * random.uniform(0.5, 1.5)

    def lost(self, now: float, lasted: float) -> None:
        """A connection ended that nobody had used, after so many seconds."""
        if lasted > SETTLED:
            self.worked()
        self.failed(now)

    def worked(self) -> None:
        """All is well."""
        self._failures, self._due = 0, 0.0
