"""Keeps what a console watches, as it came: pictures and films in the console's own folder."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from endpoints.directory import write_atomically
from endpoints.errors import EndpointError
from endpoints.screens.watching.live import Unit
from hal.camera import Picture
from hal.errors import IntercomError
from media.description import CLOCK_RATE

if TYPE_CHECKING:
    from media.movie import MovieWriter

LONGEST = 600.0
"""Seconds of one recording."""
_RATE = 25
"""Pictures a second that a film says it has; each picture keeps its own time."""


class NotKeptError(EndpointError):
    """A picture or a film could not be kept."""


def _name(target: str, kind: str) -> str:
    moment = datetime.now(UTC)
    return f"{target}-{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z.{kind}"


def _not_kept(error: Exception) -> NotKeptError:
    return NotKeptError(str(getattr(error, "strerror", None) or error))


def keep_picture(folder: Path, target: str, picture: Picture) -> str:
    """Write a JPEG; gives the name of its file. Raises NotKeptError."""
    from media.still import to_jpeg

    name = _name(target, "jpg")
    try:
        write_atomically(folder / name, to_jpeg(picture))
    except (OSError, IntercomError) as error:
        raise _not_kept(error) from error
    return name


class Recording:
    """One film; not for two threads at once."""

    def __init__(self, folder: Path, target: str) -> None:
        """Nothing is written before the first key frame."""
        self.name = _name(target, "mp4")
        self._path = folder / self.name
        self._file: BinaryIO | None = None
        self._movie: MovieWriter | None = None
        self._began = 0.0

    def add(self, unit: Unit, picture: Picture | None) -> bool:
        """One more picture; False when the film is long enough. Raises NotKeptError."""
        from media.encoder import EncodedPicture

        try:
            if self._movie is None:
                if not unit.key_frame or picture is None:
                    return True
                self._movie = self._begin(picture.width, picture.height, unit.taken)
            pts = round((unit.taken - self._began) * CLOCK_RATE)
            self._movie.picture(EncodedPicture(unit.data, pts, unit.key_frame, unit.taken))
        except (OSError, IntercomError) as error:
            raise _not_kept(error) from error
        return unit.taken - self._began < LONGEST

    def _begin(self, width: int, height: int, taken: float) -> "MovieWriter":
        from media.movie import MovieWriter

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._began = taken

        def write(fragment: bytes) -> None:
            file.write(fragment)
            file.flush()

        return MovieWriter(width, height, _RATE, write, with_sound=False)

    def end(self) -> bool:
        """Write what is left; False if there never was a picture. Raises NotKeptError."""
        if self._movie is None or self._file is None:
            return False
        try:
            self._movie.close()
            os.fsync(self._file.fileno())
        except (OSError, IntercomError) as error:
            raise _not_kept(error) from error
        finally:
            self._file.close()
        return True
