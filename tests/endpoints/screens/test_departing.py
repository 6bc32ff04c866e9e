"""The decisions about our own calls as tables: dial, queue, ring, be answered or not; and being passed on."""

from dataclasses import replace
from typing import Any

import pytest

from endpoints.actions import CancelTimer, HangUp, Publish, Reject, Say, StartTimer, StartVoice, TellTransfer, Tone
from endpoints.events import CallFailed, CallPlaced, KeyPressed, TimerExpired
from endpoints.resident.decisions import RESIDENT
from endpoints.screens import actions as do
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.scenes import scene_of, tone_of
from endpoints.screens.state import Outcome, Phase, Rules, Station
from endpoints.sip.agent import Answered, Ended, IncomingCall, Queued, Ringing, TransferAsked
from media.prompts.texts import TEXTS
from media.tones import Tone as KnownTone
from tests.endpoints.screens.test_decisions import ids, rows

IDLE = Station(Rules(name="Hall", names={"0": "guard"}, offers=("guard", "emergency")))
CALLING = replace(IDLE, phase=Phase.CALLING, call="c1", caller="302", dialled="302", last_dialled="302")
ALERTING = replace(CALLING, phase=Phase.ALERTING)
QUEUED = replace(CALLING, phase=Phase.QUEUED, position=2)
TALKING = replace(CALLING, phase=Phase.TALKING, session_id="s1")
MOVING = replace(CALLING, call="c2", before="c1", before_caller="302", session_id="s1", dialled="guard")
INVITE = IncomingCall("c9", "sip:gate1@home", "Gate 1", "s9", None)
PRESS_RED, PRESS_CALL = ButtonPressed(Button.HANGUP), ButtonPressed(Button.CALL)
EMERGENCY = ButtonPressed(Button.EMERGENCY)


def after(state: Station, *events: ScreenEvent) -> Station:
    for event in events:
        state, _ = RESIDENT.next_step(state, event)
    return state


def typed(keys: str) -> list[ScreenEvent]:
    return [KeyPressed(key) for key in keys]


PHASES: list[tuple[str, Station, list[ScreenEvent], Phase, Outcome]] = [
    ("digits", IDLE, typed("30"), Phase.DIALLING, Outcome.NONE),
    ("digits and #", IDLE, typed("302#"), Phase.CALLING, Outcome.NONE),
    ("digits and the green button", IDLE, [*typed("302"), PRESS_CALL], Phase.CALLING, Outcome.NONE),
    ("* clears", IDLE, typed("30*"), Phase.IDLE, Outcome.NONE),
    ("red clears", IDLE, [*typed("30"), PRESS_RED], Phase.IDLE, Outcome.NONE),
    ("digits that nobody goes on with", IDLE, [*typed("30"), TimerExpired("dialling")], Phase.IDLE, Outcome.NONE),
    ("# alone", IDLE, typed("#"), Phase.IDLE, Outcome.NONE),
    ("the same number once more", replace(IDLE, last_dialled="302"), [PRESS_CALL], Phase.CALLING, Outcome.NONE),
    ("a visitor while dialling", IDLE, [*typed("30"), INVITE], Phase.RINGING, Outcome.NONE),
    ("a visitor while we call", ALERTING, [INVITE], Phase.ALERTING, Outcome.NONE),
    ("the management's button", IDLE, [ButtonPressed(Button.GUARD)], Phase.CALLING, Outcome.NONE),
    ("not while we talk", TALKING, [ButtonPressed(Button.GUARD)], Phase.TALKING, Outcome.NONE),
    ("it rings there", CALLING, [Ringing("c1", 180, "x")], Phase.ALERTING, Outcome.NONE),
    ("all guards are busy", CALLING, [Queued("c1", 3)], Phase.QUEUED, Outcome.NONE),
    ("then it is our turn", QUEUED, [Ringing("c1", 180, "x")], Phase.ALERTING, Outcome.NONE),
    ("and the guard is gone again", ALERTING, [Queued("c1", 1)], Phase.QUEUED, Outcome.NONE),
    ("answered", ALERTING, [Answered("c1", "x", None)], Phase.TALKING, Outcome.NONE),
    ("answered without ringing", CALLING, [Answered("c1", "x", None)], Phase.TALKING, Outcome.NONE),
    ("given up", ALERTING, [PRESS_RED], Phase.IDLE, Outcome.CANCELLED),
    ("given up in the queue", QUEUED, [PRESS_RED], Phase.IDLE, Outcome.CANCELLED),
    ("no connection", replace(CALLING, call=""), [CallFailed("no route")], Phase.ENDED, Outcome.FAILED),
    ("not allowed", CALLING, [Ended("c1", 403, "")], Phase.ENDED, Outcome.FORBIDDEN),
    ("no such number", CALLING, [Ended("c1", 404, "")], Phase.ENDED, Outcome.WRONG_NUMBER),
    ("nobody is there", CALLING, [Ended("c1", 480, "")], Phase.ENDED, Outcome.UNREACHABLE),
    ("busy", CALLING, [Ended("c1", 486, "")], Phase.ENDED, Outcome.BUSY),
    ("a person declines", ALERTING, [Ended("c1", 603, "")], Phase.ENDED, Outcome.REFUSED),
    ("nobody answers", ALERTING, [Ended("c1", 408, "")], Phase.ENDED, Outcome.NO_ANSWER),
    ("the server is silent", CALLING, [Ended("c1", 408, "")], Phase.ENDED, Outcome.UNREACHABLE),
    ("the server cannot", CALLING, [Ended("c1", 500, "")], Phase.ENDED, Outcome.FAILED),
    ("the server is gone", CALLING, [Ended("c1", 503, "")], Phase.ENDED, Outcome.FAILED),
    ("nobody was found in time", CALLING, [TimerExpired("calling")], Phase.ENDED, Outcome.UNREACHABLE),
    ("rang too long", ALERTING, [TimerExpired("alerting")], Phase.ENDED, Outcome.NO_ANSWER),
    ("waited too long", QUEUED, [TimerExpired("queued")], Phase.ENDED, Outcome.UNREACHABLE),
    ("the other side hangs up", TALKING, [Ended("c1", 200, "")], Phase.ENDED, Outcome.HUNG_UP),
    ("an emergency while it rings here", IDLE, [INVITE, EMERGENCY], Phase.CALLING, Outcome.NONE),
    ("passed on", TALKING, [TransferAsked("c1", "sip:guard@x", "")], Phase.CALLING, Outcome.NONE),
    ("and answered there", MOVING, [Answered("c2", "x", None)], Phase.TALKING, Outcome.NONE),
    ("and nobody answers there", MOVING, [Ended("c2", 480, "")], Phase.TALKING, Outcome.NONE),
    ("and a person gives up", MOVING, [PRESS_RED], Phase.TALKING, Outcome.NONE),
    ("who passed us on is gone", MOVING, [Ended("c1", 200, ""), Ended("c2", 486, "")], Phase.ENDED, Outcome.BUSY),
]


@pytest.mark.parametrize(("state", "events", "phase", "outcome"), rows(PHASES), ids=ids(PHASES))
def test_phases(state: Station, events: list[ScreenEvent], phase: Phase, outcome: Outcome) -> None:
    reached = after(state, *events)
    assert (reached.phase, reached.outcome) == (phase, outcome)


FIRST_ACTIONS: list[tuple[str, Station, ScreenEvent, tuple[Any, ...]]] = [
    ("a number", replace(IDLE, phase=Phase.DIALLING, typed="302"), KeyPressed("#"), (do.Place("302"),)),
    ("a short number", replace(IDLE, phase=Phase.DIALLING, typed="0"), KeyPressed("#"), (do.Place("guard"),)),
    ("the management", IDLE, ButtonPressed(Button.GUARD), (do.Place("guard"),)),
    ("an emergency", IDLE, EMERGENCY, (do.Place("guard", emergency=True),)),
    ("an emergency in a talk", TALKING, EMERGENCY, (HangUp("c1", "emergency"), do.EndCall())),
    ("a second press", replace(CALLING, emergency=True), EMERGENCY, ()),
    ("give up", ALERTING, PRESS_RED, (HangUp("c1"), do.EndCall())),
    ("give up before it is out", replace(CALLING, call=""), PRESS_RED, (do.EndCall(),)),
    ("out after all", IDLE, CallPlaced("c1"), (HangUp("c1", "nobody wants this call any more"),)),
    ("answered", ALERTING, Answered("c1", "x", None), (StartVoice(), do.WatchVideo(None, "x"))),
    ("rang too long", ALERTING, TimerExpired("alerting"), (HangUp("c1", "took too long"), do.EndCall())),
    ("passed on", TALKING, TransferAsked("c1", "sip:guard@x", ""), (do.Place("guard", session_id="s1"),)),
    ("passed on too early", ALERTING, TransferAsked("c1", "sip:guard@x", ""), (TellTransfer("c1", 603, "Not now"),)),
    ("not answered there", MOVING, Ended("c2", 486, "Busy Here"), (TellTransfer("c1", 486, "Busy Here"),)),
]


@pytest.mark.parametrize(("state", "event", "first"), rows(FIRST_ACTIONS), ids=ids(FIRST_ACTIONS))
def test_first_actions(state: Station, event: ScreenEvent, first: tuple[Any, ...]) -> None:
    assert RESIDENT.next_step(state, event)[1][: len(first)] == first


def test_a_call_that_was_passed_on_lets_go_of_the_old_one_when_it_is_answered() -> None:
    state, actions = RESIDENT.next_step(MOVING, Answered("c2", "x", None))
    assert (TellTransfer("c1", 200), HangUp("c1")) == actions[2:4]
    assert (state.call, state.before) == ("c2", "")


def test_the_talk_before_a_transfer_that_failed_goes_on() -> None:
    state = after(MOVING, Ended("c2", 480, ""))
    assert (state.call, state.caller, state.before) == ("c1", "302", "")
    assert scene_of(state).detail == "The other one did not answer"


def test_each_phase_has_its_limit_and_its_news() -> None:
    state, actions = RESIDENT.next_step(CALLING, Ringing("c1", 183, "x"))
    assert CancelTimer("calling") in actions
    assert StartTimer("alerting", IDLE.rules.patience) in actions
    assert Tone("ringback") in actions
    assert Publish("alerting", {"call": "c1"}) in actions
    again = RESIDENT.next_step(state, Ringing("c1", 180, "y"))[1]
    assert again == ()


def test_busy_sounds_busy_and_an_unknown_number_sounds_so() -> None:
    assert tone_of(after(CALLING, Ended("c1", 486, ""))) == KnownTone.BUSY
    assert tone_of(after(CALLING, Ended("c1", 404, ""))) == KnownTone.REORDER
    assert scene_of(after(CALLING, Ended("c1", 404, ""))).title == "No such number"


def test_the_queue_is_told_in_words_first_that_all_are_busy_then_the_place_alone() -> None:
    queued, actions = RESIDENT.next_step(CALLING, Queued("c1", 12))
    assert Say(("guards-busy", "your-position", "1", "2")) in actions
    assert Say(("your-position", "1")) in RESIDENT.next_step(queued, Queued("c1", 1))[1]
    assert Say(("guards-busy",)) in RESIDENT.next_step(CALLING, Queued("c1", 0))[1]


@pytest.mark.parametrize(
    ("code", "word"),
    [(486, "busy"), (480, "unreachable"), (603, "declined"), (503, "unreachable"), (404, "wrong-number"), (403, "")],
)
def test_the_end_of_our_own_call_is_told_in_words_that_exist(code: int, word: str) -> None:
    said = [each.words for each in RESIDENT.next_step(CALLING, Ended("c1", code, ""))[1] if isinstance(each, Say)]
    assert said == ([(word,)] if word else [])
    assert not word or word in TEXTS["en"]


def test_a_call_that_rang_here_by_another_server_does_not_ring_again() -> None:
    phone = replace(IDLE, rules=replace(IDLE.rules, once=True))
    missed = after(phone, INVITE, Ended("c9", 487, ""))
    state, actions = RESIDENT.next_step(missed, replace(INVITE, call="c10"))
    assert Reject("c10", 482) in actions
    assert (state.phase, state.missed) == (Phase.ENDED, 1)
    assert after(missed, replace(INVITE, call="c10", session_id="another")).phase is Phase.RINGING


def test_the_idle_screen_offers_the_buttons_that_call() -> None:
    assert {"guard", "emergency"} <= set(scene_of(IDLE).actions)
    assert "hangup" in scene_of(CALLING).actions
    assert scene_of(replace(QUEUED, position=0)).detail == "All are busy, please wait"
