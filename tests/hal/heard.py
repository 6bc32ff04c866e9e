"""What a device told, to be waited for."""

import queue
from typing import Any

LIMIT = 20.0
"""Seconds that a test waits for a sign before it fails; far more than any machine needs."""


class Heard:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self._told: queue.Queue[Any] = queue.Queue()

    def __call__(self, *args: Any) -> None:
        self._told.put(args[0] if len(args) == 1 else args)

    def next(self) -> Any:
        """The next thing told. Raises queue.Empty after `LIMIT` seconds."""
        return self._told.get(timeout=LIMIT)

    def nothing(self) -> bool:
        """Whether nothing more was told up to now."""
        return self._told.empty()
