"""One tile of the wall: somebody who watches, and tries again when the picture ends; what is kept of it."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from endpoints.management_console.wall.events import Kept, NotKept
from endpoints.management_console.wall.recorder import NotKeptError, Recording, keep_picture
from endpoints.screens.events import OwnEvent
from endpoints.screens.watching.events import WatchEvent, WatchLive, WatchOver, WatchTold
from endpoints.screens.watching.live import Unit
from endpoints.screens.watching.viewer import Shown, Viewer
from endpoints.service import Service
from hal.camera import Picture

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds after which a picture that ended is tried again."""
Tell = Callable[[WatchEvent | OwnEvent], None]


class WallTile:
    """An audience of one viewer after another; `start`, `stop`, `snapshot` and `record` on the app's thread."""

    def __init__(
        self, service: Service | None, target: str, folder: Path, tell: Tell, wake: Callable[[], None]
    ) -> None:
        """`wake` is called when there is a new picture."""
        self._service, self._target, self._folder, self._tell, self._wake = service, target, folder, tell, wake
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._new = self._live = self._stopped = False
        self._asked = 0.0
        self._recording: Recording | None = None
        self._viewer: Viewer | None = None
        self._again: threading.Timer | None = None
        self._keeper = ThreadPoolExecutor(1, "wall-keeper")

    @property
    def alive(self) -> bool:
        """Whether its viewer still gives its lease back."""
        return self._viewer is not None and self._viewer.alive

    def start(self) -> None:
        """Watch."""
        if self._service is None:
            self._tell(WatchOver(self._target, "Not reachable"))
            return
        with self._lock:
            if self._stopped:
                return
            self._asked, self._live = time.monotonic(), False
            self._viewer = Viewer(self._service, self._target, self)
        self._viewer.start()

    def stop(self) -> None:
        """Watch no more; a recording ends. Does not wait."""
        with self._lock:
            self._stopped = True
            viewer, again, recording = self._viewer, self._again, self._recording
            self._recording = None
        if again is not None:
            again.cancel()
        if viewer is not None:
            viewer.stop()
        if recording is not None:
            self._end(recording)
        self._keeper.shutdown(wait=False)

    def join(self, limit: float) -> None:
        """Wait until its lease is given back and what was kept is on the disk."""
        if self._viewer is not None:
            self._viewer.join(limit)
        self._keeper.shutdown()

    def latest(self) -> tuple[Picture | None, bool]:
        """Its picture now, and whether it is another one than at the last question."""
        with self._lock:
            new, self._new = self._new, False
            return self._picture, new

    # --- Audience, on the viewer's thread ---------------------------------------------------------------------------

    def unit(self, unit: Unit, picture: Picture | None) -> None:
        """Show it, and record it where somebody wants that."""
        with self._lock:
            if self._stopped:
                return
            first = picture is not None and not self._live
            if picture is not None:
                self._picture, self._new, self._live = picture, True, True
            self._record_unit(unit, picture)
        if first:
            self._tell(WatchLive(self._target, round(1000 * (time.monotonic() - self._asked), 1)))
        self._wake()

    def told(self, shown: Shown) -> None:
        """Viewers and lateness."""
        self._tell(WatchTold(self._target, shown.viewers, round(1000 * shown.late)))

    def over(self, why: str) -> None:
        """It ended by itself: the tile is dark until it is tried again with success."""
        with self._lock:
            self._picture, self._new, self._live = None, True, False
            recording, self._recording = self._recording, None
            if not self._stopped:
                self._again = threading.Timer(AGAIN, self.start)
                self._again.daemon = True
                self._again.start()
        if recording is not None:
            self._end(recording)
        self._tell(WatchOver(self._target, why))
        self._wake()

    # --- keeping ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bool:
        """Keep the picture of now; False if there is none."""
        picture = self._picture
        if picture is None:
            return False
        self._keeper.submit(self._keep, picture)
        return True

    def record(self, on: bool) -> None:
        """Keep what comes from the next key frame on; or end that."""
        with self._lock:
            before, self._recording = self._recording, Recording(self._folder, self._target) if on else None
        if before is not None:
            self._end(before)

    def _keep(self, picture: Picture) -> None:
        try:
            self._tell(Kept(self._target, "snapshot", keep_picture(self._folder, self._target, picture)))
        except NotKeptError as error:
            self._tell(NotKept(self._target, "snapshot", str(error)))

    def _record_unit(self, unit: Unit, picture: Picture | None) -> None:
        recording = self._recording
        if recording is None:
            return
        try:
            goes_on = recording.add(unit, picture)
        except NotKeptError as error:
            self._recording = None
            self._tell(NotKept(self._target, "recording", str(error)))
            return
        if not goes_on:
            self._recording = None
            self._end(recording)

    def _end(self, recording: Recording) -> None:
        self._keeper.submit(self._finish, recording)

    def _finish(self, recording: Recording) -> None:
        try:
            if recording.end():
                self._tell(Kept(self._target, "recording", recording.name))
            else:
                self._tell(NotKept(self._target, "recording", "no picture came"))
        except NotKeptError as error:
            self._tell(NotKept(self._target, "recording", str(error)))
