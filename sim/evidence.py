"""What proves that a screen showed the camera's picture, and that one end heard what the other said."""

import io
import wave
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import picture_box
from hal.microphone import SAMPLE_RATE
from sim.clock import read_image

LOUDEST_DELAY = 1.5
"""Seconds within which a sound must arrive to be called the same."""
QUIET = 50.0
"""Root mean square below which there is nothing to hear, of 32768."""

Signal = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of what one side said was in what the other heard."""

    likeness: float
    """Normalised correlation at the best delay, 0 to 1."""
    delay_ms: float
    said_rms: float
    heard_rms: float


def clock_on_screen(png: bytes, scene: Scene, width: int, height: int) -> int | None:
    """Milliseconds of the clock in the live picture of a screen; None if no picture with a clock is on it."""
    image = Image.open(io.BytesIO(png))
    picture = Picture(width, height, b"", 0.0)
    return read_image(image, picture_box(scene, picture, image.size))


def samples_of(wav: bytes) -> Signal:
    """The samples of a 16-bit mono WAV file at 16 kHz. Raises ValueError for any other."""
    with wave.open(io.BytesIO(wav)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE):
            raise ValueError("not a 16-bit mono WAV file at 16 kHz")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)


def compare(said: Signal, heard: Signal) -> Heard:
    """Find `said` in `heard`, which began at the same moment, at the delay at which they are most alike.

    `heard` may have been coded, filtered and levelled on its way; silence is like nothing.
    """
    said_rms, heard_rms = _rms(said), _rms(heard)
    if min(said_rms, heard_rms) < QUIET:
        return Heard(0.0, 0.0, said_rms, heard_rms)
    length = 1 << (len(said) + len(heard)).bit_length()
    product = np.conj(np.fft.rfft(_whole(said), length)) * np.fft.rfft(_whole(heard), length)
    likeness = np.fft.irfft(product, length)[: int(LOUDEST_DELAY * SAMPLE_RATE)]
    best = int(np.argmax(np.abs(likeness)))
    scale = float(np.linalg.norm(_whole(said)) * np.linalg.norm(_whole(heard)))
    return Heard(abs(float(likeness[best])) / scale, best * 1000 / SAMPLE_RATE, said_rms, heard_rms)


def _whole(signal: Signal) -> Signal:
    return np.asarray(signal - signal.mean(), np.float64)


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(signal**2))) if len(signal) else 0.0
