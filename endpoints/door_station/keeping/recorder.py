"""Writes one message: pictures and sound come in on their threads and wait in a queue for the one that writes."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endpoints.door_station.keeping.disk import StoreError
from endpoints.door_station.keeping.items import Item
from media.errors import MediaError
from media.recent import Heard

if TYPE_CHECKING:
    from endpoints.door_station.keeping.store import Recording
    from media.encoder import EncodedPicture

log = logging.getLogger(__name__)

MOST_WAITING = 2000
"""Pictures and frames of sound that wait for a slow disk: about half a minute."""
PAUSE = 0.2
"""Seconds between two looks at what waits."""


@dataclass(frozen=True, slots=True)
class Format:
    """Of the pictures."""

    width: int
    height: int
    rate: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a message: the finished item, or why there is none."""

    item: Item | None
    why: str = ""


class Recorder:
    """A follower of what is remembered; its thread lives until `end`, and then tells what became of the message."""

    def __init__(
        self,
        begin: Callable[[], "Recording"],
        form: Format,
        on_trouble: Callable[[str], None],
        on_end: Callable[[Kept], None],
    ) -> None:
        """`begin` makes the file, on the recorder's thread; `on_trouble` is called once if the message cannot go on."""
        self._begin, self._form, self._on_trouble, self._on_end = begin, form, on_trouble, on_end
        self._waiting: queue.SimpleQueue[EncodedPicture | Heard | None] = queue.SimpleQueue()
        self._taken: deque[EncodedPicture | Heard | None] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="message-writer", daemon=True)
        self._thread.start()

    def picture(self, picture: "EncodedPicture") -> None:
        """Add a picture; never waits."""
        self._waiting.put(picture)

    def sound(self, heard: Heard) -> None:
        """Add a frame of sound; never waits."""
        self._waiting.put(heard)

    def end(self) -> None:
        """Nothing more comes."""
        self._waiting.put(None)
        self._over.set()

    def join(self) -> None:
        """Wait until everything is written and told."""
        self._thread.join()

    def _run(self) -> None:
        try:
            recording = self._begin()
        except StoreError as error:
            self._stop_early(str(error))
            self._on_end(Kept(None, str(error)))
            return
        self._on_end(self._record(recording))

    def _record(self, recording: "Recording") -> Kept:
        from media.movie import MovieWriter

        movie = MovieWriter(self._form.width, self._form.height, self._form.rate, recording.append)
        why = ""
        try:
            while (one := self._next()) is not None:
                movie.sound(one) if isinstance(one, Heard) else movie.picture(one)
        except (StoreError, MediaError) as error:
            why = str(error)
            self._stop_early(why)
        try:
            movie.close()
        except (StoreError, MediaError) as error:
            why = why or str(error)
        try:
            item = recording.finish()
        except StoreError as error:
            return Kept(None, str(error))
        return Kept(item, why or ("" if item else "nothing was seen"))

    def _next(self) -> "EncodedPicture | Heard | None":
        if self._waiting.qsize() > MOST_WAITING:
            raise StoreError("the disk is too slow for a message")
        return self._take()

    def _take(self) -> "EncodedPicture | Heard | None":
        """Many at a time: to wake for each one would cost the call more than to write them."""
        if not self._taken:
            self._over.wait(PAUSE)
            self._taken.append(self._waiting.get())
            self._taken.extend(self._waiting.get() for _ in range(self._waiting.qsize()))
        return self._taken.popleft()

    def _stop_early(self, why: str) -> None:
        """Tell it, and take no notice of what still comes."""
        log.error("a message cannot go on: %s", why)
        self._on_trouble(why)
        while self._take() is not None:
            continue
