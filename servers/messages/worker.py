"""What nobody waits for is done here, one thing after the other: thumbnails, the journal, forgetting what is old."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from servers.errors import ServerError

log = logging.getLogger(__name__)

Job = Callable[[], None]
FIRST, BETWEEN = 60.0, 3600.0
"""Seconds until the regular job is done for the first time, and between two times."""
OFTEN = 1.0


class Worker:
    """A thread, from the first job on."""

    def __init__(self, regular: Job, often: Job | None = None) -> None:
        """`often` is done each second."""
        self._regular, self._due = regular, time.monotonic() + FIRST
        self._often = often
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def do(self, job: Job) -> None:
        """Later, in order. From any thread."""
        self._jobs.put(job)

    def end(self) -> None:
        """What is in the queue is done yet."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _next(self) -> Job | None:
        left = max(0.0, self._due - time.monotonic())
        try:
            return self._jobs.get(timeout=min(left, OFTEN) if self._often else left)
        except queue.Empty:
            if self._often and time.monotonic() < self._due:
                return self._often
            self._due = time.monotonic() + BETWEEN
            return self._regular

    def _run(self) -> None:
        while True:
            job = self._next()
            if job is None:
                return
            try:
                job()
            except (ServerError, OSError) as error:
                log.warning("messages: %s", error)
