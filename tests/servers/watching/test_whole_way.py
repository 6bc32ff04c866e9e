"""A real door station is watched from home, from a phone on 4G and by a guard, over real servers and TLS (M1, M2)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from endpoints.config.people import Directory
from endpoints.service import Service
from servers.above.client import ServiceAbove
from servers.above.directory import DirectoryCopy
from servers.community.authority import Role
from servers.database import Database
from servers.records.store import RecordStore
from servers.watching.above import TellKey
from servers.watching.signing import Signer
from tests.endpoints.door_station.watching.doors import WatchedDoor, numbers, watched_door
from tests.servers.relay.chain import Chain, connected, running_chain
from tests.servers.watching.watchers import Socket, Watcher, pictures, probed, words_until_the_end

FLAT, OTHER = "301.lakeside", "302.lakeside"


@dataclass
class Way:
    """A community with a door, and what its servers told one another."""

    chain: Chain
    door: WatchedDoor

    def screen(self, name: str) -> Watcher:
        return Watcher(self.chain.home.account(name, "indoor"))

    def phone(self, name: str, flat: str = FLAT) -> Watcher:
        return Watcher(self.chain.phone(name, flat))


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Everybody has asked everybody, as they do again and again."""
    folder = tmp_path_factory.mktemp("way")
    with running_chain(folder, "[watching]\n") as chain:
        files = chain.community.issue(Role.DOOR_STATION, "door1", ["127.0.0.1"], folder / "door")
        tls = {"authority": files.authority, "certificate": files.certificate, "key": files.key}
        with watched_door(folder / "door", tls=tls) as door:
            _into_the_directory(chain, f"https://127.0.0.1:{door.port}")
            _exchange(chain)
            at_the_server = Service(chain.management.url, "door1", "", files.authority, files.certificate, files.key)
            told = at_the_server.request("GET", "/directory").body
            door.service.trust(Directory.model_validate_json(told).watchers)
            connected(chain.phone("first", FLAT))
            yield Way(chain, door)


def _into_the_directory(chain: Chain, url: str) -> None:
    from servers.management.main import main

    site = str(chain.management.folder / "site.toml")
    facts = ["--title", "Front door", "--url", url, "--flat", "301"]
    assert main(["directory", "watchable", "set", "--site", site, "door1", *facts]) == 0


def _exchange(chain: Chain) -> None:
    """HomeLink learns where the door is, and tells its key."""
    site = chain.home.site
    assert site.upstream is not None
    service, copy = ServiceAbove(site.upstream, site.tls_files), DirectoryCopy(site.databases.directory)
    store = RecordStore(Database(site.database_url), 10)
    copy(service, store)
    TellKey(Signer(site.databases.watching_key, "homelink:homelink-301"), copy)(service, store)


def seen(socket: Socket, count: int = 5) -> list[int]:
    """The numbers that stand in the next pictures."""
    return numbers(pictures(socket, count))


@pytest.mark.flow("M1")
def test_an_indoor_unit_watches_the_door_through_homelink(way: Way) -> None:
    screen = way.screen("indoor1")
    assert screen.watchables() == [{"name": "door1", "title": "Front door", "kind": "door"}]
    lease = screen.lease("door1", viewers=4)
    with screen.socket(lease["paths"]["live"]) as socket:
        shown = seen(socket)
        assert shown == sorted(shown)
        assert len(set(shown)) == 5
        film = probed(screen.player_url(lease["paths"]["mp4"]), "-tls_verify", "0")
        assert (film["codec_name"], film["width"]) == ("h264", 320)
        screen.give_back(lease)
        said, _ = words_until_the_end(socket)
    assert said[-1] == {"end": "given-back"}
    way.door.until_viewers(0)
    written = json.dumps(way.door.written("watched"))
    assert "homelink:homelink-301" in written
    assert "indoor1" in written
    assert lease["id"] not in written


@pytest.mark.flow("M1")
def test_a_phone_on_4g_watches_the_door_of_its_home(way: Way) -> None:
    phone = way.phone("phone1")
    assert [one["name"] for one in phone.watchables()] == ["door1"]
    lease = phone.lease("door1")
    with phone.socket(lease["paths"]["live"]) as socket:
        assert len(set(seen(socket))) == 5
        with phone.stream(lease["paths"]["snapshot"]) as answer:
            assert (answer.status, answer.read()[:2]) == (200, b"\xff\xd8")
        phone.give_back(lease)
        said, _ = words_until_the_end(socket)
    assert said[-1] == {"end": "given-back"}
    way.door.until_viewers(0)


@pytest.mark.flow("M1")
def test_a_phone_of_another_flat_watches_nothing(way: Way) -> None:
    lease = way.screen("indoor2").lease("door1")
    neighbour = way.phone("phone2", OTHER)
    assert neighbour.service.request("GET", "/watchables").status in (200, 503)
    assert neighbour.ask("door1").status in (404, 503)
    for path in lease["paths"].values():
        with neighbour.stream(path) as answer:
            assert answer.status >= 400, path


@pytest.mark.flow("M2")
def test_a_guard_watches_the_door_without_any_server_between(way: Way) -> None:
    guard = Watcher(way.chain.management.account("console1", "console"))
    lease = guard.lease("door1")
    direct = lease["direct"]
    login = {"Authorization": f"Bearer {direct['token']}"}
    with Socket(f"{direct['url'].replace('http', 'ws', 1)}/live", guard.context, login) as socket:
        assert len(set(seen(socket))) == 5
        renewed = json.loads(guard.renew(lease, 120).body)
        socket.send(renewed["direct"]["token"])
        assert len(set(seen_more(socket))) == 5
        guard.give_back(renewed)
        said, _ = words_until_the_end(socket)
    assert said[-1]["end"] in ("expired", "revoked")
    way.door.until_viewers(0)


def seen_more(socket: Socket) -> list[bytes]:
    """Pictures in the middle of a stream, still encoded."""
    return pictures(socket, 5)
