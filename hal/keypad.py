"""Keypad: the keys 0-9, * and #."""

from collections.abc import Callable
from typing import Protocol

KEYS = "0123456789*#"


class Keypad(Protocol):
    """Tells each key once when it goes down."""

    def listen(self, on_key: Callable[[str], None]) -> None:
        """Call `on_key(key)` for every key press, from any thread, until `close`."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
