"""Button: call button, exit button, and the buttons of an indoor unit."""

from collections.abc import Callable
from typing import Protocol


class Button(Protocol):
    """Tells each press once, debounced."""

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press()` for every press, from any thread, until `close`."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
