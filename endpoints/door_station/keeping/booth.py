"""The sound of a message: between calls it moves the voice path on, as a call would, and finds out who says nothing."""

import logging
import threading
import time
from collections.abc import Callable

from endpoints.sip.agent import VoicePath
from media.recent import Heard, Recent
from media.tones import FRAME_BYTES, FRAME_SECONDS
from media.voice import level

log = logging.getLogger(__name__)

SILENCE = 8.0
"""Seconds after which somebody who says nothing is believed to have left."""
_LATEST = 0.2
"""Seconds that the clock may be late and still give each frame."""
_QUIETEST, _LOUDEST, _ABOVE, _RISE = -50.0, -30.0, 12.0, 0.05


class SilenceMeter:
    """Seconds since somebody spoke: something louder than the street, which is the quietest of the last while, dBFS."""

    def __init__(self) -> None:
        self._floor = 0.0
        self.seconds = 0.0

    def hear(self, dbfs: float) -> None:
        """One frame more."""
        self._floor = min(dbfs, self._floor + _RISE)
        speaks = dbfs > min(max(self._floor + _ABOVE, _QUIETEST), _LOUDEST)
        self.seconds = 0.0 if speaks else self.seconds + FRAME_SECONDS


class Booth:
    """A thread from `open` to `close`; one time only."""

    def __init__(self, voice: VoicePath, recent: Recent, on_silence: Callable[[], None]) -> None:
        self._voice, self._recent, self._on_silence = voice, recent, on_silence
        self._meter: SilenceMeter | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="message-sound", daemon=True)

    def open(self) -> None:
        """Begin to move sound."""
        self._thread.start()

    def listen(self) -> None:
        """From now on silence is told, once."""
        self._meter = SilenceMeter()

    def close(self) -> None:
        """End; returns when no frame is moved any more. Twice does no harm."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due, nothing = time.monotonic(), bytes(FRAME_BYTES)
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            self._voice.play(nothing)
            frame = self._voice.capture()
            self._recent.heard(Heard(frame, time.monotonic()))
            self._measure(frame)
            due += FRAME_SECONDS
            if time.monotonic() - due > _LATEST:
                due = time.monotonic()

    def _measure(self, frame: bytes) -> None:
        meter = self._meter
        if meter is None:
            return
        meter.hear(level(frame))
        if meter.seconds >= SILENCE:
            self._meter = None
            self._on_silence()
