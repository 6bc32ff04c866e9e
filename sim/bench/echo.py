"""How much of the loudspeaker's echo a door station removes, measured on its own voice path in a simulated room."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from media.voice import Voice
from sim.bench.figure import Figure
from sim.footage import speech

Signal = NDArray[np.float64]

_FAR = ("indoor1", "phone", "indoor2")
_NEAR = "visitor"
_PAUSE = 2.0
"""Seconds in which nobody speaks, long enough for a canceller to rest, before the first of `_FAR` speaks again."""
_CONVERGED = 4.0
"""Seconds after which the echo canceller counts as converged."""
DELAYS = (20, 60, 120, 200)
_LONGEST = 0.2
"""Seconds by which the processing may delay the near voice."""


@dataclass(frozen=True, slots=True)
class Acoustics:
    """A room between a loudspeaker and a microphone in one case."""

    delay_ms: int = 60
    """From writing to the loudspeaker until it is heard: buffers of the sound card and the way through the air."""
    coupling_db: float = -9.0
    """How loud the microphone hears the loudspeaker directly."""
    tail_db: float = -7.0
    """The reverberation's energy beside the direct sound's."""
    reverberation: float = 0.3
    """Seconds until the reverberation has fallen by 60 dB."""
    noise_dbfs: float = -60.0

    def response(self, random: np.random.Generator) -> Signal:
        """The impulse response: a delayed click and noise that dies away."""
        tail = random.standard_normal(int(self.reverberation * SAMPLE_RATE))
        tail *= 10 ** (-3 * np.arange(len(tail)) / len(tail))
        tail *= np.sqrt(10 ** (self.tail_db / 10) / np.sum(tail**2))
        tail[0] += 1.0
        silent = np.zeros(self.delay_ms * SAMPLE_RATE // 1000)
        return np.concatenate([silent, tail]) * 10 ** (self.coupling_db / 20)


class Room:
    """Microphone and speaker at once: it hears `near`, the echo of what is played, and noise. Frames of 20 ms."""

    def __init__(self, acoustics: Acoustics, near: Signal, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        response = acoustics.response(self._random)
        self._length = 1 << (len(response) + FRAME_SAMPLES).bit_length()
        self._response = np.fft.rfft(response, self._length)
        self._noise = 32768 * 10 ** (acoustics.noise_dbfs / 20)
        self._echo = np.zeros(self._length)
        self._near, self._at = near, 0

    def start(self) -> None:
        """Nothing to switch on."""

    def stop(self) -> None:
        """Nothing to switch off."""

    def close(self) -> None:
        """Nothing to give back."""

    def write(self, sound: bytes) -> None:
        """Play a frame: its echo is added to what will be heard."""
        played = np.frombuffer(sound, np.int16).astype(np.float64)
        self._echo += np.fft.irfft(np.fft.rfft(played, self._length) * self._response, self._length)

    def read(self, samples: int) -> bytes:
        """Hear a frame; time goes on by it."""
        near = self._near[self._at : self._at + samples]
        heard = self._echo[:samples] + self._random.standard_normal(samples) * self._noise
        heard[: len(near)] += near
        self._echo = np.concatenate([self._echo[samples:], np.zeros(samples)])
        self._at += samples
        return np.clip(heard, -32768, 32767).astype(np.int16).tobytes()


@dataclass(frozen=True, slots=True)
class EchoFigures:
    """What was measured."""

    erle_db: float
    """Echo return loss enhancement while only the far side speaks, converged: echo heard / echo sent."""
    woken_erle_db: float
    """The same in the first second after a pause."""
    settled_seconds: float
    """When the echo was first, for half a second, 20 dB lower than it is heard."""
    near_kept_db: float
    """While both speak: loudness of what is sent beside the near voice alone; the gain control lifts a soft voice."""
    near_likeness: float
    """While both speak: correlation of what is sent with the near voice alone, 1 is the same."""
    heard_likeness: float
    """The same of what the microphone heard, for comparison."""


def measure_erle(
    acoustics: Acoustics | None = None, processing: bool = True, capture_first: bool = False
) -> EchoFigures:
    """Two passes through a `Voice`: the far side alone, then both. `capture_first`: the media thread's other order."""
    acoustics = acoustics or Acoustics()
    said = [_samples(name) for name in _FAR]
    far = _joined([*said, np.zeros(int(_PAUSE * SAMPLE_RATE)), said[0]])
    again = len(far) - len(said[0])
    begin = int(_CONVERGED * SAMPLE_RATE)
    voice = np.concatenate([np.zeros(begin), _samples(_NEAR)])[: len(far)] / 4
    quiet = np.zeros(len(far))
    heard, sent = (_pass(acoustics, far, quiet, on, capture_first) for on in (False, processing))
    both_heard, both_sent = (_pass(acoustics, far, voice, on, capture_first) for on in (False, processing))
    end = begin + len(_samples(_NEAR))
    near = voice[begin:end]
    return EchoFigures(
        erle_db=_ratio_db(heard[begin:], sent[begin:]),
        woken_erle_db=_ratio_db(heard[again : again + SAMPLE_RATE], sent[again : again + SAMPLE_RATE]),
        settled_seconds=_settled(heard, sent),
        near_kept_db=_ratio_db(both_sent[begin:end], near),
        near_likeness=_likeness(both_sent[begin:], near),
        heard_likeness=_likeness(both_heard[begin:], near),
    )


def _samples(name: str) -> Signal:
    return np.frombuffer(speech(name), np.int16).astype(np.float64)


def _joined(parts: list[Signal]) -> Signal:
    """One after the other, filled up to whole frames."""
    signal = np.concatenate(parts)
    return np.concatenate([signal, np.zeros(-len(signal) % FRAME_SAMPLES)])


def _pass(acoustics: Acoustics, far: Signal, near: Signal, processing: bool, capture_first: bool) -> Signal:
    """What the far side receives while `far` is played and `near` is said."""
    room = Room(acoustics, near)
    voice = Voice(room, room, processing)
    voice.prepare()
    voice.start()
    sent = []
    sound = far.astype(np.int16).tobytes()
    for start in range(0, len(sound), 2 * FRAME_SAMPLES):
        frame = sound[start : start + 2 * FRAME_SAMPLES]
        if capture_first:
            sent.append(voice.capture())
            voice.play(frame)
        else:
            voice.play(frame)
            sent.append(voice.capture())
    voice.close()
    return np.frombuffer(b"".join(sent), np.int16).astype(np.float64)


def _ratio_db(signal: Signal, other: Signal) -> float:
    return float(10 * np.log10((np.mean(signal**2) + 1e-9) / (np.mean(other**2) + 1e-9)))


def _settled(heard: Signal, sent: Signal) -> float:
    window = SAMPLE_RATE // 2
    for start, end in pairwise(range(0, len(heard), window)):
        if np.mean(heard[start:end] ** 2) > 1e4 and _ratio_db(heard[start:end], sent[start:end]) >= 20:
            return start / SAMPLE_RATE
    return float("inf")


def _likeness(signal: Signal, near: Signal) -> float:
    """The best correlation over the delays that the processing may have."""
    lags = range(0, min(int(_LONGEST * SAMPLE_RATE), len(signal) - len(near)), 4)
    return max(float(np.corrcoef(signal[lag : lag + len(near)], near)[0, 1]) for lag in lags)


def erle() -> Iterator[Figure]:
    """The echo that is left at the far side, as the negative ERLE: the lower the better."""
    rooms = [measure_erle(Acoustics(delay_ms=delay)) for delay in DELAYS]
    left, woken = [-room.erle_db for room in rooms], [-room.woken_erle_db for room in rooms]
    note = f"worst of rooms with {', '.join(map(str, DELAYS))} ms of delay, -60 dBFS of noise"
    yield Figure("echo left at the far side (negative ERLE)", max(left), "dB", -25, tuple(left), note)
    yield Figure("the same in the first second after a pause", max(woken), "dB", -25, tuple(woken), note)
