"""News of a home's messages, for everybody who listens at this moment: server-sent events are made of them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

LISTENERS = 100
"""At most, of all homes together; 6 of one account."""
PER_ACCOUNT = 6
_WAITING = 50
"""News that one listener may leave unread; older ones give way, since each tells the whole state."""


class TooManyListeners(RuntimeError):
    """No more can be served."""


@dataclass(eq=False, slots=True)
class Listener:
    """One who listens, on the loop that made it."""

    home: str
    account: str
    loop: asyncio.AbstractEventLoop
    news: asyncio.Queue[Json | None] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    """None is the end."""

    def put(self, told: Json | None) -> None:
        """On its own loop."""
        if self.news.full():
            self.news.get_nowait()
        self.news.put_nowait(told)


class News:
    """Tells listeners of a home, and of no other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._ended = False

    def tell(self, home: str, told: Json) -> None:
        """From any thread."""
        with self._lock:
            for listener in self._listeners:
                if listener.home == home:
                    listener.loop.call_soon_threadsafe(listener.put, told)

    @contextmanager
    def listening(self, home: str, account: str) -> Iterator[Listener]:
        """Listen until the end of the block. Raises TooManyListeners."""
        listener = Listener(home, account, asyncio.get_running_loop())
        with self._lock:
            if self._full(home, account):
                raise TooManyListeners("too many listen already")
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def full(self, home: str, account: str) -> bool:
        """Whether this account would be one too many."""
        with self._lock:
            return self._full(home, account)

    def _full(self, home: str, account: str) -> bool:
        own = sum((one.home, one.account) == (home, account) for one in self._listeners)
        return self._ended or len(self._listeners) >= LISTENERS or own >= PER_ACCOUNT

    def end(self) -> None:
        """Everybody's stream ends. From any thread."""
        with self._lock:
            self._ended = True
            for listener in self._listeners:
                listener.loop.call_soon_threadsafe(listener.put, None)
