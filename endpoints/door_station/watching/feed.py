"""From the encoder's thread to those who watch: each picture is handed over once, and each form of it made once.

Watchers come last. Their thread has the lower priority, a picture that it does not take in time is dropped and never
queued, and while a visit is on no key frame is made for one of them more often than now and then.
"""

import asyncio
import struct
import time
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from websockets.frames import Frame, Opcode

from media.encoder import EncodedPicture, VideoSink
from media.live_film import sample

BEHIND = 5
"""Pictures that may wait for the watchers' thread; what comes then is dropped, up to the next key frame."""
FRESH = 0.12
"""Seconds; a group of pictures that began so lately is given to a newcomer instead of a new key frame for everybody."""
LARGEST_GROUP = 1 << 20
"""Bytes of pictures since the last key frame that are kept for newcomers."""
DISTURBANCE = 2.0
"""Seconds between two key frames that newcomers may cost a visit."""
_STAMP = struct.Struct(">Q")


class Source(Protocol):
    """Where the pictures come from; all of it may be called from any thread."""

    def watch(self, sink: VideoSink, patient: bool = False) -> bool:
        """Give `sink` every picture, a key frame first, made at once unless it is `patient`; False without encoder."""

    def unwatch(self, sink: VideoSink) -> None:
        """No more pictures to `sink`."""

    def key_frame(self) -> None:
        """The next picture is a key frame."""


class Shown:
    """One picture in the forms in which it is sent, each made when the first watcher wants it."""

    def __init__(self, picture: EncodedPicture) -> None:
        self.picture = picture

    @cached_property
    def message(self) -> bytes:
        """A WebSocket frame (RFC 6455): time stamp, microseconds of the door's clock, and the Annex B access unit."""
        stamp = _STAMP.pack(round(self.picture.taken * 1e6))
        return Frame(Opcode.BINARY, stamp + self.picture.data).serialize(mask=False)

    @cached_property
    def sample(self) -> bytes:
        """As it lies in an MP4 file."""
        return sample(self.picture)


class Taker(Protocol):
    """One who watches."""

    catches_up: bool
    """Whether pictures of the last second do not delay what is shown now."""

    def take(self, shown: Shown) -> None:
        """Send one more picture, or do without it."""


class Feed:
    """A sink of the encoder while there are takers; all but `encoded` on the loop's thread."""

    def __init__(self, source: Source, loop: asyncio.AbstractEventLoop, busy: Callable[[], bool]) -> None:
        """`busy`: whether a visit is on."""
        self._source, self._loop, self._busy = source, loop, busy
        self._takers: tuple[Taker, ...] = ()
        self._group: list[Shown] = []
        self._group_bytes = 0
        self._handed = self._taken = 0
        self._torn = False
        self._disturbed = float("-inf")
        self.dropped = 0
        """Pictures that no watcher got, because their thread was behind."""

    def join(self, taker: Taker) -> bool:
        """Give `taker` all pictures from now on, a key frame first; False if there is no encoder."""
        first = not self._takers
        self._takers = (*self._takers, taker)
        if first:
            self._forget()
            return self._source.watch(self, patient=not self._may_disturb())
        if self._group and (taker.catches_up or self._is_fresh()):
            for shown in self._group:
                taker.take(shown)
        elif self._may_disturb():
            self._source.key_frame()
        return True

    def leave(self, taker: Taker) -> None:
        """No more; the last one who leaves switches the encoder off, unless a visit needs it."""
        self._takers = tuple(other for other in self._takers if other is not taker)
        if not self._takers:
            self._source.unwatch(self)
            self._forget()

    def encoded(self, packet: EncodedPicture) -> None:
        """Hand a picture over; on the encoder's thread."""
        if self._torn and not packet.key_frame:
            self.dropped += 1
            return
        self._torn = self._handed - self._taken >= BEHIND
        if self._torn:
            self.dropped += 1
            return
        self._handed += 1
        try:
            self._loop.call_soon_threadsafe(self._take, packet)
        except RuntimeError:  # the loop ended while the encoder was at work
            self._taken += 1

    def _take(self, packet: EncodedPicture) -> None:
        self._taken += 1
        shown = Shown(packet)
        if packet.key_frame:
            self._forget()
        if packet.key_frame or self._group:
            self._group.append(shown)
            self._group_bytes += len(packet.data)
            if self._group_bytes > LARGEST_GROUP:
                self._forget()
        for taker in self._takers:
            taker.take(shown)

    def _forget(self) -> None:
        self._group, self._group_bytes = [], 0

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._group[0].picture.taken <= FRESH

    def _may_disturb(self) -> bool:
        """Whether a key frame may be asked for; in a visit seldom, for each costs all its screens bits."""
        now = time.monotonic()
        if self._busy() and now - self._disturbed < DISTURBANCE:
            return False
        self._disturbed = now
        return True
