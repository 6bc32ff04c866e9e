"""What a resident's device decides: `next_step`, which has no clock, socket or device in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from endpoints.events import (
    CancelTimer,
    Complain,
    DeviceLost,
    DeviceReturned,
    HangUp,
    Publish,
    StartTimer,
    TimerExpired,
    Tone,
)
from endpoints.resident.actions import (
    Answer,
    EndCall,
    Mute,
    NoteMissed,
    Reject,
    ResidentAction,
    Ring,
    SendUnlock,
    ShowScene,
    WatchVideo,
)
from endpoints.resident.events import Button, ButtonPressed, ResidentEvent
from endpoints.resident.state import Outcome, Phase, Resident, scene_of, tone_of
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
from endpoints.unlock import CHALLENGE_HEADER, RESULT_TYPE, Reason, Result, UnlockMessageError

Step = tuple[Resident, tuple[ResidentAction, ...]]
UNLOCK, NOTE = "unlock", "note"
DECLINED, BUSY, DO_NOT_DISTURB = 603, 486, 480


def next_step(state: Resident, event: ResidentEvent) -> Step:
    """The state after `event`, and what is to be done, in this order. An event not expected gives `state` itself."""
    decided = _decide(state, event)
    if decided is None:
        return state, ()
    after, actions = decided
    return after, actions + _phase_timers(state, after) + _signs(state, after)


def _decide(state: Resident, event: ResidentEvent) -> Step | None:
    call = getattr(event, "call", state.call)
    if call != state.call and not isinstance(event, IncomingCall):
        return None
    return _DECISIONS[type(event)](state, event) if type(event) in _DECISIONS else None


def _enter(state: Resident, phase: Phase, **changes: Any) -> Resident:
    """The one place where a phase changes."""
    return replace(state, phase=phase, **changes)


# --- what follows from the state itself -----------------------------------------------------------------------------


def _phase_timers(before: Resident, after: Resident) -> tuple[ResidentAction, ...]:
    """Each phase that may not last has one timer, called like the phase."""
    if before.phase is after.phase and before.call == after.call:
        return ()
    stop = (CancelTimer(before.phase),) if _limit(before) else ()
    start = (StartTimer(after.phase, _limit(after)),) if _limit(after) else ()
    return (*stop, *start)


def _limit(state: Resident) -> float:
    limits = {Phase.RINGING: state.rules.ring, Phase.ENDED: state.rules.sign}
    return limits.get(state.phase, 0.0)


def _signs(before: Resident, after: Resident) -> tuple[ResidentAction, ...]:
    tone = (Tone(tone_of(after)),) if tone_of(after) != tone_of(before) else ()
    show = (ShowScene(scene_of(after)),) if scene_of(after) != scene_of(before) else ()
    return (*show, *tone)


# --- a call comes ---------------------------------------------------------------------------------------------------


def _incoming(state: Resident, event: IncomingCall) -> Step:
    caller = event.caller_name or event.caller.removeprefix("sip:").removeprefix("sips:").partition("@")[0]
    if state.in_call:
        return _refuse(state, event, caller, BUSY, "busy")
    if state.do_not_disturb:
        return _refuse(state, event, caller, DO_NOT_DISTURB, "do not disturb")
    after = _enter(
        state, Phase.RINGING, call=event.call, caller=caller, session_id=event.session_id,
        challenge=event.headers.get(CHALLENGE_HEADER.lower(), ""), live=event.video is not None, outcome=Outcome.NONE,
    )  # fmt: skip
    return after, (Ring(event.call, event.video), Publish("ringing", {"call": event.call, "caller": caller}))


def _refuse(state: Resident, event: IncomingCall, caller: str, code: int, why: str) -> Step:
    after, actions = _missed(state, caller, why)
    return after, (Reject(event.call, code), *actions)


def _missed(state: Resident, caller: str, why: str) -> Step:
    return replace(state, missed=state.missed + 1, last_missed=caller), (NoteMissed(caller, why),)


def _answered(state: Resident, event: Answered) -> Step | None:
    if state.phase is not Phase.ANSWERING:
        return None
    after = _enter(state, Phase.TALKING, live=event.video is not None)
    moved = (WatchVideo(event.video),) if event.video or state.live else ()
    return after, (*moved, Publish("answered", {"call": event.call, "caller": state.caller}))


def _video_changed(state: Resident, event: VideoChanged) -> Step | None:
    return (replace(state, live=event.video is not None), (WatchVideo(event.video),)) if state.in_call else None


def _held(state: Resident, event: Held) -> Step:
    return replace(state, held=event.held), (Publish("held", {"call": event.call, "on": event.held}),)


def _audio(state: Resident, event: AudioStarted) -> Step:
    return state, (Publish("audio-started", {"call": event.call}),)


def _ended(state: Resident, event: Ended) -> Step | None:
    if not state.in_call:
        return None
    if event.elsewhere:
        return _finish(state, Outcome.ELSEWHERE, event.code, event.reason)
    if state.phase is Phase.RINGING:
        return _nobody_answered(state, event.code, event.reason)
    return _finish(state, Outcome.HUNG_UP, event.code, event.reason)


def _nobody_answered(state: Resident, code: int = 0, reason: str = "") -> Step:
    noted, note = _missed(state, state.caller, "nobody answered")
    after, actions = _finish(noted, Outcome.MISSED, code, reason)
    return after, (*actions, *note)


def _finish(state: Resident, outcome: Outcome, code: int = 0, reason: str = "", here: bool = False) -> Step:
    """The call is over; `here`: by a person at this device, who needs no sign of it."""
    after = _enter(
        state, Phase.IDLE if here else Phase.ENDED, call="", session_id="", challenge="", live=False, muted=False,
        held=False, unlocking=False, note="", outcome=outcome,
    )  # fmt: skip
    facts = {"call": state.call, "caller": state.caller, "outcome": outcome, "code": code, "reason": reason}
    return after, (EndCall(), CancelTimer(UNLOCK), CancelTimer(NOTE), Publish("ended", facts))


# --- buttons --------------------------------------------------------------------------------------------------------


def _button(state: Resident, event: ButtonPressed) -> Step | None:
    return _BUTTONS[event.button](state)


def _answer(state: Resident) -> Step | None:
    return (_enter(state, Phase.ANSWERING), (Answer(state.call),)) if state.phase is Phase.RINGING else None


def _red(state: Resident) -> Step | None:
    """Decline and hang up: the one that a device has does what the moment asks for."""
    match state.phase:
        case Phase.RINGING:
            after, actions = _finish(state, Outcome.DECLINED, here=True)
            return after, (Reject(state.call, DECLINED), *actions)
        case Phase.ANSWERING | Phase.TALKING:
            after, actions = _finish(state, Outcome.HUNG_UP, here=True)
            return after, (HangUp(state.call), *actions)
        case Phase.ENDED:
            return _enter(state, Phase.IDLE), ()
        case _:
            return (replace(state, missed=0, last_missed=""), (Publish("missed-seen"),)) if state.missed else None


def _mute(state: Resident) -> Step | None:
    if state.phase is not Phase.TALKING:
        return None
    return replace(state, muted=not state.muted), (Mute(not state.muted),)


def _do_not_disturb(state: Resident) -> Step:
    on = not state.do_not_disturb
    return replace(state, do_not_disturb=on), (Publish("do-not-disturb", {"on": on}),)


# --- the door -------------------------------------------------------------------------------------------------------


def _unlock(state: Resident) -> Step | None:
    if state.phase is not Phase.TALKING or state.unlocking:
        return None
    if not state.can_unlock:
        return _say(state, "This door cannot be opened from here")
    ask = SendUnlock(state.call, state.challenge, state.session_id)
    return replace(state, unlocking=True, note=""), (ask, StartTimer(UNLOCK, state.rules.unlock))


def _info(state: Resident, event: InfoReceived) -> Step | None:
    if event.content_type.partition(";")[0].strip().lower() != RESULT_TYPE or not state.unlocking:
        return None
    try:
        result = Result.from_json(event.body)
    except UnlockMessageError as error:
        return state, (Complain(str(error)),)
    return _result(state, result)


def _result(state: Resident, result: Result) -> Step:
    after, actions = _say(replace(state, unlocking=False, challenge=result.challenge), _words(result))
    facts = {"granted": result.granted, "why": result.reason}
    return after, (CancelTimer(UNLOCK), Publish("unlock", facts), *actions)


def _words(result: Result) -> str:
    return "The door is open" if result.granted else _REFUSALS.get(result.reason, "The door refused")


_REFUSALS: dict[str, str] = {
    Reason.EXPIRED: "Too late, press again",
    Reason.TOO_MANY: "Too many attempts, wait a moment",
    Reason.UNKNOWN_DEVICE: "The door does not know this device",
    Reason.WRONG_SIGNATURE: "The door does not accept this device's key",
}


def _say(state: Resident, words: str) -> Step:
    return replace(state, note=words), (StartTimer(NOTE, state.rules.note),)


# --- time, devices, registration ------------------------------------------------------------------------------------


def _timer(state: Resident, event: TimerExpired) -> Step | None:
    match event.name, state.phase:
        case Phase.RINGING, Phase.RINGING:
            after, actions = _nobody_answered(state, reason="rang too long")
            return after, (Reject(state.call, DO_NOT_DISTURB), *actions)
        case Phase.ENDED, Phase.ENDED:
            return _enter(state, Phase.IDLE), ()
        case "unlock", Phase.TALKING if state.unlocking:
            return _say(replace(state, unlocking=False), "No answer from the door")
        case "note", _ if state.note:
            return replace(state, note=""), ()
        case _:
            return None


def _lost(state: Resident, event: DeviceLost) -> Step:
    facts = {"device": event.name, "why": event.why}
    return replace(state, missing=state.missing | {event.name}), (Publish("device-lost", facts),)


def _returned(state: Resident, event: DeviceReturned) -> Step:
    return replace(state, missing=state.missing - {event.name}), (Publish("device-returned", {"device": event.name}),)


def _registered(state: Resident, event: Registered) -> Step:
    return replace(state, registered=True), (Publish("registered"),)


def _unregistered(state: Resident, event: RegistrationLost) -> Step:
    facts = {"code": event.code, "reason": event.reason, "refused": event.refused}
    return replace(state, registered=False), (Publish("registration-lost", facts),)


_BUTTONS: dict[Button, Callable[[Resident], Step | None]] = {
    Button.ANSWER: _answer,
    Button.DECLINE: _red,
    Button.HANGUP: _red,
    Button.UNLOCK: _unlock,
    Button.MUTE: _mute,
    Button.DND: _do_not_disturb,
}

_DECISIONS: dict[type, Callable[[Resident, Any], Step | None]] = {
    IncomingCall: _incoming,
    Answered: _answered,
    VideoChanged: _video_changed,
    Held: _held,
    AudioStarted: _audio,
    InfoReceived: _info,
    Ended: _ended,
    ButtonPressed: _button,
    TimerExpired: _timer,
    DeviceLost: _lost,
    DeviceReturned: _returned,
    Registered: _registered,
    RegistrationLost: _unregistered,
}
