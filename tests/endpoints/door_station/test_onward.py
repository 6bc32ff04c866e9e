"""A guard passes the visitor on: state and event in, state and actions out."""

from dataclasses import replace

import pytest

from endpoints.actions import HangUp, Publish, StartTimer, StartVoice, TellTransfer
from endpoints.door_station import actions as do
from endpoints.door_station.chain import Outcome, Way
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import DoorEvent, OnwardPlaced
from endpoints.door_station.state import Door, Phase, Rules
from endpoints.events import TimerExpired
from endpoints.sip.agent import Answered, EarlyMedia, Ended, TransferAsked
from media.description import VideoMedia

WAY = Way("guard", "sip:guard@10.0.0.2:5061;transport=tls")
TALKING = Door(Rules(), phase=Phase.TALKING, flat="guard", call="g", ways=(WAY,), branch="a", screens=frozenset({"a"}))
ONWARD = replace(TALKING, onward="o")
SCREEN = VideoMedia("127.0.0.1", 4000, 4001, direction="recvonly")
ASKED = TransferAsked("g", "sip:console2@lakeside.example", "sip:guard@lakeside.example")


def after(state: Door, *events: DoorEvent) -> Door:
    for event in events:
        state, _ = next_step(state, event)
    return state


@pytest.mark.flow("G1")
def test_the_visitor_talks_to_the_guard_until_the_other_one_answers_and_both_see_the_picture() -> None:
    state, actions = next_step(TALKING, ASKED)
    assert actions[0] == do.CallOnward("sip:console2@10.0.0.2:5061;transport=tls")
    state = after(state, OnwardPlaced("o"), EarlyMedia("o", "b", SCREEN, "x"))
    assert (state.phase, state.call, state.screens) == (Phase.TALKING, "g", frozenset({"a", "b"}))
    state, actions = next_step(state, Answered("o", "b", SCREEN))
    assert actions[:4] == (
        do.KeepOnly("b"), do.SendVideo("b", SCREEN), TellTransfer("g", 200, "OK"), HangUp("g", "transferred")
    )  # fmt: skip
    assert (state.phase, state.call, state.branch, state.onward) == (Phase.TALKING, "o", "b", "")
    assert after(state, Ended("g", 200, "")) == state
    assert after(state, Ended("o", 200, "")).outcome is Outcome.HUNG_UP


def test_who_does_not_answer_leaves_the_visitor_with_the_guard() -> None:
    ringing = after(ONWARD, EarlyMedia("o", "b", SCREEN, "x"))
    state, actions = next_step(ringing, Ended("o", 486, "Busy Here"))
    assert actions[:2] == (TellTransfer("g", 486, "Busy Here"), do.StopVideo("b"))
    assert state == TALKING
    assert next_step(ringing, TimerExpired("onward"))[1] == (HangUp("o", "nobody answers"),)
    assert next_step(TALKING, OnwardPlaced(""))[1][0] == TellTransfer("g", 502, "No connection")


def test_a_guard_who_does_not_wait_leaves_the_visitor_to_the_ringing() -> None:
    state, actions = next_step(after(ONWARD, EarlyMedia("o", "b", SCREEN, "x")), Ended("g", 200, ""))
    assert actions[:2] == (do.StopVoice(), do.StopVideo("a"))
    assert StartTimer("total", 45.0) in actions
    assert (state.phase, state.call, state.screens) == (Phase.RINGING, "o", frozenset({"b"}))
    assert StartVoice() in next_step(state, Answered("o", "b", SCREEN))[1]
    assert after(state, Ended("o", 480, "")).outcome is Outcome.UNREACHABLE


def test_a_visitor_who_leaves_ends_both_calls() -> None:
    state, actions = next_step(ONWARD, TimerExpired("talking"))
    assert actions[:2] == (HangUp("g", "time-over"), HangUp("o", "time-over"))
    assert not state.in_visit


REFUSED: list[tuple[str, Door, TransferAsked]] = [
    ("by a resident", replace(TALKING, ways=(Way("home", "sip:home@h"),)), ASKED),
    ("before the answer", replace(TALKING, phase=Phase.RINGING), ASKED),
    ("twice at once", ONWARD, ASKED),
    ("to nobody", TALKING, replace(ASKED, target="sip:lakeside.example")),
]


@pytest.mark.parametrize(("state", "event"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(state: Door, event: TransferAsked) -> None:
    assert next_step(state, event) == (state, (TellTransfer("g", 603, "Not now"),))


def test_it_is_told() -> None:
    assert Publish("transfer-asked", {"call": "g", "to": "console2", "by": ASKED.by}) in next_step(TALKING, ASKED)[1]
