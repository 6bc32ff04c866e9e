"""The words and tones that follow from the state of a device with a screen."""

from collections.abc import Callable, Mapping
from datetime import datetime

from endpoints.screens.call_log import LoggedCall
from endpoints.screens.messages.scenes import list_scene, new_words, playing_scene
from endpoints.screens.state import DEPARTING, GUARD, Outcome, Phase, Station
from endpoints.screens.watching.scenes import watching_scene
from hal.display import Scene
from hal.indicator import Signal


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


def lamp_of(state: Station) -> Signal:
    """What the lamps say in this state."""
    return Signal.MESSAGE if state.mailbox.new else Signal.IDLE


def scene_of(state: Station) -> Scene:
    """What the display says in this state."""
    return _SCENES[state.phase](state)


def _ringing_scene(state: Station) -> Scene:
    title = f"Emergency: {state.caller}" if state.emergency else f"{state.caller} is calling"
    return Scene(title, "Answer or decline", ("answer", "decline"), state.live)


def _answering_scene(state: Station) -> Scene:
    return Scene(state.caller, "Connecting", ("hangup",), state.live)


def _departing_scene(state: Station) -> Scene:
    return Scene(f"Calling {state.caller}", departing_words(state), ("hangup",), state.live)


def _ended_scene(state: Station) -> Scene:
    return Scene(_ENDINGS.get(state.outcome, "Call ended"), state.caller, ("dnd", *_calls(state)))


def _dialling_scene(state: Station) -> Scene:
    return Scene(state.typed, "# calls, * clears", ("call", "hangup"))


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
        new_words(state),
        _missed_words(state),
    )
    seen = ("hangup",) if state.missed else ()
    history = ("history",) if state.history and "history" in state.rules.offers else ()
    box = state.mailbox
    left = (
        ("messages",) if "messages" in state.rules.offers and (box.items or box.new or box.reachable is False) else ()
    )
    watch = ("monitor",) if "monitor" in state.rules.offers else ()
    actions = ("dnd", *seen, *history, *left, *watch, *_calls(state))
    return Scene(state.rules.name or "Ready", joined(*words), actions)


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


_SCENES: Mapping[Phase, Callable[[Station], Scene]] = {
    **dict.fromkeys(DEPARTING, _departing_scene),
    Phase.IDLE: _idle_scene,
    Phase.DIALLING: _dialling_scene,
    Phase.BROWSING: _browsing_scene,
    Phase.MESSAGES: list_scene,
    Phase.PLAYING: playing_scene,
    Phase.WATCHING: watching_scene,
    Phase.RINGING: _ringing_scene,
    Phase.ANSWERING: _answering_scene,
    Phase.TALKING: _talking_scene,
    Phase.ENDED: _ended_scene,
}
