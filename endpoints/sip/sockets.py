"""How many media sockets are open: the library's table of them is small, and overflowing it ends the process."""

import time
from collections.abc import Callable

TABLE = 64
SPARE = 4
LINGER = 0.75
"""Seconds for which a closed socket still has its place in the table (0.5 in PJSIP)."""


class SocketBudget:
    """Counts places; those of what ended come back after `LINGER`."""

    def __init__(self, places: int = TABLE - SPARE, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._open = 0
        self._closing: list[tuple[float, int]] = []

    def has_room(self, sockets: int) -> bool:
        """Whether so many more sockets fit in."""
        now = self._clock()
        self._closing = [(until, count) for until, count in self._closing if until > now]
        return self._open + sum(count for _, count in self._closing) + sockets <= self._places

    def open(self, sockets: int) -> None:
        """So many were opened."""
        self._open += sockets

    def close(self, sockets: int) -> None:
        """So many were closed."""
        self._open -= sockets
        self._closing.append((self._clock() + LINGER, sockets))

    def try_briefly(self, sockets: int) -> bool:
        """If there is room, count sockets that may be opened and closed at once, without a call."""
        if not self.has_room(sockets):
            return False
        self._closing.append((self._clock() + LINGER, sockets))
        return True
