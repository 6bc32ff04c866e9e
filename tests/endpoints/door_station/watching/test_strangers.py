"""Who has no token, a wrong one, or none of our manners: nothing is reached at a door that may be watched."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed

from endpoints.door_station.watching import connection
from endpoints.door_station.watching.tokens import Patience
from tests.endpoints.door_station.watching.doors import HOST, LIMIT, WatchedDoor, pictures_in, watched_door
from tests.media.streams import eventually


@pytest.fixture
def door(tmp_path: Path) -> Iterator[WatchedDoor]:
    with watched_door(tmp_path) as made:
        yield made


@pytest.mark.parametrize("path", ["/live", "/live.mp4", "/live.mjpeg", "/snapshot.jpg", "/", "/renew", "/etc/passwd"])
def test_without_a_token_there_is_nothing(door: WatchedDoor, path: str) -> None:
    answer = door.ask(path, None)
    assert answer.status == 401
    assert "camera" not in answer.read().decode()
    (line,) = door.written("refused")
    assert (line["from"], line["status"]) == (HOST, 401)


def test_tokens_of_others_for_others_or_of_yesterday_open_nothing(door: WatchedDoor) -> None:
    tokens = {
        door.token(Ed25519PrivateKey.generate()): 401,
        door.token(aud="door2"): 403,
        door.token(iss="homelink:home302"): 401,
        door.token(seconds=-1): 401,
    }
    for token, status in tokens.items():
        assert door.ask("/snapshot.jpg", token).status == status
    assert len(door.written("refused", len(tokens))) == len(tokens)


def test_whoever_tries_too_many_wrong_tokens_has_to_wait_even_with_a_right_one(door: WatchedDoor) -> None:
    for _ in range(Patience.TRIES):
        assert door.ask("/snapshot.jpg", "wrong").status == 401
    answer = door.ask("/snapshot.jpg")
    assert (answer.status, answer.getheader("Retry-After")) == (429, "60")
    assert len(door.written("refused", Patience.TRIES)) == Patience.TRIES  # a flood does not fill the disk


@pytest.mark.parametrize(("path", "method", "status"), [("/nothing", "GET", 404), ("/live.mp4", "PUT", 405)])
def test_only_what_there_is_can_be_asked_for(door: WatchedDoor, path: str, method: str, status: int) -> None:
    assert door.ask(path, method=method).status == status


def test_the_live_path_is_a_websocket(door: WatchedDoor) -> None:
    assert door.ask("/live").status == 426


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /snapshot.jpg HTTP/9.9\r\n\r\n",
        b"GET http://elsewhere/live HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"\0" * 5000,
        b"GET /live?token=%00%ff&token=" + b"&a=b" * 100 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_hostile_request_gets_a_refusal_and_nothing_else(door: WatchedDoor, request_bytes: bytes) -> None:
    with socket.create_connection((HOST, door.port), timeout=LIMIT) as hostile:
        hostile.sendall(request_bytes)
        answer = b""
        try:
            while piece := hostile.recv(4096):
                answer += piece
        except ConnectionResetError:
            pass  # it had still more to say
    assert answer == b"" or answer.split()[1] in (b"400", b"401", b"431")
    assert door.ask("/snapshot.jpg").status == 200


def test_who_connects_and_says_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ASKING", 0.1)
    with watched_door(tmp_path) as door, socket.create_connection((HOST, door.port), timeout=LIMIT) as silent:
        assert silent.recv(1) == b""


def test_one_address_cannot_take_all_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OF_ONE", 3)
    with watched_door(tmp_path) as door:
        held = [socket.create_connection((HOST, door.port), timeout=LIMIT) for _ in range(4)]
        with pytest.raises((ConnectionResetError, AssertionError)):
            assert held[-1].recv(1) != b""
        for each in held:
            each.close()
        eventually(lambda: may_ask(door), "room for somebody else")


def may_ask(door: WatchedDoor) -> bool:
    try:
        return door.ask("/snapshot.jpg").status == 200
    except OSError:
        return False


def test_garbage_over_websocket_ends_only_its_own_stream(door: WatchedDoor) -> None:
    with door.watch() as one, door.watch() as two:
        two.socket.sendall(b"\xff\xff\xff\xff\xff\xff")
        with suppress(ConnectionClosed):
            for _ in two:
                pass
        pictures_in(iter(one), 10)
