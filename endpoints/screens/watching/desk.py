"""Watching, at work: does what the decisions say, beside the app's thread."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from endpoints.screens.stage import Stage
from endpoints.screens.watching import actions as do
from endpoints.screens.watching.asking import Asking
from endpoints.screens.watching.events import WatchEvent, WatchLive, WatchOver, WatchTold
from endpoints.screens.watching.live import Unit
from endpoints.screens.watching.viewer import Shown, Viewer
from endpoints.service import Service
from hal.camera import Picture

_PATIENCE = 5.0
"""Seconds for a lease to be given back when the device is switched off."""
Tell = Callable[[WatchEvent], None]


class WatchDesk:
    """One for each device; all on the app's thread."""

    def __init__(self, services: Mapping[str, Service], stage: Stage, tell: Tell) -> None:
        """`services`: who grants leases, by the name of the server where the device is registered."""
        self._asking = Asking(services, tell)
        self._stage, self._tell = stage, tell
        self._viewer: Viewer | None = None

    def doers(self) -> Mapping[type, Callable[[Any], None]]:
        """How each action is done."""
        return {
            do.AskSources: lambda action: self._asking.ask(action.server),
            do.Watch: self._watch,
            do.WatchNoMore: lambda action: self._stop(),
        }

    def close(self) -> None:
        """Watch no more; twice does no harm."""
        self._stop()
        if self._viewer is not None:
            self._viewer.join(_PATIENCE)
        self._asking.close()

    def _watch(self, action: do.Watch) -> None:
        self._stop()
        service = self._asking.service
        if service is None:
            self._tell(WatchOver(action.target, "Not reachable"))
            return
        seat = _Seat(self._stage, self._tell, action.target)
        self._viewer = Viewer(service, action.target, seat)
        self._viewer.start()

    def _stop(self) -> None:
        self._stage.take()
        if self._viewer is not None:
            self._viewer.stop()


class _Seat:
    """One look at one door, until somebody else has the stage."""

    def __init__(self, stage: Stage, tell: Tell, target: str) -> None:
        self._stage, self._tell, self._target = stage, tell, target
        self._turn, self._asked, self._live = stage.take(), time.monotonic(), False

    def unit(self, unit: Unit, picture: Picture | None) -> None:
        """Show it."""
        if picture is None or not self._stage.show(self._turn, picture) or self._live:
            return
        self._live = True
        self._tell(WatchLive(self._target, round(1000 * (time.monotonic() - self._asked), 1)))

    def told(self, shown: Shown) -> None:
        """Viewers and lateness."""
        self._tell(WatchTold(self._target, shown.viewers, round(1000 * shown.late)))

    def over(self, why: str) -> None:
        """It ended."""
        self._tell(WatchOver(self._target, why))
