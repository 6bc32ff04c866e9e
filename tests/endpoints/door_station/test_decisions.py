"""The door station's decisions as tables: state and event in, state and actions out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from endpoints.actions import CancelTimer, HangUp, Publish, StartTimer, StartVoice, Tone
from endpoints.door_station import actions as do
from endpoints.door_station.chain import Home, Outcome, Way
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import (
    CallPressed,
    CaseMoved,
    CodeChecked,
    DoorEvent,
    DoorMoved,
    ExitPressed,
    UnlockGranted,
)
from endpoints.door_station.state import Door, Phase, Rules, signal_of, tone_of
from endpoints.events import CallFailed, CallPlaced, DeviceLost, DeviceReturned, KeyPressed, TimerExpired
from endpoints.sip.agent import (
    Answered,
    AudioStarted,
    EarlyMedia,
    Ended,
    Held,
    InfoReceived,
    KeyFrameWanted,
    Registered,
    RegistrationLost,
    Ringing,
    VideoChanged,
)
from endpoints.unlock import UNLOCK_TYPE
from hal.indicator import Signal
from media.description import VideoMedia
from media.tones import Tone as KnownTone

RULES = Rules(call_flat="301", wrong_codes=3)
KEYS = {"indoor1": "KEY"}
HOME = Way("home", "sip:home@h")
HOMES = {number: Home(number, (HOME,), KEYS) for number in ("3", "301", "12")}
IDLE = Door(RULES, HOMES)
CALLING = replace(IDLE, phase=Phase.CALLING, flat="301", call="c1", ways=(HOME,), keys=KEYS)
RINGING = replace(CALLING, phase=Phase.RINGING)
TWO_SCREENS = replace(RINGING, screens=frozenset({"a", "b"}))
TALKING = replace(CALLING, phase=Phase.TALKING, branch="a", screens=frozenset({"a"}))
CHECKING = replace(IDLE, phase=Phase.CHECKING)
ENDED = replace(IDLE, phase=Phase.ENDED, outcome=Outcome.BUSY)
CALL = do.Call("301", HOME, KEYS)
SCREEN = VideoMedia("127.0.0.1", 4000, 4001, direction="recvonly")
MOVED = VideoMedia("127.0.0.1", 5000, 5001, direction="recvonly")


def rows(table: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[1:] for row in table]


def ids(table: Sequence[tuple[Any, ...]]) -> list[str]:
    return [row[0] for row in table]


def dialled(digits: str) -> Door:
    return replace(IDLE, phase=Phase.DIALLING, dialled=digits)


def after(state: Door, *events: DoorEvent) -> Door:
    for event in events:
        state, _ = next_step(state, event)
    return state


def typed(state: Door, keys: str) -> tuple[Door, list[do.DoorAction]]:
    all_actions: list[do.DoorAction] = []
    for key in keys:
        state, actions = next_step(state, KeyPressed(key))
        all_actions += actions
    return state, all_actions


PHASES: list[tuple[str, Door, DoorEvent, Phase, Outcome]] = [
    ("a digit begins to dial", IDLE, KeyPressed("3"), Phase.DIALLING, Outcome.NONE),
    ("# alone does nothing", IDLE, KeyPressed("#"), Phase.IDLE, Outcome.NONE),
    ("# calls a flat", dialled("301"), KeyPressed("#"), Phase.CALLING, Outcome.NONE),
    ("* takes back what was dialled", dialled("30"), KeyPressed("*"), Phase.IDLE, Outcome.NONE),
    ("the call button confirms", dialled("12"), CallPressed(), Phase.CALLING, Outcome.NONE),
    ("a wrong flat gets a sign", dialled("99"), KeyPressed("#"), Phase.ENDED, Outcome.WRONG_FLAT),
    ("time-out calls a whole number", dialled("301"), TimerExpired("dialling"), Phase.CALLING, Outcome.NONE),
    ("not if a longer one exists", dialled("3"), TimerExpired("dialling"), Phase.ENDED, Outcome.DIALLING_TIMED_OUT),
    ("not half a number", dialled("30"), TimerExpired("dialling"), Phase.ENDED, Outcome.DIALLING_TIMED_OUT),
    ("nor a code", dialled("*12"), TimerExpired("dialling"), Phase.ENDED, Outcome.DIALLING_TIMED_OUT),
    ("no endless number", dialled("1" * 16), KeyPressed("1"), Phase.ENDED, Outcome.WRONG_FLAT),
    ("the call button calls its flat", IDLE, CallPressed(), Phase.CALLING, Outcome.NONE),
    ("a code is checked", dialled("*1234"), KeyPressed("#"), Phase.CHECKING, Outcome.NONE),
    ("an empty code is none", dialled("*"), KeyPressed("#"), Phase.IDLE, Outcome.NONE),
    ("a right code", CHECKING, CodeChecked("family"), Phase.IDLE, Outcome.NONE),
    ("a wrong code", CHECKING, CodeChecked(""), Phase.ENDED, Outcome.WRONG_CODE),
    ("keys wait for the check", CHECKING, KeyPressed("1"), Phase.CHECKING, Outcome.NONE),
    ("the call button waits too", CHECKING, CallPressed(), Phase.CHECKING, Outcome.NONE),
    ("a branch rings", CALLING, Ringing("c1", 180, "a"), Phase.RINGING, Outcome.NONE),
    ("a 183 alone means ringing", CALLING, EarlyMedia("c1", "a", SCREEN, "x"), Phase.RINGING, Outcome.NONE),
    ("answered at once", CALLING, Answered("c1", "a", SCREEN), Phase.TALKING, Outcome.NONE),
    ("answered", RINGING, Answered("c1", "a", SCREEN), Phase.TALKING, Outcome.NONE),
    ("no provisional answer", CALLING, TimerExpired("calling"), Phase.ENDED, Outcome.UNREACHABLE),
    ("HomeLink is down", CALLING, Ended("c1", 503, "Service Unavailable"), Phase.ENDED, Outcome.UNREACHABLE),
    ("the call cannot be sent", CALLING, CallFailed("no transport"), Phase.ENDED, Outcome.UNREACHABLE),
    ("nobody is registered", CALLING, Ended("c1", 480, ""), Phase.ENDED, Outcome.UNREACHABLE),
    ("all decline", RINGING, Ended("c1", 603, "Decline"), Phase.ENDED, Outcome.DECLINED),
    ("all busy", RINGING, Ended("c1", 486, "Busy Here"), Phase.ENDED, Outcome.BUSY),
    ("HomeLink gave up ringing", RINGING, Ended("c1", 408, ""), Phase.ENDED, Outcome.NO_ANSWER),
    ("rang long enough", RINGING, TimerExpired("total"), Phase.ENDED, Outcome.NO_ANSWER),
    ("talked long enough", TALKING, TimerExpired("talking"), Phase.ENDED, Outcome.TIME_OVER),
    ("* gives up while calling", CALLING, KeyPressed("*"), Phase.IDLE, Outcome.CANCELLED),
    ("* gives up while ringing", RINGING, KeyPressed("*"), Phase.IDLE, Outcome.CANCELLED),
    ("* hangs up", TALKING, KeyPressed("*"), Phase.IDLE, Outcome.HUNG_UP),
    ("the call button hangs up", TALKING, CallPressed(), Phase.IDLE, Outcome.HUNG_UP),
    ("the resident hangs up", TALKING, Ended("c1", 200, ""), Phase.IDLE, Outcome.HUNG_UP),
    ("digits in a call are nothing", TALKING, KeyPressed("7"), Phase.TALKING, Outcome.NONE),
    ("the sign goes", ENDED, TimerExpired("ended"), Phase.IDLE, Outcome.BUSY),
    ("the next visitor need not wait", ENDED, KeyPressed("3"), Phase.DIALLING, Outcome.NONE),
    ("the camera goes in a call", TALKING, DeviceLost("camera", "unplugged"), Phase.TALKING, Outcome.NONE),
    ("the case is opened in a call", TALKING, CaseMoved(True), Phase.TALKING, Outcome.NONE),
    ("the server goes in a call", TALKING, RegistrationLost(503, "", False), Phase.TALKING, Outcome.NONE),
]


@pytest.mark.parametrize(("state", "event", "phase", "outcome"), rows(PHASES), ids=ids(PHASES))
def test_phases(state: Door, event: DoorEvent, phase: Phase, outcome: Outcome) -> None:
    reached = after(state, event)
    assert (reached.phase, reached.outcome) == (phase, outcome)


LOST_CAMERA = {"device": "camera", "why": "x"}
FIRST_ACTIONS: list[tuple[str, Door, DoorEvent, tuple[Any, ...]]] = [
    ("the INVITE comes before everything", dialled("301"), KeyPressed("#"), (CALL,)),
    ("the picture goes out at once", RINGING, EarlyMedia("c1", "b", SCREEN, "x"), (do.SendVideo("b", SCREEN),)),
    ("a branch may move", TWO_SCREENS, EarlyMedia("c1", "a", MOVED, "x"), (do.SendVideo("a", MOVED),)),
    ("a branch may stop it", TWO_SCREENS, EarlyMedia("c1", "a", None, "x"), (do.StopVideo("a"),)),
    (
        "only the winner keeps the picture, where its 200 wants it",
        TWO_SCREENS,
        Answered("c1", "a", MOVED),
        (do.KeepOnly("a"), do.SendVideo("a", MOVED), StartVoice()),
    ),
    (
        "a winner without video",
        TWO_SCREENS,
        Answered("c1", "c", None),
        (do.KeepOnly("c"), do.StopVideo("c"), StartVoice()),
    ),
    ("video moves in the call", TALKING, VideoChanged("c1", MOVED), (do.SendVideo("a", MOVED),)),
    ("video stops in the call", TALKING, VideoChanged("c1", None), (do.StopVideo("a"),)),
    ("a key frame is wanted", RINGING, KeyFrameWanted("c1"), (do.KeyFrame(),)),
    ("giving up", RINGING, KeyPressed("*"), (HangUp("c1", "cancelled"), do.EndVisit())),
    ("nobody answered", RINGING, TimerExpired("total"), (HangUp("c1", "no-answer"), do.EndVisit())),
    ("the other side ended it", RINGING, Ended("c1", 603, ""), (do.EndVisit(),)),
    ("an answer after the time-out", ENDED, Answered("c1", "a", SCREEN), (HangUp("c1", "the visitor has gone"),)),
    ("a late answer of an older call", TALKING, Answered("c0", "z", None), (HangUp("c0", "the visitor has gone"),)),
    ("the exit button", IDLE, ExitPressed(), (do.PulseLock("exit-button", ""),)),
    ("the exit button in a call", TALKING, ExitPressed(), (do.PulseLock("exit-button", ""),)),
    ("a proven device", TALKING, UnlockGranted("indoor1"), (do.PulseLock("sip", "indoor1"),)),
    ("a right code opens", CHECKING, CodeChecked("family"), (do.PulseLock("code", "family"),)),
    ("a wrong code is written down", CHECKING, CodeChecked(""), (do.NoteRefusal("code", "wrong code"),)),
    ("unlock in the call", TALKING, InfoReceived("c1", UNLOCK_TYPE, "{}"), (do.JudgeUnlock("c1", "{}", True),)),
    ("unlock too early", RINGING, InfoReceived("c1", UNLOCK_TYPE, "{}"), (do.JudgeUnlock("c1", "{}", False),)),
    ("unlock too late", IDLE, InfoReceived("c1", UNLOCK_TYPE, "{}"), (do.JudgeUnlock("c1", "{}", False),)),
    ("unlock of another call", TALKING, InfoReceived("c9", UNLOCK_TYPE, "{}"), (do.JudgeUnlock("c9", "{}", False),)),
    ("the camera is gone", RINGING, DeviceLost("camera", "x"), (Publish("device-lost", LOST_CAMERA),)),
]  # fmt: skip


@pytest.mark.parametrize(("state", "event", "first"), rows(FIRST_ACTIONS), ids=ids(FIRST_ACTIONS))
def test_first_actions(state: Door, event: DoorEvent, first: tuple[Any, ...]) -> None:
    assert next_step(state, event)[1][: len(first)] == first


UNEXPECTED: list[tuple[Door, DoorEvent]] = [
    (IDLE, Ringing("c1", 180, "a")),
    (IDLE, Ended("c1", 487, "")),
    (TALKING, Answered("c1", "b", None)),
    (TALKING, EarlyMedia("c1", "b", SCREEN, "x")),
    (RINGING, VideoChanged("c1", SCREEN)),
    (RINGING, KeyPressed("5")),
    (IDLE, CodeChecked("family")),
    (IDLE, TimerExpired("ringing")),
    (IDLE, TimerExpired("total")),
    (TALKING, TimerExpired("total")),
    (IDLE, TimerExpired("unheard-of")),
    (TALKING, InfoReceived("c1", "text/plain", "hello")),
    (TALKING, Ended("c0", 200, "")),
]


@pytest.mark.parametrize(("state", "event"), UNEXPECTED, ids=[f"{s.phase}-{type(e).__name__}" for s, e in UNEXPECTED])
def test_an_unexpected_event_changes_nothing(state: Door, event: DoorEvent) -> None:
    reached, actions = next_step(state, event)
    assert reached is state
    assert actions == ()


def test_a_visit_from_the_first_key_to_the_end() -> None:
    state, actions = typed(IDLE, "301#")
    assert CALL in actions
    state = after(state, CallPlaced("c7"), Ringing("c7", 183, "a"), EarlyMedia("c7", "a", SCREEN, "x"))
    state = after(state, EarlyMedia("c7", "b", SCREEN, "y"), Answered("c7", "b", SCREEN), AudioStarted("c7"))
    assert (state.phase, state.branch, state.screens) == (Phase.TALKING, "b", frozenset({"b"}))
    state = after(state, Held("c7", True), UnlockGranted("phone"), TimerExpired("relock"), Ended("c7", 200, ""))
    assert (state.phase, state.call, state.screens, state.unlocked) == (Phase.IDLE, "", frozenset(), False)


def test_a_correction_while_dialling() -> None:
    assert do.Call("12", HOME, KEYS) in typed(IDLE, "30*12#")[1]


def test_a_second_press_never_makes_a_second_call() -> None:
    state, _ = next_step(IDLE, CallPressed())
    again, actions = next_step(state, CallPressed())
    assert (again, actions) == (state, ())
    calls = [action for action in typed(state, "301#")[1] if isinstance(action, do.Call)]
    assert calls == []


def test_a_press_after_a_while_ends_the_visit() -> None:
    state = after(IDLE, CallPressed(), CallPlaced("c1"), TimerExpired("hurry"))
    reached, actions = next_step(state, CallPressed())
    assert reached.phase is Phase.IDLE
    assert actions[0] == HangUp("c1", "cancelled")


def test_without_a_flat_of_its_own_the_call_button_alone_is_refused() -> None:
    assert after(Door(replace(RULES, call_flat=""), HOMES), CallPressed()).outcome is Outcome.WRONG_FLAT


def test_each_phase_starts_its_timer_and_cancels_the_one_before() -> None:
    _, actions = next_step(CALLING, Ringing("c1", 180, "a"))
    assert CancelTimer("calling") in actions
    assert StartTimer("dialling", RULES.dial) in next_step(dialled("3"), KeyPressed("0"))[1]


def test_a_second_ringing_branch_does_not_prolong_the_ringing() -> None:
    _, actions = next_step(RINGING, Ringing("c1", 180, "b"))
    assert actions == (Publish("ringing", {"call": "c1", "to_tag": "b", "code": 180}),)


def enter_code(state: Door, name: str = "") -> tuple[Door, list[do.DoorAction]]:
    state, actions = typed(state, "*1234#")
    state, more = next_step(state, CodeChecked(name))
    return state, [*actions, *more]


def test_wrong_codes_lock_the_codes_out_over_visits_but_not_the_calls() -> None:
    state, _ = enter_code(IDLE)
    state = after(state, KeyPressed("3"), KeyPressed("*"))
    state, _ = enter_code(state)
    state, actions = enter_code(state)
    assert state.locked_out
    assert StartTimer("lockout", RULES.lockout) in actions
    state, actions = typed(state, "*1234#")
    assert state.outcome is Outcome.LOCKED_OUT
    assert do.CheckCode("1234") not in actions
    assert do.NoteRefusal("code", "locked out") in actions
    assert CALL in typed(state, "301#")[1]
    state = after(state, TimerExpired("lockout"))
    assert do.CheckCode("1234") in typed(state, "*1234#")[1]


def test_a_right_code_forgives_the_wrong_ones() -> None:
    state, _ = enter_code(enter_code(IDLE)[0])
    state, actions = enter_code(state, "family")
    assert state.wrong_codes == 0
    assert do.PulseLock("code", "family") in actions
    assert not enter_code(state)[0].locked_out


def test_a_door_left_open_raises_an_alarm_until_it_is_shut() -> None:
    state, actions = next_step(IDLE, DoorMoved(True))
    assert actions[0] == StartTimer("door-open", RULES.door_open)
    state, actions = next_step(state, TimerExpired("door-open"))
    assert actions == (
        Publish("alarm", {"alarm": "door-left-open", "on": True}),
        do.Show(Signal.ALARM),
        Tone("alarm"),
    )
    state, actions = next_step(state, DoorMoved(False))
    assert actions[:1] == (CancelTimer("door-open"),)
    assert actions[-3:] == (
        Publish("alarm", {"alarm": "door-left-open", "on": False}),
        do.Show(Signal.IDLE),
        Tone(None),
    )
    assert state == IDLE


def test_an_opened_case_raises_an_alarm_once() -> None:
    state = after(IDLE, CaseMoved(True))
    assert signal_of(state) is Signal.ALARM
    assert next_step(state, CaseMoved(True)) == (state, ())
    assert signal_of(after(state, CaseMoved(False))) is Signal.IDLE


def test_registration_is_a_fact() -> None:
    assert after(IDLE, Registered()).registered
    assert not after(IDLE, Registered(), RegistrationLost(503, "", False)).registered


def test_a_lost_device_shows_while_nobody_visits() -> None:
    state = after(IDLE, DeviceLost("camera", "unplugged"))
    assert signal_of(state) is Signal.FAULT
    assert signal_of(after(state, CallPressed())) is Signal.CALLING
    assert signal_of(after(state, DeviceReturned("camera"))) is Signal.IDLE


def test_a_chime_is_not_cut_off_by_the_end_of_the_tone_before() -> None:
    ended = replace(ENDED, outcome=Outcome.WRONG_CODE)
    assert [a for a in next_step(ended, KeyPressed("3"))[1] if isinstance(a, Tone)] == [Tone("beep")]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_tone_that_exists(outcome: Outcome) -> None:
    assert tone_of(replace(ENDED, outcome=outcome)) in set(KnownTone)


@pytest.mark.parametrize("name", ["beep", "confirm", "alarm", "ringback"])
def test_the_tones_asked_for_exist(name: str) -> None:
    assert name in set(KnownTone)
