"""Plays a film of a visitor: its sound as frames that a loudspeaker asks for, its pictures when their time comes.

The loudspeaker is the clock. While nothing has come that could be heard, it is given silence and the film stands still.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO

import av
from av.error import FFmpegError

from hal.camera import Picture
from hal.errors import IntercomError
from hal.microphone import SAMPLE_RATE
from media.decoder import MAX_PIXELS
from media.errors import MediaError
from media.frames import decoded
from media.tones import FRAME_BYTES, FRAME_SECONDS

log = logging.getLogger(__name__)

AHEAD = 2.0
"""Seconds of the film that are read before their time."""
LATE = 0.2
"""Seconds after which a picture is left out, if the next one is there."""
_GAP = 0.1
"""Seconds of sound that may be missing before silence fills the hole."""
_TAIL = 0.2
"""Seconds of silence at the end: what a loudspeaker may hold back when it is stopped."""
_SAMPLE_BYTES = 2
_SILENCE = bytes(FRAME_BYTES)

Over = Callable[[IntercomError | None], None]


class Film:
    """One film, played once. It is itself what the loudspeaker plays (`media.tones.Audible`)."""

    repeats = False

    def __init__(self, file: BinaryIO, show: Callable[[Picture], None], over: Over) -> None:
        """`file` is read, and sought in, on a thread of the film; `show` and `over` are called on another one.

        `over` gets what kept the rest of the film from being played, and is not called after `stop`.
        """
        self._file, self._show, self._over = file, show, over
        self._changed = threading.Condition()
        self._pictures: deque[tuple[float, Any]] = deque()
        """Time and packet, not decoded yet."""
        self._sound = bytearray()
        self._written = 0
        """Samples of sound so far, silence included."""
        self._played = 0
        """Frames that the loudspeaker took."""
        self._read = self._stopped = self._drained = False
        self._failure: IntercomError | None = None
        self._decode: Callable[[Any], list[Any]] = list
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._read_all, "film-reader"), (self._show_all, "film-pictures"))
        ]

    def start(self) -> None:
        """Begin to read; it plays as fast as the loudspeaker asks for frames."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No more sound at once, nothing is shown any more; does not wait for a picture in hand."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, limit: float) -> None:
        """Wait for its threads, at most `limit` seconds each."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(limit)

    def frame(self, number: int) -> bytes | None:
        """The next 20 ms; silence while nothing has come, None when the film is over."""
        with self._changed:
            if self._stopped:
                return None
            if len(self._sound) < FRAME_BYTES:
                self._drained = self._read
                self._changed.notify_all()
                return None if self._read else _SILENCE
            frame = bytes(self._sound[:FRAME_BYTES])
            del self._sound[:FRAME_BYTES]
            self._played += 1
            self._changed.notify_all()
            return frame

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        try:
            with av.open(self._file, "r", format="mp4") as container:
                self._take_all(container)
                self._wait(lambda: self._stopped or (self._read and not self._pictures))
        except (FFmpegError, IntercomError, ValueError) as error:
            told = error if isinstance(error, IntercomError) else MediaError(f"this film cannot be played: {error}")
            self._complete(told)

    def _take_all(self, container: Any) -> None:
        if not container.streams.video:
            raise MediaError("this film has no picture")
        video = container.streams.video[0]
        video.codec_context.thread_count = 1
        video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        self._decode = video.codec_context.decode
        audio = container.streams.audio[0] if container.streams.audio else None
        to_speaker = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        end = 0.0
        for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
            at = 0.0 if packet.pts is None else float(packet.pts * packet.time_base)
            self._wait_for_room(at)
            if self._stopped:
                return
            if packet.stream is audio:
                self._take_sound(packet.decode(), to_speaker)
            elif packet.pts is not None:
                end = at + float((packet.duration or 0) * packet.time_base)
                self._take_picture(at, packet, silent=audio is None)
        if not end:
            raise MediaError("this film has no whole picture")
        self._fill(end + _TAIL)
        self._complete()

    def _wait_for_room(self, at: float) -> None:
        """Until time `at` of the film is near; never while the loudspeaker starves."""
        self._wait(lambda: self._stopped or at < self._position() + AHEAD or len(self._sound) < FRAME_BYTES)

    def _take_picture(self, at: float, packet: Any, silent: bool) -> None:
        with self._changed:
            self._pictures.append((at, packet))
            self._changed.notify_all()
        if silent:
            self._fill(at)

    def _take_sound(self, frames: list[Any], to_speaker: Any) -> None:
        for frame in frames:
            began = float((frame.pts or 0) * frame.time_base)
            if began > self._written / SAMPLE_RATE + _GAP:
                self._fill(began)
            for resampled in to_speaker.resample(frame):
                self._add(bytes(resampled.planes[0])[: _SAMPLE_BYTES * resampled.samples])

    def _fill(self, until: float) -> None:
        """Silence until that time of the film."""
        self._add(bytes(_SAMPLE_BYTES * max(0, round(until * SAMPLE_RATE) - self._written)))

    def _add(self, samples: bytes) -> None:
        with self._changed:
            self._sound += samples
            self._written += len(samples) // _SAMPLE_BYTES
            self._changed.notify_all()

    def _complete(self, failure: IntercomError | None = None) -> None:
        """Nothing more will be read."""
        with self._changed:
            self._sound += bytes(-len(self._sound) % FRAME_BYTES)
            self._failure, self._read = failure, True
            self._changed.notify_all()

    # --- showing ----------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        while (due := self._next()) is not None:
            self._show_one(*due)
        self._wait(lambda: self._stopped or self._drained)
        if not self._stopped:
            self._over(self._failure)

    def _next(self) -> tuple[float, Any] | None:
        """The next picture, at its time; None when there is none any more."""
        self._wait(lambda: self._stopped or self._read or bool(self._pictures))
        if self._stopped or not self._pictures:
            return None
        at, packet = self._pictures[0]
        self._wait(lambda: self._stopped or self._drained or self._position() >= at)
        return None if self._stopped else (at, packet)

    def _show_one(self, at: float, packet: Any) -> None:
        try:
            frames = self._decode(packet)
        except (FFmpegError, ValueError) as error:
            log.info("a picture of a film is left out: %s", error)
            frames = []
        with self._changed:
            self._pictures.popleft()
            late = self._position() > at + LATE and bool(self._pictures)
            self._changed.notify_all()
        for frame in () if late or self._stopped else frames:
            self._show(decoded(frame, time.monotonic()))

    def _position(self) -> float:
        """Seconds of the film that were heard."""
        return self._played * FRAME_SECONDS

    def _wait(self, seen: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(seen)
