"""A film at a server, read piece by piece over a line that breaks."""

import random
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from endpoints.errors import ServiceError
from endpoints.remote_file import PIECE, RemoteFile
from endpoints.service import Service
from endpoints.session import ServiceSession, events_of

CONTENT = random.Random(5).randbytes(3 * PIECE + 777)


class Shelf:
    """A server with one file; every `breaks`-th answer is cut short."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.breaks = 0
        self.etag = '"one"'
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                wanted = self.headers["Range"]
                shelf.asked.append(wanted)
                changed = self.headers.get("If-Range", shelf.etag) != shelf.etag
                first, last = map(int, re.findall(r"\d+", wanted))
                part = CONTENT if changed else CONTENT[first : last + 1]
                cut = shelf.breaks and len(shelf.asked) % shelf.breaks == 0
                self.send_response(200 if changed else 206)
                self.send_header("ETag", shelf.etag)
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part[:100] if cut else part)
                self.close_connection = bool(cut)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the library's name)
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.service = Service(f"http://127.0.0.1:{self.http.server_address[1]}", "indoor1", "secret")


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    one = Shelf()
    thread = threading.Thread(target=one.http.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.http.shutdown()
    one.http.server_close()
    thread.join(60)


def whole(file: RemoteFile) -> bytes:
    parts = iter(lambda: file.read(50_000), b"")
    return b"".join(parts)


def test_it_is_read_in_pieces_and_each_only_once(shelf: Shelf) -> None:
    session = ServiceSession(shelf.service)
    file = RemoteFile(session, "/film", len(CONTENT))
    assert whole(file) == CONTENT
    assert len(shelf.asked) == 4
    assert file.seek(-5, 2) == len(CONTENT) - 5
    assert file.read() == CONTENT[-5:]
    assert file.seek(PIECE - 2) == PIECE - 2
    assert file.read(10) + file.read(8) == CONTENT[PIECE - 2 : PIECE + 8]
    assert len(shelf.asked) == 4
    session.close()


def test_a_line_that_breaks_costs_a_piece_and_not_the_film(shelf: Shelf) -> None:
    shelf.breaks = 3
    session = ServiceSession(shelf.service)
    file = RemoteFile(session, "/film", len(CONTENT), lambda seconds: None)
    assert whole(file) == CONTENT
    session.close()


def test_a_server_that_is_gone_or_has_another_film_by_now_is_an_error(shelf: Shelf) -> None:
    session = ServiceSession(shelf.service)
    file = RemoteFile(session, "/film", len(CONTENT), lambda seconds: None)
    file.read(10)
    shelf.etag = '"two"'
    file.seek(2 * PIECE)
    with pytest.raises(ServiceError, match="cannot be read"):
        file.read(10)
    session.close()
    with pytest.raises(ServiceError, match="not asked any more"):
        RemoteFile(session, "/film", len(CONTENT)).read(10)


def test_events_are_read_as_the_standard_says() -> None:
    lines = [": still here", "", "event: state", 'data: {"new": 1}', "", "data: a", "data: b", "id: 7", "", "data: cut"]
    assert list(events_of(lines)) == [("state", '{"new": 1}'), ("message", "a\nb")]
