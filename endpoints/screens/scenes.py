"""The words and tones that follow from the state of a device with a screen."""

from datetime import datetime

from endpoints.screens.call_log import LoggedCall
from endpoints.screens.state import DEPARTING, GUARD, Outcome, Phase, Station
from hal.display import Scene


def tone_of(state: Station) -> str | None:
    """What the device plays in this state: a name of `media.tones`."""
    match state.phase:
        case Phase.RINGING:
            return "alarm" if state.emergency else "ring"
        case Phase.QUEUED | Phase.ALERTING:
            return "ringback"
        case Phase.ENDED:
            return _OUTCOME_TONES.get(state.outcome)
        case _:
            return None


_OUTCOME_TONES = {
    Outcome.REFUSED: "busy",
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "busy",
    Outcome.UNREACHABLE: "reorder",
    Outcome.WRONG_NUMBER: "reorder",
    Outcome.FORBIDDEN: "reorder",
    Outcome.FAILED: "reorder",
    Outcome.LOST: "reorder",
}


def scene_of(state: Station) -> Scene:
    """What the display says in this state."""
    match state.phase:
        case Phase.RINGING:
            title = f"Emergency: {state.caller}" if state.emergency else f"{state.caller} is calling"
            return Scene(title, "Answer or decline", ("answer", "decline"), state.live)
        case Phase.ANSWERING:
            return Scene(state.caller, "Connecting", ("hangup",), state.live)
        case Phase.TALKING:
            return _talking_scene(state)
        case Phase.ENDED:
            return Scene(_ENDINGS.get(state.outcome, "Call ended"), state.caller, ("dnd", *_calls(state)))
        case Phase.DIALLING:
            return Scene(state.typed, "# calls, * clears", ("call", "hangup"))
        case Phase.BROWSING:
            return _browsing_scene(state)
        case Phase.IDLE:
            return _idle_scene(state)
        case _ if state.phase in DEPARTING:
            return Scene(f"Calling {state.caller}", departing_words(state), ("hangup",), state.live)
    raise AssertionError(f"{state.phase} has no scene")


_ENDINGS = {
    Outcome.MISSED: "Missed call",
    Outcome.ELSEWHERE: "Answered elsewhere",
    Outcome.PREEMPTED: "Ended for an emergency",
    Outcome.TRANSFERRED: "Transferred",
    Outcome.REFUSED: "Declined",
    Outcome.BUSY: "Busy",
    Outcome.NO_ANSWER: "Nobody answers",
    Outcome.UNREACHABLE: "Nobody can be reached",
    Outcome.WRONG_NUMBER: "No such number",
    Outcome.FORBIDDEN: "This call is not allowed",
    Outcome.FAILED: "The call did not get through",
    Outcome.LOST: "The connection was lost",
}


def peer_name(state: Station, user: str) -> str:
    """Who is behind an address's user part, for people."""
    name = state.rules.people.get(user)
    return "the management" if user == GUARD else f"{name} ({user})" if name else user


def departing_words(state: Station) -> str:
    """How far our own call is."""
    if state.phase is Phase.ALERTING:
        return "It rings"
    if state.phase is not Phase.QUEUED:
        return "Connecting"
    if state.position == 1:
        return "All are busy, you are next"
    return f"All are busy, you are number {state.position}" if state.position else "All are busy, please wait"


def _calls(state: Station) -> tuple[str, ...]:
    """The buttons that call somebody now."""
    possible = {"guard": True, "emergency": True, "callback": bool(state.last_caller)}
    return tuple(offer for offer in state.rules.offers if possible.get(offer))


def _talking_scene(state: Station) -> Scene:
    unlock = ("unlock",) if state.can_unlock else ()
    transfer = ("transfer",) if "transfer" in state.rules.offers and not state.transferring else ()
    words = (
        state.note,
        f"Transfer to {state.typed}" if state.typed else "",
        "Transferring" if state.transferring else "",
        "On hold" if state.held else "",
        "Microphone off" if state.muted else "",
    )
    return Scene(f"Talking to {state.caller}", joined(*words), (*unlock, "mute", *transfer, "hangup"), state.live)


def _idle_scene(state: Station) -> Scene:
    words = (
        "Not connected" if state.registered is False else "",
        "Do not disturb" if state.do_not_disturb else "",
        _missed_words(state),
    )
    seen = ("hangup",) if state.missed else ()
    history = ("history",) if state.history and "history" in state.rules.offers else ()
    return Scene(state.rules.name or "Ready", joined(*words), ("dnd", *seen, *history, *_calls(state)))


def joined(*words: str) -> str:
    """What there is to say, in one line."""
    return ", ".join(word for word in words if word)


def _browsing_scene(state: Station) -> Scene:
    call = state.history[state.browsed]
    when = datetime.fromisoformat(call.time).astimezone()
    talked = _talked(call)
    unlocked = "door opened" if call.unlocks else ""
    place = f"{state.browsed + 1} of {len(state.history)}"
    words = (_BECAME.get(call.why, call.why), talked, unlocked, f"{when:%d %b %H:%M}", place)
    back = ("call",) if callable_user(state, call) else ()
    title = f"{'To' if call.outgoing else 'From'} {call.caller}"
    return Scene(title, joined(*words), ("history", "hangup", *back), live=bool(call.picture))


def callable_user(state: Station, call: LoggedCall) -> str:
    """Whom to call back: the user part of a flat or of the guard; "" for a door, which only takes calls of guards."""
    user = call.address.partition(":")[2].partition("@")[0] if ":" in call.address else call.address
    return user if user.isdigit() or user == GUARD or "callback" in state.rules.offers else ""


def _talked(call: LoggedCall) -> str:
    if not call.answered or not call.ended:
        return ""
    seconds = (datetime.fromisoformat(call.ended) - datetime.fromisoformat(call.answered)).total_seconds()
    return f"{seconds:.0f} s"


_BECAME = {
    "nobody answered": "Missed",
    "busy": "Missed, busy",
    "do not disturb": "Missed, do not disturb",
    "answered": "Answered",
    "answered-elsewhere": "Answered elsewhere",
    "declined": "Declined",
    "no-answer": "Nobody answered",
    "unreachable": "Nobody could be reached",
    "wrong-number": "No such number",
}


def _missed_words(state: Station) -> str:
    if not state.missed:
        return ""
    count = "1 missed call" if state.missed == 1 else f"{state.missed} missed calls"
    return f"{count}, last: {state.last_missed}"
