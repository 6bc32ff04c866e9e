"""The demo's proofs can fail: silence, other words, a screen or a film without the camera's picture prove nothing."""

import io
import wave
from collections.abc import Sequence

import av
import numpy as np
import pytest
from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import no_picture, render
from sim.clock import stamp
from sim.evidence import Samples, clock_on_screen, compare, find, samples_of, watch
from sim.footage import speech

SCENE = Scene("Gate 1 is calling", "Answer or decline", ("answer", "decline"), live=True)


def words(name: str) -> Samples:
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


def film(clocks: Sequence[int | None], sound: Samples) -> bytes:
    """An MP4 with these clocks in its pictures, 25 a second, and this sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        pictures, track = out.add_stream("libx264", rate=25), out.add_stream("aac", rate=16_000)
        pictures.width, pictures.height, pictures.pix_fmt = 640, 480, "yuv420p"
        for clock in clocks:
            data = bytearray([120]) * (640 * 480 * 3 // 2)
            if clock is not None:
                stamp(data, 640, 480, clock)
            planes = np.frombuffer(bytes(data), np.uint8).reshape(720, 640)
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        frame = av.AudioFrame.from_ndarray(sound.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        out.mux([*pictures.encode(None), *track.encode(frame), *track.encode(None)])
    return file.getvalue()


def test_a_film_of_the_camera_shows_its_clocks_and_lets_the_words_be_heard() -> None:
    said = words("message")
    seen = watch(film(range(1000, 1400, 40), np.concatenate([np.zeros(24_000), said])))
    assert seen.clocks == list(range(1000, 1400, 40))
    assert seen.between(1000, 1400) == 1
    assert seen.between(2000, 3000) == 0
    assert find(np.concatenate([np.zeros(5000), said, np.zeros(5000)]), seen.sound).likeness > 0.8
    assert find(words("visitor"), seen.sound).likeness < 0.35


def test_a_film_of_something_else_proves_nothing() -> None:
    frozen = watch(film([1000] * 10, np.zeros(16_000)))
    assert frozen.between(0, 2000) < 0.2
    assert find(words("message"), frozen.sound).likeness == 0
    assert watch(film([None] * 5, np.zeros(16_000))).between(0, 2000) == 0


def test_what_is_no_film_is_told() -> None:
    with pytest.raises(ValueError, match="this is no film"):
        watch(b"no film at all")


def test_nothing_said_is_found_nowhere() -> None:
    assert find(np.zeros(16_000), words("message")).likeness == 0
