"""What a door station knows: its phases and facts, and the signs that follow from them."""

from dataclasses import dataclass
from enum import StrEnum

from endpoints.sip.agent import CallId
from hal.indicator import Signal


class Phase(StrEnum):
    """Where a visit stands.

    ::

        idle --digit, *--> dialling --*--> idle
                           dialling --*CODE#--> checking --right--> idle, door open
                                                checking --wrong--> ended
                           dialling --FLAT#, call button, time-out--> calling      (wrong flat: ended)
        idle --call button--> calling --any branch rings--> ringing --one answers--> talking
        calling, ringing, talking --visitor hangs up, resident hangs up after talking--> idle
        calling, ringing, talking --nobody there, all decline, time-out, no connection--> ended
        ended --time, or the next visitor's key--> idle

    Alarms, lock-out, an open lock and lost devices are facts beside the phase: none of them ends a visit.
    """

    IDLE = "idle"
    DIALLING = "dialling"
    CHECKING = "checking"
    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


DOOR_LEFT_OPEN, TAMPER = "door-left-open", "tamper"
"""The alarms."""


class Outcome(StrEnum):
    """How the last visit, or attempt at one, ended."""

    NONE = ""
    CANCELLED = "cancelled"
    HUNG_UP = "hung-up"
    DECLINED = "declined"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    TIME_OVER = "time-over"
    WRONG_FLAT = "wrong-flat"
    WRONG_CODE = "wrong-code"
    LOCKED_OUT = "locked-out"
    DIALLING_TIMED_OUT = "dialling-timed-out"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the door decided; times in seconds."""

    flats: frozenset[str]
    call_flat: str = ""
    """The flat that the call button alone calls, "" for none."""
    dial: float = 6.0
    provisional: float = 3.0
    """How long a home may be silent before it does not count as reached."""
    ring: float = 45.0
    talk: float = 120.0
    sign: float = 3.0
    """How long a refusal is shown."""
    hurry: float = 2.0
    """A second press of the call button within this time is the same press."""
    pulse: float = 5.0
    door_open: float = 60.0
    wrong_codes: int = 5
    lockout: float = 300.0


@dataclass(frozen=True, slots=True)
class Door:
    """The whole state of a door station."""

    rules: Rules
    phase: Phase = Phase.IDLE
    dialled: str = ""
    """Digits so far; a door code begins with ``*``."""
    flat: str = ""
    call: CallId = ""
    branch: str = ""
    """To-tag of the branch that answered."""
    screens: frozenset[str] = frozenset()
    """To-tags of the branches that are sent the picture."""
    outcome: Outcome = Outcome.NONE
    hurried: bool = False
    wrong_codes: int = 0
    """Wrong codes since the last right one, counted over visits."""
    locked_out: bool = False
    unlocked: bool = False
    registered: bool = False
    alarms: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    """Devices of the board that are lost."""

    @property
    def in_visit(self) -> bool:
        """Whether there is a call."""
        return self.phase in (Phase.CALLING, Phase.RINGING, Phase.TALKING)


def signal_of(state: Door) -> Signal:
    """What the indicator says in this state."""
    if state.alarms:
        return Signal.ALARM
    if state.unlocked:
        return Signal.UNLOCKED
    if state.phase is Phase.IDLE and state.missing:
        return Signal.FAULT
    return _PHASE_SIGNALS.get(state.phase, Signal.IDLE)


_PHASE_SIGNALS = {
    Phase.CALLING: Signal.CALLING,
    Phase.RINGING: Signal.CALLING,
    Phase.TALKING: Signal.TALKING,
    Phase.ENDED: Signal.REFUSED,
}


def tone_of(state: Door) -> str | None:
    """What sounds at the panel between calls in this state: a name of `media.tones`."""
    match state.phase:
        case Phase.IDLE:
            return "alarm" if DOOR_LEFT_OPEN in state.alarms else None
        case Phase.RINGING:
            return "ringback"
        case Phase.ENDED:
            return _OUTCOME_TONES.get(state.outcome, "refused")
        case _:
            return None


_OUTCOME_TONES = {
    Outcome.DECLINED: "busy",
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "busy",
    Outcome.TIME_OVER: "busy",
    Outcome.UNREACHABLE: "reorder",
}
