"""What each account reads and writes: records of its own, and its part of the directory."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from endpoints.config.people import Directory
from endpoints.directory import DirectoryClient
from endpoints.service import Service
from servers.community.authority import Role
from servers.records.call import Wanted
from servers.records.keeper import caught_up
from tests.endpoints.test_directory import Changes, running
from tests.servers.directory.test_store import KEY
from tests.servers.http.services import Web, running_web
from tests.servers.records.test_store import Server

FLAT = {"name": "Family Chen", "homelink": "sip:home@10.0.0.7:5061;transport=tls", "telephone": "+861055"}
SESSION = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def management(tmp_path: Path) -> Iterator[Web]:
    """A management server's service; its guard at console1 may change the directory."""
    with running_web(tmp_path, Role.MANAGEMENT, settings='admins = ["console1"]\n') as web:
        yield web


def put(service: Service, path: str, body: object) -> int:
    return service.request("PUT", path, json.dumps(body).encode()).status


def got(service: Service, path: str) -> Any:
    answer = service.request("GET", path)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def test_a_door_fetches_and_caches_the_directory_that_an_administrator_changes(management: Web, tmp_path: Path) -> None:
    admin, door = management.account("console1", "console"), management.account("door1", "door")
    changes, cache = Changes(), tmp_path / "directory.json"
    assert put(admin, "/directory/flats/301", FLAT) == 204
    with running(DirectoryClient(door, cache, changes, refresh=0.1)):
        first = changes.wait(lambda one: "301" in one.flats)
        assert [stage.name for stage in first.flats["301"].stages] == ["home"]
        assert put(admin, "/directory/flats/302", {"name": "Family Rossi"}) == 204
        assert put(admin, "/directory/consoles/console1", {"priority": 0.5, "key": KEY}) == 204
        last = changes.wait(lambda one: one.version == 3)
    assert set(last.flats) == {"301", "302"}
    assert last.guard.devices == {"console1": KEY}
    management.service.stop()
    assert DirectoryClient(door, cache).current == last, "with the server down"


def test_an_unchanged_directory_is_not_sent_again(management: Web) -> None:
    door = management.account("door1", "door")
    first = door.request("GET", "/directory")
    assert (first.status, first.etag[:3]) == (200, '"0-')
    assert door.request("GET", "/directory", etag=first.etag).status == 304


def test_only_administrators_change_it_and_only_known_kinds_read_it(management: Web) -> None:
    admin, other = management.account("console1", "console"), management.account("console2", "console")
    door, guest = management.account("door1", "door"), management.account("guest1", "guest")
    for stranger in (other, door, guest):
        assert put(stranger, "/directory/flats/301", FLAT) == 403
        assert stranger.request("DELETE", "/directory/flats/301").status == 403
    assert guest.request("GET", "/directory").status == 403
    assert door.request("GET", "/directory.csv").status == 403
    assert put(admin, "/directory/flats/301", {**FLAT, "telephone": "none"}) == 422
    assert put(admin, "/directory/flats/301", FLAT) == 204
    assert "+861055" not in str(got(door, "/directory"))
    assert got(other, "/directory")["flats"]["301"] == {"name": "Family Chen", "telephone": "+861055"}
    assert admin.request("DELETE", "/directory/flats/301").status == 204
    assert admin.request("DELETE", "/directory/flats/301").status == 404


def test_a_table_is_taken_whole_or_not_at_all(management: Web) -> None:
    admin = management.account("console1", "console")
    bad = admin.request("PUT", "/directory.csv", b"flat,name\n301,Chen\n30x,\n")
    assert bad.status == 422
    assert json.loads(bad.body)["detail"].count("line 3") == 2
    assert admin.request("PUT", "/directory.csv", b"flat,name\n301,Chen\n").status == 204
    assert admin.request("GET", "/directory.csv").body.decode().splitlines()[1] == "301,Chen,,,,,"
    assert Directory.model_validate(got(admin, "/directory")).version == 1


def told(**values: object) -> dict[str, object]:
    return {
        "session_id": SESSION,
        "stage": "guard",
        "started": datetime.now(UTC).isoformat(),
        "result": "answered",
    } | values


@pytest.mark.flow("G2")
def test_a_record_handed_in_again_and_again_is_one_record(management: Web) -> None:
    door, console = management.account("door1", "door"), management.account("console1", "console")
    assert put(door, "/records/door1-visit-1", told(unlocks=1)) == 201
    assert put(door, "/records/door1-visit-1", told(unlocks=1)) == 204
    server = Server(management.site.data)
    server.begin("1", stage="guard", called="guard")
    with caught_up(management.site) as store:
        assert len(store.page(Wanted())) == 1
    (record,) = got(console, "/records")["records"]
    assert (record["id"], record["caller"], record["unlocks"], record["call_id"]) == (
        "door1-visit-1",
        "door1",
        1,
        "call-1",
    )
    assert got(console, "/records/door1-visit-1") == record
    assert console.request("GET", "/records/door1-visit-9").status == 404
    assert put(management.account("door2", "door"), "/records/door1-visit-1", told()) == 409
    assert put(management.account("guest1", "guest"), "/records/guest1-visit-1", told()) == 403


@pytest.mark.parametrize(
    "times",
    [
        {"started": "1970-01-01T00:00:00Z", "ended": "9999-12-31T23:59:59-12:00"},
        {"answered": "0001-01-01T00:00:00+12:00"},
        {"started": "9999-12-31T23:59:59Z", "ended": "0001-01-01T00:00:00Z"},
    ],
)
def test_no_clock_of_a_device_is_too_wrong(management: Web, times: dict[str, str]) -> None:
    door, console = management.account("door1", "door"), management.account("console1", "console")
    assert put(door, "/records/door1-visit-1", told(**times)) == 201
    (record,) = got(console, "/records")["records"]
    now = datetime.now(UTC)
    for name in times:
        assert abs(datetime.fromisoformat(record[name]) - now) < timedelta(days=366)


def test_a_record_brings_the_picture_of_who_stood_there(management: Web) -> None:
    door, console = management.account("door1", "door"), management.account("console1", "console")
    jpeg = b"\xff\xd8\xff picture"
    assert door.request("PUT", "/records/door1-visit-1/picture", jpeg).status == 409, "before its record"
    assert put(door, "/records/door1-visit-1", told(picture="ring.jpg")) == 201
    assert door.request("PUT", "/records/door1-visit-1/picture", b"GIF89a").status == 415
    for _ in "again":
        assert door.request("PUT", "/records/door1-visit-1/picture", jpeg).status == 204
    other = management.account("door2", "door")
    assert other.request("PUT", "/records/door1-visit-1/picture", jpeg).status == 409
    assert other.request("GET", "/records/door1-visit-1/picture").status == 404
    link = got(console, "/records")["records"][0]["picture"]
    assert (link, console.request("GET", f"/{link}").body) == ("records/door1-visit-1/picture", jpeg)
    with caught_up(management.site) as store:
        assert store.picture("door1-visit-9") is None


def test_a_home_without_homelink_hands_in_under_its_flat(management: Web) -> None:
    """As Kamailio names it (R1); whoever tells first, it is one record."""
    screen = management.account("indoor302", "indoor", "302")
    assert put(screen, "/records/indoor302-call-1", told(stage="", called="guard", result="failed")) == 201
    server = Server(management.site.data)
    server.begin("1", stage="guard", called="guard", caller="302", home="302", kind="indoor")
    with caught_up(management.site) as store:
        (record,) = store.page(Wanted())
    assert (record.caller, record.flat, record.stage, record.handed_by) == ("302", "302", "guard", "indoor302")


def test_calls_that_only_go_through_are_apart(management: Web) -> None:
    console = management.account("console1", "console")
    management.account("home301", "homelink", "301")
    server = Server(management.site.data)
    for number, facts in enumerate([{"called": "301"}, {"called": "302"}, {"called": "301", "stage": "phones"}]):
        server.begin(str(number), session="", **facts)
    server.begin("3", session="", called="guard", stage="guard")
    server.begin("4", session="", called="301", kind="indoor", home="302", caller="302")
    with caught_up(management.site):
        pass
    assert [one["id"] for one in got(console, "/records")["records"]] == ["4", "3", "1"]
    assert [one["id"] for one in got(console, "/records?relayed=true")["records"]] == ["4", "3", "2", "1", "0"]


def test_each_account_reads_what_concerns_it(management: Web) -> None:
    server = Server(management.site.data)
    for number, flat in enumerate(["301", "302", "301"]):
        server.begin(str(number), session="", called=flat, caller=f"door{number}")
    with caught_up(management.site):
        pass
    readers = {
        "console1": management.account("console1", "console"),
        "home301": management.account("home301", "homelink", "301"),
        "door1": management.account("door1", "door"),
    }
    seen = {name: [one["id"] for one in got(who, "/records")["records"]] for name, who in readers.items()}
    assert seen == {"console1": ["2", "1", "0"], "home301": ["2", "0"], "door1": ["1"]}
    assert not got(readers["home301"], "/records?flat=302")["records"]
    page = got(readers["console1"], "/records?limit=2")
    assert [one["id"] for one in page["records"]] == ["2", "1"]
    assert [one["id"] for one in got(readers["console1"], f"/records?limit=2&after={page['next']}")["records"]] == ["0"]
    table = readers["home301"].request("GET", "/records.csv").body.decode().splitlines()
    assert [line.split(",")[0] for line in table] == ["id", "2", "0"]
