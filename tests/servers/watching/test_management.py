"""Guards watch doors and cameras directly with the management server's token (M2, M4); the directory says who may."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from servers.above.client import ServiceAbove
from servers.above.directory import DirectoryCopy
from servers.community.authority import Role
from servers.database import Database
from servers.kamailio import accounts
from servers.kamailio.kinds import Kind
from servers.kamailio.site import UpstreamSection
from servers.management.main import main
from servers.records.store import RecordStore
from servers.watching.above import TellKey
from servers.watching.signing import Signer
from tests.servers.http.services import Web, running_web
from tests.servers.nodes import free_port, own_address
from tests.servers.watching.doors import StandInDoor, running_door
from tests.servers.watching.watchers import Watcher, pictures

GARAGE = "rtsp://10.0.0.9:554/garage?channel=2"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The HTTP service of a management server that lets watch."""
    folder = tmp_path_factory.mktemp("management")
    with running_web(folder, Role.MANAGEMENT, settings='admins = ["console1"]\n[watching]\n') as web:
        yield web


@pytest.fixture
def door(served: Web) -> Iterator[StandInDoor]:
    """A door that the directory has, for flat 301, with the keys that the directory tells it."""
    address = own_address()
    with running_door("door1", address, free_port(address)) as door:
        put(served, "door1", {"title": "Front door", "url": door.url, "flats": ["301"]})
        yield door
    for device in accounts.devices(served.site):
        accounts.remove(served.site, device.name)


def admin(web: Web) -> Watcher:
    return Watcher(web.account("console1", "console"))


def put(web: Web, name: str, watchable: dict[str, Any]) -> None:
    keeper = admin(web)
    body = json.dumps(watchable).encode()
    assert keeper.service.request("PUT", f"/directory/watchables/{name}", body).status == 204
    accounts.remove(web.site, "console1")


def told(web: Web, name: str, kind: str, home: str = "") -> dict[str, Any]:
    """The directory as this account reads it."""
    service = Watcher(web.account(name, kind, home)).service
    found: dict[str, Any] = json.loads(service.request("GET", "/directory").body)
    return found


@pytest.mark.flow("M2")
def test_a_guard_goes_to_the_door_with_a_token_that_the_door_believes(served: Web, door: StandInDoor) -> None:
    guard = Watcher(served.account("console2", "console"))
    assert {"name": "door1", "title": "Front door", "kind": "door"} in guard.watchables()
    lease = guard.lease("door1", 60)
    assert lease["direct"]["url"] == door.url
    keys = told(served, "door1", "door")["watchers"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys["management:lakeside"]))
    claims = jwt.decode(lease["direct"]["token"], key, ["EdDSA"], audience="door1")
    assert (claims["sub"], claims["iss"], claims["viewers"]) == ("console2", "management:lakeside", 2)
    renewed = json.loads(guard.renew(lease, 300).body)
    later = jwt.decode(renewed["direct"]["token"], key, ["EdDSA"], audience="door1")
    assert (later["jti"], later["exp"] > claims["exp"]) == (claims["jti"], True)
    door.keys |= keys
    guard.give_back(lease)
    assert [path for path, _ in door.asked] == ["/renew"], "the door is told that it is over"


@pytest.mark.flow("M4")
def test_a_guard_is_told_where_a_camera_of_the_community_is(served: Web, door: StandInDoor) -> None:
    put(served, "garage", {"title": "Garage", "kind": "camera", "url": GARAGE, "user": "guard", "password": "a:b@c"})
    guard = Watcher(served.account("console2", "console"))
    lease = guard.lease("garage")
    assert lease["rtsp"] == lease["direct"]["url"] == "rtsp://guard:a%3Ab%40c@10.0.0.9:554/garage?channel=2"
    resident = Watcher(served.account("indoor1", "indoor", "301"))
    assert [one["name"] for one in resident.watchables()] == ["door1"]
    assert resident.ask("garage").status == 404


@pytest.mark.flow("M1")
def test_a_home_without_homelink_watches_through_the_management_server(served: Web, door: StandInDoor) -> None:
    door.keys |= told(served, "door1", "door")["watchers"]
    resident = Watcher(served.account("indoor1", "indoor", "301"))
    lease = resident.lease("door1")
    assert lease["direct"] is None
    with resident.socket(lease["paths"]["live"]) as socket:
        pictures(socket, 2)
    assert door.asked[0][1]["sub"] == "indoor1"
    neighbour = Watcher(served.account("indoor2", "indoor", "302"))
    assert (neighbour.watchables(), neighbour.ask("door1").status) == ([], 404)


def test_doors_believe_the_homes_that_may_watch_them_and_no_others(
    served: Web, door: StandInDoor, tmp_path: Path
) -> None:
    for name, home in (("homelink-301", "301"), ("homelink-302", "302")):
        signer = Signer(tmp_path / f"{name}.key", f"homelink:{name}")
        exchange(served, name, home, signer, tmp_path)
        if home == "301":
            allowed = signer
    watchers = told(served, "door1", "door")["watchers"]
    assert watchers.pop("management:lakeside")
    assert watchers == {"homelink:homelink-301": allowed.public_key}
    assert told(served, "door2", "door")["watchers"] == {}, "nobody watches a door that is not in the directory"
    accounts.remove(served.site, "homelink-301")
    accounts.remove(served.site, "door1")
    assert list(told(served, "door1", "door")["watchers"]) == ["management:lakeside"]


def exchange(web: Web, name: str, home: str, signer: Signer, folder: Path) -> None:
    """What a HomeLink does with the server above it, twice: it learns its doors, and tells its key once."""
    made = web.account(name, "homelink", home)
    upstream = UpstreamSection(
        uri="sip:127.0.0.1:5060;transport=udp", user=name, password=made.password, realm="x.example", service=web.url
    )
    service, copy = ServiceAbove(upstream, None), DirectoryCopy(folder / f"{name}.copy")
    store = RecordStore(Database(f"sqlite:///{folder}/records.sqlite"), 10)
    for _ in range(2):
        copy(service, store)
        TellKey(signer, copy)(service, store)
    copy(service, store)
    assert copy.watcher() == signer.public_key
    assert list(copy.watchables()) == (["door1"] if home == "301" else [])


def test_only_those_who_may_change_what_is_watched(served: Web, door: StandInDoor) -> None:
    body = json.dumps({"title": "X", "url": "http://10.0.0.1:22"}).encode()
    for name, kind, home in (
        ("console2", "console", ""),
        ("indoor1", "indoor", "301"),
        ("homelink-301", "homelink", "301"),
    ):
        other = served.account(name, kind, home)
        assert other.request("PUT", "/directory/watchables/door9", body).status == 403
        assert other.request("DELETE", "/directory/watchables/door1").status == 403
        assert other.request("GET", "/directory/watchables.csv").status == 403
        if kind != Kind.HOMELINK:
            key = json.dumps({"key": "A" * 43 + "="}).encode()
            assert other.request("PUT", "/directory/watcher", key).status == 403


def run(site_file: Path, *words: str) -> int:
    return main(["directory", "watchable", words[0], "--site", str(site_file), *words[1:]])


def test_doors_and_cameras_are_edited_by_command_and_as_a_table(
    served: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, secret, table = served.folder / "site.toml", tmp_path / "password", tmp_path / "watchables.csv"
    secret.write_text("word,with comma\n")
    door = ("--title", "Gate", "--url", "https://10.0.0.21:8443", "--flat", "301", "--flat", "302")
    camera = ("--title", "Yard", "--kind", "camera", "--url", GARAGE, "--user", "u", "--password-file", str(secret))
    assert run(site, "set", "gate1", *door) == run(site, "set", "yard", *camera) == 0
    assert run(site, "set", "gate1", "--without", "301", "--everybody") == 0
    assert run(site, "export", str(table)) == 0
    assert table.stat().st_mode & 0o777 == 0o600
    assert run(site, "remove", "gate1") == run(site, "remove", "yard") == run(site, "import", str(table)) == 0
    capsys.readouterr()
    run(site, "list")
    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "302 *" in listed["gate1"] or "* 302" in listed["gate1"]
    assert GARAGE in listed["yard"]
    run(site, "export", str(table))
    assert '"word,with comma"' in table.read_text()
    table.write_text("name,title,kind,url\ngate 2,,door,rtsp://x/y\nyard,Yard,tower,\n")
    assert run(site, "import", str(table)) == 1
    problems = capsys.readouterr().err
    assert "line 2, column name" in problems
    assert "line 3, column kind" in problems
    assert run(site, "set", "gate1", "--url", "rtsp://10.0.0.21/x") == 1
    assert "must be like https://" in capsys.readouterr().err
    run(site, "remove", "gate1")
    run(site, "remove", "yard")
