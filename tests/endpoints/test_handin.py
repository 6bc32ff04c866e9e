"""Records wait on the device until a server has them, each handed in under its own id."""

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from endpoints.handin import HandIn
from endpoints.service import Service

LIMIT = 60.0


class Keeper:
    """A server that takes records, or does not: `status` is what it says."""

    def __init__(self) -> None:
        self.status, self.asked = 201, 0
        self.taken: list[tuple[str, object]] = []
        self.changed = threading.Condition()
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                body = sent if self.path.endswith("/picture") else json.loads(sent)
                with keeper.changed:
                    keeper.asked += 1
                    known = "Basic" in self.headers.get("Authorization", "")
                    status = keeper.status if known else 401
                    if status < 300:
                        keeper.taken.append((self.path, body))
                    keeper.changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the library's name)
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def wait_taken(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.taken) >= number, LIMIT), self.taken

    def wait_asked(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked >= number, LIMIT)


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    one = Keeper()
    thread = threading.Thread(target=one.http.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.http.shutdown()
    one.http.server_close()
    thread.join(LIMIT)


def logins(url: str) -> Sequence[Service]:
    """A certificate that this server does not know, and the account that it knows."""
    return Service(url, "door1", ""), Service(url, "door1", "secret")


def wait_empty(hand_in: HandIn) -> None:
    for _ in range(6000):
        if not hand_in.waiting:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{hand_in.waiting} still wait")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[HandIn]:
    one = HandIn(tmp_path / "records", logins, first_retry=0.05)
    yield one
    one.close()


def test_a_record_is_handed_in_and_forgotten(keeper: Keeper, outbox: HandIn) -> None:
    outbox.start()
    outbox.add(keeper.url, "visit-0001", {"unlocks": 1})
    wait_empty(outbox)
    assert keeper.taken == [("/records/visit-0001", {"unlocks": 1})]


def test_the_picture_goes_after_its_record(keeper: Keeper, outbox: HandIn, tmp_path: Path) -> None:
    (tmp_path / "visit.jpg").write_bytes(b"jpeg")
    outbox.add(keeper.url, "visit-0001", {}, tmp_path / "visit.jpg")
    outbox.add(keeper.url, "visit-0002", {}, tmp_path / "gone.jpg")
    outbox.start()
    wait_empty(outbox)
    assert keeper.taken == [
        ("/records/visit-0001", {}),
        ("/records/visit-0001/picture", b"jpeg"),
        ("/records/visit-0002", {}),
    ]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_it_is_handed_in_again_until_the_server_takes_it(status: int, keeper: Keeper, outbox: HandIn) -> None:
    keeper.status = status
    outbox.add(keeper.url, "visit-0001", {})
    outbox.start()
    keeper.wait_asked(4)
    assert outbox.waiting == 1
    keeper.status = 204
    wait_empty(outbox)
    assert len(keeper.taken) == 1


def test_what_waits_survives_the_end_of_the_device(keeper: Keeper, tmp_path: Path) -> None:
    first = HandIn(tmp_path, logins)
    for number in range(3):
        first.add(keeper.url, f"visit-000{number}", {"number": number})
    first.close()
    (tmp_path / "torn.json").write_bytes(b'{"url": "ht')
    (tmp_path / "visit-0009.json.part").write_bytes(b"{")
    second = HandIn(tmp_path, logins)
    second.start()
    wait_empty(second)
    second.close()
    assert [path for path, _ in keeper.taken] == [f"/records/visit-000{number}" for number in range(3)]


@pytest.mark.parametrize("status", [400, 409, 422])
def test_what_is_refused_for_good_keeps_nobody_waiting(status: int, keeper: Keeper, outbox: HandIn) -> None:
    keeper.status = status
    outbox.start()
    outbox.add(keeper.url, "visit-0001", {})
    wait_empty(outbox)
    keeper.status = 201
    outbox.add(keeper.url, "visit-0002", {})
    keeper.wait_taken(1)


def test_a_server_that_is_away_does_not_hold_up_another(keeper: Keeper, outbox: HandIn) -> None:
    for number in range(3):
        outbox.add("http://127.0.0.1:9", f"away-000{number}", {})
    outbox.add(keeper.url, "visit-0001", {})
    outbox.start()
    keeper.wait_taken(1)
    assert outbox.waiting >= 3
