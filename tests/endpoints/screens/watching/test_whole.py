"""The whole way of a watched picture: a real door, the real server of leases, and screens; only their SIP is a fake."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from endpoints.management_console.main import compose as compose_console
from endpoints.resident.compose import compose as compose_resident
from endpoints.screens.app import ScreenApp
from endpoints.service import Service
from servers.community.authority import Role
from servers.kamailio import accounts
from servers.watching.signing import Signer
from sim.peers.nvr import Nvr
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.door_station.watching.doors import WatchedDoor, watched_door
from tests.endpoints.management_console.test_wall import SITE as GUARD_SITE
from tests.endpoints.screens.test_app import SITE, press, visitor
from tests.endpoints.screens.watching.test_app import shown, watching
from tests.servers.http.services import Web, running_web
from tests.servers.nodes import free_port, own_address
from tests.servers.watching.test_management import put, told

Desk = Bench[ScreenApp]
CAMERA = (160, 120)
LOGIN = ("guard", "a:b@c/d")
COARSE = 60_000
"""What is read from a key frame that had to be so small that its number is lost; the next pictures make it good."""


@pytest.fixture(scope="module")
def door_port() -> int:
    return free_port("127.0.0.1")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, home: Web, door_port: int) -> Iterator[WatchedDoor]:
    """It believes HomeLink's tokens."""
    folder = tmp_path_factory.mktemp("door")
    with watched_door(folder, tls=certificate(home, Role.DOOR_STATION, "door1", folder), port=door_port) as made:
        trust(made, Signer(home.site.databases.watching_key, "homelink:home"))
        yield made


def certificate(home: Web, role: Role, name: str, folder: Path) -> dict[str, Path]:
    """The [tls] of a node of the community."""
    assert home.community is not None
    made = home.community.issue(role, name, ["127.0.0.1"], folder)
    return {"authority": made.authority, "certificate": made.certificate, "key": made.key}


def tls(files: Mapping[str, Path]) -> str:
    return "".join(["[tls]\n", *(f'{name} = "{path}"\n' for name, path in files.items())])


@dataclass(frozen=True)
class Recorder:
    """A video recorder with a camera."""

    address: str
    port: int

    @property
    def settings(self) -> str:
        """For a home that sees the camera."""
        login = f'user = "{LOGIN[0]}", password = "{LOGIN[1]}"'
        camera = f'{{ name = "garden", title = "Garden", path = "/garden", {login} }}'
        return f'[nvr]\nurl = "rtsp://{self.address}:{self.port}"\ncameras = [{camera}]\n'


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    address = own_address()
    port = free_port(address)
    nvr = Nvr(address, port, ["garden"], LOGIN, ["--width", str(CAMERA[0]), "--height", str(CAMERA[1])])
    yield Recorder(address, port)
    nvr.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, door_port: int, recorder: Recorder) -> Iterator[Web]:
    """A HomeLink that may watch the door and a camera; all speak TLS, but the recorder."""
    listed = f'[[watching.doors]]\nname = "door1"\ntitle = "Gate 1"\nurl = "https://127.0.0.1:{door_port}"\n'
    settings = f"[watching]\n{listed}{recorder.settings}"
    with running_web(tmp_path_factory.mktemp("home"), Role.HOMELINK, ("tls",), settings) as web:
        yield web


def trust(door: WatchedDoor, signer: Signer) -> None:
    door.service.trust({signer.issuer: signer.public_key})


@contextmanager
def switched_on(kind: str, compose: Any, site: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, bench(kind, compose, site, patch) as made:
        made.agent.register()
        yield made


def indoor_site(folder: Path, home: Web, service: Service) -> Path:
    text = SITE.replace('password = "secret"', f'password = "{service.password}"')
    text = text.replace('user = "indoor1"', f'user = "{service.user}"')
    text += tls(certificate(home, Role.INDOOR_UNIT, service.user, folder / "certificate"))
    return site_file(folder, text.replace("[timers]", f'service = "{service.url}"\n[timers]'))


def size(desk: Desk) -> tuple[int, int]:
    picture = desk.devices["display"].shown
    return (0, 0) if picture is None else (picture.width, picture.height)


@pytest.mark.flow("M3")
def test_a_home_watches_a_camera_behind_its_recorder_through_homelink(tmp_path: Path, home: Web) -> None:
    service = home.account("indoor2", "indoor")
    with switched_on("indoor-unit", compose_resident, indoor_site(tmp_path, home, service)) as hall:
        hall.wait(lambda: bool(watching(hall)["sources"]), "what may be watched")
        press(hall, "monitor")
        press(hall, "monitor")
        hall.wait(lambda: size(hall) == CAMERA, "the camera's picture")
        assert hall.devices["display"].scene.title == "Garden"
        before = len(hall.devices["display"].pictures)
        hall.wait(lambda: len(hall.devices["display"].pictures) > before + 5, "and it goes on")
        press(hall, "hangup")
        hall.wait(lambda: service.request("GET", "/leases").body == b"[]", "the lease is given back")
    accounts.remove(home.site, "indoor2")


@pytest.mark.flow("M1")
def test_a_home_watches_its_door_through_homelink_until_a_visitor_rings(
    tmp_path: Path, home: Web, door: WatchedDoor
) -> None:
    service = home.account("indoor1", "indoor")
    with switched_on("indoor-unit", compose_resident, indoor_site(tmp_path, home, service)) as hall:
        hall.wait(lambda: watching(hall)["sources"] == ["door1", "garden"], "what may be watched")
        press(hall, "monitor")
        hall.wait(lambda: 0 < shown(hall) < COARSE, "the door's picture")
        before = shown(hall)
        hall.wait(lambda: shown(hall) > before + 10, "and it goes on")
        hall.wait(lambda: watching(hall)["viewers"] == 1, "one watches")
        assert hall.devices["display"].scene.title == "Gate 1"
        visitor(hall)
        assert (hall.app.state.phase, hall.devices["display"].shown) == ("ringing", None)
        door.until_viewers(0)
        hall.wait(lambda: service.request("GET", "/leases").body == b"[]", "the lease is given back")
    accounts.remove(home.site, "indoor1")


@pytest.mark.flow("M2")
@pytest.mark.flow("M4")
def test_a_guard_watches_door_and_recorder_straight_with_what_the_management_server_gives(
    tmp_path: Path, home: Web, door: WatchedDoor, recorder: Recorder
) -> None:
    settings = 'admins = ["console1"]\n[watching]\n'
    with running_web(tmp_path / "management", Role.MANAGEMENT, settings=settings) as web:
        put(web, "door1", {"title": "Gate 1", "url": f"https://127.0.0.1:{door.port}", "flats": ["301"]})
        camera = {"title": "Garage", "kind": "camera", "url": f"rtsp://{recorder.address}:{recorder.port}/garden"}
        put(web, "garage", {**camera, "user": LOGIN[0], "password": LOGIN[1]})
        door.service.trust(told(web, "door1", "door")["watchers"])
        service = web.account("console1", "console")
        text = GUARD_SITE.format(url=service.url).replace('"secret"', f'"{service.password}"')
        text += tls(certificate(home, Role.MANAGEMENT_CONSOLE, "console1", tmp_path / "certificate"))
        with switched_on("management-console", compose_console, site_file(tmp_path, text)) as desk:
            wall: Any = lambda: desk.port.ask("state")["wall"]  # noqa: E731
            desk.wait(lambda: bool(wall()["sources"]), "what may be watched")
            press(desk, "monitor")
            desk.wait(lambda: desk.devices["display"].shown is not None, "the wall")
            desk.wait(lambda: wall()["tiles"].get("door1", {}).get("viewers") == 1, "one watches")
            desk.wait(lambda: wall()["tiles"].get("garage", {}).get("live") is True, "the camera")
            assert LOGIN[1] not in str(desk.port.published)
            press(desk, "hangup")
            door.until_viewers(0)
            seen = ("console1", "management:lakeside")
            desk.wait(lambda: seen in [(one["who"], one["by"]) for one in door.diary("watched")], "written down")
            desk.wait(lambda: service.request("GET", "/leases").body == b"[]", "the lease is given back")
