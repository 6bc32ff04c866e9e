"""Memory that a device process and the simulator's world share: sound and pictures cross it without a call.

Sound is a track along the machine's monotonic clock: sample number N is what is in the air at N / 16000 seconds, so
both sides agree on *when* without telling each other. Pictures lie in a few slots that are filled in turn. The memory
is unmapped when its last user and the last picture that looks at it are gone.
"""

import mmap
import os
import struct
import time

from hal.camera import Picture
from hal.microphone import SAMPLE_RATE

TRACK_SAMPLES = 1 << 16
"""Length of a sound track, about four seconds."""
MAX_WIDTH, MAX_HEIGHT = 1920, 1088
PICTURE_SLOTS = 4
"""Slots of a picture memory: a reader has three picture times to use what it was given."""

_PAGE = 4096
_FLAGS = struct.Struct("=BB")
_NUMBER = struct.Struct("=Q")
_SLOT = struct.Struct("=QIId")
_NUMBER_AT = 8
_SHOWN_AT = 16
_SLOTS_AT = 64


def sample_now() -> int:
    """The number of the sample that is in the air now."""
    return int(time.monotonic() * SAMPLE_RATE)


def create_memory(name: str, size: int) -> int:
    """A file descriptor of `size` bytes of memory without a place in the file system; it ends with its last user."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    os.ftruncate(descriptor, size)
    return descriptor


class SharedMemory:
    """A mapped memory whose first two bytes say whether the device is switched on and whether it is broken."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Maps `descriptor` and closes it."""
        try:
            self._map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    @property
    def active(self) -> bool:
        """The device process has started the device."""
        return bool(self._map[0])

    @active.setter
    def active(self, on: bool) -> None:
        self._map[0] = on

    @property
    def running(self) -> bool:
        """Active and not gone, asked at once."""
        return self._map[:2] == b"\1\0"

    @property
    def gone(self) -> bool:
        """The world has pulled the device's plug."""
        return bool(self._map[1])

    @gone.setter
    def gone(self, gone: bool) -> None:
        self._map[1] = gone


class SoundTrack(SharedMemory):
    """Four seconds of sound; written by one side, read by the other."""

    SIZE = _PAGE + TRACK_SAMPLES * 2

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, self.SIZE)
        self._end = memoryview(self._map)[_NUMBER_AT : _NUMBER_AT + _NUMBER.size].cast("Q")

    @property
    def end(self) -> int:
        """The number of the first sample that was not written yet."""
        return self._end[0]

    def write(self, start: int, sound: bytes) -> None:
        """Put `sound` (s16le) at sample `start`; a gap since the last end becomes silence."""
        if len(sound) % 2:
            raise ValueError(f"{len(sound)} bytes are not whole 16-bit samples")
        place = _PAGE + 2 * (start % TRACK_SAMPLES)
        if start <= self._end[0] and place + len(sound) <= self.SIZE:
            self._map[place : place + len(sound)] = sound
            self._end[0] = start + len(sound) // 2
            return
        gap = min(max(start - self.end, 0), TRACK_SAMPLES)
        self._put(start - gap, bytes(2 * gap) + sound)
        self._end[0] = start + len(sound) // 2

    def _put(self, start: int, sound: bytes) -> None:
        start += max(len(sound) // 2 - TRACK_SAMPLES, 0)
        sound = sound[-2 * TRACK_SAMPLES :]
        place = _PAGE + 2 * (start % TRACK_SAMPLES)
        first = min(len(sound), self.SIZE - place)
        self._map[place : place + first] = sound[:first]
        self._map[_PAGE : _PAGE + len(sound) - first] = sound[first:]

    def read(self, start: int, samples: int) -> bytes:
        """The `samples` samples from `start` on; silence where nothing was written or where it is too old."""
        end = self._end[0]
        place = _PAGE + 2 * (start % TRACK_SAMPLES)
        if end - TRACK_SAMPLES <= start <= end - samples and place + 2 * samples <= self.SIZE:
            return self._map[place : place + 2 * samples]
        first = min(max(start, end - TRACK_SAMPLES), start + samples)
        last = max(min(start + samples, end), first)
        known = self._get(first, last - first)
        return bytes(2 * (first - start)) + known + bytes(2 * (start + samples - last))

    def _get(self, start: int, samples: int) -> bytes:
        place = _PAGE + 2 * (start % TRACK_SAMPLES)
        first = min(2 * samples, self.SIZE - place)
        return self._map[place : place + first] + self._map[_PAGE : _PAGE + 2 * samples - first]


class PictureSlots(SharedMemory):
    """The last few pictures; written by one side, looked at by the other."""

    SLOT = _PAGE * -(-(MAX_WIDTH * MAX_HEIGHT * 3 // 2) // _PAGE)
    SIZE = _PAGE + SLOT * PICTURE_SLOTS

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, self.SIZE)
        self._view = memoryview(self._map)

    @property
    def sequence(self) -> int:
        """The number of the newest picture, 0 before the first."""
        return int(_NUMBER.unpack_from(self._map, _NUMBER_AT)[0])

    def write(self, picture: Picture, taken: float | None = None) -> int:
        """Put `picture` into the next slot, as `taken` then; answers its number. Raises ValueError for a wrong size."""
        size = check_size(picture)
        number = self.sequence + 1
        place, head = self._place(number)
        taken = picture.taken if taken is None else taken
        _SLOT.pack_into(self._map, head, 0, picture.width, picture.height, taken)
        picture.copy_to(self._view[place : place + size])
        _SLOT.pack_into(self._map, head, number, picture.width, picture.height, taken)
        _NUMBER.pack_into(self._map, _NUMBER_AT, number)
        return number

    def look(self, after: int = 0) -> tuple[int, Picture] | None:
        """The newest picture if its number is above `after`, as a view that is good for three more pictures."""
        number = self.sequence
        if number <= after:
            return None
        place, head = self._place(number)
        _, width, height, taken = _SLOT.unpack_from(self._map, head)
        return number, Picture(width, height, self._view[place : place + width * height * 3 // 2], taken)

    def copy(self, after: int = 0) -> tuple[int, Picture] | None:
        """Like `look`, as a copy that nobody overwrites."""
        while seen := self.look(after):
            number, picture = seen
            kept = Picture(picture.width, picture.height, bytes(picture.data), picture.taken)
            if _SLOT.unpack_from(self._map, self._place(number)[1])[0] == number:
                return number, kept
        return None

    def _place(self, number: int) -> tuple[int, int]:
        slot = number % PICTURE_SLOTS
        return _PAGE + self.SLOT * slot, _SLOTS_AT + _SLOT.size * slot


class ScreenMemory(PictureSlots):
    """What a display shows: each picture is counted, and only those that somebody looks at are written."""

    @property
    def shown(self) -> int:
        """How many pictures the display has shown."""
        return int(_NUMBER.unpack_from(self._map, _SHOWN_AT)[0])

    @shown.setter
    def shown(self, number: int) -> None:
        _NUMBER.pack_into(self._map, _SHOWN_AT, number)


def check_size(picture: Picture) -> int:
    """The bytes of `picture`. Raises ValueError where its data is not I420 of its width and height."""
    size = picture.width * picture.height * 3 // 2
    if picture.width % 2 or picture.height % 2 or picture.width > MAX_WIDTH or picture.height > MAX_HEIGHT:
        raise ValueError(f"{picture.width} x {picture.height} is not a picture size up to {MAX_WIDTH} x {MAX_HEIGHT}")
    if picture.size != size:
        raise ValueError(f"{picture.size} bytes are not {picture.width} x {picture.height} I420")
    return size
