"""What visitors left, over HTTP: handed in by a door, shared by the devices of the home, and by nobody else."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from endpoints.door_station.keeping.tus import Refused
from endpoints.errors import ServiceError
from endpoints.service import Service
from servers.community.authority import Role
from tests.servers.http.services import Web, running_web
from tests.servers.messages.visitors import TOKEN, film, noise, picture
from tests.servers.messages.wire import Wire

pytestmark = pytest.mark.flow("V5")
LIMIT = 30.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A HomeLink's service that takes messages."""
    settings = f'[messages]\ntoken = "{TOKEN}"\nmegabytes = 20\nlargest = 5\n'
    with running_web(tmp_path_factory.mktemp("home"), Role.HOMELINK, settings=settings) as web:
        yield web


@pytest.fixture
def home(served: Web) -> Iterator[Web]:
    """The same, empty."""
    from servers.kamailio import accounts

    yield served
    keeper = served.account("sweeper", "indoor")
    for item in listed(keeper):
        keeper.request("DELETE", f"/messages/{item['id']}")
    for device in accounts.devices(served.site):
        accounts.remove(served.site, device.name)


def listed(device: Service, query: str = "") -> list[dict[str, Any]]:
    answer = device.request("GET", f"/messages{query}")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = json.loads(answer.body)["messages"]
    return found


def test_every_device_of_the_home_has_what_a_visitor_left(home: Web) -> None:
    screen, phone = home.account("indoor1", "indoor"), home.account("phone1", "phone")
    first, photo = film(), picture()
    photo = replace(photo, started=first.started + timedelta(seconds=1))
    for left in (first, photo):
        left.hand_in(home.url)
    assert [(one["id"], one["kind"], one["event"], one["read"]) for one in listed(phone)] == [
        (photo.id, "picture", "ring", False),
        (first.id, "message", "", False),
    ]
    assert screen.request("GET", f"/messages/{first.id}/content").body == first.content
    assert phone.request("PATCH", f"/messages/{first.id}", b'{"read": true}').status == 200
    (seen,) = listed(screen, "?kind=message&read=true")
    assert (seen["read"], seen["read_by"]) == (True, "phone1")
    answer = json.loads(screen.request("GET", "/messages?limit=1").body)
    assert (answer["new"], answer["old"], answer["next"]) == (0, 1, photo.id)
    assert [one["id"] for one in listed(screen, f"?limit=1&after={photo.id}")] == [first.id]
    assert screen.request("DELETE", f"/messages/{photo.id}").status == 204
    assert [one["id"] for one in listed(phone)] == [first.id]
    assert phone.request("GET", f"/messages/{photo.id}/content").status == 404


def test_a_film_has_a_thumbnail_and_so_has_a_picture(home: Web) -> None:
    screen = home.account("indoor1", "indoor")
    for left in (film(), picture(size=(1280, 720))):
        left.hand_in(home.url)
        for _ in "made", "kept":
            answer = screen.request("GET", f"/messages/{left.id}/thumbnail")
            shown = Image.open(io.BytesIO(answer.body), formats=["JPEG"])
            assert shown.width <= 320 and shown.height <= 240  # noqa: PT018 - one size
    nothing = noise()
    nothing.hand_in(home.url)
    assert screen.request("GET", f"/messages/{nothing.id}/thumbnail").status == 422


def test_a_player_fetches_any_part(home: Web) -> None:
    home.account("indoor1", "indoor")
    left = noise(200_000)
    left.hand_in(home.url)
    wire = Wire(home, "indoor2", "indoor")
    path = f"/messages/{left.id}/content"
    for wanted, part in {
        "bytes=0-99": slice(0, 100),
        "bytes=65500-131100": slice(65500, 131101),
        "bytes=-10": slice(-10, None),
        "bytes=199999-": slice(199_999, None),
        "bytes=100-9999999": slice(100, None),
    }.items():
        status, headers, body = wire.ask("GET", path, {"Range": wanted})
        assert (status, body) == (206, left.content[part]), wanted
        assert headers["Content-Range"].endswith("/200000")
    for wanted, status in {
        "bytes=200000-": 416,
        "bytes=-0": 416,
        "bytes=5-1": 200,
        "bytes=0-1,5-6": 200,
        "x": 200,
    }.items():
        assert wire.ask("GET", path, {"Range": wanted})[0] == status, wanted
    etag = wire.ask("HEAD", path)[1]["ETag"]
    assert wire.ask("GET", path, {"Range": "bytes=0-0", "If-Range": etag})[0] == 206
    assert wire.ask("GET", path, {"Range": "bytes=0-0", "If-Range": '"other"'})[0] == 200
    wire.close()


def test_news_come_at_once_to_who_listens(home: Web) -> None:
    screen = home.account("indoor1", "indoor")
    with Wire(home, "phone1", "phone").listening() as news:
        assert news.next() == ("state", {"new": 0, "old": 0})
        left = film()
        left.hand_in(home.url)
        name, told = news.next()
        assert (name, told["new"], told["message"]["id"]) == ("added", 1, left.id)
        screen.request("PATCH", f"/messages/{left.id}", b'{"read": true}')
        assert news.next()[1]["old"] == 1
        screen.request("DELETE", f"/messages/{left.id}")
        assert news.next()[0] == "deleted"


def test_everything_as_one_file(home: Web) -> None:
    screen, items = home.account("indoor1", "indoor"), [film(), picture(), noise(150_000)]
    for left in items:
        left.hand_in(home.url)
    answer = screen.request("GET", "/messages/export")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        assert packed.testzip() is None
        described = {one["id"]: packed.read(one["file"]) for one in json.loads(packed.read("messages.json"))}
    assert described == {left.id: left.content for left in items}


def test_a_file_that_is_missing_is_told_in_a_sentence_and_does_not_hide_the_others(home: Web) -> None:
    screen, gone, left = home.account("indoor1", "indoor"), film(), noise()
    for one in (gone, left):
        one.hand_in(home.url)
    next(home.site.databases.messages.rglob(gone.id)).unlink()
    answer = screen.request("GET", f"/messages/{gone.id}/content")
    assert (answer.status, json.loads(answer.body)) == (500, {"detail": f"the file of {gone.id} is missing here"})
    exported = screen.request("GET", "/messages/export")
    with zipfile.ZipFile(io.BytesIO(exported.body)) as packed:
        described = {one["id"]: one for one in json.loads(packed.read("messages.json"))}
    assert (left.id in described, "missing" in described[gone.id]) == (True, True)


def test_each_access_is_written_down(home: Web) -> None:
    screen, phone, left = home.account("indoor1", "indoor"), home.account("phone1", "phone"), noise()
    left.hand_in(home.url)
    for _ in range(3):
        phone.request("GET", f"/messages/{left.id}/content")
    screen.request("PATCH", f"/messages/{left.id}", b'{"read": true}')
    screen.request("DELETE", f"/messages/{left.id}")
    wire = Wire(home, "phone2", "phone")
    found = wire.until(lambda: json.loads(wire.ask("GET", "/messages/accesses")[2])["accesses"], left.id, 3)
    mine = [(one["who"], one["what"]) for one in found if one["item"] == left.id]
    assert mine == [("indoor1", "delete"), ("indoor1", "read"), ("phone1", "content")]
    wire.close()


def test_what_a_door_had_to_delete_unseen_is_written_down(home: Web) -> None:
    screen, left = Wire(home, "indoor3", "indoor"), replace(noise(), lost=3)
    left.hand_in(home.url)
    found = screen.until(lambda: json.loads(screen.ask("GET", "/messages/accesses")[2])["accesses"], left.id, 1)
    assert ("door", "lost 3") in [(one["who"], one["what"]) for one in found if one["item"] == left.id]
    screen.close()


def test_a_home_says_how_long_it_keeps_things(home: Web) -> None:
    screen = home.account("indoor1", "indoor")
    assert json.loads(screen.request("GET", "/messages/retention").body) == {"days": 90}
    assert screen.request("PUT", "/messages/retention", b'{"days": 7}').status == 204
    assert json.loads(screen.request("GET", "/messages/retention").body) == {"days": 7}
    assert screen.request("PUT", "/messages/retention", b'{"days": 0}').status == 422
    screen.request("PUT", "/messages/retention", b'{"days": 3650}')
    assert json.loads(screen.request("GET", "/messages/retention").body) == {"days": 90}


def test_a_cut_line_costs_nothing_that_had_arrived(home: Web) -> None:
    left = noise(300_000)
    door = Wire(home)
    assert door.tus("POST", "/uploads", {"Upload-Length": "300000", "Upload-Metadata": left.metadata})[0] == 201
    place = f"/uploads/{left.id}"
    door.cut(place, left.content, 100_000)
    offset = int(door.until(lambda: door.tus("HEAD", place)[1]["Upload-Offset"], "100000"))
    status, headers, _ = door.tus("PATCH", place, {"Upload-Offset": "5"}, b"abc")
    assert (status, headers["Tus-Resumable"]) == (409, "1.0.0")
    status, headers, _ = door.tus("PATCH", place, {"Upload-Offset": str(offset)}, left.content[offset:])
    assert (status, headers["Upload-Offset"]) == (204, "300000")
    assert door.tus("POST", "/uploads", {"Upload-Length": "300000", "Upload-Metadata": left.metadata})[0] == 201
    assert door.tus("HEAD", place)[1]["Upload-Offset"] == "300000"
    assert [one["id"] for one in listed(home.account("indoor1", "indoor"))] == [left.id]
    door.close()


def test_what_is_no_upload_is_refused(home: Web) -> None:
    left, door = noise(), Wire(home)
    length, metadata = {"Upload-Length": "1000"}, {"Upload-Metadata": left.metadata}
    assert door.tus("POST", "/uploads", length | metadata | {"Tus-Resumable": "0.2.2"})[0] == 412
    assert door.tus("POST", "/uploads", length | {"Upload-Metadata": "id !"})[0] == 422
    assert door.tus("POST", "/uploads", metadata | {"Upload-Length": "7"})[0] == 422
    huge = replace(left, content=bytes(6 << 20))
    assert door.tus("POST", "/uploads", {"Upload-Length": str(6 << 20), "Upload-Metadata": huge.metadata})[0] == 422
    assert door.tus("POST", "/uploads", length | metadata)[0] == 201
    place = f"/uploads/{left.id}"
    assert door.tus("PATCH", place, {"Upload-Offset": "0", "Content-Type": "text/plain"}, left.content)[0] == 415
    assert door.tus("PATCH", place, {"Upload-Offset": "0"}, bytes(1001))[0] == 409
    assert door.tus("PATCH", place, {"Upload-Offset": "0"}, bytes(1000))[0] == 460
    assert door.tus("HEAD", place)[1]["Upload-Offset"] == "0"
    assert door.tus("PATCH", f"/uploads/{'0' * 32}", {"Upload-Offset": "0"}, b"x")[0] == 404
    assert door.ask("OPTIONS", "/uploads")[1]["Tus-Extension"] == "creation"
    door.close()


def paths(web: Web) -> list[tuple[str, str]]:
    """Every page about messages and uploads, by what the service says of itself."""
    described = json.loads(web.get("/openapi.json").body)["paths"]
    return [
        (method.upper(), path)
        for path, methods in described.items()
        if path.startswith(("/messages", "/uploads"))
        for method in methods
        if method != "options"
    ]


@pytest.fixture
def community(tmp_path: Path) -> Iterator[Web]:
    """A management server with two homes that have no HomeLink."""
    with running_web(tmp_path, Role.MANAGEMENT, settings='admins = ["console1"]\n') as web:
        console = web.account("console1", "console")
        for number in ("301", "302"):
            assert console.request("PUT", f"/directory/flats/{number}", b'{"name": "Family"}').status == 204
        yield web


def deposits(web: Web) -> dict[str, str]:
    answer = web.account("door9", "door").request("GET", "/directory")
    from servers.kamailio import accounts

    accounts.remove(web.site, "door9")
    flats = json.loads(answer.body)["flats"]
    assert {flat["messages"]["url"] for flat in flats.values()} == {web.url}
    return {number: flat["messages"]["token"] for number, flat in flats.items()}


def test_another_home_gets_nothing_by_any_path(community: Web) -> None:
    tokens, left, open_one = deposits(community), film(), noise()
    left.hand_in(community.url, tokens["301"])
    own, other = Wire(community, "indoor301", "indoor", "301"), Wire(community, "indoor302", "indoor", "302")
    door, stranger = Wire(community, token=tokens["302"]), Wire(community, token="guessed")
    mine = Wire(community, token=tokens["301"])
    mine.tus("POST", "/uploads", {"Upload-Length": "1000", "Upload-Metadata": open_one.metadata})
    others = [Wire(community, name, kind) for name, kind in (("door1", "door"), ("console2", "console"))]
    body = b'{"read": true}'
    checked = 0
    for method, path in paths(community):
        uploads = path.startswith("/uploads")
        for identifier in (left.id, open_one.id):
            place, data = path.replace("{identifier}", identifier), body if method in ("PATCH", "PUT") else b""
            for wire in (stranger, *others, *([] if uploads else [door, mine])):
                assert wire.tus(method, place, {"Upload-Offset": "0"}, data)[0] in (401, 403), (method, place)
            if uploads and "{" in path:
                assert door.tus(method, place, {"Upload-Offset": "0"}, data)[0] == 404
            if "{" in path and not uploads:
                assert other.ask(method, place, {"Content-Type": "application/json"}, data)[0] == 404, (method, place)
            checked += 1
    assert checked >= 20
    assert json.loads(other.ask("GET", "/messages")[2]) == {"messages": [], "next": None, "new": 0, "old": 0}
    assert left.id not in str(other.ask("GET", "/messages/accesses")[2])
    assert json.loads(own.ask("GET", "/messages")[2])["new"] == 1, "and nobody has seen or deleted it"
    for wire in (own, other, door, stranger, mine, *others):
        wire.close()


def test_a_new_token_ends_the_old_one(community: Web) -> None:
    tokens, console = deposits(community), Service(community.url, "console1", "", None)
    with pytest.raises(ServiceError):
        noise().hand_in(community.url, "no-token-of-any-home")
    from servers.database import Database
    from servers.directory.store import DirectoryStore

    database = Database(community.site.database_url)
    DirectoryStore(database).renew_deposit("301")
    database.close()
    with pytest.raises(ServiceError):
        noise().hand_in(community.url, tokens["301"])
    again = deposits(community)
    assert (again["301"] != tokens["301"], again["302"]) == (True, tokens["302"])
    noise().hand_in(community.url, again["301"])
    assert console.request("GET", "/messages").status == 401


def test_who_hands_in_another_item_under_a_known_id_is_refused(home: Web) -> None:
    left = noise()
    left.hand_in(home.url)
    left.hand_in(home.url)
    with pytest.raises(Refused):
        replace(left, content=bytes(1000)).hand_in(home.url)


def test_records_lead_to_what_was_left(home: Web) -> None:
    from datetime import UTC, datetime

    screen, left = home.account("indoor1", "indoor"), film()
    told = {"session_id": left.session_id, "started": datetime.now(UTC).isoformat(), "result": "no-answer"}
    assert screen.request("PUT", "/records/indoor1-call-1", json.dumps(told).encode()).status == 201
    left.hand_in(home.url)
    (record,) = json.loads(screen.request("GET", "/records").body)["records"]
    assert record["messages"] == [left.id]
    guest = home.account("door1", "door")
    for one in json.loads(guest.request("GET", "/records").body)["records"]:
        assert one["messages"] == []
