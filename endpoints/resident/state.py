"""What a resident's device knows: its phases and facts, and the words and tones that follow from them."""

from dataclasses import dataclass
from enum import StrEnum

from endpoints.sip.agent import CallId
from hal.display import Scene


class Phase(StrEnum):
    """Where a call stands.

    ::

        idle --INVITE--> ringing --answer--> answering --confirmed--> talking
        ringing --decline--> idle
        ringing --caller gives up: missed; another device answers: answered elsewhere--> ended
        answering, talking --hang up--> idle
        answering, talking --other side hangs up; another device was first--> ended
        ended --time, or a red button--> idle;  ended --INVITE--> ringing

    In do-not-disturb, and during a call, an INVITE is refused at once and changes no phase.
    """

    IDLE = "idle"
    RINGING = "ringing"
    ANSWERING = "answering"
    TALKING = "talking"
    ENDED = "ended"


class Outcome(StrEnum):
    """How the last call ended."""

    NONE = ""
    MISSED = "missed"
    ELSEWHERE = "answered-elsewhere"
    DECLINED = "declined"
    HUNG_UP = "hung-up"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the device decided; times in seconds."""

    name: str = ""
    may_unlock: bool = True
    """Whether this device has a key to prove itself to doors with."""
    ring: float = 60.0
    """The longest ringing, if the caller's end of it gets lost; longer than the door's own limit."""
    sign: float = 4.0
    """How long the end of a call is shown."""
    unlock: float = 3.0
    """How long the door may take to answer an unlock."""
    note: float = 5.0
    """How long the door's answer is shown."""


@dataclass(frozen=True, slots=True)
class Resident:
    """The whole state of a resident's device."""

    rules: Rules
    phase: Phase = Phase.IDLE
    call: CallId = ""
    caller: str = ""
    session_id: str = ""
    challenge: str = ""
    """What the door wants signed, "" if it cannot be opened from here."""
    live: bool = False
    """Whether the caller's picture comes."""
    muted: bool = False
    held: bool = False
    unlocking: bool = False
    note: str = ""
    """What the door said about the unlock."""
    outcome: Outcome = Outcome.NONE
    do_not_disturb: bool = False
    missed: int = 0
    """Missed calls that nobody has looked at."""
    last_missed: str = ""
    registered: bool | None = None
    """None until the first answer of the server."""
    missing: frozenset[str] = frozenset()

    @property
    def can_unlock(self) -> bool:
        """Whether the door of this call can be opened from here."""
        return bool(self.challenge) and self.rules.may_unlock

    @property
    def in_call(self) -> bool:
        """Whether a call is there or coming."""
        return self.phase in (Phase.RINGING, Phase.ANSWERING, Phase.TALKING)


def tone_of(state: Resident) -> str | None:
    """What the device plays between calls in this state."""
    return "ring" if state.phase is Phase.RINGING else None


def scene_of(state: Resident) -> Scene:
    """What the display says in this state."""
    match state.phase:
        case Phase.RINGING:
            return Scene(f"{state.caller} is calling", "Answer or decline", ("answer", "decline"), state.live)
        case Phase.ANSWERING:
            return Scene(state.caller, "Connecting", ("hangup",), state.live)
        case Phase.TALKING:
            return _talking_scene(state)
        case Phase.ENDED:
            return Scene(_ENDINGS.get(state.outcome, "Call ended"), state.caller, ("dnd",))
        case Phase.IDLE:
            return _idle_scene(state)


_ENDINGS = {Outcome.MISSED: "Missed call", Outcome.ELSEWHERE: "Answered elsewhere"}


def _talking_scene(state: Resident) -> Scene:
    unlock = ("unlock",) if state.can_unlock else ()
    words = (state.note, "On hold" if state.held else "", "Microphone off" if state.muted else "")
    detail = ", ".join(word for word in words if word)
    return Scene(f"Talking to {state.caller}", detail, (*unlock, "mute", "hangup"), state.live)


def _idle_scene(state: Resident) -> Scene:
    words = (
        "Not connected" if state.registered is False else "",
        "Do not disturb" if state.do_not_disturb else "",
        _missed_words(state),
    )
    actions = ("dnd", "hangup") if state.missed else ("dnd",)
    return Scene(state.rules.name or "Ready", ", ".join(word for word in words if word), actions)


def _missed_words(state: Resident) -> str:
    if not state.missed:
        return ""
    count = "1 missed call" if state.missed == 1 else f"{state.missed} missed calls"
    return f"{count}, last: {state.last_missed}"
