"""Each call becomes one record: whoever tells of it first, however often, and whoever dies in the middle."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from servers.database import Database
from servers.errors import DatabaseError, RecordError
from servers.kamailio.database import Databases, opened
from servers.records.call import Result, Wanted, csv_text
from servers.records.events import EventFile, note_restart
from servers.records.handed import Handed, Teller
from servers.records.store import RecordStore

NOW = datetime.now(UTC)
SESSION = "0123456789abcdef0123456789abcdef"
DOORS = {name: Teller(name, "door") for name in ("door1", "door2")}


class Server:
    """What Kamailio writes, without Kamailio."""

    def __init__(self, folder: Path) -> None:
        databases = Databases(folder)
        databases.prepare()
        self.path = databases.events
        self.file = EventFile(self.path)

    def tell(self, record: str, event: str, /, **facts: str) -> None:
        text = ";".join(f"{name}={value.encode().hex()}" for name, value in facts.items())
        with opened(self.path) as database:
            row = (record, event, f"{datetime.now(UTC).timestamp():.6f}", text)
            database.execute("INSERT INTO event (record, kind, at, facts) VALUES (?, ?, ?, ?)", row)

    def begin(self, record: str, session: str = SESSION, **facts: str) -> None:
        usual = {"session": session, "call_id": f"call-{record}", "caller": "door1", "kind": "door", "called": "home"}
        self.tell(record, "begin", **{**usual, "stage": "home", **facts})

    def answer(self, record: str, by: str = "indoor1") -> None:
        self.tell(record, "answer", by=by)

    def end(self, record: str, result: str = "answered", code: str = "") -> None:
        self.tell(record, "end", result=result, code=code)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "data")


@pytest.fixture
def store(database: Database) -> RecordStore:
    return RecordStore(database, days=365)


def handed(**values: Any) -> Handed:
    return Handed(**{"session_id": SESSION, "stage": "home", "started": NOW, "result": "answered", **values})


def test_a_call_is_followed_from_its_begin_to_its_end(server: Server, store: RecordStore) -> None:
    server.begin("1", called="301")
    store.fold(server.file)
    (going_on,) = store.page(Wanted())
    assert (going_on.result, going_on.ended, going_on.flat) == (Result.ONGOING, None, "301")
    server.answer("1", "phone1")
    server.end("1", code="487")
    store.fold(server.file)
    (over,) = store.page(Wanted())
    assert (over.result, over.code, over.answered_by, over.caller_kind) == (Result.ANSWERED, 200, "phone1", "door")
    assert over.started <= (over.answered or NOW) <= (over.ended or NOW)
    assert over.duration >= 0


def test_the_same_events_are_never_taken_twice(server: Server, store: RecordStore, database: Database) -> None:
    for number in range(700):
        server.begin(str(number), session="")
    assert store.fold(server.file), "there is more than one batch"
    store.fold(server.file)
    again = RecordStore(database, days=365)
    assert not again.fold(server.file)
    server.file.forget(store.folded(server.file.origin))
    server.begin("700", session="")
    again.fold(server.file)
    assert len(store.page(Wanted(), 1000)) == 701


def test_two_servers_in_one_database_do_not_meet(server: Server, store: RecordStore, tmp_path: Path) -> None:
    other = Server(tmp_path / "other")
    server.begin("a", session="1" * 32)
    other.begin("b", session="2" * 32)
    note_restart(other.path)
    for one in (server, other):
        store.fold(one.file)
    assert {record.id: record.result for record in store.page(Wanted())} == {"a": "", "b": "failed"}


def test_a_restart_closes_what_was_going_on(server: Server, store: RecordStore) -> None:
    server.begin("1")
    server.begin("2", session="")
    server.answer("2")
    note_restart(server.path)
    server.begin("3", session="")
    store.fold(server.file)
    found = {record.id: record for record in store.page(Wanted())}
    assert [found[name].result for name in "123"] == [Result.FAILED, Result.ANSWERED, Result.ONGOING]
    assert found["1"].ended == found["1"].started
    assert found["2"].ended == found["2"].answered
    assert found["1"].reason == "server interrupted"


FACTS = {"unlocks": 1, "reason": "hung up", "picture": "1.jpg", "stages": "home answered", "flat": "301"}


@pytest.mark.parametrize("order", list(itertools.permutations(["begin", "hand in", "hand in again"])))
@pytest.mark.parametrize("stage", ["home", ""])
def test_what_a_device_hands_in_joins_what_the_server_saw(
    order: tuple[str, ...], stage: str, server: Server, store: RecordStore
) -> None:
    for step in order:
        if step == "begin":
            server.begin("1")
            server.answer("1", "phone1")
            server.end("1")
            store.fold(server.file)
        else:
            store.hand_in("door1-visit-1", DOORS["door1"], handed(stage=stage, **FACTS))
    (record,) = store.page(Wanted())
    assert (record.answered_by, record.call_id, record.caller_kind) == ("phone1", "call-1", "door")
    assert {name: getattr(record, name) for name in FACTS} == FACTS
    assert record.handed_by == "door1"


def test_a_call_that_the_server_missed_is_what_the_device_says(store: RecordStore) -> None:
    long_ago = NOW - timedelta(hours=2)
    told = handed(started=long_ago, answered=long_ago, ended=long_ago + timedelta(seconds=9), answered_by="indoor1")
    assert store.hand_in("door1-visit-1", DOORS["door1"], told)
    assert not store.hand_in("door1-visit-1", DOORS["door1"], told)
    (record,) = store.page(Wanted())
    assert (record.id, record.caller, record.duration, record.started) == ("door1-visit-1", "door1", 9.0, long_ago)


def test_a_call_that_the_server_died_in_ends_as_the_device_says(server: Server, store: RecordStore) -> None:
    server.begin("1")
    note_restart(server.path)
    store.fold(server.file)
    store.hand_in("door1-visit-1", DOORS["door1"], handed(answered=NOW, ended=NOW, answered_by="indoor1", code=200))
    (record,) = store.page(Wanted())
    assert (record.id, record.result, record.answered_by, record.code) == ("1", Result.ANSWERED, "indoor1", 200)


def test_each_stage_and_each_caller_has_a_record_of_its_own(server: Server, store: RecordStore) -> None:
    server.begin("1", stage="phones")
    server.begin("2", stage="telephone")
    server.begin("3", stage="home", caller="door2")
    store.fold(server.file)
    store.hand_in("door1-home-1", DOORS["door1"], handed(result="failed"))
    store.hand_in("door1-telephone-1", DOORS["door1"], handed(stage="telephone", unlocks=1))
    found = {record.id: (record.caller, record.stage, record.unlocks) for record in store.page(Wanted())}
    assert found == {
        "1": ("door1", "phones", 0),
        "2": ("door1", "telephone", 1),
        "3": ("door2", "home", 0),
        "door1-home-1": ("door1", "home", 0),
    }


def test_nobody_changes_the_record_of_another(server: Server, store: RecordStore) -> None:
    store.hand_in("door1-visit-1", DOORS["door1"], handed())
    with pytest.raises(RecordError, match="another device's"):
        store.hand_in("door1-visit-1", DOORS["door2"], handed(unlocks=5))
    server.begin("1", session="1" * 32)
    store.fold(server.file)
    store.hand_in("door2-visit-1", DOORS["door2"], handed(session_id="1" * 32, unlocks=5))
    assert {record.id: record.unlocks for record in store.page(Wanted())}["1"] == 0


def test_a_clock_that_cannot_be_right_is_set_right(store: RecordStore) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    told = handed(started=epoch, answered=epoch + timedelta(seconds=2), ended=epoch + timedelta(seconds=9))
    store.hand_in("door1-visit-1", DOORS["door1"], told)
    store.forget_old()
    (record,) = store.page(Wanted())
    assert abs((record.ended or epoch) - datetime.now(UTC)) < timedelta(minutes=5)
    assert record.duration == 7.0


def test_server_and_device_telling_at_the_same_moment_make_one_record(server: Server, store: RecordStore) -> None:
    sessions = [f"{number:032x}" for number in range(40)]
    for number, session in enumerate(sessions):
        server.begin(str(number), session=session)

    def hand_in(session: str) -> None:
        store.hand_in(f"door1-{session}", DOORS["door1"], handed(session_id=session))

    with ThreadPoolExecutor(4) as pool:
        folding = pool.submit(store.fold, server.file)
        list(pool.map(hand_in, sessions * 2))
        folding.result()
    store.fold(server.file)
    assert sorted(record.session_id for record in store.page(Wanted())) == sessions


def test_pages_and_filters(server: Server, store: RecordStore) -> None:
    for number in range(25):
        server.begin(f"{number:02}", session="", called="301" if number % 2 else "302")
        server.end(f"{number:02}", "declined" if number % 5 == 0 else "cancelled")
    store.fold(server.file)
    pages, after = [], ""
    while page := store.page(Wanted(), 10, after):
        pages.append([record.id for record in page])
        after = page[-1].id
    assert [len(page) for page in pages] == [10, 10, 5]
    assert list(itertools.chain(*pages)) == [f"{number:02}" for number in reversed(range(25))]
    assert {record.flat for record in store.all(Wanted(flat="301"))} == {"301"}
    assert len(list(store.all(Wanted(result=Result.DECLINED)))) == 5
    assert not store.page(Wanted(since=NOW + timedelta(days=1)))
    assert len(store.page(Wanted(until=NOW + timedelta(days=1)))) == 25
    with pytest.raises(RecordError):
        store.page(Wanted(), 10, "gone")


def test_the_csv_is_safe_for_spreadsheets(server: Server, store: RecordStore) -> None:
    server.begin("1", called="=1+1")
    store.fold(server.file)
    header, line = csv_text(store.page(Wanted())).splitlines()
    assert header.startswith("id,session_id,caller,")
    assert ",'=1+1," in line


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    RecordStore(database, days=1)
    database.migrate("records", [lambda connection: None] * 9)
    with pytest.raises(DatabaseError, match="version 9"):
        RecordStore(database, days=1)


def test_a_failed_migration_changes_nothing(database: Database) -> None:
    def fails(connection: object) -> None:
        raise DatabaseError("no")

    with pytest.raises(DatabaseError):
        database.migrate("part", [lambda connection: None, fails])
    ran: list[int] = []
    database.migrate("part", [lambda connection: ran.append(1), lambda connection: ran.append(2)])
    assert ran == [1, 2]


@pytest.mark.parametrize("url", ["nonsense", "oracle://a:geheim@b/c", "postgresql://a:geheim@127.0.0.1:1/c"])
def test_a_database_that_cannot_be_used_is_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        RecordStore(Database(url), days=1)
    assert "geheim" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
