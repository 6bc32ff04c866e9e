"""A console's wall: several doors at once, straight from the doors, with what a guard keeps of them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from endpoints.management_console.main import KEPT_FOLDER, compose
from endpoints.management_console.wall import tile
from endpoints.screens.app import ScreenApp
from hal.camera import Picture
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.screens.test_app import press, visitor
from tests.endpoints.screens.watching.porter import Porter, at_work
from tests.media.film import played

pytestmark = pytest.mark.flow("M2")
Desk = Bench[ScreenApp]
SITE = """
[device]
name = "console1"
place = "Gate house"
[sip]
user = "guard"
auth_user = "console1"
domain = "lakeside.example"
password = "secret"
registrar = "sip:127.0.0.1:5061"
transport = "udp"
address = "127.0.0.1"
service = "{url}"
"""


@pytest.fixture(scope="module")
def porter() -> Iterator[Porter]:
    with at_work(Porter(("gate1", "gate2", "gate3"), direct=True)) as made:
        yield made


@contextmanager
def switched_on(folder: Path, porter: Porter) -> Iterator[Desk]:
    """With the wall open."""
    porter.given.clear()
    porter.back.clear()
    site = site_file(folder, SITE.format(url=porter.url))
    with pytest.MonkeyPatch.context() as patch, bench("management-console", compose, site, patch) as made:
        made.agent.register()
        made.wait(lambda: wall(made)["sources"] is not None, "what may be watched")
        press(made, "monitor")
        yield made


def wall(desk: Desk) -> dict[str, Any]:
    told = desk.port.ask("state")["wall"]
    assert isinstance(told, dict)
    return told


def live(desk: Desk) -> list[str]:
    return sorted(name for name, tile_of in wall(desk)["tiles"].items() if tile_of["live"])


def lit(picture: Picture | None, column: int, row: int) -> bool:
    """Whether a tile of a wall of four shows something."""
    if picture is None:
        return False
    at = (row * 360 + 150) * picture.width + column * 480 + 240
    return any(value > 24 for value in picture.data[at : at + 60])


def test_all_doors_are_beside_each_other_each_from_the_door_itself(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as desk:
        desk.wait(lambda: live(desk) == ["gate1", "gate2", "gate3"], "all doors")
        display = desk.devices["display"]
        desk.wait(lambda: all(lit(display.shown, *at) for at in ((0, 0), (1, 0), (0, 1))), "their pictures")
        assert not lit(display.shown, 1, 1)
        assert (display.shown.width, display.shown.height) == (960, 720)
        assert sorted(lease["target"] for lease in porter.given) == ["gate1", "gate2", "gate3"]
        press(desk, "monitor")
        desk.wait(lambda: len(porter.back) == 2, "the leases of those that are not shown are given back")
        press(desk, "hangup")
        assert display.shown is None
        desk.wait(lambda: len(porter.back) == 3, "all leases are given back")


def test_a_picture_and_a_film_of_the_chosen_door_are_kept(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as desk:
        desk.wait(lambda: "gate2" in live(desk), "the door")
        desk.devices["keypad"].type("2")
        press(desk, "record")
        press(desk, "snapshot")
        desk.wait(lambda: bool(desk.told("kept")), "the picture")
        folder = desk.data / KEPT_FOLDER
        desk.wait(
            lambda: any(path.stat().st_size > 10_000 for path in folder.glob("gate2-*.mp4")), "a part of the film"
        )
        press(desk, "record")
        desk.wait(lambda: len(desk.told("kept")) == 2, "the film")
        assert wall(desk)["recording"] == []
    (jpeg,), (film,) = folder.glob("*.jpg"), folder.glob("*.mp4")
    assert Image.open(io.BytesIO(jpeg.read_bytes())).size == (320, 240)
    assert played(film.read_bytes()).pictures > 10
    assert {path.stat().st_mode & 0o777 for path in (jpeg, film)} == {0o600}


def test_a_door_that_ends_is_told_and_tried_again(
    tmp_path: Path, porter: Porter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile, "AGAIN", 0.1)
    with switched_on(tmp_path, porter) as desk:
        desk.wait(lambda: live(desk) == ["gate1", "gate2", "gate3"], "all doors")
        porter.end(porter.given[0]["id"])
        desk.wait(lambda: bool(desk.told("watched")), "one of them ended")
        desk.wait(lambda: len(porter.given) == 4 and len(live(desk)) == 3, "it is back")


def test_a_call_has_the_screen_and_the_wall_is_gone(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as desk:
        desk.wait(lambda: len(live(desk)) == 3, "all doors")
        visitor(desk)
        assert desk.devices["display"].shown is None
        assert desk.devices["display"].scene.title == "Gate 1 is calling"
        seen = len(desk.devices["display"].pictures)
        desk.wait(lambda: len(porter.back) == 3, "all leases are given back")
        assert len(desk.devices["display"].pictures) == seen
