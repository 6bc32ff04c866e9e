"""A simulated person understands the prompts through a telephone line, and takes nothing else for one."""

import io
import wave

import numpy as np
import pytest

from hal.microphone import SAMPLE_RATE
from media.prompts import LANGUAGES, speech
from media.tones import Tone, render
from sim.hearing import code_heard, prompts_heard


def line(samples: bytes, seed: int = 1) -> bytes:
    """A WAV of what comes out of a telephone: 3.4 kHz, coarse steps, noise."""
    sound = np.frombuffer(samples, np.int16).astype(float)
    size = 1 << len(sound).bit_length()
    spectrum = np.fft.rfft(sound, size)
    spectrum[int(3400 / SAMPLE_RATE * size) :] = 0
    narrow = np.fft.irfft(spectrum, size)[: len(sound)] + np.random.default_rng(seed).normal(0, 100, len(sound))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes((np.round(narrow.clip(-32768, 32767) / 64) * 64).astype(np.int16).tobytes())
    return file.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["4711", "0000", "2389"])
def test_a_code_is_understood(language: str, code: str) -> None:
    words = ("door-open", "code", *code, "star-again")
    heard = line(bytes(7000) + speech(language, words).samples + bytes(9000))
    assert prompts_heard(heard, language) == list(words)
    assert code_heard(heard, language) == code


def test_half_a_code_is_none() -> None:
    assert code_heard(line(speech("en", ["code", "4", "7", "1"]).samples)) == ""
    assert code_heard(line(speech("en", ["4", "7", "1", "1"]).samples)) == ""


def test_tones_and_noise_are_no_words() -> None:
    assert prompts_heard(line(b"".join(render(tone).samples for tone in Tone))) == []
