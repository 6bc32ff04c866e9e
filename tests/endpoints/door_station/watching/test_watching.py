"""Somebody watches the door: over WebSocket, as a film, as JPEGs; for as long as the lease says, and with its token."""

import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from endpoints.door_station.watching import server, stills
from endpoints.screens.watching.live import Told, Unit
from media.description import VideoMedia
from media.h264 import NAL_IDR, NAL_PPS, NAL_SPS, nal_types
from media.still import from_jpeg
from servers.community.authority import Community, Role
from tests.endpoints.door_station.watching.doors import (
    HEIGHT,
    HOST,
    LIMIT,
    NAME,
    STAMP,
    WIDTH,
    NoisyCamera,
    WatchedDoor,
    numbers,
    pictures_in,
    texts_until_end,
    watched_door,
)
from tests.media.pictures import number_of
from tests.media.streams import eventually


@pytest.fixture
def door(tmp_path: Path) -> Iterator[WatchedDoor]:
    with watched_door(tmp_path) as made:
        yield made


@pytest.mark.flow("M1")
@pytest.mark.flow("M2")
def test_a_watcher_sees_the_door_from_the_first_message_on(door: WatchedDoor) -> None:
    with door.watch() as watcher:
        seen = pictures_in(iter(watcher), 20)
    assert {NAL_SPS, NAL_PPS, NAL_IDR} <= set(nal_types(seen[0][STAMP:]))
    shown = numbers(seen)
    assert len(shown) == 20
    assert shown == sorted(shown)
    stamps = [stamp(each) for each in seen]
    assert stamps == sorted(stamps)
    assert 0 <= time.monotonic() - stamps[-1] / 1e6 < LIMIT


def test_nothing_is_encoded_when_nobody_watches(door: WatchedDoor) -> None:
    eventually(lambda: door.encoder["pictures"] > 2, "the camera at work")
    assert door.encoder["encoded"] == 0
    with door.watch() as watcher:
        pictures_in(iter(watcher), 3)
    eventually(lambda: door.encoder["sinks"] == 0, "the encoder without sinks")
    encoded, taken = door.encoder["encoded"], door.encoder["pictures"]
    eventually(lambda: door.encoder["pictures"] > taken + 5, "more of the camera")
    assert door.encoder["encoded"] == encoded


def test_all_watchers_get_the_same_pictures_of_one_encoder(door: WatchedDoor) -> None:
    with door.watch() as one, door.watch() as two:
        first = pictures_in(iter(one), 30)
        second = pictures_in(iter(two), 15)
    shared = first[first.index(second[0]) :]
    assert shared[:15] == second[: len(shared)]
    assert door.encoder["encoded"] < 100  # once for both


def test_everybody_is_told_how_many_watch(door: WatchedDoor) -> None:
    with door.watch() as one:
        assert json.loads(next(message for message in one if isinstance(message, str))) == {"viewers": 1}
        with door.watch():
            assert json.loads(next(message for message in one if isinstance(message, str))) == {"viewers": 2}
        assert json.loads(next(message for message in one if isinstance(message, str))) == {"viewers": 1}
    door.until_viewers(0)


def test_who_does_not_read_in_time_loses_whole_groups_of_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SEND_BUFFER", 16_384)
    with watched_door(tmp_path, NoisyCamera(), bit_rate=2_000_000) as door:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        narrow.connect((HOST, door.port))
        with door.watch(sock=narrow) as slow:
            eventually(lambda: door.figures["lost"] >= 15, "lost pictures", LIMIT)
            late = until_gap(slow)
        assert NAL_IDR in nal_types(late[-1][STAMP:])
        assert len(numbers(late)) == len(late)
        assert door.written("watched")[0]["lost"] >= 15


def until_gap(watcher: ClientConnection) -> list[bytes]:
    """The pictures up to the first one after something was lost."""
    found = pictures_in(iter(watcher), 1)
    for message in watcher:
        found += [message] if isinstance(message, bytes) else []
        if stamp(found[-1]) - stamp(found[max(-2, -len(found))]) > 10 * 40_000:
            return found
    raise AssertionError("nothing was lost")


def stamp(message: bytes) -> int:
    """When its picture was taken, microseconds."""
    return int.from_bytes(message[:STAMP], "big")


def test_a_film_begins_at_once_and_can_be_decoded_as_it_comes(door: WatchedDoor) -> None:
    answer = door.ask("/live.mp4")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "video/mp4")
    with av.open(answer, "r", format="mp4", options={"probesize": "8192"}) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", WIDTH, HEIGHT)
        frames = list(itertools.islice(film.decode(video=0), 15))
    answer.close()
    times = [frame.time for frame in frames]
    assert times[0] == 0
    assert times == sorted(set(times))


def test_jpegs_replace_one_another_and_need_no_encoder(door: WatchedDoor) -> None:
    answer = door.ask("/live.mjpeg")
    assert answer.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=picture"
    seen = [next_part(answer) for _ in range(4)]
    shown = [number_of(from_jpeg(jpeg)) for jpeg in seen]
    assert shown == sorted(shown)
    assert shown[-1] > shown[0]
    assert door.encoder["encoded"] == 0
    answer.close()
    door.until_viewers(0)


def next_part(answer: object) -> bytes:
    """One JPEG of a row."""
    readline, read = answer.readline, answer.read  # type: ignore[attr-defined]
    assert readline() == b"--picture\r\n"
    assert readline() == b"Content-Type: image/jpeg\r\n"
    length = int(readline().removeprefix(b"Content-Length: "))
    assert readline() == b"\r\n"
    jpeg: bytes = read(length)
    assert readline() == b"\r\n"
    return jpeg


def test_a_snapshot_is_what_the_camera_sees_now(door: WatchedDoor) -> None:
    answer = door.ask("/snapshot.jpg")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "image/jpeg")
    picture = from_jpeg(answer.read())
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    assert 0 < number_of(picture) <= door.camera.number
    assert door.encoder["encoded"] == 0
    (line,) = door.written("snapshot")
    assert (line["who"], line["from"]) == ("indoor1", HOST)


def test_what_a_lost_camera_saw_last_is_not_shown_as_what_is_to_be_seen_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stills, "OLDEST", 0.3)
    with watched_door(tmp_path) as door:
        door.camera.lose()
        eventually(lambda: door.ask("/snapshot.jpg").status == 503, "the end of what can be shown")


def test_a_stream_ends_with_its_lease_and_says_so(door: WatchedDoor) -> None:
    token = door.token(seconds=1.0)
    film = door.ask("/live.mp4", token)
    with door.watch(token) as watcher:
        assert texts_until_end(watcher)[-1] == {"end": "expired"}
    assert len(film.read()) > 1000  # and then the end, as HTTP says it
    (one, two) = door.written("watched", 2)
    assert (one["why"], two["why"]) == ("expired", "expired")


def test_whoever_does_not_read_is_cut_off_at_the_end_of_the_lease(door: WatchedDoor) -> None:
    film = door.ask("/live.mp4", door.token(seconds=1.0))
    door.written("watched")
    with suppress(OSError):  # or all of it was still on its way: that is an end too
        while film.read(1 << 16):
            pass
    door.until_viewers(0)


@pytest.mark.parametrize("way", ["message", "request"])
def test_a_new_token_of_the_same_lease_moves_the_end(door: WatchedDoor, way: str) -> None:
    expires = time.time() + 50
    new = door.token(jti="mine", exp=expires)
    with door.watch(door.token(jti="mine", seconds=1.0)) as watcher:
        if way == "message":
            watcher.send(new)
            said = (json.loads(message) for message in watcher if isinstance(message, str))
            assert next(facts for facts in said if "viewers" not in facts) == {"expires": expires}
        else:
            answer = door.ask("/renew", new, "POST")
            assert json.loads(answer.read()) == {"streams": 1, "expires": expires}
        until = time.time() + 1.5
        for message in watcher:
            assert message != '{"end": "expired"}'
            if time.time() > until:
                break
    (line,) = door.written("watched")
    assert line["why"] == "left"


def test_a_token_of_another_lease_moves_nothing(door: WatchedDoor) -> None:
    with door.watch(door.token(jti="mine")) as watcher:
        for token in (door.token(jti="other"), "no token"):
            watcher.send(token)
            said = (json.loads(message) for message in watcher if isinstance(message, str))
            assert next(facts for facts in said if "viewers" not in facts).keys() == {"refused"}
        assert json.loads(door.ask("/renew", door.token(jti="third"), "POST").read())["streams"] == 0


def test_a_lease_can_be_ended_before_its_time_and_its_tokens_are_good_no_more(door: WatchedDoor) -> None:
    token = door.token(jti="mine")
    with door.watch(token) as watcher:
        assert json.loads(door.ask("/end", door.token(jti="mine"), "POST").read()) == {"streams": 1}
        assert texts_until_end(watcher)[-1] == {"end": "revoked"}
    assert door.ask("/live.mp4", token).status == 403


def test_an_issuer_ends_a_lease_by_a_token_that_is_good_for_a_moment_only(door: WatchedDoor) -> None:
    token = door.token(jti="mine")
    with door.watch(token) as watcher:
        assert json.loads(door.ask("/renew", door.token(jti="mine", seconds=1.0), "POST").read())["streams"] == 1
        assert texts_until_end(watcher)[-1] == {"end": "expired"}
    assert door.ask("/live.mp4", token).status == 403


def test_a_lease_and_a_door_have_only_so_much_room(tmp_path: Path) -> None:
    with watched_door(tmp_path, viewers=3) as door:
        token = door.token(viewers=2)
        with door.watch(token), door.watch(token):
            with pytest.raises(InvalidStatus) as refused:
                door.watch(token)
            assert refused.value.response.status_code == 403
            with door.watch():
                assert door.ask("/live.mjpeg").status == 503
        door.until_viewers(0)
        with door.watch(token):
            pass


def test_who_watched_is_written_down_and_published(door: WatchedDoor) -> None:
    with door.watch(door.token(jti="mine", sub="phone1")) as watcher:
        pictures_in(iter(watcher), 3)
    (line,) = door.written("watched")
    told = {"who": "phone1", "by": "homelink:home301", "lease": "mine", "from": HOST, "kind": "live", "why": "left"}
    assert told.items() <= line.items()
    assert line["began"] <= line["time"] < line["until"]
    assert line["pictures"] >= 3
    events = [(event, facts.get("viewers")) for event, facts in door.told]
    assert events == [("watching-open", None), ("watching", 1), ("watched", 0)]


def test_a_visit_shares_the_encoder_with_those_who_watch_and_nothing_begins_anew(door: WatchedDoor) -> None:
    with door.watch() as watcher:
        messages = iter(watcher)
        before = pictures_in(messages, 5)
        assert door.pictures.begin(HOST) is not None
        screen = socket.socket(type=socket.SOCK_DGRAM)
        screen.bind((HOST, 0))
        screen.settimeout(LIMIT)
        port = screen.getsockname()[1]
        door.pictures.send("tag", VideoMedia(HOST, port, port + 1, direction="recvonly"))
        assert len(screen.recv(2000)) > 12
        during = pictures_in(messages, 10)
        door.pictures.end()
        after = pictures_in(messages, 5)
        screen.close()
    shown = numbers([*before, *during, *after])
    assert len(shown) == 20
    assert door.camera.starts == 1


def test_watching_is_encrypted_with_the_doors_certificate_where_sip_is(tmp_path: Path) -> None:
    authority = Community.create(tmp_path / "authority", "Lakeside")
    files = authority.issue(Role.DOOR_STATION, NAME, [HOST], tmp_path / "door")
    tls = {"authority": files.authority, "certificate": files.certificate, "key": files.key}
    with watched_door(tmp_path, tls=tls) as door:
        watcher = door.screen(door.token(seconds=2.0))
        watcher.open()
        come = list(watcher.units())
        watcher.close()
    assert len([unit for unit in come if isinstance(unit, Unit)]) >= 5
    assert come[-1] == Told({"end": "expired"})


def test_watchers_have_what_a_visit_leaves_of_the_processor(door: WatchedDoor) -> None:
    (thread,) = [each for each in threading.enumerate() if each.name == "watching"]
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) == server.NICENESS
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < server.NICENESS


def test_a_door_that_is_switched_off_says_so(tmp_path: Path) -> None:
    with watched_door(tmp_path) as door, door.watch() as watcher:
        pictures_in(iter(watcher), 2)
        door.service.close()
        assert texts_until_end(watcher)[-1] == {"end": "closed"}
        door.service.close()
    assert door.diary("watched")[0]["why"] == "closed"
