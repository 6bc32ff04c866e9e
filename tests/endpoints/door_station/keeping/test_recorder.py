"""Recording one message: silence, a slow disk, a store that is not there, and nothing seen."""

import threading
from pathlib import Path

import pytest

from endpoints.door_station.keeping.booth import SILENCE, Booth, SilenceMeter
from endpoints.door_station.keeping.disk import StoreError
from endpoints.door_station.keeping.recorder import Format, Kept, Recorder
from endpoints.door_station.keeping.store import Recording, Store
from media.recent import Heard, Recent
from media.tones import FRAME_BYTES
from tests.media.film import HEIGHT, RATE, WIDTH, pictures, played, sounds

LIMIT = 30.0
FORM = Format(WIDTH, HEIGHT, RATE)


class Ears:
    """What a recorder tells."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.kept: list[Kept] = []


def recorded(store: Store, ears: Ears, seconds: int = 2, seen: bool = True) -> Recorder:
    recorder = Recorder(lambda: store.begin("301", "0" * 32), FORM, ears.trouble.append, ears.kept.append)
    for picture in pictures(seconds * RATE) if seen else ():
        recorder.picture(picture)
    for heard in sounds(seconds):
        recorder.sound(heard)
    recorder.end()
    recorder.join()
    return recorder


def test_a_message_is_on_the_disk_when_it_is_told(tmp_path: Path) -> None:
    store, ears = Store(tmp_path / "kept"), Ears()
    recorded(store, ears)
    item = ears.kept[0].item
    assert item is not None
    assert ears.kept == [Kept(item)]
    assert (item.duration_ms, store.items()) == (2000, [item])
    assert played(store.path(item).read_bytes()).pictures == 2 * RATE
    store.close()


def test_without_a_picture_there_is_no_message(tmp_path: Path) -> None:
    store, ears = Store(tmp_path / "kept"), Ears()
    recorded(store, ears, seen=False)
    assert ears.kept == [Kept(None, "nothing was seen")]
    assert store.items() == []
    store.close()


def test_a_disk_that_fails_in_the_middle_keeps_what_it_took_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ears = Store(tmp_path / "kept"), Ears()
    append, left = Recording.append, [2]

    def failing(recording: Recording, fragment: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StoreError("the disk is full")
        append(recording, fragment)

    monkeypatch.setattr(Recording, "append", failing)
    recorded(store, ears)
    item = ears.kept[0].item
    assert item is not None
    assert (ears.trouble, ears.kept[0].why) == (["the disk is full"], "the disk is full")
    assert played(store.path(item).read_bytes()).pictures > 0
    store.close()


def test_a_store_that_takes_no_message_is_told() -> None:
    def begin() -> Recording:
        raise StoreError("the store is not open")

    ears = Ears()
    recorder = Recorder(begin, FORM, ears.trouble.append, ears.kept.append)
    recorder.end()
    recorder.join()
    assert (ears.trouble, ears.kept) == (["the store is not open"], [Kept(None, "the store is not open")])


@pytest.mark.parametrize("street", [-96.0, -60.0, -42.0])
def test_silence_is_measured_against_the_street(street: float) -> None:
    meter = SilenceMeter()
    for _ in range(100):
        meter.hear(street)
    assert meter.seconds == pytest.approx(2.0)
    meter.hear(-25.0)
    assert meter.seconds == 0.0
    for _ in range(round(SILENCE / 0.02)):
        meter.hear(street)
    assert meter.seconds == pytest.approx(SILENCE)


def test_a_booth_moves_sound_until_it_is_closed_and_tells_silence_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("endpoints.door_station.keeping.booth.SILENCE", 0.1)

    class Quiet:
        def __init__(self) -> None:
            self.played = 0

        def capture(self) -> bytes:
            return bytes(FRAME_BYTES)

        def play(self, frame: bytes) -> None:
            self.played += 1

    voice, silent, told, heard = Quiet(), threading.Event(), list[int](), list[Heard]()

    def silence() -> None:
        told.append(1)
        silent.set()

    recent = Recent()
    monkeypatch.setattr(recent, "heard", heard.append)
    booth = Booth(voice, recent, silence)
    booth.open()
    booth.listen()
    assert silent.wait(LIMIT)
    booth.close()
    booth.close()
    assert (told, voice.played) == ([1], len(heard))
    assert [one.taken for one in heard] == sorted(one.taken for one in heard)
