"""Pictures of who stood at the door, rang, or tried to open it: JPEG files in the device's data folder."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path

from hal.camera import Picture
from hal.errors import IntercomError

log = logging.getLogger(__name__)

KEPT = 500
"""Files; beyond it the oldest go."""


class Album:
    """Takes the camera's latest picture at once and writes it beside the app's loop."""

    def __init__(
        self, folder: Path, place: str, latest: Callable[[], Picture | None], background: Executor, kept: int = KEPT
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._place, self._latest, self._background, self._kept = folder, place, latest, background, kept

    def keep(self, what: str) -> str:
        """The name of the file that the picture of this moment will have, "" without a picture."""
        return self.look()(what)

    def look(self) -> Callable[[str], str]:
        """Remember this moment; it becomes a file when what is given back is called, as `keep` tells."""
        seen = self._latest()
        if seen is None:
            return lambda what: ""
        when = datetime.now().astimezone()
        picture = Picture(seen.width, seen.height, bytes(seen.data), seen.taken)  # a camera may use its memory again

        def keep(what: str) -> str:
            name = f"{when:%Y%m%dT%H%M%S.%f%z}-{what}.jpg"
            self._background.submit(self._write, name, picture, when)
            return name

        return keep

    def _write(self, name: str, picture: Picture, when: datetime) -> None:
        from media.snapshot import snapshot

        try:
            self._replace(name, snapshot(picture, self._place, when))
            for old in sorted(self._folder.glob("*.jpg"))[: -self._kept]:
                old.unlink(missing_ok=True)
        except (IntercomError, OSError) as error:
            log.error("the picture %s could not be kept: %s", name, error)

    def _replace(self, name: str, jpeg: bytes) -> None:
        """Never half a picture under its name."""
        unfinished = self._folder / f"{name}.part"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(jpeg)
        unfinished.rename(self._folder / name)
