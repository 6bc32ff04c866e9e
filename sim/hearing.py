"""What a simulated person understands of the prompts that a device speaks: found in what was heard, by matched filters.

The prompts are known sounds, so that a codec and the telephone network between leave them as good as whole; a voice or
a tone is like none of them.
"""

import io
import time
import wave
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from hal.microphone import SAMPLE_RATE
from media.prompts import FOLDER, speech

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]
ALIKE = 0.85
"""Normalised correlation from which on a piece of a prompt counts as heard; other words reach 0.6."""
DIGIT_ALIKE = 0.5
"""The same for a whole digit where digits are expected: torn by a jitter buffer it has 0.6, others reach 0.4."""
FAINT = 1e-3
"""Share of a prompt's energy below which it is not heard."""
DIGITS = "0123456789"
SHORTEST = 4000
"""Samples from one digit to the next, at least."""
ENOUGH, CODE_ENOUGH = 0.75, 0.6
"""Share of a prompt's pieces that must be heard; of the words before a code, which no other prompt has."""
CODE_LENGTH, CODE_SECONDS = 4, 6
"""Digits of a code, and how long they take to be spoken at most."""
PAUSE, MARGIN = 0.3, 1.0
"""Seconds from one look to the next; that a recording may lag behind what sounds."""
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
        own = np.sum(piece**2)
        energy = np.maximum(self._power[len(piece) :] - self._power[:count], own * FAINT)
        alike: Samples = product / np.sqrt(energy * own)
        return alike


def prompts_heard(sound: bytes, language: str = "en", among: Iterable[str] = ()) -> list[str]:
    """The names of the prompts in a WAV (16 kHz mono s16), in the order in which they begin; `among` all or these."""
    heard = _Sound(_samples(sound))
    names = among or _names(language)
    return [name for _, name in sorted((at, name) for name in names for at in _places(heard, _prompt(language, name)))]


def listen_for(record: Callable[[float], bytes], prompt: str, back: float, limit: float, language: str = "en") -> bool:
    """Whether `prompt` sounded in the last `back` seconds, or does within `limit` seconds.

    `record(seconds)` gives the last seconds (WAV). After the first look only what is new is listened to, and as much
    before it as there may be of the prompt already: to compare is work.
    """
    end, overlap = time.monotonic() + limit, len(_prompt(language, prompt)) / SAMPLE_RATE + MARGIN
    while True:
        looked = time.monotonic()
        if prompts_heard(record(back), language, [prompt]):
            return True
        if looked > end:
            return False
        time.sleep(PAUSE)
        back = overlap + time.monotonic() - looked


def code_heard(sound: bytes, language: str = "en") -> str:
    """The digits that follow the last "to open the door, press", "" if they were not all heard."""
    samples = _samples(sound)
    words = _prompt(language, "code")
    told = _places(_Sound(samples), words, CODE_ENOUGH)
    if not told:
        return ""
    begin = told[-1] + len(words) - SLIP
    digits = _digits(_Sound(samples[begin : begin + CODE_SECONDS * SAMPLE_RATE]), language)[:CODE_LENGTH]
    return "".join(digits) if len(digits) == CODE_LENGTH else ""


def _digits(heard: _Sound, language: str) -> list[str]:
    """In the order spoken; where two could be meant, the one that is more alike."""
    found: list[tuple[float, int, str]] = []
    for digit in DIGITS:
        prompt = _prompt(language, digit)
        likeness = heard.likeness(prompt)
        found += [(likeness[place], place, digit) for place in _peaks(likeness, len(prompt), DIGIT_ALIKE)]
    taken: list[tuple[int, str]] = []
    for _, place, digit in sorted(found, reverse=True):
        if all(abs(place - other) >= SHORTEST for other, _ in taken):
            taken.append((place, digit))
    return [digit for _, digit in sorted(taken)]


def _samples(sound: bytes) -> Samples:
    with wave.open(io.BytesIO(sound)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)


def _names(language: str) -> list[str]:
    return [path.stem for path in (FOLDER / language).glob("*.opus")]


@cache
def _prompt(language: str, name: str) -> Samples:
    samples = np.frombuffer(speech(language, [name]).samples, np.int16).astype(np.float64)
    return np.trim_zeros(samples)


def _places(heard: _Sound, prompt: Samples, enough: float = ENOUGH) -> list[int]:
    """Where `prompt` begins in `heard`: piece by piece, because a jitter buffer moves and tears a little of it."""
    pieces = [prompt[start : start + PIECE] for start in range(0, len(prompt) - PIECE // 2, PIECE)] or [prompt]
    begins = [
        [place - PIECE * number for place in _peaks(heard.likeness(piece), len(prompt))]
        for number, piece in enumerate(pieces)
    ]
    places: list[int] = []
    for place in sorted(begin for found in begins for begin in found):
        agreeing = sum(any(abs(begin - place) <= SLIP for begin in found) for found in begins)
        if agreeing >= enough * len(pieces) and (not places or place - places[-1] > SLIP):
            places.append(place)
    return places


def _peaks(likeness: Samples, length: int, least: float = ALIKE) -> list[int]:
    """The best place of each stretch that is alike; two of them do not overlap."""
    places: list[int] = []
    for place in np.flatnonzero(likeness > least):
        if not places or place - places[-1] >= length:
            places.append(int(place))
        elif likeness[place] > likeness[places[-1]]:
            places[-1] = int(place)
    return places
