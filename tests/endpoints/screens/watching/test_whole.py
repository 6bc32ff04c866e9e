"""The whole way of a watched picture: a real door, the real server of leases, and screens; only their SIP is a fake."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from endpoints.management_console.main import compose as compose_console
from endpoints.resident.compose import compose as compose_resident
from endpoints.screens.app import ScreenApp
from servers.community.authority import Role
from servers.kamailio import accounts
from servers.watching.signing import Signer
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.door_station.watching.doors import WatchedDoor, watched_door
from tests.endpoints.management_console.test_wall import SITE as GUARD_SITE
from tests.endpoints.screens.test_app import SITE, press, visitor
from tests.endpoints.screens.watching.test_app import shown, watching
from tests.servers.http.services import Web, running_web
from tests.servers.watching.test_management import put, told

Desk = Bench[ScreenApp]
COARSE = 60_000
"""What is read from a key frame that had to be so small that its number is lost; the next pictures make it good."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedDoor]:
    with watched_door(tmp_path_factory.mktemp("door")) as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, door: WatchedDoor) -> Iterator[Web]:
    """A HomeLink that may watch the door, which believes its tokens."""
    listed = f'[[watching.doors]]\nname = "door1"\ntitle = "Gate 1"\nurl = "http://127.0.0.1:{door.port}"\n'
    with running_web(tmp_path_factory.mktemp("home"), Role.HOMELINK, settings=f"[watching]\n{listed}") as web:
        trust(door, Signer(web.site.databases.watching_key, "homelink:home"))
        yield web


def trust(door: WatchedDoor, signer: Signer) -> None:
    door.service.trust({signer.issuer: signer.public_key})


@contextmanager
def switched_on(kind: str, compose: Any, site: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, bench(kind, compose, site, patch) as made:
        made.agent.register()
        yield made


@pytest.mark.flow("M1")
def test_a_home_watches_its_door_through_homelink_until_a_visitor_rings(
    tmp_path: Path, home: Web, door: WatchedDoor
) -> None:
    service = home.account("indoor1", "indoor")
    text = SITE.replace('password = "secret"', f'password = "{service.password}"')
    site = site_file(tmp_path, text.replace("[timers]", f'service = "{service.url}"\n[timers]'))
    with switched_on("indoor-unit", compose_resident, site) as hall:
        hall.wait(lambda: bool(watching(hall)["sources"]), "what may be watched")
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
def test_a_guard_watches_straight_from_the_door_with_the_management_servers_token(
    tmp_path: Path, door: WatchedDoor
) -> None:
    settings = 'admins = ["console1"]\n[watching]\n'
    with running_web(tmp_path / "management", Role.MANAGEMENT, settings=settings) as web:
        put(web, "door1", {"title": "Gate 1", "url": f"http://127.0.0.1:{door.port}", "flats": ["301"]})
        door.service.trust(told(web, "door1", "door")["watchers"])
        service = web.account("console1", "console")
        text = GUARD_SITE.format(url=service.url).replace('"secret"', f'"{service.password}"')
        with switched_on("management-console", compose_console, site_file(tmp_path, text)) as desk:
            wall: Any = lambda: desk.port.ask("state")["wall"]  # noqa: E731
            desk.wait(lambda: bool(wall()["sources"]), "what may be watched")
            press(desk, "monitor")
            desk.wait(lambda: desk.devices["display"].shown is not None, "the wall")
            desk.wait(lambda: wall()["tiles"].get("door1", {}).get("viewers") == 1, "one watches")
            press(desk, "hangup")
            door.until_viewers(0)
            seen = ("console1", "management:lakeside")
            desk.wait(lambda: seen in [(one["who"], one["by"]) for one in door.diary("watched")], "written down")
            desk.wait(lambda: service.request("GET", "/leases").body == b"[]", "the lease is given back")
