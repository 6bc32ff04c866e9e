"""When to ask a sender for a key frame: at once, soon again, then patiently, until a frame decodes."""

SPACINGS = (0.1, 0.1, 0.1, 0.1, 0.2)
"""Seconds after each request; the last one repeats `FREQUENT` times, then `RARE` follows."""
FREQUENT = 30
RARE = 1.0


class KeyRequests:
    """No clock in it: `now` comes from outside."""

    def __init__(self, now: float) -> None:
        self._next = now
        self._sent = 0

    def due(self, needed: bool, now: float) -> bool:
        """Whether a request has to go out now, which is then counted as sent."""
        if not needed:
            self._sent = 0
            return False
        if now < self._next:
            return False
        self._next = now + self._spacing()
        self._sent += 1
        return True

    def next_check(self, needed: bool) -> float:
        """When `due` may say yes."""
        return self._next if needed else float("inf")

    def _spacing(self) -> float:
        if self._sent >= FREQUENT:
            return RARE
        return SPACINGS[min(self._sent, len(SPACINGS) - 1)]
