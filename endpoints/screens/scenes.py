"""The words and tones that follow from the state of a device with a screen."""

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


def peer_name(user: str) -> str:
    """Who is behind an address's user part, for people."""
    return "the management" if user == GUARD else user


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
    return Scene(state.rules.name or "Ready", joined(*words), ("dnd", *seen, *_calls(state)))


def joined(*words: str) -> str:
    """What there is to say, in one line."""
    return ", ".join(word for word in words if word)


def _missed_words(state: Station) -> str:
    if not state.missed:
        return ""
    count = "1 missed call" if state.missed == 1 else f"{state.missed} missed calls"
    return f"{count}, last: {state.last_missed}"
