"""What a console decides beyond any device with a screen: emergencies first, transfers, the queue."""

from dataclasses import replace
from typing import Any

import pytest

from endpoints.actions import Answer, CancelTimer, Complain, HangUp, Publish, Reject, StartTimer, Tone
from endpoints.events import KeyPressed, TimerExpired
from endpoints.management_console.decisions import CONSOLE, PREEMPTED, QUEUE_TYPE
from endpoints.management_console.state import Console, console_scene, console_tone
from endpoints.screens import actions as do
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.state import Outcome, Phase, Rules
from endpoints.sip.agent import Answered, Ended, IncomingCall, Notice, Transferred
from tests.endpoints.screens.test_decisions import ids, rows

DOOR = IncomingCall("c1", "sip:gate1@lakeside", "Gate 1", "s1", None, {"x-intercom-challenge": "once"})
HELP = IncomingCall("c2", "sip:302@lakeside", "Family Rossi", "s2", None, emergency=True)
MORE_HELP = IncomingCall("c3", "sip:303@lakeside", "", "s3", None, emergency=True)
OFFERS = ("callback", "transfer")
IDLE = Console(Rules(name="Gate house", names={"2": "console2"}, offers=OFFERS))
TALKING = replace(IDLE, phase=Phase.TALKING, call="c1", caller="Gate 1", address="sip:gate1@lakeside", session_id="s1")
WAITING = replace(TALKING, waiting=HELP)
MOVING = replace(TALKING, transferring=True)
ANSWER, DECLINE, RED = (ButtonPressed(button) for button in (Button.ANSWER, Button.DECLINE, Button.HANGUP))
TRANSFER, CALLBACK = ButtonPressed(Button.TRANSFER), ButtonPressed(Button.CALLBACK)


def step(state: Console, event: ScreenEvent) -> tuple[Console, tuple[Any, ...]]:
    reached, actions = CONSOLE.next_step(state, event)
    assert isinstance(reached, Console)
    return reached, actions


def after(state: Console, *events: ScreenEvent) -> Console:
    for event in events:
        state, _ = step(state, event)
    return state


PHASES: list[tuple[str, Console, list[ScreenEvent], Phase, str]] = [
    ("a visitor", IDLE, [DOOR], Phase.RINGING, "c1"),
    ("an emergency", IDLE, [HELP], Phase.RINGING, "c2"),
    ("an emergency is for everybody", replace(IDLE, do_not_disturb=True), [HELP], Phase.RINGING, "c2"),
    ("a visitor is not", replace(IDLE, do_not_disturb=True), [DOOR], Phase.IDLE, ""),
    ("an emergency while a visitor rings", IDLE, [DOOR, HELP], Phase.RINGING, "c2"),
    ("an emergency while we call", replace(TALKING, phase=Phase.ALERTING), [HELP], Phase.RINGING, "c2"),
    ("an emergency in a talk waits beside it", TALKING, [HELP], Phase.TALKING, "c1"),
    ("and is answered", WAITING, [ANSWER], Phase.ANSWERING, "c2"),
    ("and talks", WAITING, [ANSWER, Answered("c2", "", None)], Phase.TALKING, "c2"),
    ("and is left to another console", WAITING, [DECLINE], Phase.TALKING, "c1"),
    ("and rings when the talk is over", WAITING, [Ended("c1", 200, "")], Phase.RINGING, "c2"),
    ("also when the guard ends it", WAITING, [RED], Phase.RINGING, "c2"),
    ("and its caller gives up", WAITING, [Ended("c2", 487, "")], Phase.TALKING, "c1"),
    ("a second emergency", WAITING, [MORE_HELP], Phase.TALKING, "c1"),
    ("a visitor in an emergency", replace(TALKING, emergency=True), [replace(DOOR, call="c4", session_id="s4")],
     Phase.TALKING, "c1"),
    ("an emergency in an emergency", replace(TALKING, emergency=True), [HELP], Phase.TALKING, "c1"),
    ("a transfer that was answered", MOVING, [Transferred("c1", 200, "OK")], Phase.ENDED, ""),
    ("a transfer that was not", MOVING, [Transferred("c1", 486, "Busy Here")], Phase.TALKING, "c1"),
    ("a transfer without an answer", MOVING, [TimerExpired("transfer")], Phase.TALKING, "c1"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "events", "phase", "call"), rows(PHASES), ids=ids(PHASES))
def test_phases(state: Console, events: list[ScreenEvent], phase: Phase, call: str) -> None:
    reached = after(state, *events)
    assert (reached.phase, reached.call) == (phase, call)


BUSY_HELP = (Reject("c3", 486), do.NoteCall("303", "sip:303@lakeside", "busy", True, True, "s3"))
FIRST_ACTIONS: list[tuple[str, Console, ScreenEvent, tuple[Any, ...]]] = [
    ("a visitor makes room", after(IDLE, DOOR), HELP, (Reject("c1", 486), do.EndCall())),
    ("our own call makes room", replace(TALKING, phase=Phase.QUEUED), HELP, (HangUp("c1", PREEMPTED), do.EndCall())),
    ("an emergency in a talk", TALKING, HELP, (do.Ring("c2", None),)),
    ("answering ends the talk", WAITING, ANSWER, (HangUp("c1", PREEMPTED), do.EndCall())),
    ("another console may take it", WAITING, DECLINE, (Reject("c2", 486),)),
    ("a second emergency", WAITING, MORE_HELP, BUSY_HELP),
    ("pass on to the others", TALKING, TRANSFER, (do.Transfer("c1", "guard"), StartTimer("transfer", 60.0))),
    ("pass on to a short number", replace(TALKING, typed="2"), TRANSFER, (do.Transfer("c1", "console2"),)),
    ("pass on to a home", replace(TALKING, typed="302"), TRANSFER, (do.Transfer("c1", "302"),)),
    ("call back", replace(IDLE, last_caller="sip:302@lakeside"), CALLBACK, (do.Place("302"),)),
    ("a notice that is none", IDLE, Notice("sip:x@y", QUEUE_TYPE, "[]"),
     (Complain("a notice about the queue that cannot be understood"),)),
]  # fmt: skip


@pytest.mark.parametrize(("state", "event", "first"), rows(FIRST_ACTIONS), ids=ids(FIRST_ACTIONS))
def test_first_actions(state: Console, event: ScreenEvent, first: tuple[Any, ...]) -> None:
    assert step(state, event)[1][: len(first)] == first


UNEXPECTED: list[tuple[str, Console, ScreenEvent]] = [
    ("a transfer without a talk", IDLE, TRANSFER),
    ("a second transfer", MOVING, TRANSFER),
    ("a report nobody asked for", TALKING, Transferred("c1", 200, "OK")),
    ("nobody to call back", IDLE, CALLBACK),
    ("another notice", IDLE, Notice("sip:x@y", "text/plain", "hello")),
    ("an old timer", TALKING, TimerExpired("transfer")),
]


@pytest.mark.parametrize(("state", "event"), rows(UNEXPECTED), ids=ids(UNEXPECTED))
def test_an_unexpected_event_changes_nothing(state: Console, event: ScreenEvent) -> None:
    assert step(state, event) == (state, ())


def test_an_emergency_looks_and_sounds_different() -> None:
    ringing, actions = step(IDLE, HELP)
    assert console_scene(ringing).title == "Emergency: Family Rossi (302)"
    assert Tone("alarm") in actions
    assert step(IDLE, DOOR)[1].count(Tone("ring")) == 1


def test_an_emergency_in_a_talk_sounds_over_it_and_is_read_before_it() -> None:
    waiting, actions = step(TALKING, HELP)
    scene = console_scene(waiting)
    assert scene.title == "Emergency: Family Rossi (302)"
    assert scene.detail == "You are talking to Gate 1; answering ends that"
    assert {"answer", "decline", "hangup"} == set(scene.actions)
    assert Tone("alarm") in actions
    assert Tone(None) in step(waiting, Ended("c2", 487, ""))[1]
    assert console_tone(after(waiting, ANSWER)) is None


def test_an_emergency_that_nobody_here_answered_is_missed_unless_another_guard_did() -> None:
    noted = step(WAITING, Ended("c2", 487, ""))[1]
    assert do.NoteCall("Family Rossi (302)", "sip:302@lakeside", "nobody answered", True, True, "s2") in noted
    elsewhere, actions = step(WAITING, Ended("c2", 487, "", elsewhere=True))
    assert do.NoteCall("Family Rossi (302)", "sip:302@lakeside", "answered-elsewhere", True, True, "s2") in actions
    assert elsewhere.missed == 0


def test_what_ended_for_an_emergency_is_told_so() -> None:
    state, actions = step(WAITING, ANSWER)
    ended = next(each for each in actions if isinstance(each, Publish) and each.event == "ended")
    assert (ended.facts["call"], ended.facts["outcome"]) == ("c1", Outcome.PREEMPTED)
    assert Answer("c2") in actions
    assert (state.emergency, state.caller, state.waiting) == (True, "Family Rossi (302)", None)


def test_a_transfer_is_shown_and_its_failure_too() -> None:
    moving = after(TALKING, KeyPressed("2"), TRANSFER)
    assert console_scene(moving).detail == "Transferring"
    assert "transfer" not in console_scene(moving).actions
    failed, actions = step(moving, Transferred("c1", 486, "Busy Here"))
    assert console_scene(failed).detail == "The transfer failed: Busy Here"
    assert CancelTimer("transfer") in actions
    done, actions = step(moving, Transferred("c1", 200, "OK"))
    assert HangUp("c1") in actions
    assert console_scene(done).title == "Transferred"


def test_whom_to_transfer_to_is_typed_in_the_talk() -> None:
    typed = after(TALKING, KeyPressed("3"), KeyPressed("0"))
    assert console_scene(typed).detail == "Transfer to 30"
    assert console_scene(after(typed, KeyPressed("*"))).detail == ""


def test_the_queue_is_shown_as_the_server_tells_it() -> None:
    state, actions = step(IDLE, Notice("sip:server@x", QUEUE_TYPE, '{"waiting": 3, "emergency": 1}'))
    assert console_scene(state).detail == "3 waiting, 1 in an emergency"
    assert Publish("queue", {"waiting": 3, "emergency": 1}) in actions
    assert after(state, Notice("sip:server@x", QUEUE_TYPE, '{"waiting": 0}')).queue == 0
    called = after(IDLE, replace(DOOR, headers={"x-queue-waiting": "2"}), DECLINE)
    assert console_scene(called).detail == "2 waiting"


def test_callback_is_offered_when_somebody_called() -> None:
    assert "callback" not in console_scene(IDLE).actions
    assert "callback" in console_scene(after(IDLE, DOOR, DECLINE)).actions
