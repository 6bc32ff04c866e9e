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
CODE_LENGTH = 4


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
    """Where `prompt` begins in `heard`."""
    count = len(heard) - len(prompt) + 1
    if count < 1:
        return []
    size = 1 << (len(heard) + len(prompt)).bit_length()  # a transform likes powers of two
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(prompt, size))
    power = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = (power[len(prompt) :] - power[:count]) * np.sum(prompt**2)
    likeness = np.fft.irfft(product, size)[:count] / np.sqrt(energy + 1.0)
    return _peaks(likeness, len(prompt))


def _peaks(likeness: Samples, length: int) -> list[int]:
    """The best place of each stretch that is alike; two of them do not overlap."""
    places: list[int] = []
    for place in np.flatnonzero(likeness > ALIKE):
        if not places or place - places[-1] >= length:
            places.append(int(place))
        elif likeness[place] > likeness[places[-1]]:
            places[-1] = int(place)
    return places
