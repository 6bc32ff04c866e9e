"""The decisions of indoor unit and phone as tables: state and event in, state and actions out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from endpoints.actions import Answer, CancelTimer, Complain, HangUp, Publish, Reject, Say, StartTimer, Tone
from endpoints.events import DeviceLost, DeviceReturned, TimerExpired
from endpoints.resident.decisions import RESIDENT
from endpoints.screens import actions as do
from endpoints.screens.call_log import TAKEN
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.scenes import scene_of, tone_of
from endpoints.screens.state import Outcome, Phase, Rules, Station
from endpoints.sip.agent import (
    Answered,
    AudioStarted,
    Ended,
    Held,
    IncomingCall,
    InfoReceived,
    Registered,
    RegistrationLost,
    VideoChanged,
)
from endpoints.unlock import RESULT_TYPE, Result
from media.description import VideoMedia
from media.tones import Tone as KnownTone

GATE = ("Gate 1", "sip:gate1@home")
DOOR = VideoMedia("127.0.0.1", 4000, 4001)
MOVED = VideoMedia("127.0.0.1", 5000, 5001)
INVITE = IncomingCall("c1", "sip:gate1@home", "Gate 1", "s1", DOOR, {"x-intercom-challenge": "once"})
OTHER = IncomingCall("c2", "sip:gate2@home", "", "s2", None)
IDLE = Station(Rules(name="Hall"))
RINGING = replace(
    IDLE, phase=Phase.RINGING, call="c1", caller="Gate 1", address="sip:gate1@home", session_id="s1",
    challenge="once", live=True, last_caller="sip:gate1@home",
)  # fmt: skip
ANSWERING = replace(RINGING, phase=Phase.ANSWERING)
TALKING = replace(RINGING, phase=Phase.TALKING)
UNLOCKING = replace(TALKING, unlocking=True)
MISSED = replace(IDLE, phase=Phase.ENDED, outcome=Outcome.MISSED, missed=1, last_missed="Gate 1")
QUIET = replace(IDLE, do_not_disturb=True)
SILENT_DOOR = replace(TALKING, challenge="")


next_step = RESIDENT.next_step


def press(button: Button) -> ButtonPressed:
    return ButtonPressed(button)


def result(granted: bool, reason: str, challenge: str = "next") -> InfoReceived:
    return InfoReceived("c1", RESULT_TYPE, Result(granted, reason, challenge).to_json())


def after(state: Station, *events: ScreenEvent) -> Station:
    for event in events:
        state, _ = next_step(state, event)
    return state


def rows(table: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[1:] for row in table]


def ids(table: Sequence[tuple[Any, ...]]) -> list[str]:
    return [row[0] for row in table]


PHASES: list[tuple[str, Station, ScreenEvent, Phase, Outcome]] = [
    ("a visitor calls", IDLE, INVITE, Phase.RINGING, Outcome.NONE),
    ("while the last call is shown", MISSED, INVITE, Phase.RINGING, Outcome.NONE),
    ("not to be disturbed", QUIET, INVITE, Phase.IDLE, Outcome.NONE),
    ("answer", RINGING, press(Button.ANSWER), Phase.ANSWERING, Outcome.NONE),
    ("decline", RINGING, press(Button.DECLINE), Phase.IDLE, Outcome.DECLINED),
    ("hang up instead of decline", RINGING, press(Button.HANGUP), Phase.IDLE, Outcome.DECLINED),
    ("the visitor goes", RINGING, Ended("c1", 487, ""), Phase.ENDED, Outcome.MISSED),
    ("another device answers", RINGING, Ended("c1", 487, "", elsewhere=True), Phase.ENDED, Outcome.ELSEWHERE),
    ("the caller's end got lost", RINGING, TimerExpired("ringing"), Phase.ENDED, Outcome.MISSED),
    ("no talk before the answer", RINGING, Answered("c1", "", DOOR), Phase.RINGING, Outcome.NONE),
    ("the call is confirmed", ANSWERING, Answered("c1", "", DOOR), Phase.TALKING, Outcome.NONE),
    ("another one was first", ANSWERING, Ended("c1", 200, "", elsewhere=True), Phase.ENDED, Outcome.ELSEWHERE),
    ("another one was a little faster", TALKING, Ended("c1", 200, "", elsewhere=True), Phase.ENDED, Outcome.ELSEWHERE),
    ("gone in the moment of answering", ANSWERING, Ended("c1", 487, ""), Phase.ENDED, Outcome.HUNG_UP),
    ("hang up before it is confirmed", ANSWERING, press(Button.HANGUP), Phase.IDLE, Outcome.HUNG_UP),
    ("hang up", TALKING, press(Button.HANGUP), Phase.IDLE, Outcome.HUNG_UP),
    ("the only red button", TALKING, press(Button.DECLINE), Phase.IDLE, Outcome.HUNG_UP),
    ("the other side hangs up", TALKING, Ended("c1", 200, ""), Phase.ENDED, Outcome.HUNG_UP),
    ("the connection breaks", TALKING, Ended("c1", 480, "gone"), Phase.ENDED, Outcome.LOST),
    ("the end is shown for a while", MISSED, TimerExpired("ended"), Phase.IDLE, Outcome.MISSED),
    ("or until somebody has seen it", MISSED, press(Button.HANGUP), Phase.IDLE, Outcome.MISSED),
    ("a second visitor", TALKING, OTHER, Phase.TALKING, Outcome.NONE),
    ("a second visitor while it rings", RINGING, OTHER, Phase.RINGING, Outcome.NONE),
    ("the microphone is lost", TALKING, DeviceLost("microphone", "x"), Phase.TALKING, Outcome.NONE),
    ("the server is lost", TALKING, RegistrationLost(503, "", False), Phase.TALKING, Outcome.NONE),
]


@pytest.mark.parametrize(("state", "event", "phase", "outcome"), rows(PHASES), ids=ids(PHASES))
def test_phases(state: Station, event: ScreenEvent, phase: Phase, outcome: Outcome) -> None:
    reached = after(state, event)
    assert (reached.phase, reached.outcome) == (phase, outcome)


GIVEN_UP = "nobody wants this call any more"
NOT_JSON = Complain("an unlock message that is not JSON")
FIRST_ACTIONS: list[tuple[str, Station, ScreenEvent, tuple[Any, ...]]] = [
    ("ring with the picture", IDLE, INVITE, (do.Ring("c1", DOOR),)),
    ("ring without a picture", IDLE, replace(INVITE, video=None), (do.Ring("c1", None),)),
    ("answer", RINGING, press(Button.ANSWER), (Answer("c1"),)),
    ("decline", RINGING, press(Button.DECLINE), (Reject("c1", 603), do.EndCall())),
    ("hang up", TALKING, press(Button.HANGUP), (HangUp("c1"), do.EndCall())),
    (
        "do not disturb",
        QUIET,
        INVITE,
        (Reject("c1", 480), do.NoteCall(*GATE, "do not disturb", beside=True, session_id="s1")),
    ),
    (
        "busy",
        TALKING,
        OTHER,
        (Reject("c2", 486), do.NoteCall("gate2", "sip:gate2@home", "busy", beside=True, session_id="s2")),
    ),
    ("the visitor goes", RINGING, Ended("c1", 487, ""), (do.EndCall(),)),
    ("rang too long", RINGING, TimerExpired("ringing"), (Reject("c1", 480), do.EndCall())),
    ("the 200 moves the picture", ANSWERING, Answered("c1", "", MOVED), (do.WatchVideo(MOVED),)),
    ("the picture moves", TALKING, VideoChanged("c1", MOVED), (do.WatchVideo(MOVED),)),
    ("the picture stops", TALKING, VideoChanged("c1", None), (do.WatchVideo(None),)),
    ("mute", TALKING, press(Button.MUTE), (do.Mute(True),)),
    ("mute again", replace(TALKING, muted=True), press(Button.MUTE), (do.Mute(False),)),
    ("unlock", TALKING, press(Button.UNLOCK), (do.SendUnlock("c1", "once", "s1"), StartTimer("unlock", 3.0))),
    ("an answer that is none", UNLOCKING, InfoReceived("c1", RESULT_TYPE, "open!"), (NOT_JSON,)),
    ("sound flows", TALKING, AudioStarted("c1"), (Publish("audio-started", {"call": "c1"}),)),
    ("the answer to a call that was given up", IDLE, Answered("c0", "", DOOR), (HangUp("c0", GIVEN_UP),)),
    ("the same call once more", RINGING, replace(INVITE, call="c2"), (Reject("c2", 482),)),
    ("missed calls are seen", replace(IDLE, missed=2), press(Button.HANGUP), (Publish("missed-seen"),)),
]


@pytest.mark.parametrize(("state", "event", "first"), rows(FIRST_ACTIONS), ids=ids(FIRST_ACTIONS))
def test_first_actions(state: Station, event: ScreenEvent, first: tuple[Any, ...]) -> None:
    assert next_step(state, event)[1][: len(first)] == first


UNEXPECTED: list[tuple[str, Station, ScreenEvent]] = [
    ("answer without a call", IDLE, press(Button.ANSWER)),
    ("answer twice", TALKING, press(Button.ANSWER)),
    ("decline without a call", IDLE, press(Button.DECLINE)),
    ("mute before the answer", RINGING, press(Button.MUTE)),
    ("unlock before the answer", RINGING, press(Button.UNLOCK)),
    ("unlock while the door thinks", UNLOCKING, press(Button.UNLOCK)),
    ("the end of another call", TALKING, Ended("c0", 200, "")),
    ("an old timer", TALKING, TimerExpired("ringing")),
    ("a result nobody asked for", TALKING, result(True, "granted")),
    ("a letter", UNLOCKING, InfoReceived("c1", "text/plain", "hello")),
]


@pytest.mark.parametrize(("state", "event"), rows(UNEXPECTED), ids=ids(UNEXPECTED))
def test_an_unexpected_event_changes_nothing(state: Station, event: ScreenEvent) -> None:
    reached, actions = next_step(state, event)
    assert reached is state
    assert actions == ()


def test_ringing_shows_the_live_picture_and_sounds() -> None:
    state, actions = next_step(IDLE, INVITE)
    scene = scene_of(state)
    assert (scene.title, scene.live) == ("Gate 1 is calling", True)
    assert {"answer", "decline"} <= set(scene.actions)
    assert Tone("ring") in actions
    assert do.ShowScene(scene) in actions
    assert StartTimer("ringing", IDLE.rules.ring) in actions


def test_the_ring_stops_with_the_answer() -> None:
    actions = next_step(RINGING, press(Button.ANSWER))[1]
    assert Tone(None) in actions
    assert CancelTimer("ringing") in actions


def test_answered_elsewhere_is_said_and_is_no_missed_call() -> None:
    state, actions = next_step(RINGING, Ended("c1", 487, "", elsewhere=True))
    assert scene_of(state).title == "Answered elsewhere"
    assert not scene_of(state).live
    assert state.missed == 0
    assert not any(isinstance(action, do.NoteCall) and action.how not in TAKEN for action in actions)


def test_a_missed_call_is_counted_named_and_shown_until_seen() -> None:
    state, actions = next_step(RINGING, Ended("c1", 487, ""))
    assert do.NoteCall(*GATE, "nobody answered", session_id="s1") in actions
    assert scene_of(state).title == "Missed call"
    state = after(state, TimerExpired("ended"))
    assert scene_of(state).detail == "1 missed call, last: Gate 1"
    assert scene_of(after(state, press(Button.HANGUP))).detail == ""


def test_do_not_disturb_is_shown_and_still_counts() -> None:
    state = after(IDLE, press(Button.DND), INVITE, OTHER)
    assert scene_of(state).detail == "Do not disturb, 2 missed calls, last: gate2"
    assert tone_of(state) is None
    assert not after(state, press(Button.DND)).do_not_disturb


def test_a_granted_unlock_is_said_and_the_next_challenge_kept() -> None:
    state, actions = next_step(UNLOCKING, result(True, "granted"))
    assert scene_of(state).detail == "The door is open"
    assert (state.unlocking, state.challenge) == (False, "next")
    assert Publish("unlock", {"granted": True, "why": "granted"}) in actions
    assert do.SendUnlock("c1", "next", "s1") in next_step(state, press(Button.UNLOCK))[1]
    assert scene_of(after(state, TimerExpired("note"))).detail == ""


def test_a_refused_unlock_says_why() -> None:
    assert scene_of(after(UNLOCKING, result(False, "too-many"))).detail == "Too many attempts, wait a moment"
    assert scene_of(after(UNLOCKING, result(False, "something else"))).detail == "The door refused"


def test_a_door_that_does_not_answer_the_unlock_can_be_asked_again() -> None:
    state = after(UNLOCKING, TimerExpired("unlock"))
    assert scene_of(state).detail == "No answer from the door"
    assert do.SendUnlock("c1", "once", "s1") in next_step(state, press(Button.UNLOCK))[1]


@pytest.mark.parametrize("talking", [SILENT_DOOR, replace(TALKING, rules=Rules(may_unlock=False))])
def test_without_a_challenge_or_a_key_no_door_opens_from_here(talking: Station) -> None:
    assert "unlock" not in scene_of(talking).actions
    state, actions = next_step(talking, press(Button.UNLOCK))
    assert state.note == "This door cannot be opened from here"
    assert not any(isinstance(action, do.SendUnlock) for action in actions)


def test_talking_says_what_is_off() -> None:
    state = after(TALKING, press(Button.MUTE), Held("c1", True))
    assert scene_of(state).detail == "On hold, Microphone off"


def test_a_call_leaves_nothing_behind_for_the_next() -> None:
    state = after(TALKING, press(Button.MUTE), Held("c1", True), Ended("c1", 200, ""), TimerExpired("ended"))
    name, uri = GATE
    seen = replace(IDLE, caller=name, address=uri, last_caller=uri, last_session="s1")
    assert state == replace(seen, outcome=Outcome.HUNG_UP)


def test_the_idle_screen_tells_when_the_server_is_gone() -> None:
    assert scene_of(IDLE).detail == ""
    lost = after(IDLE, RegistrationLost(503, "", False))
    assert scene_of(lost).detail == "Not connected"
    assert scene_of(after(lost, Registered())).detail == ""


def test_lost_devices_are_facts() -> None:
    state = after(IDLE, DeviceLost("speaker", "unplugged"))
    assert state.missing == {"speaker"}
    assert after(state, DeviceReturned("speaker")).missing == frozenset()


def test_the_tones_asked_for_exist() -> None:
    assert tone_of(RINGING) in set(KnownTone)


def test_a_connection_that_breaks_is_shown_and_spoken() -> None:
    state, actions = next_step(TALKING, Ended("c1", 480, "The guard cannot be reached"))
    assert Say(("connection-lost",)) in actions
    assert scene_of(state).title == "The connection was lost"
