"""What a door station knows: its phases and facts, and the signs that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from endpoints.door_station.chain import Budget, Home, Outcome, Way
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
        calling, ringing --this way does not get through--> changing --its call is over--> calling the next way
        calling, ringing --a telephone answers--> confirming --1--> talking
                                                  confirming --time-out--> changing
        any of a visit --visitor hangs up, resident hangs up after talking--> idle
        any of a visit --somebody declines, no further way, time-out--> ended
        any of a visit --nobody answered, and the home takes messages--> offering --words are over, #--> recording
                         offering --*, call button--> idle
                         recording --any key, silence, the door opens, limit--> idle
        ended --time, or the next visitor's key--> idle
        idle, ended --a guard calls--> called --by itself, or call button--> accepting --confirmed--> guarded
        called, accepting, guarded --guard hangs up, time-out, any key--> idle

    Alarms, lock-out, an open lock and lost devices are facts beside the phase: none of them ends a visit.
    """

    IDLE = "idle"
    DIALLING = "dialling"
    CHECKING = "checking"
    CALLING = "calling"
    RINGING = "ringing"
    CHANGING = "changing"
    CONFIRMING = "confirming"
    TALKING = "talking"
    OFFERING = "offering"
    RECORDING = "recording"
    ENDED = "ended"
    CALLED = "called"
    ACCEPTING = "accepting"
    GUARDED = "guarded"


GUARD_CALL = frozenset({Phase.CALLED, Phase.ACCEPTING, Phase.GUARDED})
"""A guard called the door."""
VISIT = frozenset({Phase.CALLING, Phase.RINGING, Phase.CHANGING, Phase.CONFIRMING, Phase.TALKING})
DOOR_LEFT_OPEN, TAMPER = "door-left-open", "tamper"
"""The alarms."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the door decided; times in seconds."""

    call_flat: str = ""
    """The number that the call button alone calls, "" for none."""
    dial: float = 6.0
    reach: float = 1.5
    """How long the next hop may be silent before it does not count as reached."""
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """Stage -> what it may take."""
    total: float = 45.0
    """From the call until somebody has answered, or the visitor is told that nobody does."""
    queue: float = 180.0
    """How long a visitor waits until a guard is free."""
    confirm: float = 15.0
    """How long whoever answered a telephone has to press 1."""
    talk: float = 120.0
    sign: float = 3.0
    """How long a refusal is shown."""
    guard_calls: str = "answer"
    """What becomes of a guard's call to the door: `guard_call.GuardCalls`."""
    hurry: float = 2.0
    """A second press of the call button within this time is the same press."""
    pulse: float = 5.0
    door_open: float = 60.0
    wrong_codes: int = 5
    lockout: float = 300.0
    messages: bool = False
    """Whether visitors may leave messages, and pictures of visits are kept for the homes."""
    message: float = 30.0
    """How long a message may be."""

    def budget(self, stage: str) -> Budget:
        """What that stage may take."""
        return self.budgets.get(stage, Budget())


@dataclass(frozen=True, slots=True)
class Door:
    """The whole state of a door station."""

    rules: Rules
    homes: Mapping[str, Home] = field(default_factory=dict)
    """Number at the keypad -> whom it calls; a visit goes on with what held when it began."""
    phase: Phase = Phase.IDLE
    dialled: str = ""
    """Digits so far; a door code begins with ``*``."""
    flat: str = ""
    ways: tuple[Way, ...] = ()
    """Of this visit: the one that is tried now, and those that are left."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Whose devices may open the door in this visit."""
    session_id: str = ""
    """Of the last visit (RFC 7989)."""
    deposits: bool = False
    """Whether what happens in this visit is kept for the home."""
    keeps: bool = False
    """Whether the disk takes messages and pictures."""
    store_trouble: str = ""
    """Why it does not: "full", "read-only" or "broken"; "" too until the store is open."""
    clock_set: bool = True
    """Whether the time that they are dated by can be right."""
    call: CallId = ""
    onward: CallId = ""
    """The call to whom a guard passes the visitor on, while the one with the guard goes on."""
    branch: str = ""
    """To-tag of the branch that answered."""
    screens: frozenset[str] = frozenset()
    """To-tags of the branches that are sent the picture."""
    tried: bool = False
    """Whether the next hop has this call, though nobody rings yet."""
    queued: bool = False
    """Whether the server keeps the call until somebody is free."""
    late: bool = False
    """Whether the time for reaching somebody is over."""
    digits_by: str = ""
    """How the telephone of this call sends its keys; a gateway that sends each key twice is heard once."""
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
        """Whether somebody is being called, or talked to."""
        return self.phase in VISIT

    @property
    def in_guard_call(self) -> bool:
        """Whether a guard called the door, and that is going on."""
        return self.phase in GUARD_CALL

    @property
    def stage(self) -> str:
        """The stage of the visit that is going on, "" between visits."""
        return self.ways[0].stage if self.in_visit and self.ways else ""

    @property
    def last_stage(self) -> bool:
        """Whether there is no other stage left."""
        return all(way.stage == self.stage for way in self.ways)


def signal_of(state: Door) -> Signal:
    """What the indicator says in this state."""
    if state.alarms:
        return Signal.ALARM
    if state.unlocked:
        return Signal.UNLOCKED
    if state.phase is Phase.IDLE and (state.missing or state.store_trouble or not state.clock_set):
        return Signal.FAULT
    return _PHASE_SIGNALS.get(state.phase, Signal.IDLE)


_PHASE_SIGNALS = {
    Phase.CALLING: Signal.CALLING,
    Phase.RINGING: Signal.CALLING,
    Phase.CHANGING: Signal.CALLING,
    Phase.CONFIRMING: Signal.CALLING,
    Phase.TALKING: Signal.TALKING,
    Phase.OFFERING: Signal.CALLING,
    Phase.RECORDING: Signal.TALKING,
    Phase.ENDED: Signal.REFUSED,
    Phase.CALLED: Signal.CALLING,
    Phase.ACCEPTING: Signal.TALKING,
    Phase.GUARDED: Signal.TALKING,
}


def tone_of(state: Door) -> str | None:
    """What sounds at the panel between calls in this state: a name of `media.tones`."""
    match state.phase:
        case Phase.IDLE:
            return "alarm" if DOOR_LEFT_OPEN in state.alarms else None
        case Phase.RINGING:
            return None if state.queued else "ringback"
        case Phase.CONFIRMING:
            return "ringback"
        case Phase.CALLED:
            return "ring"
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
    Outcome.LOST: "reorder",
}
