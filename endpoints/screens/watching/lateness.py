"""How late a live picture is, by clocks that know nothing of each other.

The fastest picture so far took half a round trip; whatever another one took longer, it is later than that.
"""

_FORGET = 20e-6
"""Seconds by which the fastest one is forgotten with each picture: clocks drift, and networks change."""


class Lateness:
    """Of one stream."""

    def __init__(self) -> None:
        self._fastest: float | None = None

    def of(self, taken: float, arrived: float, now: float, round_trip: float) -> float:
        """Seconds from the picture's journey's begin until `now`; `taken` on the sender's clock, the rest on ours."""
        journey = arrived - taken
        if self._fastest is None or journey < self._fastest:
            self._fastest = journey
        else:
            self._fastest += _FORGET
        return now - taken - self._fastest + round_trip / 2
