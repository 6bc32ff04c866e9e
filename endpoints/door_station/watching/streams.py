"""What one watcher is sent: pictures over WebSocket, a film without an end, or a row of JPEGs."""

import json
import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import h11
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from endpoints.config.site import Video
from endpoints.door_station.watching.feed import Shown
from endpoints.door_station.watching.outlet import Outlet
from endpoints.door_station.watching.tokens import Permit
from media.description import CLOCK_RATE
from media.encoder import EncodedPicture
from media.errors import MediaError
from media.live_film import fragment, opening

log = logging.getLogger(__name__)

BOUNDARY = b"picture"


class Ended(StrEnum):
    """Why somebody watches no more."""

    LEFT = "left"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who watches, and from where."""

    permit: Permit
    address: str


class Stream(ABC):
    """One watcher; loop's thread."""

    kind = ""
    catches_up = False

    def __init__(self, outlet: Outlet, watcher: Watcher) -> None:
        self.outlet, self.watcher = outlet, watcher
        self.began = time.time()
        self.pictures = self.lost = 0
        self._waiting = True

    def take(self, shown: Shown) -> None:
        """Send a picture. Who lost one, or is behind, gets none until a key frame comes that it has room for."""
        if (self._waiting and not shown.picture.key_frame) or self.outlet.clogged:
            self._waiting = True
            self.lost += 1
            return
        self._waiting = False
        self.pictures += 1
        try:
            self.outlet.write(self._form(shown))
        except MediaError as error:
            log.error("a watcher's picture was not sent: %s", error)
            self.finish(Ended.FAILED)

    def say(self, facts: dict[str, object]) -> None:
        """Say something to a watcher, where the way has room for words: here it has none."""
        log.debug("%s is not told %s", self.watcher.permit.subject, facts)

    @abstractmethod
    def finish(self, why: Ended) -> None:
        """Send no more."""

    def _form(self, shown: Shown) -> bytes:
        raise NotImplementedError


class LiveStream(Stream):
    """A WebSocket: binary messages are pictures, text messages tell how many watch, and why it ends."""

    kind = "live"
    catches_up = True

    def __init__(self, outlet: Outlet, watcher: Watcher, protocol: ServerProtocol) -> None:
        super().__init__(outlet, watcher)
        self._protocol = protocol

    def say(self, facts: dict[str, object]) -> None:
        """One text message; who is behind goes without."""
        if not self.outlet.clogged:
            self.outlet.write(_text(facts))

    def finish(self, why: Ended) -> None:
        """Say why, and close."""
        if self._protocol.state is State.OPEN:  # else the other side has closed it already
            self._protocol.send_close(1000, why.value)
        self.outlet.finish(_text({"end": why.value}) + b"".join(self._protocol.data_to_send()))

    def _form(self, shown: Shown) -> bytes:
        return shown.message


class HttpStream(Stream):
    """An answer over HTTP that goes on."""

    def __init__(self, outlet: Outlet, watcher: Watcher, http: h11.Connection) -> None:
        super().__init__(outlet, watcher)
        self._http = http

    def finish(self, why: Ended) -> None:
        """End the answer as HTTP ends it."""
        self.outlet.finish(self._http.send(h11.EndOfMessage()) or b"")

    def _chunk(self, data: bytes) -> bytes:
        return self._http.send(h11.Data(data)) or b""


class FilmStream(HttpStream):
    """Fragmented MP4: each picture is a fragment, the first one follows the description of the film."""

    kind = "mp4"

    def __init__(self, outlet: Outlet, watcher: Watcher, http: h11.Connection, video: Video) -> None:
        super().__init__(outlet, watcher, http)
        self._video = video
        self._first: EncodedPicture | None = None

    def _form(self, shown: Shown) -> bytes:
        picture, video, begin = shown.picture, self._video, b""
        if self._first is None:
            self._first, begin = picture, opening(picture, video.width, video.height, video.rate)
        time, duration = picture.pts - self._first.pts, CLOCK_RATE // video.rate
        box = fragment(self.pictures, time, duration, picture.key_frame, len(shown.sample))
        return self._chunk(begin + box + shown.sample)


class MotionJpegStream(HttpStream):
    """``multipart/x-mixed-replace``: each part replaces the one before."""

    kind = "mjpeg"

    def take_still(self, jpeg: bytes) -> None:
        """Send the next part; a watcher who is behind goes without."""
        if self.outlet.clogged:
            self.lost += 1
            return
        self.pictures += 1
        head = b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(jpeg))
        self.outlet.write(self._chunk(head + jpeg + b"\r\n"))


def _text(facts: dict[str, object]) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(facts).encode()).serialize(mask=False)
