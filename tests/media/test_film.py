"""Playing a film: every picture and all sound in time, at the pace of who asks; and nothing after a stop."""

import io
import math
import threading
from array import array
from collections.abc import Callable
from functools import partial

import pytest

from hal.camera import Picture
from hal.errors import IntercomError
from hal.microphone import SAMPLE_RATE
from media.errors import MediaError
from media.film import Film
from media.tones import FRAME_BYTES, FRAME_SECONDS
from tests.media.film import RATE, movie
from tests.media.pictures import number_of

LIMIT = 60.0
SECONDS = 3


class Viewer:
    """Sees and hears a film."""

    def __init__(self, content: bytes) -> None:
        self.seen: list[tuple[int, float]] = []
        """The number of each picture, and how much of the film was heard by then."""
        self.heard: list[bytes] = []
        self.failure: IntercomError | None = None
        self.ended = threading.Event()
        self.film = Film(io.BytesIO(content), self._show, self._over)
        self._shown = threading.Condition()

    def _show(self, picture: Picture) -> None:
        with self._shown:
            self.seen.append((number_of(picture), len(self.heard) * FRAME_SECONDS))
            self._shown.notify_all()

    def _over(self, failure: IntercomError | None) -> None:
        self.failure = failure
        self.ended.set()

    def wait_seen(self, seen: Callable[[], bool]) -> None:
        with self._shown:
            assert self._shown.wait_for(seen, LIMIT), self.seen

    def hear(self, last: int) -> None:
        """Ask for frames as a loudspeaker does, but never ahead of the pictures, up to number `last`."""
        while True:
            while (frame := self.film.frame(0)) == bytes(FRAME_BYTES) and not self._is_there():
                threading.Event().wait(0.002)
            if frame is None:
                return
            self.heard.append(frame)
            due = min(int(len(self.heard) * FRAME_SECONDS * RATE) - 3, last)
            self.wait_seen(partial(self._has_seen, due))

    def _has_seen(self, number: int) -> bool:
        return self.ended.is_set() or (bool(self.seen) and self.seen[-1][0] >= number)

    def _is_there(self) -> bool:
        return self.film._read


def loudness(frames: list[bytes]) -> float:
    samples = array("h", b"".join(frames))
    return math.sqrt(sum(each * each for each in samples) / len(samples))


def test_every_picture_comes_when_its_sound_is_heard() -> None:
    viewer = Viewer(movie(SECONDS))
    viewer.film.start()
    viewer.hear(SECONDS * RATE - 1)
    assert viewer.ended.wait(LIMIT)
    assert viewer.failure is None
    numbers = [number for number, _ in viewer.seen]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (0, SECONDS * RATE - 1)
    assert len(numbers) > SECONDS * RATE * 0.8
    assert all(at >= number / RATE - 2 * FRAME_SECONDS for number, at in viewer.seen), "no picture before its time"
    assert len(viewer.heard) * FRAME_SECONDS == pytest.approx(SECONDS, abs=0.4)
    assert loudness(viewer.heard[20:100]) == pytest.approx(9000 / 2**0.5, rel=0.1)
    viewer.film.join(LIMIT)


def test_after_a_stop_nothing_is_heard_shown_or_told() -> None:
    viewer = Viewer(movie(SECONDS))
    viewer.film.start()
    viewer.wait_seen(lambda: bool(viewer.seen))
    viewer.film.stop()
    assert viewer.film.frame(0) is None
    viewer.film.join(LIMIT)
    assert len(viewer.seen) <= 2
    assert not viewer.ended.is_set()


def test_a_film_without_sound_plays_at_the_same_pace() -> None:
    from tests.servers.messages.visitors import film

    viewer = Viewer(film(1.0).content)
    viewer.film.start()
    frames = 0
    while viewer.film.frame(0) is not None:
        frames += 1
        threading.Event().wait(0.002)
    assert viewer.ended.wait(LIMIT)
    assert viewer.failure is None
    assert frames >= SAMPLE_RATE // 320
    assert viewer.seen


@pytest.mark.parametrize("damage", [lambda film: b"", lambda film: b"no film at all" * 100, lambda film: film[:600]])
def test_what_is_no_film_is_told_in_a_sentence(damage: Callable[[bytes], bytes]) -> None:
    viewer = Viewer(damage(movie(SECONDS)))
    viewer.film.start()
    while viewer.film.frame(0) is not None:
        threading.Event().wait(0.002)
    assert viewer.ended.wait(LIMIT)
    assert isinstance(viewer.failure, MediaError)


def test_a_torn_film_plays_as_far_as_it_goes() -> None:
    viewer = Viewer(movie(SECONDS)[: len(movie(SECONDS)) // 2])
    viewer.film.start()
    viewer.hear(RATE // 2)
    assert viewer.ended.wait(LIMIT)
    assert len(viewer.seen) > RATE // 2
