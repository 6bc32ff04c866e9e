"""Uploads: everything arrives whole, once and in order, whatever becomes of the line and of the server."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.items import Event, Item, State
from endpoints.door_station.keeping.quota import Quota
from endpoints.door_station.keeping.store import Store
from endpoints.door_station.keeping.tus import LARGEST, Mismatch, Refused, TusClient, Upload
from endpoints.door_station.keeping.uploader import Uploader
from endpoints.errors import ServiceError
from tests.endpoints.door_station.keeping.tus_server import TOKEN, TusServer, tus_server

LIMIT = 60.0
SESSION = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server() -> Iterator[TusServer]:
    with tus_server() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "kept")
    yield made
    made.close()


@contextmanager
def uploading(
    store: Store, deposits: dict[str, Deposit], busy: Callable[[], bool] = lambda: False, rate: float = 1e9
) -> Iterator[Uploader]:
    uploader = Uploader(lambda: store, lambda: deposits, busy, rate, first_retry=0.02)
    uploader.start()
    yield uploader
    uploader.close()


def wait(seen: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT
    while not seen():
        assert time.monotonic() < limit, "not seen"
        time.sleep(0.01)


def picture(store: Store, flat: str = "301", size: int = 3000) -> Item:
    return store.keep_picture(flat, SESSION, Event.RING, datetime.now(UTC), random.randbytes(size) + b"\xff\xd9")


def waiting(store: Store) -> bool:
    return any(item.state is State.WAITING for item in store.items())


def test_everything_arrives_once_in_order_and_with_what_is_known_of_it(store: Store, server: TusServer) -> None:
    items = [picture(store) for _ in range(5)]
    with uploading(store, {"301": Deposit(server.url, TOKEN)}) as uploader:
        wait(lambda: not waiting(store))
        items.append(picture(store))
        uploader.wake()
        wait(lambda: not waiting(store))
    assert server.finished == [item.label.id for item in items]
    assert {upload.creations for upload in server.uploads.values()} == {1}
    metadata = server.uploads[items[0].label.id].metadata
    assert (metadata["flat"], metadata["session_id"], metadata["event"]) == ("301", SESSION, "ring")
    assert (metadata["filetype"], metadata["size"]) == ("image/jpeg", "3002")
    assert metadata["started"].endswith("Z")
    assert bytes(server.uploads[items[0].label.id].data) == store.path(items[0]).read_bytes()


def test_what_had_to_go_before_the_server_was_back_is_told_once(tmp_path: Path, server: TusServer) -> None:
    store = Store(tmp_path / "kept", Quota(size=7000))
    for _ in range(3):
        picture(store)
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: not waiting(store))
    assert [server.uploads[name].metadata.get("lost") for name in server.finished] == ["1", None]
    store.close()


@pytest.mark.parametrize("keeps_cut_pieces", [True, False])
def test_a_line_that_is_cut_twenty_times_costs_a_twentieth_at_most(server: TusServer, keeps_cut_pieces: bool) -> None:
    size = 20_000_000
    data = random.Random(5).randbytes(size)
    server.keeps_cut_pieces = keeps_cut_pieces
    server.cuts = sorted(random.Random(6).sample(range(size), 20))
    metadata = {"id": "a" * 32, "sha256": hashlib.sha256(data).hexdigest()}
    client, failures = TusClient(Deposit(server.url, TOKEN)), 0
    while not server.finished:
        try:
            client.upload(Upload(size, metadata), BytesIO(data), lambda sent: LARGEST)
        except ServiceError:
            failures += 1
    client.close()
    assert (failures, bytes(server.uploads["a" * 32].data)) == (20, data)
    assert client.sent <= 1.05 * size


def test_a_line_that_is_cut_again_and_again_is_tried_again_as_soon_as_the_first_time(
    store: Store, server: TusServer
) -> None:
    item = picture(store, size=2_000_000)
    server.cuts = [90_000 * number for number in range(1, 21)]  # each time twice as late, it would take hours
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: not waiting(store))
    assert (server.cuts, server.finished) == ([], [item.label.id])


def test_a_server_that_takes_less_than_was_sent_gets_the_rest(server: TusServer) -> None:
    server.takes = 7000
    data = random.randbytes(100_000)
    client = TusClient(Deposit(server.url, TOKEN))
    metadata = {"id": "a" * 32, "sha256": hashlib.sha256(data).hexdigest()}
    client.upload(Upload(len(data), metadata), BytesIO(data), lambda sent: LARGEST)
    client.upload(Upload(len(data), metadata), BytesIO(data), lambda sent: LARGEST)
    client.close()
    assert server.finished == ["a" * 32]


def test_what_arrived_spoilt_is_sent_again_but_not_for_ever(store: Store, server: TusServer) -> None:
    item = picture(store)
    server.spoil = 2
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: not waiting(store))
    assert server.finished == [item.label.id]
    server.spoil = 99
    client = TusClient(Deposit(server.url, TOKEN))
    with pytest.raises(Mismatch):
        client.upload(Upload(4, {"id": "b" * 32, "sha256": "?"}), BytesIO(b"1234"), lambda sent: LARGEST)
    client.close()


def test_a_file_that_rotted_here_is_not_sent_for_ever(store: Store, server: TusServer) -> None:
    item = picture(store)
    store.path(item).write_bytes(bytes(item.size))
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: not waiting(store))
    assert store.items()[0].state is State.DAMAGED


@pytest.mark.parametrize("status", [401, 403, 507, 500, 503])
def test_a_server_that_does_not_want_it_now_gets_it_later(store: Store, server: TusServer, status: int) -> None:
    picture(store)
    server.status = status
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: server.status == 0 or not server.uploads)
        server.status = 0
        wait(lambda: not waiting(store))
    assert store.items()[0].state is State.UPLOADED


def test_what_a_server_refuses_for_good_does_not_hold_up_the_next(store: Store, server: TusServer) -> None:
    first = picture(store)
    server.status = 413
    with uploading(store, {"301": Deposit(server.url, TOKEN)}) as uploader:
        wait(lambda: not waiting(store))
        server.status = 0
        second = picture(store)
        uploader.wake()
        wait(lambda: not waiting(store))
    assert [item.state for item in store.items()] == [State.REFUSED, State.UPLOADED]
    assert (first.label.id in server.uploads, server.finished) == (False, [second.label.id])


def test_a_home_that_is_away_does_not_hold_up_another(store: Store, server: TusServer) -> None:
    picture(store, "301")
    picture(store, "303")
    there = picture(store, "302")
    deposits = {"301": Deposit("http://127.0.0.1:9", TOKEN), "302": Deposit(server.url, TOKEN)}
    with uploading(store, deposits):
        wait(lambda: [item.state for item in store.items()] == [State.WAITING, State.WAITING, State.UPLOADED])
    assert server.finished == [there.label.id]


def test_certificates_that_cannot_be_read_are_tried_again(store: Store, server: TusServer) -> None:
    item, asked = picture(store), list[int]()

    def context() -> None:
        asked.append(1)
        raise FileNotFoundError(2, "No such file or directory")

    deposits = {"301": Deposit("https://127.0.0.1:9", TOKEN)}
    uploader = Uploader(lambda: store, lambda: deposits, lambda: False, 1e9, context, first_retry=0.02)
    uploader.start()
    wait(lambda: len(asked) > 2)
    deposits["301"] = Deposit(server.url, TOKEN)
    wait(lambda: not waiting(store))
    uploader.close()
    assert server.finished == [item.label.id]


def test_a_cut_between_the_last_byte_and_our_note_of_it_doubles_nothing(store: Store, server: TusServer) -> None:
    item = picture(store)
    with uploading(store, {"301": Deposit(server.url, TOKEN)}):
        wait(lambda: not waiting(store))
    store.mark(item, State.WAITING)
    with uploading(store, {"301": Deposit(server.url, TOKEN)}) as uploader:
        wait(lambda: not waiting(store))
    assert (server.finished, uploader.sent) == ([item.label.id], 0)


def test_a_call_has_the_line_and_afterwards_the_upload(store: Store, server: TusServer) -> None:
    picture(store, size=400_000)
    calling = threading.Event()
    calling.set()
    with uploading(store, {"301": Deposit(server.url, TOKEN)}, calling.is_set, rate=8000) as uploader:
        wait(lambda: uploader.sent > 0 or server.received > 0)
        assert server.received <= 32_000
        calling.clear()
        wait(lambda: not waiting(store))


def test_a_server_that_sends_uploads_elsewhere_gets_no_token_there(server: TusServer) -> None:
    client = TusClient(Deposit(server.url + "/", TOKEN))
    with pytest.raises(ServiceError):
        client.upload(Upload(1, {"id": "//elsewhere.example/"}), BytesIO(b"x"), lambda sent: LARGEST)
    client.close()


def test_a_file_that_became_shorter_is_refused(server: TusServer) -> None:
    client = TusClient(Deposit(server.url, TOKEN))
    with pytest.raises(Refused, match="shorter"):
        client.upload(Upload(10, {"id": "c" * 32, "sha256": ""}), BytesIO(b"123"), lambda sent: LARGEST)
    client.close()
