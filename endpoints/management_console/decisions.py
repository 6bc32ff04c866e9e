"""What a console decides beyond any device with a screen: emergencies first, transfers, the queue, the wall."""

import json
from dataclasses import dataclass, replace

from endpoints.actions import Answer, CancelTimer, Complain, HangUp, Publish, Reject, StartTimer
from endpoints.events import KeyPressed, TimerExpired
from endpoints.management_console.state import Console, console_scene, console_tone
from endpoints.management_console.wall import decisions as wall
from endpoints.management_console.wall.actions import Arrange
from endpoints.management_console.wall.events import Kept, NotKept
from endpoints.screens import decisions as common
from endpoints.screens import departing, incoming
from endpoints.screens.actions import Ring, Transfer
from endpoints.screens.decisions import Behaviour, ButtonDecision, by_button
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.state import GUARD, Outcome, Phase, Station
from endpoints.screens.transitions import TRANSFER, Actions, Decision, enter, finish, missed, say
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.sip.agent import Ended, IncomingCall, Notice, Registered, Transferred

QUEUE_TYPE = "application/vnd.intercom.queue+json"
QUEUE_HEADER = "x-queue-waiting"
PREEMPTED = "pre-empted by an emergency"
Step = tuple[Console, Actions]


@dataclass(frozen=True, slots=True)
class ConsoleBehaviour(Behaviour):
    """When a talk is over, the emergency that waited beside it rings."""

    def _decide(self, state: Station, event: ScreenEvent) -> tuple[Station, Actions] | None:
        decided = Behaviour._decide(self, state, event)
        if decided is None:
            return None
        after, actions = decided
        if isinstance(after, Console):
            first, last = wall.changes(state, after)
            actions = (*first, *actions, *last)
        if not isinstance(after, Console) or after.waiting is None or after.in_call:
            return after, actions
        ringing, more = incoming.ring(replace(after, waiting=None), after.waiting)
        return ringing, (*actions, *(action for action in more if not isinstance(action, Ring)))


# --- calls that come ------------------------------------------------------------------------------------------------


def _incoming(state: Console, event: IncomingCall) -> tuple[Station, Actions]:
    told = event.headers.get(QUEUE_HEADER, "")
    state = replace(state, queue=int(told)) if told.isdecimal() and len(told) < 5 else state
    if not event.emergency or incoming.is_here(state, event):
        return incoming.incoming(state, event)
    if (state.emergency and state.in_call) or state.waiting:
        return incoming.refuse(state, event, incoming.BUSY, "busy")
    if state.phase in (Phase.ANSWERING, Phase.TALKING):
        return _wait(state, event)
    after, actions = departing.clear_line(state, PREEMPTED)
    ringing, more = incoming.ring(after, event)
    return ringing, (*actions, *more)


def _wait(state: Console, event: IncomingCall) -> Step:
    """Ring into the talk, without the caller's picture: the screen belongs to the talk."""
    facts = {
        "call": event.call,
        "caller": incoming.name_of(event, state.rules.people),
        "emergency": True,
        "waiting": True,
    }
    return replace(state, waiting=event, last_caller=event.caller), (Ring(event.call, None), Publish("ringing", facts))


def _answer(state: Console) -> tuple[Station, Actions] | None:
    if state.waiting is None:
        return incoming.answer(state)
    emergency = state.waiting
    ended, actions = finish(state, Outcome.PREEMPTED, reason=PREEMPTED, here=True)
    ringing, more = incoming.ring(replace(ended, waiting=None), replace(emergency, video=None))
    told = tuple(action for action in more if not isinstance(action, Ring))
    calls = tuple(HangUp(call, PREEMPTED) for call in (state.call, state.before) if call)
    return enter(ringing, Phase.ANSWERING), (*calls, *actions, *told, Answer(emergency.call))


def _decline(state: Console) -> tuple[Station, Actions] | None:
    if state.waiting is None:
        return _red(state)
    return _gone(state, state.waiting, "declined", (Reject(state.waiting.call, incoming.BUSY),))


def _ended(state: Console, event: Ended) -> tuple[Station, Actions] | None:
    if state.waiting is None or event.call != state.waiting.call:
        return common.ended(state, event)
    if event.elsewhere:
        return _gone(state, state.waiting, Outcome.ELSEWHERE)
    note = incoming.note_of(state, state.waiting, "nobody answered")
    after, actions = missed(replace(state, waiting=None), note)
    return after, actions


def _gone(state: Console, call: IncomingCall, how: str, actions: Actions = ()) -> Step:
    return replace(state, waiting=None), (*actions, incoming.note_of(state, call, how))


# --- transfer -------------------------------------------------------------------------------------------------------


def _transfer(state: Console) -> Step | None:
    """Pass the call on to whom was typed, else to all the other guards."""
    if state.phase is not Phase.TALKING or state.transferring:
        return None
    user = state.rules.names.get(state.typed, state.typed) or GUARD
    facts = {"call": state.call, "to": user}
    actions = (Transfer(state.call, user), StartTimer(TRANSFER, state.rules.transfer), Publish("transferring", facts))
    return replace(state, transferring=True, typed="", note=""), actions


def _transferred(state: Console, event: Transferred) -> Step | None:
    if not state.transferring:
        return None
    news = Publish("transferred", {"call": event.call, "code": event.code, "reason": event.reason})
    if event.code < 300:
        after, actions = finish(state, Outcome.TRANSFERRED)
        return after, (news, HangUp(event.call), *actions)
    after, actions = _still_here(state, f"The transfer failed: {event.reason or event.code}")
    return after, (news, CancelTimer(TRANSFER), *actions)


def _still_here(state: Console, words: str) -> Step:
    return say(replace(state, transferring=False), words)


def _timer(state: Console, event: TimerExpired) -> tuple[Station, Actions] | None:
    if event.name == TRANSFER:
        return _still_here(state, "The transfer failed: no answer") if state.transferring else None
    return common.timer(state, event)


# --- the queue ------------------------------------------------------------------------------------------------------


def _notice(state: Console, event: Notice) -> Step | None:
    """The server tells how many wait: ``{"waiting": 3, "emergency": 1}``."""
    if event.content_type != QUEUE_TYPE:
        return None
    try:
        told = json.loads(event.body)
        waiting, urgent = int(told["waiting"]), int(told.get("emergency", 0))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return state, (Complain("a notice about the queue that cannot be understood"),)
    facts = {"waiting": waiting, "emergency": urgent}
    return replace(state, queue=max(0, waiting), queued_emergencies=max(0, urgent)), (Publish("queue", facts),)


# --- the wall -------------------------------------------------------------------------------------------------------


def _red(state: Console) -> tuple[Station, Actions] | None:
    return wall.leave(state) if state.phase is Phase.WATCHING else common.red(state)


def _key(state: Console, event: KeyPressed) -> tuple[Station, Actions] | None:
    return wall.key(state, event) if state.phase is Phase.WATCHING else common.EVENTS[KeyPressed](state, event)


def _registered(state: Console, event: Registered) -> Step:
    after, actions = common.registered(state, event)
    return after, (*actions, *wall.registered(after, event))


BUTTONS: dict[Button, ButtonDecision] = {
    **common.BUTTONS,
    Button.HANGUP: _red,
    Button.MONITOR: wall.monitor,
    Button.SNAPSHOT: wall.snapshot,
    Button.RECORD: wall.record,
    Button.ANSWER: _answer,
    Button.DECLINE: _decline,
    Button.CALLBACK: departing.call_back,
    Button.TRANSFER: _transfer,
}
EVENTS: dict[type, Decision] = {
    **common.EVENTS,
    IncomingCall: _incoming,
    Ended: _ended,
    Transferred: _transferred,
    TimerExpired: _timer,
    Notice: _notice,
    KeyPressed: _key,
    Registered: _registered,
    SourcesTold: wall.sources_told,
    WatchLive: wall.live,
    WatchTold: wall.told,
    WatchOver: wall.over,
    Kept: wall.kept,
    NotKept: wall.not_kept,
    ButtonPressed: by_button(BUTTONS),
}
CONSOLE = ConsoleBehaviour(EVENTS, console_scene, console_tone, late=(*common.FILLS_THE_SCREEN, Arrange))
"""A guard's console."""
