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


class Worker:
    """A thread, from the first job on."""

    def __init__(self, regular: Job) -> None:
        self._regular, self._due = regular, time.monotonic() + FIRST
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

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, self._due - time.monotonic()))
            except queue.Empty:
                job, self._due = self._regular, time.monotonic() + BETWEEN
            if job is None:
                return
            try:
                job()
            except (ServerError, OSError) as error:
                log.warning("messages: %s", error)
