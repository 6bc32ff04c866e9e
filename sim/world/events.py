"""What happened to a device, in order, for whoever asks later or waits for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

KEPT = 5000
"""Events that a device's log keeps."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    id: int
    """Ascending by one; unique in the device."""
    ms: float
    """Milliseconds of the machine's monotonic clock, told by the process in which it happened."""
    event: str
    facts: Mapping[str, object]


class EventLog:
    """The events of one device. Used on the world's event loop only."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._news = asyncio.Condition()
        self.listeners: list[Callable[[Event], None]] = []

    @property
    def last(self) -> int:
        """The id of the newest event, 0 before the first."""
        return self._last

    def add(self, event: str, facts: Mapping[str, object], ms: float) -> None:
        """Append an event and wake everybody who waits for one."""
        self._last += 1
        entry = Event(self._last, ms, event, facts)
        self._events.append(entry)
        for listener in list(self.listeners):
            listener(entry)
        self._waker = asyncio.ensure_future(self._wake())

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    def after(self, number: int) -> list[Event]:
        """The kept events with an id above `number`."""
        return [event for event in self._events if event.id > number]

    async def wait(self, number: int, seconds: float) -> list[Event]:
        """Like `after`, but if there is none yet wait up to `seconds` for one."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: self._last > number), seconds)
            except TimeoutError:
                return []
        return self.after(number)
