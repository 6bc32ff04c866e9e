"""WebRTC's voice processing on single frames; how well it cancels echo is measured in tests/sim/bench/test_echo.py."""

from collections.abc import Iterable
from itertools import repeat

import numpy as np
import pytest

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from media import voice_processing
from media.prompts import speech
from media.voice_processing import VoiceProcessor

SILENCE = bytes(2 * FRAME_SAMPLES)
SOFT = np.full(FRAME_SAMPLES, 40, np.int16).tobytes()


def _processed(near: np.ndarray, processor: VoiceProcessor, far: Iterable[bytes] = repeat(SILENCE)) -> np.ndarray:
    sound = near.astype(np.int16).tobytes()
    size = 2 * FRAME_SAMPLES
    heard = (sound[start : start + size] for start in range(0, len(sound), size))
    frames = [processor.process(*frames) for frames in zip(heard, far, strict=False)]
    return np.frombuffer(b"".join(frames), np.int16).astype(float)


def _rms(signal: np.ndarray) -> float:
    return float(np.sqrt(np.mean(signal**2)))


def test_steady_noise_becomes_softer() -> None:
    noise = np.random.default_rng(3).standard_normal(4 * SAMPLE_RATE) * 300
    cleaned = _processed(noise, VoiceProcessor(gain_control=False))
    assert _rms(cleaned[-SAMPLE_RATE:]) < _rms(noise) / 3


def test_an_offset_and_rumble_are_taken_away() -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    rumble = 4000 + 3000 * np.sin(2 * np.pi * 20 * time)
    cleaned = _processed(rumble, VoiceProcessor(gain_control=False))
    assert abs(cleaned[-SAMPLE_RATE:].mean()) < 50
    assert _rms(cleaned[-SAMPLE_RATE:]) < 300


def test_the_canceller_rests_when_no_echo_can_come_any_more_and_wakes_with_the_first_sound() -> None:
    processor = VoiceProcessor()
    processor.process(SILENCE, SOFT)
    for _ in range(SAMPLE_RATE // FRAME_SAMPLES // 2):
        processor.process(SILENCE, SILENCE)
    assert not processor.resting, "half a second after the loudspeaker its reverberation may still be heard"
    for _ in range(SAMPLE_RATE // FRAME_SAMPLES // 2):
        processor.process(SILENCE, SILENCE)
    assert processor.resting
    processor.process(SILENCE, SOFT)
    assert not processor.resting


def test_a_voice_is_the_same_whether_the_canceller_rests_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """It falls asleep and wakes while the voice sounds; the loudspeaker's sound is too soft for an echo to matter."""
    voice = np.frombuffer(speech("en", ["leave-message"]).samples, np.int16)[: 4 * SAMPLE_RATE].astype(float)
    far = [SOFT if number in (0, 100, 101) else SILENCE for number in range(len(voice) // FRAME_SAMPLES)]
    rested = _processed(voice, VoiceProcessor(), far)
    monkeypatch.setattr(voice_processing, "_HANGOVER", len(far))
    awake = _processed(voice, VoiceProcessor(), far)
    assert _rms(awake) > 1000
    assert _rms(rested - awake) < _rms(awake) / 100


@pytest.mark.parametrize("length", [2, 640, 1280])
def test_the_answer_is_as_long_as_what_was_heard(length: int) -> None:
    assert len(VoiceProcessor(delay_ms=40).process(bytes(length), bytes(length))) == length
