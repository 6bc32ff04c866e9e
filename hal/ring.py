"""A bounded buffer of sound between two threads that keep slightly different time."""

import threading

from hal.microphone import SAMPLE_RATE

SAMPLE_BYTES = 2


def bytes_of(seconds: float) -> int:
    """How many bytes of s16le mono sound at 16 kHz last `seconds`."""
    return round(seconds * SAMPLE_RATE) * SAMPLE_BYTES


class SoundRing:
    """Holds at most `limit` bytes of s16le mono; thread-safe, never blocks for longer than a copy.

    When a write goes beyond `limit` the oldest sound is dropped until `keep` bytes are left: two clocks that drift
    apart then cost one short gap now and then, and not a delay that stays at its largest for the rest of the call.
    """

    def __init__(self, limit: int, keep: int | None = None) -> None:
        keep = limit if keep is None else keep
        if not 0 < keep <= limit or limit % SAMPLE_BYTES or keep % SAMPLE_BYTES:
            raise ValueError(f"a ring keeps 0 < keep <= limit bytes of whole samples, not {keep} and {limit}")
        self._limit = limit
        self._keep = keep
        self._data = bytearray(limit)
        self._start = 0
        self._length = 0
        self._guard = threading.Lock()
        self.dropped = 0
        """Bytes that were thrown away because nobody read in time."""
        self.missing = 0
        """Bytes of silence that were read because nothing had been written in time."""

    def __len__(self) -> int:
        return self._length

    def write(self, sound: bytes | memoryview) -> None:
        """Append `sound`. Raises ValueError for half a sample."""
        if len(sound) % SAMPLE_BYTES:
            raise ValueError(f"16-bit sound has an even number of bytes, not {len(sound)}")
        with self._guard:
            kept = self._make_room(sound)
            end = (self._start + self._length) % self._limit
            first = min(len(kept), self._limit - end)
            self._data[end : end + first] = kept[:first]
            self._data[: len(kept) - first] = kept[first:]
            self._length += len(kept)

    def read(self, count: int) -> bytes:
        """The oldest `count` bytes, filled up with silence."""
        with self._guard:
            there = min(count, self._length)
            first = min(there, self._limit - self._start)
            sound = bytes(self._data[self._start : self._start + first]) + bytes(self._data[: there - first])
            self._drop(there)
            self.missing += count - there
        return sound if there == count else sound + bytes(count - there)

    def clear(self) -> None:
        """Forget what was not read; the counters stay."""
        with self._guard:
            self._drop(self._length)

    def _make_room(self, sound: bytes | memoryview) -> memoryview:
        view = memoryview(sound)
        total = self._length + len(view)
        if total <= self._limit:
            return view
        excess = total - self._keep
        self.dropped += excess
        old = min(excess, self._length)
        self._drop(old)
        return view[excess - old :]

    def _drop(self, count: int) -> None:
        self._start = (self._start + count) % self._limit
        self._length -= count
