"""The one thread on which a SIP library lives: it polls, runs commands that others queue, and keeps timers."""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)
Job = Callable[[], None]


class Worker:
    """Runs jobs one at a time on its own thread; between them `poll` waits for the library's events.

    A job that fails is logged and does not stop the others.
    """

    def __init__(self, name: str, failures: tuple[type[Exception], ...] = ()) -> None:
        self._failures: tuple[type[Exception], ...] = (
            *failures,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RuntimeError,
            OSError,
        )
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._timers: list[tuple[float, int, Job]] = []
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._name = name
        self._thread: threading.Thread | None = None
        self.wake: Job = lambda: None
        """Ends a poll that waits; called from any thread after a job was queued."""

    def start(self, work: Job) -> None:
        """Begin; `work` is the thread's whole program and calls `turn` until `stopping`."""
        self._thread = threading.Thread(target=work, name=self._name, daemon=True)
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the worker's thread."""
        return threading.current_thread() is self._thread

    def do(self, job: Job) -> None:
        """Run `job` on the thread, soon; from any thread."""
        self._jobs.put(job)
        if not self.is_here:
            self.wake()

    def later(self, seconds: float, job: Job) -> None:
        """Run `job` on the thread after `seconds`; only from the thread itself."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), job))

    def turn(self, poll: Callable[[float], None]) -> None:
        """One round: what is queued, what is due, then `poll(seconds)`, which may wait so long but not longer."""
        while not self._jobs.empty():
            self.attempt(self._jobs.get())
        while self._timers and self._timers[0][0] <= time.monotonic():
            self.attempt(heapq.heappop(self._timers)[2])
        poll(self._patience())

    def _patience(self) -> float:
        if not self._jobs.empty():
            return 0.0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else float("inf")

    def stop(self, limit: float) -> bool:
        """Ask the thread to end and wait at most `limit` seconds; whether it ended. Twice does no harm."""
        self._stopping.set()
        self.wake()
        if self._thread is None or self.is_here:
            return True
        self._thread.join(limit)
        return not self._thread.is_alive()

    def attempt(self, job: Job) -> None:
        """Run `job` now; a failure is logged. Only on the thread itself."""
        try:
            job()
        except self._failures as error:
            log.warning("%s: %s", self._name, _sentence(error), exc_info=log.isEnabledFor(logging.DEBUG))


def _sentence(error: Exception) -> str:
    reason = getattr(error, "reason", "") or str(error)
    return f"{getattr(error, 'title', type(error).__name__)}: {reason}"
