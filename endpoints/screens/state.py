"""What a device with a screen knows: its phases and facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from endpoints.screens.call_log import LoggedCall
from endpoints.screens.messages.state import Mailbox
from endpoints.screens.watching.state import Watching
from endpoints.sip.agent import CallId
from media.description import VideoMedia

GUARD = "guard"
"""The user part of the address of all guards: ``sip:guard@<server>``."""


class Phase(StrEnum):
    """Where a call stands.

    ::

        idle --INVITE--> ringing --answer--> answering --confirmed--> talking
        ringing --decline--> idle
        ringing --caller gives up: missed; another device answers: answered elsewhere--> ended
        idle --digit--> dialling --#, call button--> calling;  dialling --*, time--> idle
        idle --history--> browsing --history: the call before--> browsing;  browsing --red, time, after the last--> idle
        idle --messages--> messages --messages: an older one--> messages;  messages --red, time, after the last--> idle
        idle --monitor--> watching --monitor: the next door--> watching;  watching --red, time, after the last--> idle
        messages --play--> playing --its end, any button--> messages
        idle --guard, emergency, call back, call button (again)--> calling
        calling --182--> queued;  calling, queued --180, 183--> alerting;  calling, queued, alerting --200--> talking
        calling, queued, alerting --hang up--> idle;  --refused, busy, no answer, no connection--> ended
        answering, talking --hang up--> idle
        answering, talking --other side hangs up; another device was first--> ended
        talking --REFER--> calling (the old call stays) --200--> talking;  --refused--> talking, as before
        ended --time, or a red button--> idle;  ended --INVITE--> ringing

    In do-not-disturb, and during a call, an INVITE is refused at once and changes no phase; a console lets an emergency
    through.
    """

    IDLE = "idle"
    DIALLING = "dialling"
    BROWSING = "browsing"
    MESSAGES = "messages"
    PLAYING = "playing"
    WATCHING = "watching"
    CALLING = "calling"
    QUEUED = "queued"
    ALERTING = "alerting"
    RINGING = "ringing"
    ANSWERING = "answering"
    TALKING = "talking"
    ENDED = "ended"


DEPARTING = (Phase.CALLING, Phase.QUEUED, Phase.ALERTING)
"""Our own call, before anybody answers."""


def shows(video: VideoMedia | None) -> bool:
    """Whether the other side sends a picture."""
    return video is not None and video.direction in ("sendonly", "sendrecv")


class Outcome(StrEnum):
    """How the last call ended."""

    NONE = ""
    MISSED = "missed"
    ELSEWHERE = "answered-elsewhere"
    DECLINED = "declined"
    HUNG_UP = "hung-up"
    CANCELLED = "cancelled"
    PREEMPTED = "pre-empted"
    TRANSFERRED = "transferred"
    REFUSED = "refused"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    WRONG_NUMBER = "wrong-number"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    LOST = "connection-lost"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner of the device decided; times in seconds."""

    name: str = ""
    domain: str = ""
    """Host part of the addresses that are called."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Short numbers: what is typed -> the user part that is called."""
    offers: tuple[str, ...] = ()
    """What it has buttons for beyond any other: "guard", "emergency", "callback", "transfer", "messages"..."""
    may_unlock: bool = True
    """Whether this device has a key to prove itself to doors with."""
    once: bool = False
    """Whether a call that rang here already, by another server, must not ring again."""
    ring: float = 60.0
    """The longest ringing, if the caller's end of it gets lost; longer than the door's own limit."""
    sign: float = 4.0
    """How long the end of a call is shown."""
    unlock: float = 3.0
    """How long the door may take to answer an unlock."""
    note: float = 5.0
    """How long the door's answer is shown."""
    dial: float = 6.0
    """How long typed digits stay."""
    reach: float = 12.0
    """How long a call may find nobody who rings, over all servers in between."""
    patience: float = 90.0
    """How long it may ring at the other side."""
    queue: float = 900.0
    """How long to wait in a queue."""
    transfer: float = 60.0
    """How long a transfer may take until it counts as failed."""
    browse: float = 20.0
    """How long one call of the list, or one message, is shown."""
    watch: float = 300.0
    """How long somebody may watch until it is taken that nobody looks any more."""
    film: float = 60.0
    """How much longer than itself a message may take to be played."""
    people: Mapping[str, str] = field(default_factory=dict)
    """The directory: flat number -> name of the home."""


@dataclass(frozen=True, slots=True)
class Station:
    """The whole state of a device with a screen."""

    rules: Rules
    phase: Phase = Phase.IDLE
    call: CallId = ""
    caller: str = ""
    """The other side, for people."""
    address: str = ""
    """Of the other side: where to call it back."""
    dialled: str = ""
    """Whom our own call is for, "" in a call that came."""
    emergency: bool = False
    session_id: str = ""
    challenge: str = ""
    """What the door wants signed, "" if it cannot be opened from here."""
    live: bool = False
    """Whether the other side's picture comes."""
    position: int = 0
    """Our place in the guards' queue, 0 if it is not told."""
    muted: bool = False
    held: bool = False
    unlocking: bool = False
    transferring: bool = False
    note: str = ""
    """What is to be read for a while: the door's answer to an unlock, what became of a transfer."""
    before: CallId = ""
    """The call whose other side asked us to make the present one; it goes on until that is answered."""
    before_caller: str = ""
    typed: str = ""
    last_caller: str = ""
    """Address of who called last."""
    last_dialled: str = ""
    last_session: str = ""
    outcome: Outcome = Outcome.NONE
    do_not_disturb: bool = False
    history: tuple[LoggedCall, ...] = ()
    """The calls so far, newest first."""
    browsed: int = 0
    """Which of them is shown while somebody browses."""
    missed: int = 0
    """Missed calls that nobody has looked at."""
    last_missed: str = ""
    mailbox: Mailbox = field(default_factory=Mailbox)
    """What visitors left."""
    watching: Watching = field(default_factory=Watching)
    registered: bool | None = None
    """None until the first answer of the server."""
    registered_at: str = ""
    """Of several servers the one where it is registered: "home" or "cloud"."""
    domain: str = ""
    """Of that server, "" for the only one."""
    missing: frozenset[str] = frozenset()

    @property
    def can_unlock(self) -> bool:
        """Whether the door of this call can be opened from here."""
        return bool(self.challenge) and self.rules.may_unlock

    @property
    def browsed_picture(self) -> str:
        """Name of the kept picture that is on the screen now, "" for none."""
        return self.history[self.browsed].picture if self.phase is Phase.BROWSING else ""

    @property
    def subject(self) -> str:
        """Whose picture belongs on the screen now; when it changes, the picture of the one before must go."""
        match self.phase:
            case Phase.BROWSING:
                return self.browsed_picture
            case Phase.MESSAGES | Phase.PLAYING:
                return self.mailbox.at
            case Phase.WATCHING:
                return self.watching.at
            case _:
                return ""

    @property
    def in_call(self) -> bool:
        """Whether a call is there, coming or going."""
        return self.phase in (Phase.RINGING, Phase.ANSWERING, Phase.TALKING, *DEPARTING)

    @property
    def calls(self) -> tuple[CallId, ...]:
        """All calls that this device has at the agent."""
        return tuple(call for call in (self.call, self.before) if call)

    def facts(self) -> dict[str, object]:
        """What a technician may read: no secret, and only what JSON can carry."""
        facts = {each.name: getattr(self, each.name) for each in fields(self)}
        for hidden in ("rules", "challenge", "history", "mailbox", "watching"):
            del facts[hidden]
        return {
            **facts,
            "missing": sorted(self.missing),
            "messages": self.mailbox.facts(),
            "watching": self.watching.facts(),
        }
