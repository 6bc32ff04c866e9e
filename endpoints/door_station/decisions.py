"""What a door station decides: `next_step`, which has no clock, socket or device in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from endpoints.door_station.actions import (
    CheckCode,
    DoorAction,
    JudgeUnlock,
    KeepOnly,
    KeyFrame,
    NoteRefusal,
    SendVideo,
    Show,
    StartVoice,
    StopVideo,
)
from endpoints.door_station.events import (
    CallFailed,
    CallPlaced,
    CallPressed,
    CaseMoved,
    CodeChecked,
    DoorEvent,
    DoorMoved,
    ExitPressed,
    KeyPressed,
    UnlockGranted,
)
from endpoints.door_station.state import DOOR_LEFT_OPEN, TAMPER, Door, Outcome, Phase, signal_of, tone_of
from endpoints.door_station.transitions import (
    DOOR_OPEN,
    HURRY,
    LOCKOUT,
    RELOCK,
    Step,
    alarm,
    call,
    enter,
    finish,
    refuse,
    unlock,
)
from endpoints.events import CancelTimer, DeviceLost, DeviceReturned, HangUp, Publish, StartTimer, TimerExpired, Tone
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

LONGEST_ENTRY = 16


def next_step(state: Door, event: DoorEvent) -> Step:
    """The state after `event`, and what is to be done, in this order. An event not expected gives `state` itself."""
    decided = _decide(state, event)
    if decided is None:
        return state, ()
    after, actions = decided
    return after, actions + _phase_timers(state, after) + _lamp(state, after) + _tone(state, after, actions)


def _decide(state: Door, event: DoorEvent) -> Step | None:
    call = getattr(event, "call", state.call)
    if call != state.call and not isinstance(event, CallPlaced):
        return _stale(state, event)
    return _DECISIONS[type(event)](state, event) if type(event) in _DECISIONS else None


# --- what follows from the state itself -----------------------------------------------------------------------------


def _phase_timers(before: Door, after: Door) -> tuple[DoorAction, ...]:
    """Each phase has one timer, called like the phase."""
    if before.phase is after.phase:
        return ()
    stop = (CancelTimer(before.phase),) if _limit(before) else ()
    start = (StartTimer(after.phase, _limit(after)),) if _limit(after) else ()
    return (*stop, *start)


def _limit(state: Door) -> float:
    rules = state.rules
    limits = {
        Phase.DIALLING: rules.dial,
        Phase.CALLING: rules.provisional,
        Phase.RINGING: rules.ring,
        Phase.TALKING: rules.talk,
        Phase.ENDED: rules.sign,
    }
    return limits.get(state.phase, 0.0)


def _lamp(before: Door, after: Door) -> tuple[DoorAction, ...]:
    return (Show(signal_of(after)),) if signal_of(after) is not signal_of(before) else ()


def _tone(before: Door, after: Door, actions: tuple[DoorAction, ...]) -> tuple[DoorAction, ...]:
    wanted = tone_of(after)
    if wanted == tone_of(before):
        return ()
    # A beep or chime that was just asked for ends the old tone by itself.
    chimes = wanted is None and any(isinstance(action, Tone) for action in actions)
    return () if chimes else (Tone(wanted),)


# --- the visitor at the panel ---------------------------------------------------------------------------------------


def _key(state: Door, event: KeyPressed) -> Step | None:
    if state.in_visit:
        return _visitor_leaves(state) if event.key == "*" else None
    if state.phase is Phase.CHECKING:
        return None
    if event.key == "#":
        return _confirm(state)
    return _clear(state) if event.key == "*" and state.dialled else _dial(state, event.key)


def _dial(state: Door, key: str) -> Step:
    dialled = state.dialled + key
    if len(dialled) > LONGEST_ENTRY:
        return refuse(state, Outcome.WRONG_FLAT)
    after = enter(state, Phase.DIALLING, dialled=dialled, outcome=Outcome.NONE)
    again = (StartTimer(Phase.DIALLING, state.rules.dial),) if state.phase is Phase.DIALLING else ()
    return after, (Tone("beep"), *again)


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
    if state.phase is Phase.CHECKING:
        return None
    return _confirm(state) if state.dialled else call(state, state.rules.call_flat)


def _visitor_leaves(state: Door) -> Step:
    return finish(state, Outcome.HUNG_UP if state.phase is Phase.TALKING else Outcome.CANCELLED, hang_up=True)


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


# --- the call --------------------------------------------------------------------------------------------------------


def _placed(state: Door, event: CallPlaced) -> Step:
    return replace(state, call=event.call), (Publish("calling", {"call": event.call, "flat": state.flat}),)


def _failed(state: Door, event: CallFailed) -> Step:
    return finish(state, Outcome.UNREACHABLE, reason=event.why)


def _ringing(state: Door, event: Ringing) -> Step | None:
    if state.phase not in (Phase.CALLING, Phase.RINGING):
        return None
    facts = {"call": event.call, "to_tag": event.to_tag, "code": event.code}
    return enter(state, Phase.RINGING), (Publish("ringing", facts),)


def _early_media(state: Door, event: EarlyMedia) -> Step | None:
    if state.phase not in (Phase.CALLING, Phase.RINGING):
        return None
    facts = {"call": event.call, "to_tag": event.to_tag, "remote": event.remote, "video": event.video is not None}
    after, actions = _screen(enter(state, Phase.RINGING), event)
    return after, (*actions, Publish("early-media", facts))


def _screen(state: Door, event: EarlyMedia) -> Step:
    if event.video is not None:
        return replace(state, screens=state.screens | {event.to_tag}), (SendVideo(event.to_tag, event.video),)
    stop = (StopVideo(event.to_tag),) if event.to_tag in state.screens else ()
    return replace(state, screens=state.screens - {event.to_tag}), stop


def _answered(state: Door, event: Answered) -> Step | None:
    if state.phase not in (Phase.CALLING, Phase.RINGING):
        return None
    screens = frozenset({event.to_tag}) if event.video else frozenset()
    after = enter(state, Phase.TALKING, branch=event.to_tag, screens=screens)
    picture = SendVideo(event.to_tag, event.video) if event.video else StopVideo(event.to_tag)
    told = Publish("answered", {"call": event.call, "to_tag": event.to_tag, "video": event.video is not None})
    return after, (KeepOnly(event.to_tag), picture, StartVoice(), told)


def _video_changed(state: Door, event: VideoChanged) -> Step | None:
    if state.phase is not Phase.TALKING:
        return None
    if event.video is None:
        return replace(state, screens=frozenset()), (StopVideo(state.branch),)
    return replace(state, screens=frozenset({state.branch})), (SendVideo(state.branch, event.video),)


def _key_frame(state: Door, event: KeyFrameWanted) -> Step | None:
    return (state, (KeyFrame(),)) if state.in_visit else None


def _held(state: Door, event: Held) -> Step:
    return state, (Publish("held", {"call": event.call, "on": event.held}),)


def _audio(state: Door, event: AudioStarted) -> Step:
    return state, (Publish("audio-started", {"call": event.call}),)


def _ended(state: Door, event: Ended) -> Step | None:
    if not state.in_visit:
        return None
    outcome = Outcome.HUNG_UP if state.phase is Phase.TALKING else _outcome(event.code)
    return finish(state, outcome, code=event.code, reason=event.reason)


def _outcome(code: int) -> Outcome:
    """What a final SIP response means to a visitor."""
    if code in (403, 603, 607):
        return Outcome.DECLINED
    if code in (486, 600):
        return Outcome.BUSY
    return Outcome.NO_ANSWER if code == 408 else Outcome.UNREACHABLE


def _stale(state: Door, event: DoorEvent) -> Step | None:
    """An event of a call that is not, or no longer, this visit's."""
    if isinstance(event, Answered):
        return state, (HangUp(event.call, "the visitor has gone"),)
    return _info(state, event) if isinstance(event, InfoReceived) else None


# --- the lock and the alarms ----------------------------------------------------------------------------------------


def _info(state: Door, event: InfoReceived) -> Step | None:
    if event.content_type.partition(";")[0].strip().lower() != UNLOCK_TYPE:
        return None
    in_call = state.phase is Phase.TALKING and event.call == state.call
    return state, (JudgeUnlock(event.call, event.body, in_call),)


def _unlock_granted(state: Door, event: UnlockGranted) -> Step:
    return unlock(state, "sip", event.device)


def _exit(state: Door, event: ExitPressed) -> Step:
    return unlock(state, "exit-button", "")


def _door_moved(state: Door, event: DoorMoved) -> Step:
    told = Publish("door", {"open": event.open})
    if event.open:
        return state, (StartTimer(DOOR_OPEN, state.rules.door_open), told)
    after, actions = alarm(state, DOOR_LEFT_OPEN, False)
    return after, (CancelTimer(DOOR_OPEN), told, *actions)


def _case_moved(state: Door, event: CaseMoved) -> Step:
    return alarm(state, TAMPER, event.open)


# --- time, devices, registration ------------------------------------------------------------------------------------


def _timer(state: Door, event: TimerExpired) -> Step | None:
    if event.name == state.phase:
        return _phase_over(state)
    return _TIMERS[event.name](state) if event.name in _TIMERS else None


def _phase_over(state: Door) -> Step | None:
    match state.phase:
        case Phase.DIALLING:
            return _dialling_over(state)
        case Phase.CALLING:
            return finish(state, Outcome.UNREACHABLE, reason="no provisional response", hang_up=True)
        case Phase.RINGING:
            return finish(state, Outcome.NO_ANSWER, hang_up=True)
        case Phase.TALKING:
            return finish(state, Outcome.TIME_OVER, hang_up=True)
        case Phase.ENDED:
            return enter(state, Phase.IDLE), ()
        case _:
            return None


def _dialling_over(state: Door) -> Step:
    longer = any(flat != state.dialled and flat.startswith(state.dialled) for flat in state.rules.flats)
    if state.dialled in state.rules.flats and not longer:
        return call(state, state.dialled)
    return refuse(state, Outcome.DIALLING_TIMED_OUT)


def _not_locked_out(state: Door) -> Step:
    return replace(state, locked_out=False, wrong_codes=0), (Publish("lockout", {"on": False}),)


_TIMERS: dict[str, Callable[[Door], Step]] = {
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


_DECISIONS: dict[type, Callable[[Door, Any], Step | None]] = {
    KeyPressed: _key,
    CallPressed: _call_button,
    ExitPressed: _exit,
    DoorMoved: _door_moved,
    CaseMoved: _case_moved,
    CallPlaced: _placed,
    CallFailed: _failed,
    CodeChecked: _code_checked,
    UnlockGranted: _unlock_granted,
    TimerExpired: _timer,
    DeviceLost: _lost,
    DeviceReturned: _returned,
    Registered: _registered,
    RegistrationLost: _unregistered,
    Ringing: _ringing,
    EarlyMedia: _early_media,
    Answered: _answered,
    VideoChanged: _video_changed,
    KeyFrameWanted: _key_frame,
    Held: _held,
    AudioStarted: _audio,
    InfoReceived: _info,
    Ended: _ended,
}
