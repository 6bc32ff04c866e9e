"""The pictures of who tried to open the door."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from endpoints.door_station.album import Album
from hal.camera import Picture
from hal.mock import grey


def album(folder: Path, seen: Picture | None, executor: ThreadPoolExecutor, kept: int = 500) -> Album:
    return Album(folder / "pictures", "Gate 1", lambda: seen, executor, kept)


def test_the_picture_of_the_moment_is_kept_with_place_and_time(tmp_path: Path) -> None:
    memory = bytearray(grey(64, 48).data)
    with ThreadPoolExecutor(1) as background:
        name = album(tmp_path, Picture(64, 48, memory, 1.0), background).keep("unlock")
        memory[:] = bytes(len(memory))  # the camera goes on in the same memory
    file = tmp_path / "pictures" / name
    image = Image.open(file)
    assert (image.size, image.format) == ((64, 48), "JPEG")
    level = image.convert("L").getpixel((32, 5))
    assert isinstance(level, int)
    assert level > 60
    assert file.stat().st_mode & 0o077 == 0
    assert name.endswith("-unlock.jpg")


def test_without_a_camera_there_is_no_picture(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as background:
        assert album(tmp_path, None, background).keep("unlock") == ""


def test_the_oldest_pictures_go_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as background:
        book = album(tmp_path, grey(64, 48), background, kept=2)
        names = [book.keep(what) for what in ("first", "second", "third")]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == names[1:]


def test_a_full_disk_is_told_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with ThreadPoolExecutor(1) as background:
        assert album(tmp_path, grey(64, 48), background).keep("unlock")
    assert "No space left on device" in caplog.text
