"""Each screen keeps its own calls: who, when, what became of it, with a picture; also over a restart."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from endpoints.config.people import Directory, Flat
from endpoints.resident.compose import compose
from endpoints.screens.app import ScreenApp
from endpoints.screens.call_log import KEPT, WAITING, CallLog, LoggedCall
from endpoints.screens.events import PeopleChanged
from servers.records.handed import Handed
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.screens.test_app import SITE, Gate, decoded, dialled, gate, press, talking, visitor
from tests.endpoints.test_handin import Keeper, keeper
from tests.media.pictures import numbered
from tests.media.streams import eventually

__all__ = ["gate", "keeper"]
Kept = list[dict[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return site_file(tmp_path, SITE)


@contextmanager
def switched_on(site: Path) -> Iterator[Bench[ScreenApp]]:
    """From power on to power off."""
    with pytest.MonkeyPatch.context() as patch, bench("indoor-unit", compose, site, patch) as made:
        made.agent.register()
        made.settle()
        yield made


def calls(hall: Bench[ScreenApp]) -> Kept:
    found = hall.port.ask("state")["calls"]
    assert isinstance(found, list)
    json.dumps(found)
    return found


def screen(hall: Bench[ScreenApp]) -> tuple[str, str]:
    scene = hall.devices["display"].scene
    return scene.title, scene.detail


def guard_called(hall: Bench[ScreenApp]) -> None:
    """A talk with the guard, from the button to its end."""
    press(hall, "guard")
    call = hall.agent.sent("call")[-1].call
    hall.agent.answered(call)
    hall.settle()
    press(hall, "hangup")


@pytest.mark.flow("P4")
def test_a_resident_who_called_the_guard_finds_the_call_on_the_device_after_a_restart(site: Path) -> None:
    with switched_on(site) as hall:
        guard_called(hall)
        (kept,) = calls(hall)
    assert (kept["outgoing"], kept["caller"], kept["why"]) == (True, "the management", "answered")
    assert kept["time"] <= kept["answered"] <= kept["ended"]
    assert len(kept["session_id"]) == 32
    with switched_on(site) as again:
        assert calls(again) == [kept]


def test_a_missed_call_is_still_missed_after_a_restart_until_somebody_looks(site: Path) -> None:
    with switched_on(site) as hall:
        hall.agent.end(visitor(hall), 487)
        hall.settle()
    with switched_on(site) as hall:
        assert hall.devices["display"].scene.detail == "1 missed call, last: Gate 1"
        press(hall, "history")
        assert screen(hall)[0] == "From Gate 1"
        assert screen(hall)[1].startswith("Missed, ")
        press(hall, "history")
    with switched_on(site) as hall:
        assert screen(hall) == ("Hall", "")
        assert len(calls(hall)) == 1


def test_what_became_of_each_call_is_told(site: Path) -> None:
    with switched_on(site) as hall:
        hall.agent.end(talking(hall))
        hall.settle()
        visitor(hall, session_id="s2")
        press(hall, "decline")
        hall.agent.end(visitor(hall, session_id="s3"), 487, elsewhere=True)
        hall.settle()
        press(hall, "dnd")
        visitor(hall, session_id="s4")
        hall.agent.end(dialled(hall, "302#"), 486)
        hall.settle()
        told = [(call["session_id"][:2], call["why"]) for call in calls(hall)]
    assert told[:4] == [
        ("s1", "answered"),
        ("s2", "declined"),
        ("s3", "answered-elsewhere"),
        ("s4", "do not disturb"),
    ]
    assert told[4][1] == "busy"


def test_the_list_shows_the_calls_one_by_one_with_the_visitors_picture(site: Path, gate: Gate) -> None:
    with switched_on(site) as hall:
        call = visitor(hall, gate.offer)
        answer: Any = hall.agent.sent("ring")[0].arguments["video"]
        gate.fanout.add("hall", answer)
        hall.wait(lambda: decoded(hall) > 0 and hall.devices["display"].shown is not None, "the visitor")
        hall.agent.end(call, 487)
        hall.settle()
        guard_called(hall)
    with switched_on(site) as hall:
        press(hall, "history")
        assert screen(hall)[0] == "To the management"
        assert not hall.devices["display"].scene.live
        press(hall, "history")
        assert screen(hall)[1].endswith("2 of 2")
        hall.wait(lambda: hall.devices["display"].shown is not None, "the visitor's picture")
        assert (hall.devices["display"].shown.width, hall.devices["display"].shown.height) == (320, 240)
        hall.pass_time(21)
        assert (hall.app.state.phase, hall.devices["display"].shown) == ("idle", None)


def test_a_call_of_the_list_is_called_back_and_whoever_rings_comes_first(site: Path) -> None:
    with switched_on(site) as hall:
        hall.agent.end(dialled(hall, "302#"), 408)
        hall.settle()
        press(hall, "history")
        press(hall, "call")
        assert hall.agent.sent("call")[-1].arguments["uri"] == "sip:302@home.example"
        press(hall, "hangup")
        press(hall, "history")
        visitor(hall)
        assert screen(hall)[0] == "Gate 1 is calling"


def test_homes_are_called_by_their_names_in_the_directory(site: Path) -> None:
    with switched_on(site) as hall:
        hall.loop.post(PeopleChanged({"302": "Family Weber"}))
        dialled(hall, "302#")
        assert screen(hall)[0] == "Calling Family Weber (302)"
        press(hall, "hangup")
        hall.agent.incoming("sip:302@home.example", "Kitchen", "s9")
        hall.settle()
        assert screen(hall)[0] == "Family Weber (302) is calling"


def test_the_directory_of_before_is_there_at_the_next_start(tmp_path: Path) -> None:
    site = site_file(tmp_path, SITE + '[directory]\nurl = "http://127.0.0.1:9"\n')
    directory = Directory(version=3, flats={"302": Flat(name="Family Weber")})
    (tmp_path / "data").mkdir()
    kept = {"etag": "x", "directory": directory.model_dump(mode="json")}
    (tmp_path / "data" / "directory.json").write_text(json.dumps(kept))
    with switched_on(site) as hall:
        dialled(hall, "302#")
        assert screen(hall)[0] == "Calling Family Weber (302)"


@pytest.mark.flow("P3")
def test_the_record_of_our_own_call_is_handed_in_when_the_server_is_back(tmp_path: Path, keeper: Keeper) -> None:
    site = site_file(tmp_path, SITE.replace("[timers]", f'service = "{keeper.url}"\n[timers]'))
    keeper.status = 503
    with switched_on(site) as hall:
        press(hall, "guard")
        hall.agent.end(hall.agent.sent("call")[-1].call, 503)
        hall.settle()
        (kept,) = calls(hall)
        hall.wait(lambda: keeper.asked > 0, "the server was asked")
    keeper.status = 201
    with switched_on(site):
        keeper.wait_taken(1)
    ((path, record),) = keeper.taken
    assert path == f"/records/{kept['session_id']}-indoor1"
    handed = Handed.model_validate(record)
    assert (handed.called, handed.result, handed.code, handed.session_id) == (
        "guard",
        "failed",
        503,
        kept["session_id"],
    )


def test_a_damaged_or_full_log_keeps_nothing_from_ringing(tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text("[{")
    log = CallLog(tmp_path, calm=0)
    for number in range(KEPT + 3):
        log.add(
            LoggedCall(time=f"2026-01-01T00:00:{number:03}", caller="Gate 1", why="answered"),
            numbered(1) if number < 5 else None,
        )
    assert log.picture("../calls.json") is None
    log.close()
    log.close()
    assert len(CallLog(tmp_path).calls) == KEPT
    assert len(list((tmp_path / "calls").glob("*.jpg"))) <= 5


def test_pictures_of_many_calls_in_a_row_do_not_pile_up(tmp_path: Path) -> None:
    log, many = CallLog(tmp_path, calm=600), 12
    for number in range(many):
        log.add(LoggedCall(time=f"2026-01-01T00:00:{number:02}", caller="Gate 1", why="answered"), numbered(number))
    eventually(lambda: len(list((tmp_path / "calls").glob("*.jpg"))) >= many - WAITING, "most pictures are written")
    log.close()
    assert len(list((tmp_path / "calls").glob("*.jpg"))) == many
