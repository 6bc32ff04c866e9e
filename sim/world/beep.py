"""A person's ear for the tone after which one leaves a message, among all that a loudspeaker sounds."""

import numpy as np

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE

PITCH = 1400.0
"""Hz of the recording tone (`media.tones`, ITU-T E.182)."""
PURE = 0.8
"""Share of a frame's energy at that pitch from which on it is the tone; words and other tones have less than half."""
LOUD = 300.0
"""Root mean square below which nobody hears a tone, of 32768."""
LONG = 6
"""Frames of 20 ms that are the tone, and not a piece of another one: a third of its length."""

_WAVE = np.exp(-2j * np.pi * PITCH / SAMPLE_RATE * np.arange(FRAME_SAMPLES))


class BeepEar:
    """Hears one loudspeaker; `hear` says when it knows the tone."""

    def __init__(self) -> None:
        self._rest = b""
        self._frames = 0

    def hear(self, sound: bytes) -> bool:
        """More of the sound (s16le, 16 kHz), of any length; whether the tone was recognised in it, once for each."""
        self._rest += sound
        known = False
        while len(self._rest) >= 2 * FRAME_SAMPLES:
            frame, self._rest = self._rest[: 2 * FRAME_SAMPLES], self._rest[2 * FRAME_SAMPLES :]
            self._frames = self._frames + 1 if _is_tone(np.frombuffer(frame, np.int16).astype(np.float64)) else 0
            known |= self._frames == LONG
        return known


def _is_tone(frame: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bool:
    energy = float(np.sum(frame**2))
    pitched = float(2 * abs(np.dot(frame, _WAVE)) ** 2 / FRAME_SAMPLES)
    return energy > LOUD**2 * FRAME_SAMPLES and pitched > PURE * energy
