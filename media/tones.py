"""Ringing and progress tones: made once from a table, played in 20 ms frames.

Frequencies and cadences follow ITU-T E.180 (dial, ringback, busy, congestion) and E.182 (which tone says what).
Only the standard library is used, so that ringing never waits for a large import.
"""

import math
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE

FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
_AHEAD = 3
"""Frames written before the pace begins, so that a late thread is not heard."""
_TAIL = 0.2
"""Silence after a tone that ends by itself: what a speaker may hold back when it is stopped."""

_RAMP = SAMPLE_RATE * 8 // 1000


class Tone(StrEnum):
    """What a loudspeaker can say without words."""

    RING = "ring"
    """A resident is called: a soft two-note chime."""
    RINGBACK = "ringback"
    """The visitor hears that it rings."""
    BUSY = "busy"
    REORDER = "reorder"
    """The call could not be carried out (E.180 congestion tone)."""
    DIAL = "dial"
    CONFIRM = "confirm"
    """Done: the door is open (E.182 positive indication tone)."""
    REFUSED = "refused"
    """Not done: wrong code (E.182 negative indication tone)."""
    BEEP = "beep"
    """A key was pressed."""
    RECORD = "record"
    """Speak now (E.182 recording tone's pitch, once)."""
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding or silent part of a tone."""

    seconds: float
    frequencies: tuple[float, ...] = ()
    """Sine waves of falling loudness, Hz; none is silence."""
    amplitude: float = 0.25
    """Peak of the whole note, 1.0 is full scale."""
    decay: float = 0.0
    """Seconds in which a struck note falls to 1/e; 0 holds the loudness."""


@dataclass(frozen=True, slots=True)
class Score:
    """The notes of a tone; a tone that repeats sounds until it is stopped."""

    notes: tuple[Note, ...]
    repeats: bool = True


def _bell(seconds: float, pitch: float) -> Note:
    return Note(seconds, (pitch, 2 * pitch, 3 * pitch), amplitude=0.5, decay=0.45)


SCORES = {
    Tone.RING: Score((_bell(0.7, 659.26), _bell(1.3, 523.25), Note(2.0))),
    Tone.RINGBACK: Score((Note(1.0, (425.0,)), Note(4.0))),
    Tone.BUSY: Score((Note(0.5, (425.0,)), Note(0.5))),
    Tone.REORDER: Score((Note(0.24, (425.0,)), Note(0.24))),
    Tone.DIAL: Score((Note(1.0, (425.0,)),)),
    Tone.CONFIRM: Score((Note(0.12, (880.0,)), Note(0.04), Note(0.24, (1318.5,))), repeats=False),
    Tone.REFUSED: Score((Note(0.2, (330.0, 350.0)), Note(0.06), Note(0.4, (262.0, 280.0))), repeats=False),
    Tone.BEEP: Score((Note(0.06, (1000.0,)),), repeats=False),
    Tone.RECORD: Score((Note(0.4, (1400.0,)),), repeats=False),
    Tone.ALARM: Score((Note(0.24, (1800.0,), amplitude=0.6), Note(0.24, (1200.0,), amplitude=0.6))),
}


class Audible(Protocol):
    """What a loudspeaker is given piece by piece."""

    @property
    def repeats(self) -> bool:
        """Whether it sounds until something else does."""

    def frame(self, number: int) -> bytes | None:
        """Frame `number` counted from its beginning, 20 ms; None when it is over. Does not wait."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A tone, or words, as samples: s16le mono at 16 kHz, a whole number of 20 ms frames."""

    samples: bytes
    repeats: bool

    def frame(self, number: int) -> bytes | None:
        """Frame `number` counted from the tone's beginning; None when the tone is over."""
        start = number * FRAME_BYTES
        if self.repeats:
            start %= len(self.samples)
        return self.samples[start : start + FRAME_BYTES] or None


@cache
def render(tone: Tone) -> Sound:
    """The samples of `tone`, made at the first use."""
    score = SCORES[tone]
    endless = score.repeats and len(score.notes) == 1
    samples = array("h")
    for note in score.notes:
        samples.extend(_samples(note, fade=not endless))
    if not score.repeats:
        samples.extend([0] * round(_TAIL * SAMPLE_RATE))
    samples.extend([0] * (-len(samples) % FRAME_SAMPLES))
    return Sound(samples.tobytes(), score.repeats)


def _samples(note: Note, fade: bool) -> "array[int]":
    """The note as s16; its sines are each half as loud as the one before, together at most the amplitude."""
    count = round(note.seconds * SAMPLE_RATE)
    samples = [0.0] * count
    weights = [0.5**order for order in range(len(note.frequencies))]
    for weight, hertz in zip(weights, note.frequencies, strict=True):
        step, peak = 2 * math.pi * hertz / SAMPLE_RATE, 32767 * note.amplitude * weight / sum(weights)
        samples = [sample + peak * math.sin(step * index) for index, sample in enumerate(samples)]
    if fade:
        samples = [sample * _envelope(note, index, count) for index, sample in enumerate(samples)]
    return array("h", map(round, samples))


def _envelope(note: Note, index: int, count: int) -> float:
    """Rises and falls over 8 ms, so that nothing clicks; a struck note fades out in between."""
    edge = min(1.0, index / _RAMP, (count - 1 - index) / _RAMP)
    return edge * (math.exp(-index / (note.decay * SAMPLE_RATE)) if note.decay else 1.0)


def mix(first: bytes, second: bytes) -> bytes:
    """Both frames at once, limited to full scale; as long as the shorter one."""
    pairs = zip(memoryview(first).cast("h"), memoryview(second).cast("h"), strict=False)
    return array("h", (max(-32768, min(32767, one + other)) for one, other in pairs)).tobytes()


class _Pace:
    """When the next frame is due: a few ahead at first, then one every 20 ms."""

    def __init__(self) -> None:
        self._started, self._frames = time.monotonic(), 0

    def next(self) -> float:
        """Count a frame; seconds to wait before the one after it."""
        self._frames += 1
        return max(0.0, self._started + (self._frames - _AHEAD) * FRAME_SECONDS - time.monotonic())


class TonePlayer:
    """Plays one sound at a time, 20 ms after 20 ms, from a thread that lives only while something sounds.

    A tone that repeats waits until words are said; a short one does not.
    """

    def __init__(self, begin: Callable[[], None], write: Callable[[bytes], None], end: Callable[[], None]) -> None:
        """`begin` and `end` switch the loudspeaker on and off, `write` takes a frame; none of them may raise."""
        self._begin, self._write, self._end = begin, write, end
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._wanted: tuple[Audible, int] | None = None
        self._words: tuple[Audible, int] | None = None
        self._keep_on = False
        self._thread: threading.Thread | None = None

    def play(self, sound: Audible, frame: int = 0) -> None:
        """Play `sound` from frame number `frame` on, instead of the tone that sounds now; returns at once."""
        with self._lock:
            self._wanted = (sound, frame)
            if not sound.repeats:
                self._words = None
            self._start()

    def say(self, words: Audible) -> None:
        """Speak `words`, instead of whatever sounds now; the tone that was or is asked for follows. Returns at once."""
        with self._lock:
            self._words = (words, 0)
            self._start()

    def _start(self) -> None:
        self._keep_on = False
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tone", daemon=True)
            self._thread.start()

    def silence(self) -> None:
        """End the tone, but not the words; returns at once, the loudspeaker goes off a moment later."""
        with self._lock:
            self._wanted, self._keep_on = None, False
            self._changed.set()

    def stop(self, keep_on: bool = False) -> None:
        """End everything; returns when it is over and the loudspeaker off, or left on for who comes next."""
        with self._lock:
            self._wanted, self._words, self._keep_on = None, None, keep_on
            self._changed.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        """Sound what is wanted; a tone that comes while the loudspeaker goes off switches it on again."""
        while True:
            self._begin()
            pace = _Pace()
            while (part := self._next()) is not None:
                self._sound(part, pace)
            if not self._keep_on:
                self._end()
            with self._lock:
                if self._wanted is None and self._words is None:
                    self._thread = None
                    return

    def _next(self) -> tuple[Audible, int] | None:
        with self._lock:
            self._changed.clear()
            return self._words or self._wanted

    def _sound(self, part: tuple[Audible, int], pace: _Pace) -> None:
        sound, number = part
        while (frame := sound.frame(number)) is not None:
            self._write(frame)
            number += 1
            if self._changed.wait(pace.next()) and not self._still(part):
                return
        with self._lock:
            self._words = None if self._words is part else self._words
            self._wanted = None if self._wanted is part else self._wanted

    def _still(self, part: tuple[Audible, int]) -> bool:
        """Whether a change left this part as what has to sound."""
        with self._lock:
            self._changed.clear()
            return (self._words or self._wanted) is part
