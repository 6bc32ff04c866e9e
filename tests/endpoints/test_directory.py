"""A device always has a directory: what was fetched last, from its cache if need be, and nothing ever spoils it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from endpoints.config.people import Directory, Flat, Stage, StageName
from endpoints.directory import DirectoryClient
from endpoints.service import Service

LIMIT = 15.0


def document(version: int, name: str = "Family Chen") -> dict[str, Any]:
    stages = [{"name": "home", "uris": ["sip:home@10.0.0.7:5061;transport=tls"]}]
    flats = {"301": {"name": name, "stages": stages, "devices": {}, "later": "unknown here"}}
    return {"version": version, "community": "lakeside", "guard": {"uris": ["sip:guard@10.0.0.2"]}, "flats": flats}


class Server:
    """An HTTP service of one page; tests say what it answers."""

    def __init__(self) -> None:
        self.body, self.etag, self.asked = b"", '"1"', threading.Semaphore(0)
        self.seen: list[tuple[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the library's name)
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def say(self, content: object, etag: str) -> None:
        self.body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.etag = etag

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        known = request.headers.get("If-None-Match", "")
        self.seen.append((known, request.headers.get("Authorization", "")))
        request.send_response(304 if known == self.etag else 200)
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.body)))
        request.end_headers()
        if known != self.etag:
            request.wfile.write(self.body)
        self.asked.release()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    thread = threading.Thread(target=one.http.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.http.shutdown()
    one.http.server_close()
    thread.join(LIMIT)


class Changes:
    """The directories that a client told of."""

    def __init__(self) -> None:
        self._seen: list[Directory] = []
        self._more = threading.Condition()

    def __call__(self, directory: Directory) -> None:
        with self._more:
            self._seen.append(directory)
            self._more.notify_all()

    def wait(self, wanted: Callable[[Directory], bool]) -> Directory:
        with self._more:
            assert self._more.wait_for(lambda: any(map(wanted, self._seen)), LIMIT), self._seen
            return next(filter(wanted, self._seen))


@contextmanager
def running(client: DirectoryClient) -> Iterator[DirectoryClient]:
    client.start()
    try:
        yield client
    finally:
        client.close()


def test_it_is_fetched_with_the_devices_account_and_again_only_when_it_changed(server: Server, tmp_path: Path) -> None:
    server.say(document(1), '"1"')
    changes = Changes()
    service = Service(server.url, "door1", "secret")
    with running(DirectoryClient(service, tmp_path / "directory.json", changes, refresh=0.05)) as client:
        flat = changes.wait(lambda one: one.version == 1).flats["301"]
        stage = Stage(name=StageName.HOME, uris=("sip:home@10.0.0.7:5061;transport=tls",))
        assert flat == Flat(name="Family Chen", stages=(stage,))
        assert all(server.asked.acquire(timeout=LIMIT) for _ in range(3))
        server.say(document(2, "Family Rossi"), '"2"')
        assert changes.wait(lambda one: one.version == 2).flats["301"].name == "Family Rossi"
        assert client.current.version == 2
    login = f"Basic {base64.b64encode(b'door1:secret').decode()}"
    assert server.seen[:2] == [("", login), ('"1"', login)]


def test_the_cache_is_there_at_once_with_the_server_down(server: Server, tmp_path: Path) -> None:
    server.say(document(7), '"7"')
    changes, cache = Changes(), tmp_path / "data" / "directory.json"
    with running(DirectoryClient(Service(server.url, "door1", "secret"), cache, changes)):
        changes.wait(lambda one: one.version == 7)
    assert cache.stat().st_mode & 0o777 == 0o600
    nobody = Service("http://127.0.0.1:9", "door1", "")
    assert DirectoryClient(nobody, cache, written=Directory()).current.version == 7


def test_without_a_cache_what_was_written_by_hand_counts(tmp_path: Path) -> None:
    written = Directory(flats={"301": Flat(name="Family Chen")})
    client = DirectoryClient(Service("http://127.0.0.1:9", "door1", ""), tmp_path / "none.json", written=written)
    assert client.current == written


@pytest.mark.parametrize("kept", [b"", b"{", b'{"etag":"1"}', b"\x00" * 9, b"[" * 5000, b'{"etag":"1","directory":7}'])
def test_a_damaged_cache_is_as_good_as_none(kept: bytes, tmp_path: Path) -> None:
    cache = tmp_path / "directory.json"
    cache.write_bytes(kept)
    assert DirectoryClient(Service("http://127.0.0.1:9", "door1", ""), cache).current == Directory()


@pytest.mark.parametrize(
    "hostile",
    [
        json.dumps(document(9)).encode()[:-40],
        b"[" * 100_000,
        b"null",
        json.dumps(document(9) | {"flats": {"../../etc": {"name": "x"}}}).encode(),
        json.dumps(document(9)).replace("sip:home", "http:home").encode(),
        json.dumps(document(-9)).encode(),
        b" " * (9 << 20),
    ],
    ids=["torn", "deep", "null", "bad number", "no SIP address", "bad version", "endless"],
)
def test_a_hostile_answer_never_replaces_a_good_directory(
    hostile: bytes, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.say(document(3), '"3"')
    changes, cache = Changes(), tmp_path / "directory.json"
    with running(DirectoryClient(Service(server.url, "door1", "secret"), cache, changes, refresh=0.05)) as client:
        good = changes.wait(lambda one: one.version == 3)
        before = cache.read_bytes()
        server.say(hostile, '"9"')
        while not any(name == '"3"' for name, _ in server.seen):
            assert server.asked.acquire(timeout=LIMIT)
        while "tried again" not in caplog.text:
            threading.Event().wait(0.02)
        assert client.current == good
    assert cache.read_bytes() == before
    assert list(tmp_path.iterdir()) == [cache]
