"""The bundled visitor: a person one can see, moving, in an endless loop; and words one can hear."""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest

from hal.camera import Picture
from hal.errors import DeviceUnavailable
from hal.mock.camera import MockCamera
from media.frames import to_frame
from sim.clock import read
from sim.footage import FOLDER, SPEAKERS, VISITOR, speech
from sim.footage.film import Footage, Webcam, open_film


def _luma(picture: Picture) -> np.ndarray:
    plane = np.frombuffer(picture.data, np.uint8)[: picture.width * picture.height]
    return plane.reshape(picture.height, picture.width).astype(int)


def test_a_face_is_seen_in_good_light_in_every_part_of_the_loop() -> None:
    """The middle of the picture has the colour of skin and is neither dark nor burnt out."""
    film = Footage()
    for picture in itertools.islice(film, 0, 200, 25):
        face = to_frame(picture).to_ndarray(format="rgb24")[200:280, 285:350].reshape(-1, 3)
        red, green, blue = np.median(face, axis=0)
        assert red > green > blue
        assert 120 < red < 250
    film.close()


def test_the_visitor_moves() -> None:
    film = Footage()
    first, later = (_luma(picture)[40:440] for picture in itertools.islice(film, 0, 80, 75))
    film.close()
    assert np.abs(first - later).mean() > 5


def test_the_film_goes_on_after_its_end_without_a_jump() -> None:
    film = Footage()
    steps = []
    before = _luma(next(film))[40:440]
    for picture in itertools.islice(film, 250):
        now = _luma(picture)[40:440]
        steps.append(float(np.abs(now - before).mean()))
        before = now
    film.close()
    assert steps[199] <= 2 * max(steps[:199])
    assert steps[200:] == pytest.approx(steps[:50], abs=0.3)


def test_every_picture_tells_when_it_was_taken() -> None:
    film = Footage()
    begin = time.monotonic()
    picture = next(film)
    film.close()
    assert begin <= picture.taken <= time.monotonic()
    assert read(picture.data, picture.width, picture.height) == int(picture.taken * 1000)


@pytest.mark.parametrize("size", [(640, 480), (320, 240), (1280, 720)])
def test_pictures_have_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    film = Footage(width=size[0], height=size[1])
    picture = next(film)
    film.close()
    assert (picture.width, picture.height, len(picture.data)) == (*size, size[0] * size[1] * 3 // 2)


@pytest.mark.parametrize("rate", [5, 10, 25, 50])
def test_the_visitor_moves_as_fast_at_any_rate(rate: int) -> None:
    """Two seconds on, the same picture is shown, whatever the rate."""
    film, other = Footage(rate=rate), Footage(rate=25)
    picture, expected = (_luma(next(itertools.islice(one, 2 * fps, None))) for one, fps in ((film, rate), (other, 25)))
    film.close()
    other.close()
    assert np.abs(picture[40:440] - expected[40:440]).max() == 0


def test_a_picture_stays_as_it_is_when_the_next_one_comes() -> None:
    film = Footage()
    picture = next(film)
    before = bytes(picture.data)
    next(film)
    film.close()
    assert bytes(picture.data) == before


def test_a_file_that_is_no_video_is_refused_with_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing to see")
    for path in (broken, tmp_path / "missing.mp4", FOLDER / "visitor.wav"):
        with pytest.raises(DeviceUnavailable, match="cannot be played"):
            Footage(path)


def test_without_a_webcam_the_bundled_visitor_comes(tmp_path: Path) -> None:
    film = open_film(webcam=tmp_path / "no-camera")
    assert isinstance(film, Footage)
    film.close()
    film.close()


def test_a_webcam_that_cannot_be_opened_is_told_and_the_bundled_visitor_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    not_a_camera = tmp_path / "video0"
    not_a_camera.write_bytes(b"")
    film = open_film(webcam=not_a_camera)
    film.close()
    assert isinstance(film, Footage)
    assert "the webcam cannot be used" in caplog.text


def test_the_webcam_s_pictures_carry_the_clock() -> None:
    camera = MockCamera()
    webcam = Webcam(camera, 640, 480, 25)
    picture = next(webcam)
    webcam.close()
    assert read(picture.data, 640, 480) == int(picture.taken * 1000)


@pytest.mark.parametrize("name", SPEAKERS)
def test_everybody_speaks_for_a_few_seconds_loud_and_clear(name: str) -> None:
    samples = np.frombuffer(speech(name), np.int16).astype(float)
    assert 2 < len(samples) / 16_000 < 8
    assert 1000 < np.sqrt(np.mean(samples**2)) < 10_000


def test_nobody_speaks_under_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="known are visitor"):
        speech("burglar")


def test_the_assets_are_small() -> None:
    assert (FOLDER / VISITOR).stat().st_size < 1_500_000
    assert sum((FOLDER / f"{name}.wav").stat().st_size for name in SPEAKERS) < 1_200_000
