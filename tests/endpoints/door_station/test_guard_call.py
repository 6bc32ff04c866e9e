"""A guard calls a door station: whom it answers, what it shows and says, and that a visitor always comes first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endpoints.actions import Answer, HangUp, Reject, Say, StartTimer, StartVoice, TellTransfer
from endpoints.door_station import actions as do
from endpoints.door_station.app import DoorApp
from endpoints.door_station.chain import Home, Outcome, Way
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import CallPressed, DoorEvent
from endpoints.door_station.main import compose
from endpoints.door_station.state import Door, Phase, Rules, signal_of, tone_of
from endpoints.events import KeyPressed, TimerExpired
from endpoints.sip.agent import Answered, Ended, IncomingCall, InfoReceived, TransferAsked, VideoChanged
from endpoints.unlock import UNLOCK_TYPE
from hal.indicator import Signal
from media.description import VideoMedia
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.door_station.test_app import PEOPLE, SITE, Screen, lamp

SCREEN = VideoMedia("127.0.0.1", 4000, 4001, direction="recvonly")
GUARD = IncomingCall("g", "sip:desk1@lakeside", "Gate house", "s", SCREEN, kind="console")
HOME = Way("home", "sip:home@h")
IDLE = Door(Rules(call_flat="301"), {"301": Home("301", (HOME,))})
RING = replace(IDLE, rules=Rules(call_flat="301", guard_calls="ring"))
CALLED = replace(RING, phase=Phase.CALLED, call="g")
GUARDED = replace(IDLE, phase=Phase.GUARDED, call="g", branch="guard", screens=frozenset({"guard"}))


def after(state: Door, *events: DoorEvent) -> Door:
    for event in events:
        state, _ = next_step(state, event)
    return state


@pytest.mark.flow("G1")
def test_a_door_answers_its_guard_by_itself_shows_its_picture_and_says_so() -> None:
    state, actions = next_step(IDLE, GUARD)
    assert actions[:3:2] == (do.Admit("g", SCREEN, False), Answer("g"))
    assert (state.phase, signal_of(state)) == (Phase.ACCEPTING, Signal.TALKING)
    state, actions = next_step(state, Answered("g", "", SCREEN))
    assert actions[:4] == (
        do.KeepOnly("guard"), do.SendVideo("guard", SCREEN), StartVoice(), Say(("guard-speaks",))
    )  # fmt: skip
    assert (state.phase, signal_of(state), tone_of(state)) == (Phase.GUARDED, Signal.TALKING, None)
    assert after(state, VideoChanged("g", None)).screens == frozenset()
    assert after(state, Ended("g", 200, "")) == replace(IDLE, outcome=Outcome.HUNG_UP)


def test_it_rings_where_the_owner_wants_somebody_to_answer() -> None:
    state, actions = next_step(RING, GUARD)
    assert actions[0] == do.Admit("g", SCREEN, True)
    assert (state, tone_of(state), signal_of(state)) == (CALLED, "ring", Signal.CALLING)
    answered, actions = next_step(state, CallPressed())
    assert actions[:2] == (Answer("g"), StartTimer("hurry", 2.0))
    assert after(answered, CallPressed()) is answered, "a second press of an impatient hand"
    unanswered, actions = next_step(state, TimerExpired("called"))
    assert actions[0] == Reject("g", 480)
    assert (unanswered.phase, unanswered.outcome) == (Phase.IDLE, Outcome.NO_ANSWER)


STRANGERS = [replace(GUARD, kind=kind) for kind in ("", "indoor", "door", "phone", "guest")]


@pytest.mark.parametrize("call", STRANGERS, ids=[call.kind or "from elsewhere" for call in STRANGERS])
def test_nobody_but_a_guard_calls_a_door(call: IncomingCall) -> None:
    for state in (IDLE, RING, GUARDED):
        same, actions = next_step(state, replace(call, call="x"))
        assert same is state
        assert actions[0] == Reject("x", 403)


BUSY: list[tuple[str, Door, int]] = [
    ("somebody types", replace(IDLE, phase=Phase.DIALLING, dialled="3"), 486),
    ("a code is checked", replace(IDLE, phase=Phase.CHECKING), 486),
    ("a visitor calls", replace(IDLE, phase=Phase.RINGING, call="v", ways=(HOME,)), 486),
    ("a visitor talks", replace(IDLE, phase=Phase.TALKING, call="v", ways=(HOME,)), 486),
    ("another guard is there", replace(GUARDED, call="other"), 486),
    ("the owner does not want it", replace(IDLE, rules=Rules(guard_calls="refuse")), 480),
]


@pytest.mark.parametrize(("state", "code"), [row[1:] for row in BUSY], ids=[row[0] for row in BUSY])
def test_a_guard_is_refused_while(state: Door, code: int) -> None:
    same, actions = next_step(state, GUARD)
    assert same is state
    assert actions[0] == Reject("g", code)


PRESSED: list[tuple[str, DoorEvent, Phase, str]] = [
    ("the call button calls its flat", CallPressed(), Phase.CALLING, ""),
    ("a digit begins to dial", KeyPressed("3"), Phase.DIALLING, "3"),
    ("a star begins a door code", KeyPressed("*"), Phase.DIALLING, "*"),
    ("a hash only ends the guard's call", KeyPressed("#"), Phase.IDLE, ""),
]


@pytest.mark.parametrize(("event", "phase", "dialled"), [row[1:] for row in PRESSED], ids=[row[0] for row in PRESSED])
def test_a_visitor_comes_first(event: DoorEvent, phase: Phase, dialled: str) -> None:
    state, actions = next_step(GUARDED, event)
    assert actions[:2] == (HangUp("g", "visitor-first"), do.EndVisit())
    assert (state.phase, state.dialled) == (phase, dialled)
    assert after(state, Ended("g", 200, "")) is state, "the guard's call was another one"


def test_a_visitor_who_types_while_it_rings_comes_first_too() -> None:
    state, actions = next_step(CALLED, KeyPressed("3"))
    assert actions[:2] == (Reject("g", 480), do.EndVisit())
    assert state.dialled == "3"


def test_it_ends_after_the_time_of_a_talk() -> None:
    state, actions = next_step(GUARDED, TimerExpired("guarded"))
    assert actions[0] == HangUp("g", "time-over")
    assert state.phase is Phase.IDLE


def test_a_guards_call_opens_nothing_and_is_passed_on_to_nobody() -> None:
    assert next_step(GUARDED, InfoReceived("g", UNLOCK_TYPE, "x")) == (GUARDED, (do.JudgeUnlock("g", "x", False),))
    asked = TransferAsked("g", "sip:302@lakeside", "sip:desk1@lakeside")
    assert next_step(GUARDED, asked)[1] == (TellTransfer("g", 603, "Not now"),)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    (tmp_path / "people.toml").write_text(PEOPLE)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        yield made


def test_the_guard_sees_and_hears_the_door_until_a_visitor_calls(door: Bench[DoorApp]) -> None:
    screen = Screen()
    call = door.agent.incoming("sip:desk1@lakeside", "Gate house", video=screen.media, kind="console")
    door.settle()
    ours = door.agent.wait_for("answer").arguments["video"]
    assert isinstance(ours, VideoMedia)
    assert ours.direction == "sendonly"
    door.agent.answered(call, "", screen.media)
    door.settle()
    door.wait(screen.sees, "the picture at the guard's screen")
    assert door.devices["microphone"].running
    assert lamp(door) is Signal.TALKING
    door.devices["keypad"].type("301#")
    door.settle()
    assert [command.name for command in door.agent.commands if command.name in ("hang_up", "call")] == [
        "hang_up", "call"
    ]  # fmt: skip
    assert door.app.state.call != call
    assert door.app.state.phase == "calling"
    assert not door.devices["lock"].pulses
    screen.socket.close()


def test_switching_off_ends_the_guards_call(door: Bench[DoorApp]) -> None:
    call = door.agent.incoming(kind="console")
    door.agent.answered(call, "")
    door.settle()
    door.app.close()
    assert door.agent.sent("hang_up")[-1].call == call
