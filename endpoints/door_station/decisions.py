"""What a door station decides: `next_step`, which has no clock, socket or device in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from endpoints.actions import CancelTimer, Publish, StartTimer, Tone
from endpoints.door_station import guard_call, message, onward
from endpoints.door_station.actions import CheckCode, DoorAction, NoteRefusal, OfferMessage, RefreshDirectory, Show
from endpoints.door_station.chain import NOT_RINGING, RANG_OUT, SILENT, UNCONFIRMED, Failure, Outcome, better
from endpoints.door_station.events import (
    CallPressed,
    CaseMoved,
    CodeChecked,
    DirectoryChanged,
    DoorEvent,
    DoorMoved,
    ExitPressed,
    ItemLost,
    MessageKept,
    MessageOver,
    OnwardPlaced,
    StoreChanged,
    UnlockGranted,
    WordsOver,
)
from endpoints.door_station.state import DOOR_LEFT_OPEN, TAMPER, Door, Phase, signal_of, tone_of
from endpoints.door_station.transitions import (
    DOOR_OPEN,
    HURRY,
    LOCKOUT,
    ONWARD,
    RELOCK,
    TOTAL,
    Step,
    alarm,
    attempt,
    call,
    enter,
    finish,
    give_up,
    keep_tamper,
    refuse,
    unlock,
)
from endpoints.door_station.visit import DECISIONS_OF_A_CALL, stale
from endpoints.events import CallPlaced, DeviceLost, DeviceReturned, KeyPressed, TimerExpired
from endpoints.sip.agent import Answered, Ended, IncomingCall, Registered, RegistrationLost, VideoChanged

LONGEST_ENTRY = 16
CHANGE = 3.0
"""Seconds after which the end of a call is not waited for any more; the agent tells it earlier, whatever happens."""


def next_step(state: Door, event: DoorEvent) -> Step:
    """The state after `event`, and what is to be done, in this order. An event not expected gives `state` itself."""
    decided = _decide(state, event)
    if decided is None:
        return state, ()
    after, actions = decided
    return after, actions + _phase_timers(state, after) + _lamp(state, after) + _tone(state, after, actions)


def _decide(state: Door, event: DoorEvent) -> Step | None:
    call = getattr(event, "call", state.call)
    if state.onward and call == state.onward:
        return onward.decide(state, event)
    if isinstance(event, IncomingCall):
        return guard_call.incoming(state, event)
    if call != state.call and not isinstance(event, CallPlaced | OnwardPlaced):
        return stale(state, event)
    if state.in_guard_call and isinstance(event, Answered | VideoChanged | Ended):
        return guard_call.decide(state, event)
    decide = _DECISIONS.get(type(event)) or DECISIONS_OF_A_CALL.get(type(event))
    return decide(state, event) if decide else None


# --- what follows from the state itself -----------------------------------------------------------------------------


def _phase_timers(before: Door, after: Door) -> tuple[DoorAction, ...]:
    """Each phase has one timer, called like the phase; each further call begins its phase anew."""
    if before.phase is after.phase and before.ways is after.ways:
        return ()
    stop = (CancelTimer(before.phase),) if _limit(before) else ()
    start = (StartTimer(after.phase, _limit(after)),) if _limit(after) else ()
    return (*stop, *start)


def _limit(state: Door) -> float:
    rules = state.rules
    limits = {
        Phase.OFFERING: message.LONGEST_WORDS,
        Phase.RECORDING: rules.message,
        Phase.DIALLING: rules.dial,
        Phase.CALLING: rules.reach,
        Phase.RINGING: 0.0 if state.last_stage else rules.budget(state.stage).ring,
        Phase.CHANGING: CHANGE,
        Phase.CONFIRMING: rules.confirm,
        Phase.TALKING: rules.talk,
        Phase.ENDED: rules.sign,
        Phase.CALLED: rules.total,
        Phase.GUARDED: rules.talk,
    }
    return limits.get(state.phase, 0.0)


def _lamp(before: Door, after: Door) -> tuple[DoorAction, ...]:
    return (Show(signal_of(after)),) if signal_of(after) is not signal_of(before) else ()


def _tone(before: Door, after: Door, actions: tuple[DoorAction, ...]) -> tuple[DoorAction, ...]:
    wanted = tone_of(after)
    if wanted == tone_of(before):
        return ()
    # A beep or chime that was just asked for ends the old tone by itself.
    chimes = wanted is None and any(isinstance(action, Tone | OfferMessage) for action in actions)
    return () if chimes else (Tone(wanted),)


# --- the visitor at the panel ---------------------------------------------------------------------------------------


def _key(state: Door, event: KeyPressed) -> Step | None:
    if state.in_visit:
        return _visitor_leaves(state) if event.key == "*" else None
    if state.in_guard_call:
        return _visitor_first(state, event)
    if state.phase is Phase.CHECKING:
        return None
    if state.phase in message.PHASES and not (state.phase is Phase.OFFERING and event.key.isdecimal()):
        return message.key(state, event.key)
    if event.key == "#":
        return _confirm(state)
    return _clear(state) if event.key == "*" and state.dialled else _dial(state, event.key)


def _dial(state: Door, key: str) -> Step:
    if state.phase is Phase.OFFERING:
        state, actions = message.leave(state)
        after, more = _dial(state, key)
        return after, (*actions, *more)
    dialled = state.dialled + key
    if len(dialled) > LONGEST_ENTRY:
        return refuse(state, Outcome.WRONG_FLAT)
    after = enter(state, Phase.DIALLING, dialled=dialled, outcome=Outcome.NONE)
    if state.phase is Phase.DIALLING:
        return after, (Tone("beep"), StartTimer(Phase.DIALLING, state.rules.dial))
    return after, (Tone("beep"), RefreshDirectory())


def _clear(state: Door) -> Step:
    return enter(state, Phase.IDLE, dialled="", outcome=Outcome.NONE), ()


def _confirm(state: Door) -> Step | None:
    if not state.dialled:
        return None
    if state.dialled.startswith("*"):
        return _enter_code(state, state.dialled[1:])
    return call(state, state.dialled)


def _enter_code(state: Door, code: str) -> Step:
    if not code:
        return _clear(state)
    if state.locked_out:
        after, actions = refuse(state, Outcome.LOCKED_OUT)
        return after, (NoteRefusal("code", "locked out"), *actions)
    return enter(state, Phase.CHECKING, dialled=""), (CheckCode(code),)


def _call_button(state: Door, event: CallPressed) -> Step | None:
    if state.in_visit:
        return None if state.hurried else _visitor_leaves(state)
    if state.in_guard_call:
        return guard_call.call_button(state) or _visitor_first(state, event)
    if state.phase is Phase.CHECKING:
        return None
    if state.phase in message.PHASES:
        return message.key(state, message.BUTTON)
    return _confirm(state) if state.dialled else call(state, state.rules.call_flat)


def _visitor_leaves(state: Door) -> Step:
    return finish(state, Outcome.HUNG_UP if state.phase is Phase.TALKING else Outcome.CANCELLED, hang_up=True)


def _visitor_first(state: Door, event: KeyPressed | CallPressed) -> Step:
    """The guard's call ends, and what was pressed means what it means between visits."""
    ended, actions = guard_call.over(state, Outcome.VISITOR)
    decided = _decide(ended, event)
    return (decided[0], actions + decided[1]) if decided else (ended, actions)


def _code_checked(state: Door, event: CodeChecked) -> Step | None:
    if state.phase is not Phase.CHECKING:
        return None
    if event.name:
        return unlock(enter(state, Phase.IDLE, wrong_codes=0), "code", event.name)
    return _wrong_code(replace(state, wrong_codes=state.wrong_codes + 1))


def _wrong_code(state: Door) -> Step:
    refused, actions = refuse(state, Outcome.WRONG_CODE)
    actions = (NoteRefusal("code", "wrong code"), *actions)
    if state.wrong_codes < state.rules.wrong_codes:
        return refused, actions
    lock_out = (StartTimer(LOCKOUT, state.rules.lockout), Publish("lockout", {"on": True}))
    return replace(refused, locked_out=True), (*actions, *lock_out)


# --- the lock and the alarms ----------------------------------------------------------------------------------------


def _unlock_granted(state: Door, event: UnlockGranted) -> Step:
    return unlock(state, event.how, event.device)


def _exit(state: Door, event: ExitPressed) -> Step:
    return unlock(state, "exit-button", "")


def _door_moved(state: Door, event: DoorMoved) -> Step:
    told = Publish("door", {"open": event.open})
    if event.open:
        after, actions = message.over(state, "the door opens") or (state, ())
        return after, (StartTimer(DOOR_OPEN, state.rules.door_open), told, *actions)
    after, actions = alarm(state, DOOR_LEFT_OPEN, False)
    return after, (CancelTimer(DOOR_OPEN), told, *actions)


def _case_moved(state: Door, event: CaseMoved) -> Step:
    after, actions = alarm(state, TAMPER, event.open)
    kept = keep_tamper(state) if event.open and actions else ()
    return after, (*actions, *kept)


# --- time, devices, registration ------------------------------------------------------------------------------------


def _timer(state: Door, event: TimerExpired) -> Step | None:
    if event.name == state.phase:
        return _phase_over(state)
    return _TIMERS[event.name](state) if event.name in _TIMERS else None


def _phase_over(state: Door) -> Step | None:
    match state.phase:
        case Phase.DIALLING:
            return _dialling_over(state)
        case Phase.CALLING | Phase.RINGING | Phase.CONFIRMING:
            return give_up(state, _silence(state), hang_up=True)
        case Phase.CHANGING:
            return attempt(state)
        case Phase.TALKING:
            return finish(state, Outcome.TIME_OVER, hang_up=True)
        case Phase.CALLED | Phase.GUARDED:
            return guard_call.over(state, Outcome.NO_ANSWER if state.phase is Phase.CALLED else Outcome.TIME_OVER)
        case Phase.OFFERING:
            return message.begin(state)
        case Phase.RECORDING:
            return message.over(state, "it is long enough")
        case Phase.ENDED:
            return enter(state, Phase.IDLE), ()
        case _:
            return None


def _silence(state: Door) -> Failure:
    """What it means that nothing happened in this phase for too long."""
    if state.phase is Phase.CALLING:
        return NOT_RINGING if state.tried else SILENT
    return UNCONFIRMED if state.phase is Phase.CONFIRMING else RANG_OUT


def _total_over(state: Door) -> Step | None:
    """Nobody has answered in all the time there is; who is just asked whether they are a person may still say so."""
    match state.phase:
        case Phase.CONFIRMING:
            return replace(state, late=True), ()
        case Phase.CALLING | Phase.CHANGING:
            return finish(state, better(state.outcome, Outcome.UNREACHABLE), reason="time is over", hang_up=True)
        case Phase.RINGING:
            outcome = Outcome.BUSY if state.queued else Outcome.NO_ANSWER
            return finish(state, better(state.outcome, outcome), reason="time is over", hang_up=True)
        case _:
            return None


def _dialling_over(state: Door) -> Step:
    longer = any(number != state.dialled and number.startswith(state.dialled) for number in state.homes)
    if state.dialled in state.homes and not longer:
        return call(state, state.dialled)
    return refuse(state, Outcome.DIALLING_TIMED_OUT)


def _not_locked_out(state: Door) -> Step:
    return replace(state, locked_out=False, wrong_codes=0), (Publish("lockout", {"on": False}),)


_TIMERS: dict[str, Callable[[Door], Step | None]] = {
    TOTAL: _total_over,
    ONWARD: onward.too_long,
    HURRY: lambda state: (replace(state, hurried=False), ()),
    RELOCK: lambda state: (replace(state, unlocked=False), (Publish("locked"),)),
    DOOR_OPEN: lambda state: alarm(state, DOOR_LEFT_OPEN, True),
    LOCKOUT: _not_locked_out,
}


def _lost(state: Door, event: DeviceLost) -> Step:
    facts = {"device": event.name, "why": event.why}
    return replace(state, missing=state.missing | {event.name}), (Publish("device-lost", facts),)


def _returned(state: Door, event: DeviceReturned) -> Step:
    return replace(state, missing=state.missing - {event.name}), (Publish("device-returned", {"device": event.name}),)


def _registered(state: Door, event: Registered) -> Step:
    return replace(state, registered=True), (Publish("registered"),)


def _unregistered(state: Door, event: RegistrationLost) -> Step:
    facts = {"code": event.code, "reason": event.reason, "refused": event.refused}
    return replace(state, registered=False), (Publish("registration-lost", facts),)


def _directory(state: Door, event: DirectoryChanged) -> Step:
    return replace(state, homes=event.homes), (Publish("directory", {"numbers": len(event.homes)}),)


_DECISIONS: dict[type, Callable[[Door, Any], Step | None]] = {
    KeyPressed: _key,
    CallPressed: _call_button,
    ExitPressed: _exit,
    DoorMoved: _door_moved,
    CaseMoved: _case_moved,
    CodeChecked: _code_checked,
    UnlockGranted: _unlock_granted,
    DirectoryChanged: _directory,
    OnwardPlaced: onward.placed,
    StoreChanged: message.store_changed,
    ItemLost: message.item_lost,
    WordsOver: message.words_over,
    MessageOver: lambda state, event: message.over(state, event.why),
    MessageKept: message.kept,
    TimerExpired: _timer,
    DeviceLost: _lost,
    DeviceReturned: _returned,
    Registered: _registered,
    RegistrationLost: _unregistered,
}
