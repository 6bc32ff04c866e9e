"""Video encoder: one camera, one H.264 encoder, any number of sinks; encodes only while somebody is attached.

Threads: `video-camera` reads the camera and keeps the latest picture; `video-encoder` encodes that picture as soon as
it comes, or at once when a key frame is wanted. A picture that the encoder did not take before the next one came is
dropped and counted, never queued.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from hal.camera import Camera, Picture
from hal.errors import HalError
from media.description import CLOCK_RATE
from media.errors import MediaError
from media.frames import blank, fill, new_frame
from media.h264 import CodedPicture, H264Encoder

log = logging.getLogger(__name__)

KEY_FRAME_SPACING = 0.2
"""Seconds between two key frames that were asked for; one asked for earlier comes at the end of it."""
SHARED_KEY_FRAME = 0.01
"""Seconds within which new destinations share one key frame."""
STILL_INTERVAL = 1.0
"""Seconds after which the last picture is sent again when the camera delivers none."""
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
_STOP_SECONDS = 5.0
_WARM_PICTURES = 2


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How the camera's picture is encoded; `bit_rate` in bit/s, `rate` in frames/s."""

    width: int = 640
    height: int = 480
    rate: int = 25
    bit_rate: int = 1_000_000
    encoder: Literal["auto", "libx264", "h264_v4l2m2m"] = "auto"
    key_interval: float = 1.0
    """Seconds after which a key frame comes without being asked for."""
    camera_always_on: bool = True
    """True: the camera runs from `start` on, so that the first sink has its picture at once; False: while watched."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One access unit: Annex B bytes, SPS and PPS before each IDR; `pts` 90 kHz; `taken` monotonic seconds."""

    data: bytes
    pts: int
    key_frame: bool
    taken: float


class VideoSink(Protocol):
    """Takes the encoded pictures: RTP, a recorder, a watcher."""

    def encoded(self, packet: EncodedPicture) -> None:
        """Take one picture, on the encoder's thread: do not wait. A sink that raises is detached."""


@dataclass(slots=True)
class EncoderCounters:
    """What the encoder did since `start`."""

    pictures: int = 0
    encoded: int = 0
    key_frames: int = 0
    dropped: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """A picture to encode as if taken `at`: a picture that is sent again is one of now."""

    picture: Picture
    at: float
    key: bool
    sinks: tuple[VideoSink, ...]


class VideoEncoder:
    """Encodes the camera for its sinks. `attach`, `detach` and `key_frame` may be called from any thread."""

    def __init__(self, camera: Camera, settings: VideoSettings) -> None:
        self._camera, self._settings = camera, settings
        self._changed = threading.Condition()
        self._sinks: tuple[VideoSink, ...] = ()
        self._latest: Picture | None = None
        self._fresh = False
        self._key_at: float | None = None
        self._last_key = self._last_encoded = float("-inf")
        self._epoch = time.monotonic()
        self._last_pts = 0
        self._in_flight: deque[tuple[int, float]] = deque([(0, 0.0)], maxlen=64)
        self._failures = 0
        self._complained = False
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._codec: H264Encoder | None = None
        self._frame = new_frame(settings.width, settings.height)
        self.counters = EncoderCounters()

    # --- commands ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open and warm the encoder and, if it is always on, start the camera. Raises NoEncoder."""
        self._codec = self._warm()
        for target in (self._read_camera, self._encode_pictures):
            thread = threading.Thread(target=target, name=f"video-{target.__name__.split('_')[-1]}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def attach(self, sink: VideoSink, patient: bool = False) -> None:
        """Send `sink` every encoded picture from now on, the first one a key frame made at once.

        A `patient` sink asks for none while others are at work: it begins with the next one that comes anyhow.
        """
        with self._changed:
            alone = not self._sinks
            if sink not in self._sinks:
                self._sinks = (*self._sinks, sink)
            if alone or not patient:
                self._want_key(time.monotonic(), SHARED_KEY_FRAME)

    def detach(self, sink: VideoSink) -> None:
        """Send `sink` no more pictures; one that is not attached is no error."""
        with self._changed:
            self._sinks = tuple(other for other in self._sinks if other is not sink)
            self._changed.notify_all()

    def key_frame(self, new_destination: bool = False) -> None:
        """Ask for a key frame: at once for a new destination, else at most one in `KEY_FRAME_SPACING` seconds."""
        with self._changed:
            self._want_key(time.monotonic(), SHARED_KEY_FRAME if new_destination else KEY_FRAME_SPACING)

    def latest(self) -> Picture | None:
        """The latest picture of the camera, None before the first."""
        return self._latest

    @property
    def packetization_modes(self) -> tuple[int, ...]:
        """RFC 6184 packetization-modes in which the stream may be sent, after `start`."""
        return self._codec.packetization_modes if self._codec else (0, 1)

    def statistics(self) -> dict[str, object]:
        """Counters for a person: pictures read, encoded, dropped, key frames, bytes, sinks."""
        counters = self.counters
        return {
            "encoder": self._codec.name if self._codec else "",
            "pictures": counters.pictures,
            "encoded": counters.encoded,
            "dropped": counters.dropped,
            "key_frames": counters.key_frames,
            "bytes": counters.bytes,
            "sinks": len(self._sinks),
        }

    def close(self) -> None:
        """Stop both threads and the camera; the camera itself stays its owner's. Twice does no harm."""
        with self._changed:
            self._closing = True
            self._sinks = ()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        self._threads.clear()
        self._codec = None

    # --- camera thread -----------------------------------------------------------------------------------------------

    def _read_camera(self) -> None:
        """Keep the latest picture, as long as the camera is wanted; a lost camera is tried again with growing delay."""
        while self._wait_until_wanted():
            try:
                self._read_while_wanted()
            except HalError as error:
                self._camera_failed(error)
                self._pause(RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1])

    def _camera_failed(self, error: HalError) -> None:
        """Say it once: a camera that keeps failing is not news."""
        if self._failures == 0:
            log.warning("the camera is gone, its last picture stays: %s", error)
        self._failures += 1

    def _read_while_wanted(self) -> None:
        settings = self._settings
        self._camera.start(settings.width, settings.height, settings.rate)
        try:
            while self._wanted():
                self._take(self._camera.read())
        finally:
            self._camera.stop()
        self._latest = None  # nobody may be shown who stood there the last time

    def _take(self, picture: Picture) -> None:
        if self._failures:
            log.warning("the camera is back")
            self._failures = 0
        with self._changed:
            self.counters.pictures += 1
            if self._fresh and self._sinks:
                self.counters.dropped += 1
            self._latest, self._fresh = picture, True
            if self._sinks:
                self._changed.notify_all()

    def _wanted(self) -> bool:
        return not self._closing and (self._settings.camera_always_on or bool(self._sinks))

    def _wait_until_wanted(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._wanted())
        return not self._closing

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)

    # --- encoder thread ----------------------------------------------------------------------------------------------

    def _encode_pictures(self) -> None:
        while (work := self._next_work()) is not None:
            for packet in self._encode_or_complain(work):
                self._deliver(packet, work.sinks)

    def _next_work(self) -> _Work | None:
        """Wait until there is something to encode; None when closing."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due = self._due(now)
                if due <= now and self._latest is not None:
                    return self._claim(self._latest, now)
                self._changed.wait(None if due == float("inf") else max(due - now, 0.001))
            return None

    def _due(self, now: float) -> float:
        """When the next picture has to be encoded, as far as known now."""
        if not self._sinks or self._latest is None:
            return float("inf")
        if self._fresh:
            return now
        still = self._last_encoded + STILL_INTERVAL
        return still if self._key_at is None else min(still, self._key_at)

    def _claim(self, picture: Picture, now: float) -> _Work:
        """Take the latest picture and the wish for a key frame. Under the lock."""
        key = now - self._last_key >= self._settings.key_interval or (self._key_at is not None and self._key_at <= now)
        if key:
            self._key_at, self._last_key = None, now
        at = picture.taken if self._fresh else now
        self._fresh, self._last_encoded = False, now
        return _Work(picture, at, key, self._sinks)

    def _want_key(self, now: float, spacing: float) -> None:
        """A key frame is wanted, at least `spacing` seconds after the last one. Under the lock."""
        at = max(now, self._last_key + spacing)
        self._key_at = at if self._key_at is None else min(at, self._key_at)
        self._changed.notify_all()

    def _encode_or_complain(self, work: _Work) -> list[EncodedPicture]:
        """The encoded pictures; a failure is logged once until a picture succeeds again."""
        try:
            packets = self._encode(work)
        except MediaError as error:
            if not self._complained:
                log.error("a picture was not encoded: %s", error)
            self._complained = True
            self.counters.dropped += 1
            return []
        self._complained = False
        return packets

    def _encode(self, work: _Work) -> list[EncodedPicture]:
        codec = self._codec
        if codec is None:
            return []
        fill(self._frame, work.picture)
        self._last_pts = max(self._last_pts + 1, round((work.at - self._epoch) * CLOCK_RATE))
        self._in_flight.append((self._last_pts, work.picture.taken))
        coded = codec.encode(self._frame, self._last_pts, work.key)
        return [self._counted(each) for each in coded if each.pts > _WARM_PICTURES]

    def _counted(self, coded: CodedPicture) -> EncodedPicture:
        self.counters.encoded += 1
        self.counters.key_frames += coded.key_frame
        self.counters.bytes += len(coded.data)
        return EncodedPicture(coded.data, coded.pts, coded.key_frame, self._taken(coded.pts))

    def _taken(self, pts: int) -> float:
        """When the picture that comes out with `pts` was taken; a board's encoder may round the time stamp."""
        waiting = self._in_flight
        while len(waiting) > 1 and (waiting[1][0] <= pts or waiting[0][0] < pts - CLOCK_RATE // 2000):
            waiting.popleft()
        return waiting[0][1]

    def _deliver(self, packet: EncodedPicture, sinks: Iterable[VideoSink]) -> None:
        for sink in sinks:
            try:
                sink.encoded(packet)
            except Exception:  # whatever a sink does wrong, the others' picture goes on
                log.exception("a video sink failed and is detached")
                self.detach(sink)

    def _warm(self) -> H264Encoder:
        """Open the encoder and run pictures through it: the first one takes several times as long as the next."""
        settings = self._settings
        codec = H264Encoder(settings.width, settings.height, settings.rate, settings.bit_rate, settings.encoder)
        blank(self._frame)  # what lay in memory would cost bits that the first picture needs
        for number in range(_WARM_PICTURES):
            self._last_pts = number + 1
            codec.encode(self._frame, self._last_pts, key=True)
        return codec
