"""Decisions about a call that comes: ring, answer, decline, miss."""

from collections.abc import Mapping
from dataclasses import replace

from endpoints.actions import Answer, HangUp, Publish, Reject, StartVoice
from endpoints.screens.actions import NoteCall, Ring, WatchVideo
from endpoints.screens.state import DEPARTING, Outcome, Phase, Station, shows
from endpoints.screens.transitions import Actions, S, enter, finish, hand_over, missed, note_call
from endpoints.sip.agent import Answered, IncomingCall
from endpoints.unlock import CHALLENGE_HEADER

DECLINED, BUSY, DO_NOT_DISTURB, MERGED = 603, 486, 480, 482


def incoming(state: S, event: IncomingCall) -> tuple[S, Actions]:
    """An INVITE: ring, unless a person here is busy or not to be disturbed."""
    if is_here(state, event):
        return state, (Reject(event.call, MERGED),)
    if state.in_call:
        return refuse(state, event, BUSY, "busy")
    if state.do_not_disturb:
        return refuse(state, event, DO_NOT_DISTURB, "do not disturb")
    return ring(state, event)


def is_here(state: S, event: IncomingCall) -> bool:
    """Whether this very call rings here, or did so by another of our servers."""
    if not event.session_id:
        return False
    again = state.rules.once and event.session_id == state.last_session
    return again or (state.in_call and event.session_id == state.session_id)


def ring(state: S, event: IncomingCall) -> tuple[S, Actions]:
    """Ring with the caller's picture, if there is one."""
    caller = name_of(event, state.rules.people)
    after = enter(
        state, Phase.RINGING, call=event.call, caller=caller, address=event.caller, dialled="", typed="",
        session_id=event.session_id, challenge=event.headers.get(CHALLENGE_HEADER.lower(), ""),
        live=shows(event.video), emergency=event.emergency, outcome=Outcome.NONE, last_caller=event.caller,
    )  # fmt: skip
    facts = {"call": event.call, "caller": caller, "emergency": event.emergency}
    return after, (Ring(event.call, event.video), Publish("ringing", facts))


def name_of(event: IncomingCall, people: Mapping[str, str]) -> str:
    """Who calls, for people: the name, of a home with its number; else the user part of the address."""
    user = event.caller.partition(":")[2].partition("@")[0]
    name = people.get(user, event.caller_name)
    return f"{name} ({user})" if name and user.isdigit() and user not in name else name or user


def refuse(state: S, event: IncomingCall, code: int, why: str) -> tuple[S, Actions]:
    """Refuse without ringing; the call is missed all the same."""
    after, actions = missed(state, note_of(state, event, why))
    return replace(after, last_caller=event.caller), (Reject(event.call, code), *actions)


def note_of(state: Station, event: IncomingCall, how: str) -> NoteCall:
    """A call that does not become the present one, for the list of calls that came."""
    caller = name_of(event, state.rules.people)
    return NoteCall(caller, event.caller, how, event.emergency, beside=True, session_id=event.session_id)


def answer(state: S) -> tuple[S, Actions] | None:
    """The green button."""
    return (enter(state, Phase.ANSWERING), (Answer(state.call),)) if state.phase is Phase.RINGING else None


def answered(state: S, event: Answered) -> tuple[S, Actions] | None:
    """The call is established, whoever began it."""
    if state.phase in DEPARTING:
        return _answered_there(state, event)
    if state.phase is not Phase.ANSWERING:
        return None
    after = enter(state, Phase.TALKING, live=shows(event.video))
    moved = (WatchVideo(event.video, event.to_tag),) if event.video or state.live else ()
    return after, (*moved, note_call(state, "answered"), told(after))


def _answered_there(state: S, event: Answered) -> tuple[S, Actions]:
    after = enter(state, Phase.TALKING, live=shows(event.video), before="", before_caller="", position=0)
    return after, (StartVoice(), WatchVideo(event.video, event.to_tag), *hand_over(state), told(after, event.by))


def told(state: S, by: str = "") -> Publish:
    """The news that a call is established; `by` is the account that answered ours."""
    facts = {"call": state.call, "caller": state.caller, "emergency": state.emergency}
    return Publish("answered", facts | ({"by": by} if by else {}))


def nobody_answered(state: S, code: int = 0, reason: str = "") -> tuple[S, Actions]:
    """The caller gave up, or it rang too long."""
    noted, note = missed(state, note_call(state, "nobody answered"))
    after, actions = finish(noted, Outcome.MISSED, code, reason)
    return after, (*actions, *note)


def rang_too_long(state: S) -> tuple[S, Actions]:
    """The caller's end of it got lost."""
    after, actions = nobody_answered(state, reason="rang too long")
    return after, (Reject(state.call, DO_NOT_DISTURB), *actions)


def decline(state: S) -> tuple[S, Actions]:
    """A person does not want this call."""
    after, actions = finish(state, Outcome.DECLINED, here=True)
    return after, (Reject(state.call, DECLINED), *actions, note_call(state, "declined"))


def hang_up(state: S) -> tuple[S, Actions]:
    """A person ends the talk."""
    after, actions = finish(state, Outcome.HUNG_UP, here=True)
    before = (HangUp(state.before),) if state.before else ()
    return after, (HangUp(state.call), *before, *actions)
