"""What proves that a screen or a film showed the camera's picture, and that one end heard what the other said."""

import io
import wave
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray
from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import picture_box
from hal.microphone import SAMPLE_RATE
from sim.clock import read, read_image

LOUDEST_DELAY = 3 * SAMPLE_RATE // 2
"""Samples within which a sound must arrive to be called the same."""
WORD = SAMPLE_RATE // 2
"""Samples that are compared at a time."""
SLIP = SAMPLE_RATE // 4
"""Samples by which buffers may move a word, on a busy machine."""
QUIET = 50.0
"""Root mean square below which there is nothing to hear, of 32768."""

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of what one side said was in what the other heard."""

    likeness: float
    """Normalised correlation of the words, their median, 0 to 1."""
    delay_ms: float
    said_rms: float
    heard_rms: float


def clock_on_screen(png: bytes, scene: Scene, width: int, height: int) -> int | None:
    """Milliseconds of the clock in the live picture of a screen; None if no picture with a clock is on it."""
    image = Image.open(io.BytesIO(png))
    picture = Picture(width, height, b"", 0.0)
    return read_image(image, picture_box(scene, picture, image.size))


def samples_of(wav: bytes) -> Samples:
    """The samples of a 16-bit mono WAV file at 16 kHz. Raises ValueError for any other."""
    with wave.open(io.BytesIO(wav)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE):
            raise ValueError("not a 16-bit mono WAV file at 16 kHz")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)


def compare(said: Samples, heard: Samples, latest: int = LOUDEST_DELAY, slip: int = SLIP) -> Heard:
    """Find `said` in `heard`, which began at the same moment or up to `latest` samples before, word by word.

    `heard` may have been coded, filtered and levelled on its way, and a buffer that grew or shrank may have moved it by
    some milliseconds between two words: so each word is looked for near the delay on which most words agree.
    """
    said_rms, heard_rms = _rms(said), _rms(heard)
    if min(said_rms, heard_rms) < QUIET:
        return Heard(0.0, 0.0, said_rms, heard_rms)
    starts = [start for start in range(0, len(said) - WORD + 1, WORD) if _rms(said[start : start + WORD]) > said_rms]
    words = [(said[start : start + WORD], heard[start : start + WORD + latest]) for start in starts]
    alike = [_likeness(word, part) for word, part in words]
    delay = int(np.median([int(np.argmax(each)) for each in alike])) if alike else 0
    found = [float(np.max(each[max(delay - slip, 0) : delay + slip], initial=0.0)) for each in alike]
    return Heard(float(np.median(found)) if found else 0.0, delay * 1000 / SAMPLE_RATE, said_rms, heard_rms)


def find(said: Samples, heard: Samples) -> Heard:
    """Find `said` anywhere in `heard`, as `compare` does; the delay counts from the first sound of `said`.

    A busy machine may have torn what was recorded and played: each word may have moved by as much as its own length.
    """
    words = np.trim_zeros(said)
    return compare(words, heard, max(len(heard) - len(words), 0) + WORD, WORD)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in a film."""

    clocks: list[int | None]
    """Of each picture the camera's clock, milliseconds; None where there is none in it."""
    sound: Samples
    """16 kHz mono."""

    def between(self, begin: float, end: float) -> float:
        """Share of the pictures that the camera took between these times, ms, each later than the one before."""
        told = [clock for clock in self.clocks if clock is not None and begin <= clock <= end]
        later = sum(after > before for before, after in pairwise(told))
        return (later + 1) / len(self.clocks) if told else 0.0


def watch(film: bytes) -> Seen:
    """Look at a whole film (MP4). Raises ValueError for one that cannot be played."""
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    clocks: list[int | None] = []
    parts = [np.zeros(0)]
    try:
        with av.open(io.BytesIO(film), "r") as file:
            for frame in file.decode():
                if isinstance(frame, av.VideoFrame):
                    plane = frame.planes[0]
                    clocks.append(read(bytes(plane), frame.width, frame.height, plane.line_size))
                else:
                    parts += [_samples(part) for part in resampler.resample(frame)]
    except av.FFmpegError as error:
        raise ValueError(f"this is no film: {error}") from error
    return Seen(clocks, np.concatenate([*parts, *(_samples(part) for part in resampler.resample(None))]))


def _samples(frame: av.AudioFrame) -> Samples:
    samples: Samples = frame.to_ndarray()[0].astype(np.float64)
    return samples


def _likeness(word: Samples, heard: Samples) -> Samples:
    """Normalised correlation of `word` with `heard` from each of its samples on."""
    if len(heard) < len(word):
        return np.zeros(1)
    length = 1 << (len(heard) + len(word)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(word, length)), length)
    sums = np.concatenate([[0.0], np.cumsum(heard**2)])
    energies = sums[len(word) :] - sums[: -len(word)]
    alike: Samples = np.abs(product[: len(energies)]) / (np.sqrt(energies) * np.linalg.norm(word) + 1)
    return alike


def _rms(signal: Samples) -> float:
    return float(np.sqrt(np.mean(signal**2))) if len(signal) else 0.0
