"""What a door station decides when a guard calls it: its loudspeaker speaks, its picture is seen, its lock stays.

Only guards of its own community call a door, as the management server says who they are. The panel belongs to who
stands before it: while a visit is going on a guard is told that the door is busy, and a key that a visitor presses ends
the guard's call and is taken as between visits.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from endpoints.actions import Answer, Complain, HangUp, Publish, Reject, Say, StartTimer, StartVoice
from endpoints.door_station.actions import Admit, DoorAction, EndVisit, KeepOnly, SendVideo, StopVideo
from endpoints.door_station.chain import GUARD, Outcome
from endpoints.door_station.events import DoorEvent
from endpoints.door_station.state import Door, Phase
from endpoints.door_station.transitions import HURRY, Step, enter
from endpoints.sip.agent import Answered, Ended, IncomingCall, VideoChanged

CONSOLE = "console"
FORBIDDEN, UNAVAILABLE, BUSY = 403, 480, 486
BRANCH = "guard"
"""Name of the guard's screen among those that get the picture."""
NOTICE = "guard-speaks"


class GuardCalls(StrEnum):
    """What the owner of the door lets guards do."""

    ANSWER = "answer"
    """The door answers by itself, and says so."""
    RING = "ring"
    """It rings until somebody presses its call button."""
    REFUSE = "refuse"


def incoming(state: Door, event: IncomingCall) -> Step:
    """A call to the door."""
    if event.kind != CONSOLE:
        return state, (Reject(event.call, FORBIDDEN), Complain(f"{event.caller} called the door and is no guard"))
    told = Publish("guard-refused", {"call": event.call, "caller": event.caller_name})
    if state.rules.guard_calls == GuardCalls.REFUSE:
        return state, (Reject(event.call, UNAVAILABLE), told)
    if state.phase not in (Phase.IDLE, Phase.ENDED):
        return state, (Reject(event.call, BUSY), told)
    rings = state.rules.guard_calls == GuardCalls.RING
    after = enter(state, Phase.CALLED, call=event.call, outcome=Outcome.NONE, hurried=False)
    facts = {"call": event.call, "caller": event.caller_name, "rings": rings}
    admitted = (Admit(event.call, event.video, rings), Publish("guard-calls", facts))
    if rings:
        return after, admitted
    answered, actions = _answer(after)
    return answered, (*admitted, *actions)


def _answer(state: Door) -> Step:
    return enter(state, Phase.ACCEPTING), (Answer(state.call),)


def call_button(state: Door) -> Step | None:
    """Who stands at the door answers; None if the button means a visit."""
    if state.phase is not Phase.CALLED:
        return (state, ()) if state.hurried else None
    answered, actions = _answer(state)
    return replace(answered, hurried=True), (*actions, StartTimer(HURRY, state.rules.hurry))


def over(state: Door, outcome: Outcome) -> Step:
    """It ends from our side."""
    if state.phase is Phase.CALLED:
        return _finish(state, outcome, Reject(state.call, UNAVAILABLE))
    return _finish(state, outcome, HangUp(state.call, outcome))


def decide(state: Door, event: DoorEvent) -> Step | None:
    """An event of the guard's call."""
    decision = _DECISIONS.get(type(event))
    return decision(state, event) if decision else None


def _answered(state: Door, event: Answered) -> Step | None:
    if state.phase is not Phase.ACCEPTING:
        return None
    after = enter(state, Phase.GUARDED, branch=BRANCH)
    shown, picture = _picture(after, event)
    told = Publish("answered", {"call": event.call, "to_tag": event.to_tag, "video": event.video is not None})
    return shown, (KeepOnly(BRANCH), *picture, StartVoice(), Say((NOTICE,)), told)


def _picture(state: Door, event: Answered | VideoChanged) -> tuple[Door, tuple[DoorAction, ...]]:
    if event.video is None:
        return replace(state, screens=frozenset()), (StopVideo(BRANCH),)
    return replace(state, screens=frozenset({BRANCH})), (SendVideo(BRANCH, event.video),)


def _video_changed(state: Door, event: VideoChanged) -> Step | None:
    return _picture(state, event) if state.phase is Phase.GUARDED else None


def _ended(state: Door, event: Ended) -> Step:
    return _finish(state, Outcome.HUNG_UP if state.phase is Phase.GUARDED else Outcome.CANCELLED)


def _finish(state: Door, outcome: Outcome, *actions: DoorAction) -> Step:
    facts = {"call": state.call, "flat": GUARD, "outcome": outcome, "code": 0, "reason": "", "stage": ""}
    after = enter(state, Phase.IDLE, call="", branch="", screens=frozenset(), outcome=outcome, hurried=False)
    return after, (*actions, EndVisit(), Publish("ended", facts))


_DECISIONS: Mapping[type, Callable[[Door, Any], Step | None]] = {
    Answered: _answered,
    VideoChanged: _video_changed,
    Ended: _ended,
}
