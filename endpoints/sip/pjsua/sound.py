"""The sound of a call: a thread that is the conference bridge's clock, and its microphone and loudspeaker.

PJSUA's own clock would call a Python port back from a thread of C: each frame then costs a new thread state of Python
and the binding's copies, three times what this takes.
"""

import ctypes
import logging
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from endpoints.heap import give_back
from endpoints.sip.agent import VoicePath
from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE

log = logging.getLogger(__name__)

FRAME_BYTES = 2 * FRAME_SAMPLES
"""A frame of the voice path, s16le."""
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
LATEST = 0.2
"""Seconds that the clock may be late and still give each frame; beyond that the missed ones are left out."""
REST_SECONDS = 1.0
"""The bridge frees what a call used while its clock runs: so long it goes on without a call."""
_AUDIO = 1
"""``PJMEDIA_FRAME_TYPE_AUDIO``"""


_FRAME = struct.Struct("@iPNQI0Q")
"""``pjmedia_frame``: type, buffer, its size, time stamp in samples, and bit_info.

Packed at once, because ctypes' own structures take a call for each field."""


class BridgePort:
    """The bridge's own port, a ``pjmedia_port``: a frame in, then a frame out, moves the bridge on by 20 ms."""

    def __init__(self, library: Any, port: int) -> None:
        """`port`: its address. Raises AttributeError if this build exports too little."""
        self._put, self._get = library.pjmedia_port_put_frame, library.pjmedia_port_get_frame
        for function in (self._put, self._get):
            function.restype, function.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]
        self._port = port
        self._sound = ctypes.create_string_buffer(FRAME_BYTES)
        self._samples = memoryview(self._sound).cast("B")
        self._buffer = ctypes.addressof(self._sound)
        self._frame = ctypes.create_string_buffer(_FRAME.size)
        self._address = ctypes.addressof(self._frame)
        self._timestamp = 0

    def put(self, sound: bytes) -> None:
        """Give the bridge a frame of the microphone."""
        self._samples[: len(sound)] = sound[:FRAME_BYTES]
        self._put(self._port, self._filled())

    def get(self) -> bytes | None:
        """Let the bridge work; what the loudspeaker has to play, None if nothing is connected to it."""
        status = self._get(self._port, self._filled())
        return self._sound.raw if status == 0 and _FRAME.unpack_from(self._frame)[0] == _AUDIO else None

    def _filled(self) -> int:
        self._timestamp += FRAME_SAMPLES
        _FRAME.pack_into(self._frame, 0, _AUDIO, self._buffer, FRAME_BYTES, self._timestamp, 0)
        return self._address


class _Time(ctypes.Structure):
    """``pj_time_val``"""

    _fields_ = (("seconds", ctypes.c_long), ("milliseconds", ctypes.c_long))


class SoundPackets:
    """Takes what came in on the sockets of sound when the clock ticks.

    The library has a thread for that, which wakes a hundred times a second: it is ended. A build that does not export
    what this needs keeps it.
    """

    def __init__(self, library: Any) -> None:
        """After ``libInit``."""
        self._at_once = _Time(0, 0)
        self._address = ctypes.addressof(self._at_once)
        self._poll: Callable[[int, int], int] = lambda queue, time: 0
        self._queue = 0
        try:
            self._declare(library)
        except AttributeError as error:
            log.warning("sound packets keep a thread of their own: this build does not export %s", error)
            return
        endpoint = library.pjsua_get_pjmedia_endpt()
        self._queue, self._poll = library.pjmedia_endpt_get_ioqueue(endpoint), library.pj_ioqueue_poll
        library.pjmedia_endpt_stop_threads(endpoint)

    @staticmethod
    def _declare(library: Any) -> None:
        pointer = ctypes.c_void_p
        for name, result, arguments in (
            ("pjsua_get_pjmedia_endpt", pointer, []),
            ("pjmedia_endpt_get_ioqueue", pointer, [pointer]),
            ("pjmedia_endpt_stop_threads", ctypes.c_int, [pointer]),
            ("pj_ioqueue_poll", ctypes.c_int, [pointer, pointer]),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    def take(self) -> None:
        """Hand everything that waits to the jitter buffers."""
        self._poll(self._queue, self._address)


class Silence:
    """The voice path of an agent that has none."""

    def capture(self) -> bytes:
        return bytes(FRAME_BYTES)

    def play(self, frame: bytes) -> None:
        return


class SoundClock:
    """Moves frames between voice path and bridge from `start` until a moment after `rest`."""

    def __init__(
        self, voice: VoicePath, port: BridgePort, receive: Callable[[], None], register_thread: Callable[[], None]
    ) -> None:
        """`receive` takes the packets that came; `register_thread` is called before the thread uses the library."""
        self._voice, self._port, self._receive, self._register = voice, port, receive, register_thread
        self._changed = threading.Condition()
        self._until = 0.0
        self._closed = self._tidy = False
        self._thread = threading.Thread(target=self._run, name="sound-clock", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """A call has sound."""
        self._run_until(float("inf"))

    def rest(self) -> None:
        """No call has sound any more."""
        self._tidy = True
        self._run_until(time.monotonic() + REST_SECONDS)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._run_until(0.0)
        self._thread.join()

    def _run_until(self, until: float) -> None:
        with self._changed:
            self._until = until
            self._changed.notify()

    def _run(self) -> None:
        self._register()
        while not self._closed:
            self._tick_until_rest()
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._until > time.monotonic())

    def _tick_until_rest(self) -> None:
        due = time.monotonic()
        while self._until > due:
            self._move_frames()
            if self._tidy:
                self._tidy = False
                give_back()
            due += FRAME_SECONDS
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
            elif now - due > LATEST:
                due = now

    def _move_frames(self) -> None:
        """The order is the bridge's: what was heard before what is played, as the echo canceller expects."""
        try:
            self._port.put(self._voice.capture())
            self._receive()
            sound = self._port.get()
            if sound is not None:
                self._voice.play(sound)
        except Exception:
            log.exception("the voice path failed")
