"""The spoken prompts: every text has a sound in every language, and sounds are joined in whole frames."""

import numpy as np
import pytest

from hal.microphone import SAMPLE_RATE
from media.prompts import FOLDER, LANGUAGES, PromptMissing, speech, spoken
from media.prompts.texts import TEXTS
from media.tones import FRAME_BYTES

LARGEST = 20_000
"""Bytes of a file: prompts are for small boards."""


def test_every_language_says_the_same_things() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    assert len({frozenset(texts) for texts in TEXTS.values()}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_small_file_and_no_file_is_left_over(language: str) -> None:
    files = {path.stem: path.stat().st_size for path in (FOLDER / language).iterdir()}
    assert set(files) == set(TEXTS[language])
    assert max(files.values()) < LARGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_is_audible_and_as_loud_as_a_voice(language: str) -> None:
    for name in TEXTS[language]:
        samples = np.frombuffer(speech(language, [name]).samples, np.int16).astype(float)
        assert 0.15 < len(samples) / SAMPLE_RATE < 8.0, name
        assert 0.3 * 32768 < np.abs(samples).max() < 0.8 * 32768, name
        assert np.sqrt(np.mean(samples**2)) > 0.03 * 32768, name


def test_words_are_said_one_after_the_other_once_or_on_and_on() -> None:
    once, again = speech("en", ["code", "4", "7"]), speech("en", ["code", "4", "7"], pause=1.0)
    assert (once.repeats, again.repeats) == (False, True)
    assert len(once.samples) % FRAME_BYTES == len(again.samples) % FRAME_BYTES == 0
    assert again.samples.startswith(once.samples.rstrip(b"\0"))
    assert len(again.samples) - len(once.samples) >= SAMPLE_RATE
    assert speech("en", ["code"]).samples.rstrip(b"\0") == once.samples[: len(speech("en", ["code"]).samples)].rstrip(
        b"\0"
    )


def test_a_site_of_two_languages_hears_both_one_after_the_other() -> None:
    both = spoken(("zh", "en"), ["no-answer", "leave-message"], pause=1.0)
    first, second = (speech(language, ["no-answer", "leave-message"]).samples for language in ("zh", "en"))
    assert both.repeats
    assert both.samples.startswith(first.rstrip(b"\0"))
    assert second.rstrip(b"\0") in both.samples[len(first) :]


@pytest.mark.parametrize(("language", "name"), [("en", "sing"), ("fr", "code")])
def test_what_is_not_there_is_named(language: str, name: str) -> None:
    with pytest.raises(PromptMissing, match=name):
        speech(language, [name])
