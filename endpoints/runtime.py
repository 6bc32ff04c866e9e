"""What every app runs on: one queue of events, timers, a state machine around `next_step`, signals, figures."""

import heapq
import itertools
import logging
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Generic, Protocol, TypeVar

from endpoints.events import TimerExpired
from hal.errors import IntercomError

log = logging.getLogger(__name__)


class HasPhase(Protocol):
    """A state of an app; it also has facts of its own."""

    @property
    def phase(self) -> StrEnum:
        """Where the app stands."""


State = TypeVar("State", bound=HasPhase)
Event = TypeVar("Event")
Action = TypeVar("Action")


class Loop:
    """Takes events from any thread and gives them, one at a time and in order, to the thread that runs it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._events: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._deadlines: dict[str, int] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = itertools.count(1)
        self._stopping = False

    def post(self, event: object) -> None:
        """Queue `event`; never blocks, may be called from any thread and from a signal handler."""
        self._events.put(event)

    def stop(self) -> None:
        """Let `run` return after the event in hand; from any thread or a signal handler."""
        self._stopping = True
        self._events.put(None)

    def start_timer(self, name: str, seconds: float) -> None:
        """Give `TimerExpired(name)` once after `seconds`; a running timer of that name begins anew. Loop's thread."""
        number = next(self._numbers)
        self._deadlines[name] = number
        heapq.heappush(self._heap, (self._clock() + seconds, number, name))

    def cancel_timer(self, name: str) -> None:
        """Forget the timer, if it runs. Loop's thread."""
        self._deadlines.pop(name, None)

    def run(self, handle: Callable[[object], None]) -> None:
        """Give every event to `handle` until `stop`."""
        while not self._stopping:
            for expired in self._due():
                handle(expired)
            try:
                event = self._events.get(timeout=self._wait())
            except queue.Empty:
                continue
            if event is not None and not self._stopping:
                handle(event)

    def drain(self, handle: Callable[[object], None]) -> None:
        """Give all that waits or is due to `handle`, and return without waiting for more."""
        while True:
            for expired in self._due():
                handle(expired)
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            handle(event)

    def _due(self) -> Iterator[TimerExpired]:
        while self._heap and self._heap[0][0] <= self._clock():
            _, number, name = heapq.heappop(self._heap)
            if self._deadlines.get(name) == number:
                del self._deadlines[name]
                yield TimerExpired(name)

    def _wait(self) -> float | None:
        while self._heap and self._deadlines.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - self._clock()) if self._heap else None


class Machine(Generic[State, Event, Action]):
    """Holds an app's state: asks `next_step` what follows from an event, and has it done."""

    def __init__(
        self,
        state: State,
        next_step: Callable[[State, Event], tuple[State, Sequence[Action]]],
        perform: Callable[[Action], Event | None],
        tell: Callable[[str, str, str], None],
    ) -> None:
        """`perform` may give an event that follows from an action; `tell(old, new, why)` hears of each new phase."""
        self.state = state
        self._next_step, self._perform, self._tell = next_step, perform, tell

    def handle(self, event: Event) -> None:
        """Take one event and all that follows from it."""
        events = deque([event])
        while events:
            events.extend(self._take(events.popleft()))

    def _take(self, event: Event) -> Iterator[Event]:
        after, actions = self._next_step(self.state, event)
        if after is self.state and not actions:
            log.debug("%s does not expect %s", self.state.phase, type(event).__name__)
        self._become(after, type(event).__name__)
        for action in actions:
            follows = self._done(action)
            if follows is not None:
                yield follows

    def _become(self, after: State, why: str) -> None:
        """The one place where the state changes."""
        before, self.state = self.state, after
        if before.phase != after.phase:
            log.info("%s -> %s (%s)", before.phase, after.phase, why)
            self._tell(before.phase, after.phase, why)

    def _done(self, action: Action) -> Event | None:
        try:
            return self._perform(action)
        except IntercomError as error:
            log.error("%s could not be done: %s", type(action).__name__, error)
            return None


@contextmanager
def stop_on_signals(loop: Loop) -> Iterator[None]:
    """SIGTERM and SIGINT stop `loop` instead of the process, until the end of the block."""

    def stop(number: int, frame: FrameType | None) -> None:
        loop.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def process_figures() -> dict[str, object]:
    """What this process takes: `cpu_seconds` since its start, also by thread; memory as `pss_kb` and `rss_kb`."""
    rollup = _fields(Path("/proc/self/smaps_rollup"))
    memory = {"pss_kb": rollup.get("Pss", 0), "rss_kb": rollup.get("Rss", 0)}
    return {"cpu_seconds": time.process_time(), **memory, "threads": _thread_seconds()}


def _thread_seconds() -> dict[str, float]:
    """CPU seconds of each living thread, by its name in Python or, of a library's own thread, in the kernel."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    used: dict[str, float] = {}
    for task in Path("/proc/self/task").glob("*/stat"):
        try:
            head, _, tail = task.read_text().rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        name = names.get(int(task.parent.name)) or head.partition("(")[2]
        user, system = tail.split()[11:13]
        used[name] = used.get(name, 0.0) + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return used


def _fields(path: Path) -> dict[str, int]:
    """The numbers of a ``Name:  123 kB`` file of the kernel; none where the kernel has no such file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    values = ((name, value.split()) for name, value in pairs)
    return {name: int(value[0]) for name, value in values if value and value[0].isdigit()}
