"""Decisions about our own call: dial, wait in the queue, hear it ring, be answered or not; also after a transfer."""

from dataclasses import replace

from endpoints.actions import HangUp, Publish, Reject, Say, StartTimer, TellTransfer
from endpoints.events import CallFailed, CallPlaced, KeyPressed
from endpoints.screens.actions import Place, ShowBranch
from endpoints.screens.incoming import BUSY, DECLINED
from endpoints.screens.scenes import callable_user, peer_name
from endpoints.screens.state import DEPARTING, GUARD, Outcome, Phase, shows
from endpoints.screens.transitions import Actions, S, enter, finish, say
from endpoints.sip.agent import EarlyMedia, Ended, Queued, Ringing, TransferAsked

LONGEST_NUMBER = 16
NO_CONNECTION = 502


# --- dialling -------------------------------------------------------------------------------------------------------


def key(state: S, event: KeyPressed) -> tuple[S, Actions] | None:
    """A key: digits are kept, ``#`` calls, ``*`` clears. In a talk they are whom a console passes the call on to."""
    if state.phase is Phase.TALKING and "transfer" in state.rules.offers:
        return replace(state, typed="" if event.key in "*#" else (state.typed + event.key)[-LONGEST_NUMBER:]), ()
    if state.in_call:
        return None
    if event.key == "#":
        return dial(state) if state.typed else None
    if event.key == "*":
        return (enter(state, Phase.IDLE, typed=""), ()) if state.phase is Phase.DIALLING else None
    return _digit(state, event.key)


def _digit(state: S, digit: str) -> tuple[S, Actions]:
    typed = (state.typed + digit)[-LONGEST_NUMBER:] if state.phase is Phase.DIALLING else digit
    again = (StartTimer(Phase.DIALLING, state.rules.dial),) if state.phase is Phase.DIALLING else ()
    return enter(state, Phase.DIALLING, typed=typed), again


def dial(state: S) -> tuple[S, Actions] | None:
    """The green button, or ``#``: call what was typed; what was called last if nothing was."""
    if state.in_call:
        return None
    if state.phase is Phase.BROWSING:
        shown = callable_user(state, state.history[state.browsed])
        return place(state, shown) if shown else None
    user = user_of(state.rules.names.get(state.typed, state.typed)) if state.typed else state.last_dialled
    return place(state, user) if user else None


def call_guard(state: S) -> tuple[S, Actions] | None:
    """The guard's button."""
    return None if state.in_call else place(state, GUARD)


def call_back(state: S) -> tuple[S, Actions] | None:
    """Call who called last."""
    return place(state, user_of(state.last_caller)) if state.last_caller and not state.in_call else None


def call_for_help(state: S) -> tuple[S, Actions] | None:
    """The emergency button: whatever goes on here ends for it; pressed again it changes nothing."""
    if state.emergency and state.in_call:
        return None
    after, actions = clear_line(state, "emergency")
    placed, more = place(after, GUARD, emergency=True)
    return placed, (*actions, *more)


def clear_line(state: S, why: str) -> tuple[S, Actions]:
    """Nothing may be going on here any more."""
    if not state.in_call:
        return state, ()
    after, actions = finish(state, Outcome.PREEMPTED, reason=why, here=True)
    if state.phase is Phase.RINGING:
        return after, (Reject(state.call, BUSY), *actions)
    calls = tuple(HangUp(call, why) for call in (state.call, state.before) if call)
    return after, (*calls, *actions)


def place(state: S, user: str, emergency: bool = False) -> tuple[S, Actions]:
    """Call ``sip:<user>@<our server>``."""
    after = enter(
        state, Phase.CALLING, call="", caller=peer_name(state, user), address="", dialled=user, last_dialled=user,
        typed="", emergency=emergency, session_id="", challenge="", live=False, position=0, outcome=Outcome.NONE,
    )  # fmt: skip
    return after, (Place(user, emergency),)


def user_of(address: str) -> str:
    """The user part of an address; what has none is one already."""
    return address.partition(":")[2].partition("@")[0] if ":" in address else address


# --- on the way -----------------------------------------------------------------------------------------------------


def placed(state: S, event: CallPlaced) -> tuple[S, Actions] | None:
    """The INVITE is out."""
    if state.phase is not Phase.CALLING:
        return state, (HangUp(event.call, "nobody wants this call any more"),)
    facts = {"call": event.call, "to": state.dialled, "emergency": state.emergency}
    return replace(state, call=event.call, session_id=event.session_id), (Publish("calling", facts),)


def failed(state: S, event: CallFailed) -> tuple[S, Actions] | None:
    """No INVITE could be sent."""
    return not_answered(state, NO_CONNECTION, event.why) if state.phase is Phase.CALLING else None


def queued(state: S, event: Queued) -> tuple[S, Actions] | None:
    """The server keeps our call."""
    if state.phase not in DEPARTING:
        return None
    place = ("your-position", *str(event.position)) if event.position else ()
    words = place if state.phase is Phase.QUEUED and place else ("guards-busy", *place)
    told = Publish("queued", {"call": event.call, "position": event.position})
    return enter(state, Phase.QUEUED, position=event.position), (Say(words), told)


def ringing(state: S, event: Ringing) -> tuple[S, Actions] | None:
    """Somebody's device rings."""
    if state.phase not in DEPARTING:
        return None
    news = () if state.phase is Phase.ALERTING else (Publish("alerting", {"call": event.call}),)
    return enter(state, Phase.ALERTING), news


def early_media(state: S, event: EarlyMedia) -> tuple[S, Actions] | None:
    """A device that rings says where it wants our picture, or shows its own already."""
    if state.phase not in DEPARTING or event.video is None:
        return None
    return replace(state, live=state.live or shows(event.video)), (ShowBranch(event.to_tag, event.video),)


def not_answered(state: S, code: int, reason: str) -> tuple[S, Actions]:
    """Our call ended before anybody answered it; one that a transfer asked for leaves the talk before it."""
    if state.before:
        return _back(state, code, reason)
    outcome = outcome_of(state.phase, code)
    after, actions = finish(state, outcome, code, reason)
    return after, (*actions, *((Say((_PROMPTS[outcome],)),) if outcome in _PROMPTS else ()))


_PROMPTS = {
    Outcome.REFUSED: "declined",
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "no-answer",
    Outcome.UNREACHABLE: "unreachable",
    Outcome.FAILED: "unreachable",
    Outcome.WRONG_NUMBER: "wrong-number",
}
"""The ends of our own call that are told in words."""


def outcome_of(phase: Phase, code: int) -> Outcome:
    """What a final answer means to who called, after it rang or not."""
    if code in _OUTCOMES:
        return _OUTCOMES[code]
    if code == 408:
        return Outcome.NO_ANSWER if phase is Phase.ALERTING else Outcome.UNREACHABLE
    return Outcome.FAILED


_OUTCOMES = {
    401: Outcome.FORBIDDEN, 403: Outcome.FORBIDDEN, 407: Outcome.FORBIDDEN,
    404: Outcome.WRONG_NUMBER, 410: Outcome.WRONG_NUMBER, 484: Outcome.WRONG_NUMBER, 604: Outcome.WRONG_NUMBER,
    480: Outcome.UNREACHABLE, 486: Outcome.BUSY, 600: Outcome.BUSY,
    487: Outcome.CANCELLED, DECLINED: Outcome.REFUSED, 607: Outcome.REFUSED,
}  # fmt: skip


def cancel(state: S) -> tuple[S, Actions]:
    """A person gives up; a talk from before a transfer goes on."""
    calls = (HangUp(state.call),) if state.call else ()
    if state.before:
        after, actions = _back(state, 487, "cancelled")
        return after, (*calls, *actions)
    after, actions = finish(state, Outcome.CANCELLED, here=True)
    return after, (*calls, *actions)


def took_too_long(state: S) -> tuple[S, Actions]:
    """Nobody rang, answered, or became free within the limit of this phase."""
    calls = (HangUp(state.call, "took too long"),) if state.call else ()
    after, actions = not_answered(state, 408, "took too long")
    return after, (*calls, *actions)


# --- a transfer that the other side asks for ------------------------------------------------------------------------


def transfer_asked(state: S, event: TransferAsked) -> tuple[S, Actions] | None:
    """Who we talk to passes us on: call there, and keep this call until that one is answered."""
    user = user_of(event.target)
    if state.phase is not Phase.TALKING or not user:
        return state, (TellTransfer(event.call, 603, "Not now"),)
    after = enter(
        state, Phase.CALLING, call="", caller=peer_name(state, user), dialled=user, challenge="", live=False,
        position=0, before=state.call, before_caller=state.caller, unlocking=False,
    )  # fmt: skip
    asked = Publish("transfer-asked", {"call": event.call, "to": user, "by": event.by})
    return after, (Place(user, state.emergency, state.session_id), asked)


def _back(state: S, code: int, reason: str) -> tuple[S, Actions]:
    talking = enter(
        state, Phase.TALKING, call=state.before, caller=state.before_caller, dialled="", before="", before_caller="",
        position=0,
    )  # fmt: skip
    after, actions = say(talking, "The other one did not answer")
    return after, (TellTransfer(state.before, code, reason), *actions)


def before_ended(state: S, event: Ended) -> tuple[S, Actions] | None:
    """Who passed us on has hung up already: the call there goes on by itself."""
    return replace(state, before="", before_caller=""), ()
