"""The picture area of a screen, for whoever came last: what another one brings late is not shown."""

import logging
import threading

from hal.camera import Picture
from hal.display import Display
from hal.errors import HalError

log = logging.getLogger(__name__)


class Stage:
    """From any thread."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._lock = threading.Lock()
        self._turn = 0
        self._failed = False

    def take(self) -> int:
        """It is somebody else's from now on; gives the number of this turn."""
        with self._lock:
            self._turn += 1
            return self._turn

    def has(self, turn: int) -> bool:
        """Whether it is still that one's turn."""
        return turn == self._turn

    def show(self, turn: int, picture: Picture) -> bool:
        """Show `picture` if it is still that one's turn; whether it was."""
        with self._lock:
            if turn != self._turn:
                return False
            try:
                self._display.picture(picture)
            except HalError as error:
                self._complain(error)
            return True

    def _complain(self, error: HalError) -> None:
        if not self._failed:
            log.error("the picture cannot be shown: %s", error)
        self._failed = True
