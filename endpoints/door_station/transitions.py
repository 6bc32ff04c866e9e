"""The steps that several events lead to: a call begins, a visit ends, a sign of refusal, the lock, an alarm."""

from dataclasses import replace
from typing import Any

from endpoints.door_station.actions import Call, DoorAction, EndVisit, PulseLock
from endpoints.door_station.state import Door, Outcome, Phase
from endpoints.events import CancelTimer, HangUp, Publish, StartTimer, Tone

Step = tuple[Door, tuple[DoorAction, ...]]
HURRY, RELOCK, DOOR_OPEN, LOCKOUT = "hurry", "relock", "door-open", "lockout"
"""The timers that run beside the one of each phase."""


def enter(state: Door, phase: Phase, **changes: Any) -> Door:
    """The one place where a phase changes."""
    return replace(state, phase=phase, **changes)


def refuse(state: Door, outcome: Outcome) -> Step:
    """Show and tell the visitor that this does not work."""
    after = enter(state, Phase.ENDED, dialled="", outcome=outcome)
    return after, (Publish("refused", {"why": outcome}),)


def call(state: Door, flat: str) -> Step:
    """A visit to `flat` begins, if there is such a flat."""
    if flat not in state.rules.flats:
        return refuse(state, Outcome.WRONG_FLAT)
    after = enter(
        state, Phase.CALLING, dialled="", flat=flat, call="", branch="", screens=frozenset(),
        outcome=Outcome.NONE, hurried=True,
    )  # fmt: skip
    return after, (Call(flat), StartTimer(HURRY, state.rules.hurry))


def finish(state: Door, outcome: Outcome, code: int = 0, reason: str = "", hang_up: bool = False) -> Step:
    """The visit is over; what the visitor or the resident ended needs no sign, everything else gets one."""
    quiet = outcome in (Outcome.CANCELLED, Outcome.HUNG_UP)
    after = enter(
        state, Phase.IDLE if quiet else Phase.ENDED, call="", branch="", screens=frozenset(),
        outcome=outcome, hurried=False,
    )  # fmt: skip
    ends = (HangUp(state.call, outcome),) if hang_up else ()
    facts = {"call": state.call, "flat": state.flat, "outcome": outcome, "code": code, "reason": reason}
    return after, (*ends, EndVisit(), CancelTimer(HURRY), Publish("ended", facts))


def unlock(state: Door, how: str, who: str) -> Step:
    """The door opens, whatever else goes on."""
    return replace(state, unlocked=True), (PulseLock(how, who), StartTimer(RELOCK, state.rules.pulse), Tone("confirm"))


def alarm(state: Door, name: str, on: bool) -> Step:
    """An alarm begins or ends."""
    if (name in state.alarms) is on:
        return state, ()
    alarms = state.alarms | {name} if on else state.alarms - {name}
    return replace(state, alarms=alarms), (Publish("alarm", {"alarm": name, "on": on}),)
