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
TORN = 0.6
"""The same within a prompt, where a jitter buffer may have torn a piece of it in two."""
CODE_LENGTH = 4
PIECE, SLIP = 8000, 1600
"""Samples: what is compared at a time, and how far a jitter buffer moves the next piece at most."""


def prompts_heard(sound: bytes, language: str = "en") -> list[str]:
    """The names of the prompts in a WAV (16 kHz mono s16), in the order in which they begin."""
    with wave.open(io.BytesIO(sound)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
    found = [(place, name) for name in _names(language) for place in _places(heard, _prompt(language, name))]
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


def _places(heard: Samples, prompt: Samples) -> list[int]:
    """Where `prompt` begins in `heard`: piece by piece, because a jitter buffer may move what follows a little."""
    pieces = [prompt[start : start + PIECE] for start in range(0, len(prompt) - PIECE // 2, PIECE)] or [prompt]
    alike = [_likeness(heard, piece) for piece in pieces]
    return [place for place in _peaks(alike[0], len(prompt)) if _goes_on(alike, place)]


def _goes_on(alike: list[Samples], place: int) -> bool:
    """Whether each piece follows the one before, moved by no more than a buffer moves it."""
    for likeness in alike[1:]:
        place += PIECE
        near = likeness[max(place - SLIP, 0) : place + SLIP]
        if not len(near) or near.max() <= TORN:
            return False
        place += int(near.argmax()) - min(SLIP, place)
    return True


def _likeness(heard: Samples, piece: Samples) -> Samples:
    """Normalised correlation from each sample on."""
    count = len(heard) - len(piece) + 1
    if count < 1:
        return np.zeros(0)
    size = 1 << (len(heard) + len(piece)).bit_length()  # a transform likes powers of two
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size))
    power = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = (power[len(piece) :] - power[:count]) * np.sum(piece**2)
    alike: Samples = np.fft.irfft(product, size)[:count] / np.sqrt(energy + 1.0)
    return alike


def _peaks(likeness: Samples, length: int) -> list[int]:
    """The best place of each stretch that is alike; two of them do not overlap."""
    places: list[int] = []
    for place in np.flatnonzero(likeness > ALIKE):
        if not places or place - places[-1] >= length:
            places.append(int(place))
        elif likeness[place] > likeness[places[-1]]:
            places[-1] = int(place)
    return places
