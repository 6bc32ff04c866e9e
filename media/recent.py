"""The last seconds of a visit: encoded pictures and sound, so that a recording begins before its event."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # loaded late: a device registers before it encodes
    from media.encoder import EncodedPicture


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame of sound (s16le mono 16 kHz, 20 ms), and when it ended, seconds of ``time.monotonic()``."""

    frame: bytes
    taken: float


class Follower(Protocol):
    """Takes what was remembered and then what comes; never waits, for it is called on the encoder's thread."""

    def picture(self, picture: "EncodedPicture") -> None:
        """One more picture; the first one is a key frame."""

    def sound(self, heard: Heard) -> None:
        """One more frame of sound."""


class Recent:
    """A sink of the encoder that remembers `seconds`, from a key frame on, and lets one follower have all that comes.

    `encoded` on the encoder's thread, `heard` on the one of the sound, the rest on any.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._pictures: deque[EncodedPicture] = deque()
        self._sounds: deque[Heard] = deque()
        self._follower: Follower | None = None

    def encoded(self, packet: "EncodedPicture") -> None:
        """Remember a picture."""
        with self._lock:
            if self._follower is not None:
                if self._pictures or packet.key_frame:
                    self._pictures = deque((packet,), 1)  # only the mark that it has begun
                    self._follower.picture(packet)
                return
            self._pictures.append(packet)
            self._forget_pictures()

    def heard(self, heard: Heard) -> None:
        """Remember a frame of sound."""
        with self._lock:
            if self._follower is not None:
                self._follower.sound(heard)
                return
            self._sounds.append(heard)
            while self._sounds[0].taken < heard.taken - self._seconds:
                self._sounds.popleft()

    def follow(self, follower: Follower) -> None:
        """Give `follower` what is remembered, and from now on everything."""
        with self._lock:
            for picture in self._pictures:
                follower.picture(picture)
            for heard in self._sounds:
                follower.sound(heard)
            self._sounds.clear()
            self._follower = follower

    def forget(self) -> None:
        """No follower any more, and nothing remembered."""
        with self._lock:
            self._follower = None
            self._pictures = deque()
            self._sounds.clear()

    def _forget_pictures(self) -> None:
        """Keep whole groups of pictures: from the last key frame that is old enough on."""
        limit = self._pictures[-1].taken - self._seconds
        groups = [index for index, each in enumerate(self._pictures) if each.key_frame]
        old = [index for index in groups if self._pictures[index].taken <= limit]
        for _ in range(old[-1] if old else groups[0] if groups else len(self._pictures)):
            self._pictures.popleft()
