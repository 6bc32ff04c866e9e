"""When a lock is open: pulses, hold and release over anything that can be switched."""

import atexit
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

from hal.errors import HalError

log = logging.getLogger(__name__)

_RETRY = 1.0


class Timer(Protocol):
    """What is needed of a ``threading.Timer``."""

    daemon: bool

    def start(self) -> None:
        """Begin to count."""

    def cancel(self) -> None:
        """Do not call any more."""


class LockTimer:
    """Decides when `switch(unlocked)` is called. Every pulse ends: by its timer, by `close`, or when Python exits.

    `switch` is called with True and False in turn, under this object's lock, first with False at construction. If it
    raises HalError or OSError while a pulse ends, that is logged and locking is tried again each second until it works.
    """

    def __init__(
        self,
        switch: Callable[[bool], None],
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = threading.Timer,
    ) -> None:
        self._switch = switch
        self._clock = clock
        self._new_timer = timer
        self._guard = threading.RLock()
        self._timer: Timer | None = None
        self._until = 0.0
        self._closed = False
        self._unlocked = False
        switch(False)
        # A daemon timer does not hold up the exit of the process; this locks before the pins are given back.
        atexit.register(self.close)

    @property
    def unlocked(self) -> bool:
        """Whether the lock is open now."""
        return self._unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock for `seconds`, above 0; during a pulse the later end counts. Raises ValueError, HalError if closed."""
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"a pulse lasts more than 0 seconds, not {seconds!r}")
        with self._guard:
            self._unlock()
            self._until = max(self._until, self._clock() + seconds)
            if self._until != math.inf:
                self._arm(self._until - self._clock())

    def hold(self) -> None:
        """Unlock until `release`. Raises HalError if closed."""
        with self._guard:
            self._unlock()
            self._until = math.inf
            self._cancel()

    def release(self) -> None:
        """Lock now."""
        with self._guard:
            self._lock()

    def close(self) -> None:
        """Lock for good; twice does no harm."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            atexit.unregister(self.close)
            self._lock()

    def _unlock(self) -> None:
        if self._closed:
            raise HalError("The lock was closed and does not open any more.")
        if self._unlocked:
            return
        self._unlocked = True
        try:
            self._switch(True)
        except BaseException:
            self._lock_or_retry()
            raise

    def _lock(self) -> None:
        self._until = 0.0
        self._cancel()
        if self._unlocked:
            self._switch(False)
            self._unlocked = False

    def _expire(self) -> None:
        with self._guard:
            left = self._until - self._clock()
            if left > 0:
                # Extended, or put on hold, while this timer was already on its way.
                if left != math.inf:
                    self._arm(left)
                return
            self._lock_or_retry()

    def _lock_or_retry(self) -> None:
        try:
            self._lock()
        except (HalError, OSError) as error:
            log.error("The lock does not lock: %s. Trying again.", error)
            self._arm(_RETRY)

    def _arm(self, seconds: float) -> None:
        self._cancel()
        self._timer = self._new_timer(max(seconds, 0.0), self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
