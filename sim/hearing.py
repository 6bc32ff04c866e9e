"""What a simulated person understands of the prompts that a device speaks: found in what was heard, by matched filters.

The prompts are known sounds, so that a codec and the telephone network between leave them as good as whole; a voice or
a tone is like none of them.
"""

import io
import wave
from functools import cache

import numpy as np

from media.prompts import FOLDER, speech

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]
ALIKE = 0.9
"""Normalised correlation from which on a prompt counts as heard; other words reach 0.4."""
ENOUGH = 0.75
"""Share of a prompt's pieces that must be heard."""
CODE_LENGTH = 4
PIECE, SLIP = 8000, 1600
"""Samples: what is compared at a time, and how far a jitter buffer moves the pieces of a prompt at most."""


class _Sound:
    """What was heard, with what every comparison needs of it."""

    def __init__(self, samples: Samples) -> None:
        self._length = len(samples)
        self._size = 1 << (len(samples) + 2 * PIECE).bit_length()  # a transform likes powers of two
        self._spectrum = np.fft.rfft(samples, self._size)
        self._power = np.concatenate([[0.0], np.cumsum(samples**2)])

    def likeness(self, piece: Samples) -> Samples:
        """Normalised correlation with `piece` from each sample on."""
        count = self._length - len(piece) + 1
        if count < 1:
            return np.zeros(0)
        product = np.fft.irfft(self._spectrum * np.conj(np.fft.rfft(piece, self._size)), self._size)[:count]
        energy = (self._power[len(piece) :] - self._power[:count]) * np.sum(piece**2)
        alike: Samples = product / np.sqrt(energy + 1.0)
        return alike


def prompts_heard(sound: bytes, language: str = "en") -> list[str]:
    """The names of the prompts in a WAV (16 kHz mono s16), in the order in which they begin."""
    with wave.open(io.BytesIO(sound)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
    whole = _Sound(heard)
    found = [(place, name) for name in _names(language) for place in _places(whole, _prompt(language, name))]
    return [name for _, name in sorted(found)]


def code_heard(sound: bytes, language: str = "en") -> str:
    """The digits that follow the last "to open the door, press", "" if they were not all heard."""
    names = prompts_heard(sound, language)
    if "code" not in names:
        return ""
    after = names[len(names) - names[::-1].index("code") :][:CODE_LENGTH]
    return "".join(after) if len(after) == CODE_LENGTH and all(name.isdigit() for name in after) else ""


def _names(language: str) -> list[str]:
    return [path.stem for path in (FOLDER / language).glob("*.opus")]


@cache
def _prompt(language: str, name: str) -> Samples:
    samples = np.frombuffer(speech(language, [name]).samples, np.int16).astype(np.float64)
    return np.trim_zeros(samples)


def _places(heard: _Sound, prompt: Samples) -> list[int]:
    """Where `prompt` begins in `heard`: piece by piece, because a jitter buffer moves and tears a little of it."""
    pieces = [prompt[start : start + PIECE] for start in range(0, len(prompt) - PIECE // 2, PIECE)] or [prompt]
    begins = [
        [place - PIECE * number for place in _peaks(heard.likeness(piece), len(prompt))]
        for number, piece in enumerate(pieces)
    ]
    places: list[int] = []
    for place in sorted(begin for found in begins for begin in found):
        agreeing = sum(any(abs(begin - place) <= SLIP for begin in found) for found in begins)
        if agreeing >= ENOUGH * len(pieces) and (not places or place - places[-1] > SLIP):
            places.append(place)
    return places


def _peaks(likeness: Samples, length: int) -> list[int]:
    """The best place of each stretch that is alike; two of them do not overlap."""
    places: list[int] = []
    for place in np.flatnonzero(likeness > ALIKE):
        if not places or place - places[-1] >= length:
            places.append(int(place))
        elif likeness[place] > likeness[places[-1]]:
            places[-1] = int(place)
    return places
