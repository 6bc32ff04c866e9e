"""A microphone or a speaker that may go away: reported once, tried again with growing delay, silence meanwhile."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from hal.errors import HalError

log = logging.getLogger(__name__)

FIRST_RETRY = 1.0
LAST_RETRY = 30.0
"""Seconds between two attempts to open a device that went away: doubled from the first to the last."""


class Switchable(Protocol):
    """What microphones and speakers have in common."""

    def start(self) -> None:
        """Begin; raises HalError."""

    def stop(self) -> None:
        """End; may be started again."""


class Cancellable(Protocol):
    """A pending timer."""

    def cancel(self) -> None:
        """Forget it."""


Later = Callable[[float, Callable[[], None]], Cancellable]
Report = Callable[[str, HalError | None], None]
"""Called with the device's name and why it was lost, or None when it is back; may come from any thread."""


def later(seconds: float, action: Callable[[], None]) -> Cancellable:
    """Call `action` after `seconds` from a thread of its own."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


class Guarded:
    """Switches one device on and off; whoever reads or writes it tells `lose` of an error and goes on with silence."""

    def __init__(self, name: str, device: Switchable, report: Report, later: Later = later) -> None:
        self.working = False
        self._name, self._device, self._report, self._later = name, device, report, later
        self._wanted = False
        self._delay = FIRST_RETRY
        self._timer: Cancellable | None = None
        self._lock = threading.RLock()

    def start(self) -> None:
        """Switch on; a device that cannot be opened is reported and tried again."""
        with self._lock:
            if not self._wanted:
                self._wanted, self._delay = True, FIRST_RETRY
                self._open(first=True)

    def stop(self) -> None:
        """Switch off and try no more."""
        with self._lock:
            self._wanted = self.working = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._switch_off()

    def lose(self, error: HalError) -> None:
        """The device failed while working: report it once and try to get it back."""
        with self._lock:
            if not self.working:
                return
            self.working = False
            self._lost(error)

    def _open(self, first: bool) -> None:
        try:
            self._device.start()
        except HalError as error:
            if first:
                self._lost(error)
            else:
                self._try_later()
            return
        self.working = True
        if not first:
            log.info("%s is back", self._name)
            self._report(self._name, None)

    def _lost(self, error: HalError) -> None:
        log.warning("%s is gone, going on without it: %s", self._name, error)
        self._report(self._name, error)
        self._try_later()

    def _try_later(self) -> None:
        self._timer = self._later(self._delay, self._retry)
        self._delay = min(2 * self._delay, LAST_RETRY)

    def _retry(self) -> None:
        with self._lock:
            if self._wanted and not self.working:
                self._switch_off()
                self._open(first=False)

    def _switch_off(self) -> None:
        try:
            self._device.stop()
        except HalError as error:
            log.debug("%s could not be stopped: %s", self._name, error)
