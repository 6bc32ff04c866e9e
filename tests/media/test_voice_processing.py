"""WebRTC's voice processing on single frames; how well it cancels echo is measured in tests/sim/bench/test_echo.py."""

import numpy as np
import pytest

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from media.voice_processing import VoiceProcessor

SILENCE = bytes(2 * FRAME_SAMPLES)


def _processed(near: np.ndarray, processor: VoiceProcessor) -> np.ndarray:
    sound = near.astype(np.int16).tobytes()
    size = 2 * FRAME_SAMPLES
    frames = [processor.process(sound[start : start + size], SILENCE) for start in range(0, len(sound), size)]
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


@pytest.mark.parametrize("length", [2, 640, 1280])
def test_the_answer_is_as_long_as_what_was_heard(length: int) -> None:
    assert len(VoiceProcessor(delay_ms=40).process(bytes(length), bytes(length))) == length
