"""The demo's proofs can fail: silence, other words and a screen without the camera's picture prove nothing."""

import io
import wave

import numpy as np
import pytest
from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import no_picture, render
from sim.clock import stamp
from sim.evidence import Signal, clock_on_screen, compare, samples_of
from sim.footage import speech

SCENE = Scene("Gate 1 is calling", "Answer or decline", ("answer", "decline"), live=True)


def words(name: str) -> Signal:
    return np.frombuffer(speech(name), np.int16).astype(np.float64)


def png(picture: Picture) -> bytes:
    file = io.BytesIO()
    render(SCENE, picture, (800, 600)).save(file, "PNG")
    return file.getvalue()


def test_the_clock_is_read_from_a_whole_screen() -> None:
    data = bytearray([120]) * (640 * 480 * 3 // 2)
    stamp(data, 640, 480, 123_456_789)
    assert clock_on_screen(png(Picture(640, 480, data, 0.0)), SCENE, 640, 480) == 123_456_789


def test_a_screen_without_the_cameras_picture_has_no_clock() -> None:
    assert clock_on_screen(png(no_picture(640, 480)), SCENE, 640, 480) is None


def test_a_black_screen_has_no_clock() -> None:
    file = io.BytesIO()
    Image.new("RGB", (800, 600)).save(file, "PNG")
    assert clock_on_screen(file.getvalue(), SCENE, 640, 480) is None


def test_the_same_words_later_and_quieter_are_alike() -> None:
    said = words("indoor1")
    heard = np.concatenate([np.zeros(3200), said * 0.2])[: len(said)]
    result = compare(said, heard)
    assert result.likeness > 0.9
    assert result.delay_ms == pytest.approx(200, abs=1)


def test_other_words_are_not_alike() -> None:
    assert compare(words("indoor1"), words("visitor")[: len(words("indoor1"))]).likeness < 0.2


def test_silence_is_like_nothing() -> None:
    assert compare(words("indoor1"), np.zeros(16_000)).likeness == 0


def test_sound_in_another_form_is_refused() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(8))
    with pytest.raises(ValueError, match="16-bit mono"):
        samples_of(file.getvalue())
