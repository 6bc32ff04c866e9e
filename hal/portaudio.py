"""Microphone and speaker on a sound card, by PortAudio (sounddevice): callback streams and bounded rings.

16 kHz mono is asked of the card's driver; on ALSA name a device that converts ("default", "plughw:1,0") for a card
that has only 48 kHz.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sounddevice as sd

from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from hal.ring import SAMPLE_BYTES, SoundRing, bytes_of

Buffer = Any
"""PortAudio's memory, good during the callback only."""

SILENT = 2.0
"""Seconds without a callback after which a card counts as gone: some drivers just fall silent when unplugged."""


class Library:
    """PortAudio itself: no two threads in it at a time, and its list of devices renewed after a loss.

    PortAudio looks for sound cards only when it is initialised, and that is possible only while no stream is open.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._streams = 0
        self._outdated = False

    def look_up(self, device: int | str | None, kind: str) -> None:
        """Raises DeviceUnavailable unless there is such a device with channels of `kind` ("input", "output")."""
        with self._using(kind, device):
            sd.query_devices(device, kind)

    def open(self, kind: str, device: int | str | None, make: Callable[[], Any]) -> Any:
        """The stream that `make` opens, started. Raises DeviceUnavailable."""
        with self._using(kind, device):
            stream = make()
            try:
                stream.start()
            except BaseException:
                stream.close()
                raise
            self._streams += 1
            return stream

    def close(self, stream: Any, lost: bool) -> None:
        """Give `stream` back; `lost`: its card went away, so look for cards anew before the next one is opened."""
        with self._guard:
            self._streams -= 1
            self._outdated |= lost
            for end in (stream.abort, stream.close):
                with suppress(sd.PortAudioError):  # a card that is gone does not close in order
                    end()

    @contextmanager
    def _using(self, kind: str, device: int | str | None) -> Iterator[None]:
        with self._guard:
            try:
                if self._outdated and not self._streams:
                    sd._terminate()
                    sd._initialize()
                    self._outdated = False
                yield
            except (sd.PortAudioError, ValueError) as error:
                self._outdated = True
                name = "default" if device is None else repr(device)
                raise DeviceUnavailable(f"The {name} sound {kind} cannot be opened: {error}") from error


_library = Library()


class _SoundCard:
    """One direction of a sound card: a stream that runs from `start` to `stop`, and the ring behind it."""

    def __init__(self, kind: str, device: int | str | None, ring: SoundRing) -> None:
        self._kind, self._device, self._ring = kind, device, ring
        self._stream: Any = None
        self._closed = self._ended = False
        self._last_call = 0.0
        _library.look_up(device, kind)

    def start(self) -> None:
        """Open the card. Raises DeviceUnavailable, HalError if closed."""
        if self._closed:
            raise HalError(f"The sound {self._kind} was closed and cannot be started.")
        if self._stream is None:
            self._ended, self._last_call = False, time.monotonic()
            self._stream = _library.open(self._kind, self._device, self._make)

    def stop(self) -> None:
        """Give the card back and forget what is in the ring."""
        stream, self._stream = self._stream, None
        if stream is not None:
            _library.close(stream, self._gone())
            self._ring.clear()

    def close(self) -> None:
        """The same for good; twice does no harm."""
        self._closed = True
        self.stop()

    def _check(self) -> None:
        if self._stream is None:
            raise HalError(f"The sound {self._kind} was used before it was started.")
        if self._gone():
            raise DeviceLost(f"The sound {self._kind} has gone away.")

    def _gone(self) -> bool:
        return self._ended or time.monotonic() - self._last_call > SILENT

    def _make(self) -> Any:
        stream_type = sd.RawInputStream if self._kind == "input" else sd.RawOutputStream
        return stream_type(
            samplerate=SAMPLE_RATE,
            blocksize=FRAME_SAMPLES,
            device=self._device,
            channels=1,
            dtype="int16",
            latency="low",
            callback=self._callback,
            finished_callback=self._finished,
        )

    def _finished(self) -> None:
        self._ended = True

    def _callback(self, buffer: Buffer, frames: int, times: Any, status: Any) -> None:
        raise NotImplementedError


class PortAudioMicrophone(_SoundCard):
    """Records from `device`: a name or a part of it, an index, or None for the system's default input.

    A reader that falls behind by more than 80 ms jumps to 40 ms, so that a delay does not stay.
    """

    def __init__(self, device: int | str | None = None) -> None:
        super().__init__("input", device, SoundRing(bytes_of(0.08), bytes_of(0.04)))

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples, filled up with silence. Raises DeviceLost, HalError before `start`."""
        self._check()
        return self._ring.read(samples * SAMPLE_BYTES)

    def _callback(self, buffer: Buffer, frames: int, times: Any, status: Any) -> None:
        self._last_call = time.monotonic()
        self._ring.write(bytes(buffer))


class PortAudioSpeaker(_SoundCard):
    """Plays on `device`: a name or a part of it, an index, or None for the system's default output.

    Beyond 200 ms of sound that waits, the oldest is dropped until 80 ms are left.
    """

    def __init__(self, device: int | str | None = None) -> None:
        super().__init__("output", device, SoundRing(bytes_of(0.2), bytes_of(0.08)))

    def write(self, sound: bytes) -> None:
        """Queue `sound`. Raises DeviceLost, HalError before `start`, ValueError for half a sample."""
        self._check()
        self._ring.write(sound)

    def _callback(self, buffer: Buffer, frames: int, times: Any, status: Any) -> None:
        self._last_call = time.monotonic()
        buffer[:] = self._ring.read(frames * SAMPLE_BYTES)
