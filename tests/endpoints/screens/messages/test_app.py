"""An indoor unit and what visitors left, with the home's real HTTP service: lamp, list, film, and nobody there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from endpoints.resident.compose import compose
from endpoints.screens.app import ScreenApp
from endpoints.service import Service
from hal.indicator import Signal
from servers.community.authority import Role
from servers.http import HttpService
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.screens.test_app import SITE, press, visitor
from tests.media.film import movie
from tests.media.pictures import number_of
from tests.servers.http.services import Web, running_web
from tests.servers.messages.test_pages import listed
from tests.servers.messages.visitors import TOKEN, Left, picture

pytestmark = pytest.mark.flow("V5")
Hall = Bench[ScreenApp]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A HomeLink's service that takes messages."""
    settings = f'[messages]\ntoken = "{TOKEN}"\nmegabytes = 20\nlargest = 5\n'
    with running_web(tmp_path_factory.mktemp("home"), Role.HOMELINK, settings=settings) as web:
        yield web


@pytest.fixture
def account(home: Web) -> Iterator[Service]:
    """The indoor unit's account; what is left at the end of the test goes."""
    from servers.kamailio import accounts

    made = home.account("indoor1", "indoor")
    yield made
    for item in listed(made):
        made.request("DELETE", f"/messages/{item['id']}")
    accounts.remove(home.site, "indoor1")


@contextmanager
def switched_on(folder: Path, service: Service, extra: str = "", server: str = "") -> Iterator[Hall]:
    """A device in its home, or its phone away, from power on to power off."""
    own = "" if extra else f'service = "{service.url}"\n'
    text = SITE.replace('password = "secret"', f'password = "{service.password}"').replace("[timers]", f"{own}[timers]")
    site = site_file(folder, text + extra)
    with pytest.MonkeyPatch.context() as patch, bench("indoor-unit", compose, site, patch) as made:
        made.agent.register(server)
        made.settle()
        yield made


def scene(hall: Hall) -> tuple[str, str]:
    shown = hall.devices["display"].scene
    return shown.title, shown.detail


def mailbox(hall: Hall) -> dict[str, Any]:
    told = hall.port.ask("state")["messages"]
    assert isinstance(told, dict)
    return told


def shown_number(hall: Hall) -> int:
    shown = hall.devices["display"].shown
    return number_of(shown) if shown is not None and shown.width == 320 else -1


def film(seconds: int = 2) -> Left:
    return Left(movie(seconds))


def waits(hall: Hall, count: int) -> None:
    hall.wait(lambda: mailbox(hall)["count"] == count, f"{count} in the list")


def test_a_message_lights_the_lamp_is_played_with_its_sound_and_deleted(
    home: Web, account: Service, tmp_path: Path
) -> None:
    with switched_on(tmp_path, account) as hall:
        lamp, display = hall.devices["indicator"], hall.devices["display"]
        hall.wait(lambda: mailbox(hall)["reachable"] is True, "the list")
        assert (lamp.lit, scene(hall)) == (Signal.IDLE, ("Hall", ""))
        left = film()
        left.hand_in(home.url)
        hall.wait(lambda: lamp.lit is Signal.MESSAGE, "the lamp")
        assert scene(hall) == ("Hall", "1 new message")
        press(hall, "messages")
        assert scene(hall)[1].endswith("1 of 1")
        hall.wait(lambda: display.shown is not None, "its first picture")
        press(hall, "play")
        hall.wait(lambda: shown_number(hall) > 30, "the film")
        hall.wait(lambda: bool(hall.told("message-played")), "the end of the film")
        assert hall.told("message-played") == [{"id": left.id, "failed": ""}]
        assert max(hall.devices["speaker"].heard) > 0, "it was heard"
        hall.wait(lambda: lamp.lit is Signal.IDLE, "the lamp goes out, for it was seen")
        assert [(one["read"], one["read_by"]) for one in listed(account)] == [(True, "indoor1")]
        press(hall, "delete")
        assert scene(hall)[0] == "Delete this for the whole home?"
        press(hall, "delete")
        waits(hall, 0)
        assert scene(hall) == ("Messages", "Nothing was left")
        assert listed(account) == []


def test_a_picture_is_shown_whole_and_was_seen_then_everywhere(home: Web, account: Service, tmp_path: Path) -> None:
    message = film()
    photo = replace(picture(size=(640, 480)), started=message.started - timedelta(minutes=1))
    for left in (message, photo):
        left.hand_in(home.url)
    with switched_on(tmp_path, account) as hall:
        waits(hall, 2)
        press(hall, "messages")
        press(hall, "messages")
        assert scene(hall)[0] == "Somebody rang"
        hall.wait(lambda: hall.devices["display"].shown is not None, "the picture")
        assert hall.devices["display"].shown.width == 640
        hall.wait(lambda: [one["read"] for one in listed(account)] == [False, True], "it was seen")
        hall.pass_time(21)
        assert (hall.app.state.phase, hall.devices["display"].shown) == ("idle", None)


def test_a_visitor_who_rings_ends_the_film_at_once(home: Web, account: Service, tmp_path: Path) -> None:
    film(3).hand_in(home.url)
    with switched_on(tmp_path, account) as hall:
        waits(hall, 1)
        press(hall, "messages")
        press(hall, "play")
        hall.wait(lambda: shown_number(hall) > 0, "the film")
        visitor(hall)
        assert scene(hall) == ("Gate 1 is calling", "Answer or decline")
        pictures = len(hall.devices["display"].pictures)
        assert hall.devices["display"].shown is None
        press(hall, "answer")
        assert hall.devices["microphone"].running
        assert len(hall.devices["display"].pictures) == pictures
        assert hall.told("message-played") == []


def test_without_the_server_the_last_list_stays_until_it_is_back(home: Web, account: Service, tmp_path: Path) -> None:
    film().hand_in(home.url)
    with switched_on(tmp_path, account) as hall:
        waits(hall, 1)
        home.service.stop()
        hall.wait(lambda: mailbox(hall)["reachable"] is False, "nobody there")
        press(hall, "messages")
        assert scene(hall)[1].startswith("Not reachable, ")
        assert mailbox(hall)["count"] == 1
        again = restarted(home)
        hall.agent.register()
        hall.wait(lambda: mailbox(hall)["reachable"] is True, "the server is back")
        assert again is home.service


def restarted(home: Web) -> HttpService:
    """The same service after a power cut."""
    from servers.homelink.server import pages
    from servers.homelink.site import load_site

    site = load_site(home.folder / "site.toml")
    assert site.http is not None
    home.service = HttpService(site, site.http.port, home.sip.is_set, pages(site))
    home.service.start()
    return home.service


def test_a_phone_away_from_home_asks_the_cloud_with_its_account_there(
    home: Web, account: Service, tmp_path: Path
) -> None:
    film().hand_in(home.url)
    cloud = f"""
[cloud]
user = "301.lakeside"
auth_user = "indoor1"
domain = "cloud.example"
registrar = "sip:127.0.0.1:5062"
transport = "udp"
password = "{account.password}"
service = "{account.url}"
"""
    with switched_on(tmp_path, account, cloud, "cloud") as phone:
        waits(phone, 1)
        phone.agent.register("home")
        phone.settle()
        assert mailbox(phone)["count"] == 1, "the last list stays"
