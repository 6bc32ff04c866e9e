"""Contact: door contact and tamper switch, anything that is open or closed."""

from collections.abc import Callable
from typing import Protocol


class Contact(Protocol):
    """A two-state input, debounced."""

    @property
    def open(self) -> bool:
        """True: the door stands open, or the case was opened."""

    def listen(self, on_change: Callable[[bool], None]) -> None:
        """Call `on_change(open)` at every change, from any thread, until `close`."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
