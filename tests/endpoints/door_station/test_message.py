"""When a visitor may leave a message, and what ends it: the decisions as tables (V5)."""

from dataclasses import replace
from typing import Any

import pytest

from endpoints.actions import CancelTimer, Publish, Say, StartTimer, Tone
from endpoints.door_station import actions as do
from endpoints.door_station.chain import Home, Outcome, Way
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import (
    CallPressed,
    CaseMoved,
    DoorEvent,
    DoorMoved,
    ItemLost,
    MessageKept,
    MessageOver,
    StoreChanged,
    UnlockGranted,
    WordsOver,
)
from endpoints.door_station.state import Door, Phase, Rules
from endpoints.events import CallFailed, CallPlaced, KeyPressed, TimerExpired
from endpoints.sip.agent import Answered, Ended
from hal.indicator import Signal

HOME, PHONES = Way("home", "sip:home@h"), Way("phones", "sip:301@m")
HOMES = {
    "301": Home("301", (HOME,), takes_messages=True),
    "302": Home("302", (HOME,)),
    "0": Home("guard", (Way("guard", "sip:guard@m"),)),
}
RULES = Rules(call_flat="301", messages=True, message=40.0)
IDLE = Door(RULES, HOMES, keeps=True)
RINGING = replace(IDLE, phase=Phase.RINGING, flat="301", call="c1", ways=(HOME,), session_id="s1", deposits=True)
OFFERING = replace(IDLE, phase=Phase.OFFERING, flat="301", session_id="s1", deposits=True, outcome=Outcome.NO_ANSWER)
RECORDING = replace(OFFERING, phase=Phase.RECORDING)
OFFER = do.OfferMessage(("no-answer", "leave-message"))


def step(state: Door, *events: DoorEvent) -> tuple[Door, list[Any]]:
    done: list[Any] = []
    for event in events:
        state, actions = next_step(state, event)
        done += actions
    return state, done


ENDS: list[tuple[str, Door, DoorEvent, Phase]] = [
    ("it rang and nobody came", RINGING, TimerExpired("total"), Phase.OFFERING),
    ("the server says so", RINGING, Ended("c1", 408, ""), Phase.OFFERING),
    ("everybody is busy", RINGING, Ended("c1", 486, ""), Phase.OFFERING),
    ("nobody can be reached", RINGING, Ended("c1", 480, ""), Phase.OFFERING),
    ("the home's server is down", replace(RINGING, phase=Phase.CALLING), TimerExpired("calling"), Phase.OFFERING),
    ("no call can be made at all", replace(RINGING, phase=Phase.CALLING), CallFailed("no route"), Phase.OFFERING),
    ("somebody declined", RINGING, Ended("c1", 603, ""), Phase.ENDED),
    ("the visitor gave up", RINGING, KeyPressed("*"), Phase.IDLE),
    ("there was a conversation", replace(RINGING, phase=Phase.TALKING), Ended("c1", 200, ""), Phase.IDLE),
    ("it was too long", replace(RINGING, phase=Phase.TALKING), TimerExpired("talking"), Phase.ENDED),
    ("another stage is left", replace(RINGING, ways=(HOME, PHONES)), Ended("c1", 408, ""), Phase.CALLING),
    ("the disk is full", replace(RINGING, keeps=False), Ended("c1", 408, ""), Phase.ENDED),
    ("no server takes it", replace(RINGING, deposits=False), Ended("c1", 408, ""), Phase.ENDED),
]


@pytest.mark.flow("V5")
@pytest.mark.parametrize(("state", "event", "phase"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_a_message_is_offered_only_when_nobody_answered(state: Door, event: DoorEvent, phase: Phase) -> None:
    after, actions = step(state, event)
    assert after.phase is phase
    assert any(isinstance(action, do.OfferMessage) for action in actions) is (phase is Phase.OFFERING)
    if phase is not Phase.CALLING:
        assert (do.Forget() in actions) is (state.deposits and phase is not Phase.OFFERING)


STEPS: list[tuple[str, Door, DoorEvent, Phase, Outcome]] = [
    ("the words are over", OFFERING, WordsOver(), Phase.RECORDING, Outcome.NO_ANSWER),
    ("nobody tells that", OFFERING, TimerExpired("offering"), Phase.RECORDING, Outcome.NO_ANSWER),
    ("a visitor in a hurry", OFFERING, KeyPressed("#"), Phase.RECORDING, Outcome.NO_ANSWER),
    ("a visitor who does not want to", OFFERING, KeyPressed("*"), Phase.IDLE, Outcome.NO_ANSWER),
    ("nor by the button", OFFERING, CallPressed(), Phase.IDLE, Outcome.NO_ANSWER),
    ("who tries another flat", OFFERING, KeyPressed("3"), Phase.DIALLING, Outcome.NONE),
    ("who is let in", OFFERING, DoorMoved(True), Phase.IDLE, Outcome.NO_ANSWER),
    ("any key ends it", RECORDING, KeyPressed("5"), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("star too", RECORDING, KeyPressed("*"), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("the button", RECORDING, CallPressed(), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("silence", RECORDING, MessageOver("silence"), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("the limit", RECORDING, TimerExpired("recording"), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("the visitor goes in", RECORDING, DoorMoved(True), Phase.IDLE, Outcome.MESSAGE_LEFT),
    ("words that were late", RECORDING, WordsOver(), Phase.RECORDING, Outcome.NO_ANSWER),
    ("a late answer", RECORDING, Answered("c1", "a", None), Phase.RECORDING, Outcome.NO_ANSWER),
    ("silence before it began", IDLE, MessageOver("silence"), Phase.IDLE, Outcome.NONE),
]


@pytest.mark.flow("V5")
@pytest.mark.parametrize(
    ("state", "event", "phase", "outcome"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS]
)
def test_what_begins_and_ends_a_message(state: Door, event: DoorEvent, phase: Phase, outcome: Outcome) -> None:
    after, actions = step(state, event)
    assert (after.phase, after.outcome) == (phase, outcome)
    ended = state.phase in (Phase.OFFERING, Phase.RECORDING) and phase not in (Phase.OFFERING, Phase.RECORDING)
    assert (do.EndMessage() in actions, do.Forget() in actions) == (ended, ended)


def test_the_offer_is_spoken_after_the_end_of_the_visit_and_no_tone_cuts_it_short() -> None:
    _, actions = step(RINGING, Ended("c1", 408, ""))
    assert actions.index(do.EndVisit()) < actions.index(OFFER)
    assert not any(isinstance(action, Tone | Say) for action in actions)
    assert StartTimer("offering", 20.0) in actions


def test_a_message_begins_with_a_beep_and_may_last_so_long() -> None:
    _, actions = step(OFFERING, WordsOver())
    assert actions[:2] == [do.RecordMessage("301", "s1"), Tone("record")]
    assert StartTimer("recording", 40.0) in actions
    assert CancelTimer("offering") in actions


def test_the_visitor_hears_whether_it_was_kept_unless_another_one_is_there() -> None:
    kept, lost = MessageKept("301", "id", 3.0), MessageKept("301", why="the disk is full")
    assert Say(("message-left",)) in step(IDLE, kept)[1]
    assert Say(("message-failed",)) in step(IDLE, lost)[1]
    assert not any(isinstance(action, Say) for action in step(replace(IDLE, phase=Phase.DIALLING), kept)[1])


def test_pictures_of_a_visit_are_kept_for_the_home_and_of_the_case_on_the_door() -> None:
    calling, actions = step(IDLE, CallPressed(), CallPlaced("c1", "s1"))
    assert [type(action) for action in actions].index(do.Call) == 0
    assert actions[-2:] == [do.KeepPicture("ring", "301", "s1"), do.Remember()]
    second, actions = step(replace(calling, ways=(PHONES,)), CallPlaced("c2", "s1"))
    assert do.Remember() not in actions
    talking, actions = step(second, Answered("c2", "a", None))
    assert do.KeepPicture("answer", "301", "s1") in actions
    assert do.KeepPicture("unlock", "301", "s1") in step(talking, UnlockGranted("indoor1"))[1]
    assert do.KeepPicture("tamper", "301", "s1") in step(talking, CaseMoved(True))[1]
    assert do.KeepPicture("tamper") in step(IDLE, CaseMoved(True))[1]


@pytest.mark.parametrize(
    "state", [replace(IDLE, rules=Rules(call_flat="301")), IDLE], ids=["switched off", "no server"]
)
def test_nothing_of_it_happens_where_messages_are_switched_off_or_nobody_takes_them(state: Door) -> None:
    number = "301" if not state.rules.messages else "302"
    dialled = replace(state, phase=Phase.DIALLING, dialled=number)
    _, actions = step(dialled, KeyPressed("#"), CallPlaced("c1", "s1"), Answered("c1", "a", None), UnlockGranted("x"))
    after, more = step(replace(dialled, keeps=True), KeyPressed("#"), CallPlaced("c1", "s1"), Ended("c1", 408, ""))
    assert after.phase is Phase.ENDED
    kinds = do.KeepPicture | do.Remember | do.Forget | do.OfferMessage | do.RecordMessage | do.EndMessage
    assert not [action for action in actions + more if isinstance(action, kinds)]


def test_the_disk_is_told_about_and_the_lamp_says_so() -> None:
    after, actions = step(IDLE, StoreChanged("full", "the disk is full"))
    assert (after.keeps, after.store_trouble) == (False, "full")
    facts = {"trouble": "full", "why": "the disk is full", "clock_set": True}
    assert actions == [Publish("store", facts), do.Show(Signal.FAULT)]
    again, actions = step(after, StoreChanged(""))
    assert again.keeps
    assert do.Show(Signal.IDLE) in actions


def test_a_wrong_clock_is_told_and_keeps_nobody_from_leaving_a_message() -> None:
    after, actions = step(IDLE, StoreChanged("", clock_set=False))
    assert after.keeps
    assert do.Show(Signal.FAULT) in actions


def test_what_had_to_go_before_the_home_had_it_is_told() -> None:
    assert step(IDLE, ItemLost("301", "ring", "2026-11-23T14:00:00+00:00"))[1] == [
        Publish("item-lost", {"flat": "301", "what": "ring", "started": "2026-11-23T14:00:00+00:00"})
    ]
