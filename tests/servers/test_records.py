"""HomeLink keeps one record of every call (V6)."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from servers.homelink.main import main
from servers.records import Result, records
from servers.records.keeper import caught_up
from tests.servers.calls import answer, end_cancelled, refuse, ring, visit
from tests.servers.homes import Home

pytestmark = [pytest.mark.kamailio, pytest.mark.flow("V6")]


@pytest.mark.parametrize("flavour", ["plain_home", "tls_home"])
def test_an_answered_call(flavour: str, request: pytest.FixtureRequest) -> None:
    home: Home = request.getfixturevalue(flavour)
    screens = [home.screen("indoor1"), home.screen("phone1", "phone")]
    began = datetime.now(UTC)
    call = visit(
        home, "gate", headers="Session-ID: 0123456789abcdef0123456789abcdef;remote=00000000000000000000000000000000"
    )
    (_, at_indoor), (phone, at_phone) = [(screen, ring(screen)) for screen in screens]
    answer(phone, at_phone)
    final = call.final()
    call.ack(final)
    phone.wait_request("ACK")
    end_cancelled(screens[0], at_indoor)
    assert home.record_of(call, Result.ANSWERED).ended is None, "it is still going on"
    call.in_dialog("BYE", final)
    phone.respond(phone.wait_request("BYE"), 200, "OK")
    record = home.record_of(call, lambda one: one.ended is not None)
    assert (record.caller, record.caller_kind, record.called) == ("gate", "door", "home")
    assert (record.result, record.code, record.answered_by) == (Result.ANSWERED, 200, "phone1")
    assert record.session_id == "0123456789abcdef0123456789abcdef"
    assert began <= record.started <= datetime.now(UTC)
    assert record.ended is not None
    assert record.started <= record.ended
    assert 0 <= record.duration < 60


def test_declined_missed_cancelled_and_failed_calls(plain_home: Home) -> None:
    screen = plain_home.screen("indoor1")
    door, login = plain_home.peer("door1"), plain_home.add("door1", "door")

    declined = door.call(plain_home.uri, login)
    refuse(screen, ring(screen), 603, "Decline")
    assert declined.final().status == 603
    assert plain_home.record_of(declined, Result.DECLINED).code == 603

    missed = door.call(plain_home.uri, login)
    end_cancelled(screen, ring(screen))
    assert missed.final().status == 408
    assert plain_home.record_of(missed, Result.NO_ANSWER).code == 408

    cancelled = door.call(plain_home.uri, login)
    invite = ring(screen)
    cancelled.cancel()
    end_cancelled(screen, invite)
    assert cancelled.final().status == 487
    assert plain_home.record_of(cancelled, Result.CANCELLED).code == 487

    plain_home.remove("indoor1")
    failed = door.call(plain_home.uri, login)
    assert failed.final().status == 480
    assert plain_home.record_of(failed, Result.FAILED).code == 480


def test_nothing_is_lost_while_somebody_else_holds_the_file(plain_home: Home) -> None:
    """A backup, or the record keeper: what happens meanwhile waits in Kamailio's memory."""
    screen = plain_home.screen("indoor1")
    locked = plain_home.server.log.count("database is locked")
    with closing(sqlite3.connect(plain_home.site.databases.events, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        call = visit(plain_home)
        answer(screen, ring(screen))
        final = call.final()
        call.ack(final)
        screen.wait_request("ACK")
        call.in_dialog("BYE", final)
        screen.respond(screen.wait_request("BYE"), 200, "OK")
        for _ in range(20):  # tries of the begin, then of the rest
            locked += 1
            plain_home.server.wait_for("database is locked", locked)
        other.execute("ROLLBACK")
    record = plain_home.record_of(call, lambda one: one.ended is not None)
    assert (record.result, record.answered_by) == (Result.ANSWERED, "indoor1")


def test_two_answers_make_one_record(plain_home: Home) -> None:
    before = len(records(plain_home.site))
    screens = [plain_home.screen("indoor1"), plain_home.screen("indoor2")]
    call = visit(plain_home)
    for screen, invite in [(screen, ring(screen)) for screen in screens]:
        answer(screen, invite)
    first, second = call.final(), call.final()
    call.ack(first)
    call.ack(second)
    call.in_dialog("BYE", second)
    call.in_dialog("BYE", first)
    record = plain_home.record_of(call, lambda one: one.ended is not None)
    assert record.answered_by == first.to_tag
    assert len(records(plain_home.site)) == before + 1


def test_hostile_header_text_is_only_text(plain_home: Home) -> None:
    screen = plain_home.screen("indoor1")
    text = "x'); DROP TABLE call; --"
    call = visit(plain_home, headers=f"Session-ID: {text}")
    invite = ring(screen)
    call.cancel()
    end_cancelled(screen, invite)
    assert plain_home.record_of(call, Result.CANCELLED).session_id == text.partition(";")[0]


def test_a_call_that_the_servers_end_interrupted_is_closed(plain_home: Home) -> None:
    screen = plain_home.screen("indoor1")
    call = visit(plain_home)
    ring(screen)
    plain_home.record_of(call, Result.ONGOING)
    os.kill(int((plain_home.site.run_folder / "pid").read_text()), signal.SIGKILL)
    plain_home.server.wait_for("homelink serves", times=plain_home.server.log.count("homelink serves") + 1)
    assert plain_home.record_of(call, Result.FAILED).answered_by == ""


def test_old_records_are_deleted(plain_home: Home) -> None:
    first = visit(plain_home)
    assert first.final().status == 480
    plain_home.record_of(first, Result.FAILED)
    with sqlite3.connect(plain_home.site.databases.store, timeout=10) as database:
        database.execute("UPDATE call SET started = '2000-01-01 00:00:00.000000' WHERE call_id = ?", (first.call_id,))
    database.close()
    with caught_up(plain_home.site) as store:
        store.forget_old()
    assert first.call_id not in [record.call_id for record in records(plain_home.site)]


def test_the_command_lists_them(plain_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    call = visit(plain_home, "gate")
    assert call.final().status == 480
    plain_home.record_of(call, Result.FAILED)
    assert main(["records", "--site", str(plain_home.site_file), "--json", "--limit", "1"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["caller"], one["result"]) for one in listed] == [("gate", "failed")]
    assert listed[0]["started"].endswith("+00:00")
    assert main(["records", "--site", str(plain_home.site_file), "--limit", "1"]) == 0
    assert "gate" in capsys.readouterr().out


def test_the_files_stay_readable_by_sqlite(plain_home: Home) -> None:
    for path in (plain_home.site.databases.events, plain_home.site.databases.store):
        with sqlite3.connect(path) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.close()
