"""An indoor unit or a phone watches a door station through HomeLink, for as long as its lease holds (M1)."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from servers.watching.lease import Reason
from tests.servers.watching.homes import Watched, watched_home
from tests.servers.watching.watchers import LIMIT, Watcher, last_byte, pictures, probed, words_until_the_end

pytestmark = pytest.mark.flow("M1")

KEY_FRAME = b"\0\0\0\1\x67"
"""A key frame begins with its parameter sets."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A home over TLS, with a door."""
    with watched_home(tmp_path_factory.mktemp("home"), ("tls", "udp")) as home:
        yield home


@pytest.fixture
def home(served: Watched) -> Iterator[Watched]:
    """The same, with nobody in it."""
    yield served
    served.forget()


def until(sign: object, wanted: object = True) -> None:
    """Wait until a callable gives this."""
    deadline = time.monotonic() + LIMIT
    while callable(sign) and sign() != wanted:
        assert time.monotonic() < deadline, sign()
        threading.Event().wait(0.02)


def test_a_screen_is_told_what_it_may_watch_and_watches_it(home: Watched) -> None:
    screen = home.watcher("indoor1")
    assert screen.watchables() == [{"name": "door1", "title": "Front door", "kind": "door"}]
    lease = screen.lease("door1")
    assert (lease["target"], lease["rtsp"], lease["direct"]) == ("door1", None, None)
    with screen.socket(lease["paths"]["live"]) as socket:
        assert json.loads(socket.recv()) == {"viewers": 1}
        first, second = pictures(socket, 2)
    assert first[8:].startswith(KEY_FRAME)
    assert 0 < int.from_bytes(second[:8], "big") - int.from_bytes(first[:8], "big") < LIMIT * 1_000_000
    (asked,) = home.door.asked
    assert asked[0] == "/live"
    assert (asked[1]["iss"], asked[1]["sub"], asked[1]["aud"]) == ("homelink:home", "indoor1", "door1")
    assert lease["id"] not in json.dumps(asked), "the door learns no secret of the home"


def test_players_and_browsers_get_films_and_pictures(home: Watched, served: Watched) -> None:
    phone = home.watcher("phone1", "phone")
    paths = phone.lease("door1", viewers=4)["paths"]
    authority = str(served.web.authority)
    film = probed(phone.player_url(paths["mp4"]), "-ca_file", authority, "-tls_verify", "1")
    assert (film["codec_name"], film["width"], film["height"]) == ("h264", 160, 120)
    assert int(film["nb_read_frames"]) >= 10
    moving = probed(phone.player_url(paths["mjpeg"]), "-ca_file", authority, "-tls_verify", "1", "-f", "mpjpeg")
    assert moving["codec_name"] == "mjpeg"
    with phone.stream(paths["snapshot"]) as answer:
        assert (answer.status, answer.getheader("Content-Type")) == (200, "image/jpeg")
        assert answer.read().startswith(b"\xff\xd8")


def test_a_lease_that_is_over_lets_nothing_through(home: Watched) -> None:
    screen = home.watcher("indoor1")
    lease = screen.lease("door1", 4)
    with screen.socket(lease["paths"]["live"]) as socket, screen.stream(lease["paths"]["mp4"]) as film:
        pictures(socket, 1)
        said, last_picture = words_until_the_end(socket)
        assert said[-1] == {"end": "expired"}
        assert last_byte(film) - last_picture < 5
    until(lambda: home.door.viewers, 0)
    assert screen.renew(lease).status == 404
    assert screen.service.request("GET", f"/leases/{lease['id']}").status == 404
    with screen.stream(lease["paths"]["mp4"]) as film:
        assert film.status == 404


def test_a_lease_that_is_renewed_goes_on_at_home_and_at_the_door(home: Watched) -> None:
    screen = home.watcher("indoor1")
    lease = screen.lease("door1", 4)
    with screen.socket(lease["paths"]["live"]) as socket:
        pictures(socket, 1)
        assert screen.renew(lease, 60).status == 200
        until(lambda: [path for path, _ in home.door.asked], ["/live", "/renew"])
        ends = time.monotonic() + 4.2
        while time.monotonic() < ends:
            pictures(socket, 1)
        screen.give_back(lease)
        said, _ = words_until_the_end(socket)
    assert said[-1] == {"end": "given-back"}


def test_others_of_the_home_have_leases_of_their_own(home: Watched) -> None:
    screen, phone = home.watcher("indoor1"), home.watcher("phone1", "phone")
    lease = screen.lease("door1")
    assert phone.service.request("GET", f"/leases/{lease['id']}").status == 404
    assert phone.service.request("DELETE", f"/leases/{lease['id']}").status == 404
    assert phone.renew(lease).status == 404
    with phone.stream(lease["paths"]["snapshot"]) as answer:
        assert answer.status == 404
    with pytest.raises(InvalidStatus) as refused:
        phone.socket(lease["paths"]["live"])
    assert refused.value.response.status_code == 404
    assert json.loads(phone.service.request("GET", "/leases").body) == []
    assert not home.door.asked


def test_no_more_watch_than_may(home: Watched) -> None:
    screen = home.watcher("indoor1")
    lease = screen.lease("door1", viewers=1)
    with screen.socket(lease["paths"]["live"]) as socket:
        pictures(socket, 1)
        with screen.stream(lease["paths"]["mp4"]) as film:
            assert film.status == 429
    until(lambda: json.loads(screen.service.request("GET", f"/leases/{lease['id']}").body)["watching"], 0)
    with screen.stream(lease["paths"]["snapshot"]) as answer:
        assert answer.status == 200
    leases = [screen.ask("door1").status for _ in range(17)]
    assert leases == 15 * [201] + 2 * [429]


def test_strangers_doors_and_guests_watch_nothing(home: Watched) -> None:
    lease = home.watcher("indoor1").lease("door1")
    for path in ("/watchables", "/leases", *lease["paths"].values()):
        assert home.web.get(path).status in (401, 404), path
    for name, kind in (("gate1", "door"), ("visitor", "guest")):
        other = Watcher(home.web.account(name, kind))
        assert other.service.request("GET", "/watchables").status == 403
        assert other.ask("door1").status == 403
        with pytest.raises(InvalidStatus) as refused:
            other.socket(lease["paths"]["live"])
        assert refused.value.response.status_code == 403
    assert not home.door.asked


HOSTILE = [
    "/leases/{id}/live/../../renew",
    "/leases/{id}/%2e%2e/renew",
    "/leases/{id}/renew%20HTTP/1.1",
    "/leases/{id}/live.mp4/x",
    "/leases/{id}//live.mp4",
    "/leases/{id}/http://127.0.0.1:22/",
    "/leases/{id}/snapshot.jpg%0d%0aHost:%20elsewhere",
    "/leases/../door1/live.mp4",
    "/leases/door1/live.mp4",
    "/leases//live.mp4",
]


def test_only_the_paths_of_a_lease_reach_a_door(home: Watched) -> None:
    screen = home.watcher("indoor1")
    lease = screen.lease("door1")
    for path in HOSTILE:
        with screen.stream(path.format(id=lease["id"])) as answer:
            assert answer.status in (400, 404, 405, 422), path
    for target in ("127.0.0.1:22", "http://127.0.0.1:22", "../door1", "DOOR1", "", "door1\r\nHost: x"):
        assert screen.ask(target).status in (404, 422), target
    assert not home.door.asked


def test_nothing_of_a_request_but_its_lease_reaches_the_door(home: Watched) -> None:
    """What a client says in headers and query never leaves HomeLink, nor does what it sends afterwards."""
    screen = home.watcher("indoor1")
    lease = screen.lease("door1")
    with screen.stream(lease["paths"]["snapshot"] + "?token=forged&target=elsewhere") as answer:
        assert answer.status == 200
    with screen.socket(lease["paths"]["live"]) as socket:
        pictures(socket, 1)
        socket.send('{"token": "forged"}')
        socket.send(b"GET /renew HTTP/1.1\r\n\r\n")
        pictures(socket, 3)
    assert [path for path, _ in home.door.asked] == ["/snapshot.jpg", "/live"]
    assert not home.door.refused


def test_a_door_that_believes_nobody_or_is_away_is_a_clear_answer(home: Watched) -> None:
    screen = home.watcher("indoor1")
    lease = screen.lease("door1")
    keys, home.door.keys = home.door.keys, {}
    try:
        with screen.stream(lease["paths"]["mp4"]) as film:
            assert film.status == 502
            assert "does not believe" in json.loads(film.read())["detail"]
        with pytest.raises(InvalidStatus) as refused:
            screen.socket(lease["paths"]["live"])
        assert refused.value.response.status_code == 502
    finally:
        home.door.keys = keys


def test_it_is_written_down_who_watched_what_and_why_it_ended(
    home: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    from servers.homelink.main import main

    screen = home.watcher("indoor1")
    lease = screen.lease("door1")
    with screen.socket(lease["paths"]["live"]) as socket:
        pictures(socket, 1)
        screen.give_back(lease)
    site = str(home.web.folder / "site.toml")

    def newest() -> list[str]:
        assert main(["watching", "--site", site, "--limit", "1"]) == 0
        return capsys.readouterr().out.split()

    until(lambda: Reason.GIVEN_BACK.value in newest())
    told = newest()
    assert {"indoor1", "door1", "given-back"} <= set(told)
    assert lease["id"] not in told


def test_a_home_without_watching_has_none_of_it(tmp_path: Path) -> None:
    from servers.community.authority import Role
    from tests.servers.http.services import running_web

    with running_web(tmp_path, Role.HOMELINK) as web:
        assert web.account("indoor1", "indoor").request("GET", "/watchables").status == 404
        assert not web.site.databases.watching_key.exists()
