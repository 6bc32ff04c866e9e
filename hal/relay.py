"""Relay: the lock of a door. What callers say is about the door; the wiring is the board file's."""

from typing import Protocol


class Relay(Protocol):
    """Drives one lock. A fail-secure lock opens while energised, a fail-safe lock opens while released."""

    @property
    def unlocked(self) -> bool:
        """Whether the door can be opened now."""

    def pulse(self, seconds: float) -> None:
        """Unlock for `seconds`, then lock by itself; a pulse during a pulse makes the longer of both."""

    def hold(self) -> None:
        """Unlock until `release`."""

    def release(self) -> None:
        """Lock now."""

    def close(self) -> None:
        """Lock, release the coil of a fail-secure lock, give the pin back; twice does no harm."""
