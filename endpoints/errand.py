"""Work that a device does again and again beside its loop: soon when something is new, ever later when it fails."""

import logging
import random
import threading
from collections.abc import Callable

from endpoints.errors import ServiceError

log = logging.getLogger(__name__)

FIRST_RETRY = 2.0
LONGEST_RETRY = 300.0


class Errand:
    """Calls `work` on a thread of its own that sleeps in between; waits differ by a quarter from device to device.

    `work` gives the seconds until the next time, None for: when woken. After a ServiceError it is tried again, with
    growing delay; the loss and the return are logged once each.
    """

    def __init__(self, name: str, work: Callable[[], float | None], first_retry: float = FIRST_RETRY) -> None:
        self._name, self._work, self._first_retry = name, work, first_retry
        self._woken = threading.Event()
        self._closed = self._news = False
        self._retry = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first time is at once."""
        self._thread.start()

    def wake(self) -> None:
        """Something is new: work now, or if the last time failed, with the next attempt. From any thread."""
        self._news = True
        if not self._retry:
            self._woken.set()

    def hurry(self) -> None:
        """There is reason to believe that what failed works again: try now. From any thread."""
        self._woken.set()

    def close(self) -> None:
        """No more work; what is being asked of a server right now is not waited for."""
        self._closed = True
        self._woken.set()

    def _run(self) -> None:
        while not self._closed:
            self._woken.clear()
            self._news = False
            pause = self._work_once()
            if not self._closed and (self._retry or not self._news):
                self._woken.wait(None if pause is None else pause * random.uniform(0.75, 1.25))

    def _work_once(self) -> float | None:
        try:
            pause = self._work()
        except ServiceError as error:
            if not self._retry:
                log.warning("%s: %s; it is tried again", self._name, error)
            self._retry = min(max(self._retry * 2, self._first_retry), LONGEST_RETRY)
            return self._retry
        if self._retry:
            log.info("%s: works again", self._name)
        self._retry = 0.0
        return pause
