"""Decisions inside a talk: mute, hold, pictures, the door's lock."""

from dataclasses import replace

from endpoints.actions import CancelTimer, Complain, Publish, StartTimer
from endpoints.screens.actions import Mute, SendUnlock, WatchVideo
from endpoints.screens.state import Phase, shows
from endpoints.screens.transitions import UNLOCK, Actions, S, say
from endpoints.sip.agent import AudioStarted, Held, InfoReceived, VideoChanged
from endpoints.unlock import RESULT_TYPE, Reason, Result, UnlockMessageError


def video_changed(state: S, event: VideoChanged) -> tuple[S, Actions] | None:
    """The other side's picture moved, stopped, or came back."""
    return (replace(state, live=shows(event.video)), (WatchVideo(event.video),)) if state.in_call else None


def held(state: S, event: Held) -> tuple[S, Actions]:
    """The other side put us on hold, or took us back."""
    return replace(state, held=event.held), (Publish("held", {"call": event.call, "on": event.held}),)


def audio(state: S, event: AudioStarted) -> tuple[S, Actions]:
    """Sound flows."""
    return state, (Publish("audio-started", {"call": event.call}),)


def mute(state: S) -> tuple[S, Actions] | None:
    """Microphone off, or on again."""
    if state.phase is not Phase.TALKING:
        return None
    return replace(state, muted=not state.muted), (Mute(not state.muted),)


def unlock(state: S) -> tuple[S, Actions] | None:
    """The unlock button: only in a talk, and only once until the door has answered."""
    if state.phase is not Phase.TALKING or state.unlocking:
        return None
    if not state.can_unlock:
        return say(state, "This door cannot be opened from here")
    ask = SendUnlock(state.call, state.challenge, state.session_id)
    return replace(state, unlocking=True, note=""), (ask, StartTimer(UNLOCK, state.rules.unlock))


def info(state: S, event: InfoReceived) -> tuple[S, Actions] | None:
    """The door's answer to an unlock."""
    if event.content_type.partition(";")[0].strip().lower() != RESULT_TYPE or not state.unlocking:
        return None
    try:
        result = Result.from_json(event.body)
    except UnlockMessageError as error:
        return state, (Complain(str(error)),)
    return _result(state, result)


def _result(state: S, result: Result) -> tuple[S, Actions]:
    after, actions = say(replace(state, unlocking=False, challenge=result.challenge), _words(result))
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


def no_answer_to_unlock(state: S) -> tuple[S, Actions] | None:
    """The door may be asked again."""
    if state.phase is not Phase.TALKING or not state.unlocking:
        return None
    return say(replace(state, unlocking=False), "No answer from the door")
