"""What a door station decides on the events of a visit's call: ringing, the answer, pictures, digits, the end."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from endpoints.actions import CancelTimer, HangUp, Publish, Say, StartTimer, StartVoice
from endpoints.door_station import onward
from endpoints.door_station.actions import (
    AskForPerson,
    DoorAction,
    JudgeDigit,
    JudgeUnlock,
    KeepOnly,
    KeyFrame,
    Remember,
    SendVideo,
    StopVideo,
    TellCode,
)
from endpoints.door_station.chain import TELEPHONE, UNCONFIRMED, Failure, Next, Outcome, failure
from endpoints.door_station.events import DoorEvent
from endpoints.door_station.state import Door, Phase
from endpoints.door_station.transitions import TOTAL, Step, attempt, enter, finish, give_up, keep_picture
from endpoints.events import CallFailed, CallPlaced
from endpoints.sip.agent import (
    Answered,
    AudioStarted,
    Dtmf,
    EarlyMedia,
    Ended,
    Held,
    InfoReceived,
    KeyFrameWanted,
    Queued,
    Ringing,
    TransferAsked,
    Trying,
    VideoChanged,
)
from endpoints.unlock import UNLOCK_TYPE

PERSON, AGAIN = "1", "*"
"""Keys of a telephone: somebody is there; tell me the code again."""
FAILURE = 400
"""A talk that ends with such a code was not ended by a person."""
UNANSWERED = (Phase.CALLING, Phase.RINGING)

# --- until somebody answers -----------------------------------------------------------------------------------------


def _placed(state: Door, event: CallPlaced) -> Step:
    facts = {"call": event.call, "flat": state.flat, "stage": state.stage, "session_id": event.session_id}
    after, kept = _begun(state, event.session_id)
    return replace(after, call=event.call), (Publish("calling", facts), *kept)


def _failed(state: Door, event: CallFailed) -> Step:
    begun, kept = _begun(state, event.session_id)
    after, actions = give_up(begun, Failure(Next.ADDRESS, Outcome.UNREACHABLE, reason=event.why))
    return after, (*kept, *actions)


def _begun(state: Door, session_id: str) -> Step:
    """The first call of a visit went out: now there is time for a picture."""
    after = replace(state, session_id=session_id)
    if state.session_id or not state.deposits:
        return after, ()
    return after, (*keep_picture(after, "ring"), Remember())


def _trying(state: Door, event: Trying) -> Step | None:
    if state.phase is not Phase.CALLING or state.tried:
        return None
    return replace(state, tried=True), (StartTimer(Phase.CALLING, state.rules.budget(state.stage).provisional),)


def _queued(state: Door, event: Queued) -> Step | None:
    """The guards are busy, and the visitor may wait longer than anybody may ring."""
    if state.phase not in UNANSWERED:
        return None
    place = ("your-position", *str(event.position)) if event.position else ()
    words = place if state.queued and place else ("guards-busy", *place)
    wait = () if state.queued else (StartTimer(TOTAL, state.rules.queue),)
    told = Publish("queued", {"call": event.call, "position": event.position})
    return enter(state, Phase.RINGING, queued=True), (*wait, Say(words), told)


def _ringing(state: Door, event: Ringing) -> Step | None:
    if state.phase not in UNANSWERED:
        return None
    facts = {"call": event.call, "to_tag": event.to_tag, "code": event.code}
    return _rings(state, (Publish("ringing", facts),))


def _rings(state: Door, actions: tuple[DoorAction, ...]) -> Step:
    """Somebody rings; who waited in a queue has the whole time for that again."""
    served = (StartTimer(TOTAL, state.rules.total),) if state.queued else ()
    return enter(state, Phase.RINGING, queued=False), (*actions, *served)


def _early_media(state: Door, event: EarlyMedia) -> Step | None:
    if state.phase not in UNANSWERED:
        return None
    facts = {"call": event.call, "to_tag": event.to_tag, "remote": event.remote, "video": event.video is not None}
    shown, actions = _screen(state, event)
    return _rings(shown, (*actions, Publish("early-media", facts)))


def _screen(state: Door, event: EarlyMedia) -> Step:
    if event.video is not None:
        return replace(state, screens=state.screens | {event.to_tag}), (SendVideo(event.to_tag, event.video),)
    stop = (StopVideo(event.to_tag),) if event.to_tag in state.screens else ()
    return replace(state, screens=state.screens - {event.to_tag}), stop


# --- the answer -----------------------------------------------------------------------------------------------------


def _answered(state: Door, event: Answered) -> Step | None:
    if state.phase is Phase.CHANGING:
        return state, (HangUp(event.call, "the door calls elsewhere"),)
    if state.phase not in UNANSWERED:
        return None
    facts = {"call": event.call, "to_tag": event.to_tag, "video": event.video is not None, "by": event.by}
    told = Publish("answered", facts)
    if state.stage == TELEPHONE:
        return enter(state, Phase.CONFIRMING, branch=event.to_tag, queued=False), (AskForPerson(), told)
    screens = frozenset({event.to_tag}) if event.video else frozenset()
    picture = SendVideo(event.to_tag, event.video) if event.video else StopVideo(event.to_tag)
    after = enter(state, Phase.TALKING, branch=event.to_tag, screens=screens, queued=False)
    kept = keep_picture(state, "answer")
    return after, (KeepOnly(event.to_tag), picture, StartVoice(), CancelTimer(TOTAL), told, *kept)


def _digit(state: Door, event: Dtmf) -> Step | None:
    """Only a telephone's digits mean something, and only after its answer."""
    if state.stage != TELEPHONE:
        return None
    if state.phase is Phase.CONFIRMING and event.digit == PERSON:
        return _confirmed(state, event)
    if state.phase is not Phase.TALKING or event.method != state.digits_by:
        return None
    return state, (TellCode() if event.digit == AGAIN else JudgeDigit(event.digit),)


def _confirmed(state: Door, event: Dtmf) -> Step:
    after = enter(state, Phase.TALKING, digits_by=event.method)
    told = Publish("confirmed", {"call": event.call})
    return after, (StartVoice(), TellCode(), CancelTimer(TOTAL), told, *keep_picture(state, "answer"))


# --- in the call ----------------------------------------------------------------------------------------------------


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


def _info(state: Door, event: InfoReceived) -> Step | None:
    if event.content_type.partition(";")[0].strip().lower() != UNLOCK_TYPE:
        return None
    in_call = state.phase is Phase.TALKING and event.call == state.call
    return state, (JudgeUnlock(event.call, event.body, in_call),)


# --- the end --------------------------------------------------------------------------------------------------------


def _ended(state: Door, event: Ended) -> Step | None:
    match state.phase:
        case Phase.CHANGING:
            return attempt(state)
        case Phase.TALKING if state.onward:
            return onward.guard_left(state)
        case Phase.TALKING:
            outcome = Outcome.LOST if event.code >= FAILURE else Outcome.HUNG_UP
            return finish(state, outcome, code=event.code, reason=event.reason)
        case Phase.CONFIRMING:
            return give_up(state, UNCONFIRMED)
        case Phase.CALLING | Phase.RINGING:
            rang = state.phase is Phase.RINGING and not state.queued
            return give_up(state, failure(event.code, event.reason, rang))
        case _:
            return None


def stale(state: Door, event: DoorEvent) -> Step | None:
    """An event of a call that is not, or no longer, this visit's."""
    if isinstance(event, Answered):
        return state, (HangUp(event.call, "the visitor has gone"),)
    return _info(state, event) if isinstance(event, InfoReceived) else None


DECISIONS_OF_A_CALL: Mapping[type, Callable[[Door, Any], Step | None]] = {
    CallPlaced: _placed,
    CallFailed: _failed,
    Trying: _trying,
    Queued: _queued,
    Ringing: _ringing,
    EarlyMedia: _early_media,
    Answered: _answered,
    Dtmf: _digit,
    VideoChanged: _video_changed,
    KeyFrameWanted: _key_frame,
    Held: _held,
    AudioStarted: _audio,
    InfoReceived: _info,
    TransferAsked: onward.asked,
    Ended: _ended,
}
