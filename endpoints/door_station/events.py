"""What happens at a door station, besides SIP events, timers and lost devices."""

from collections.abc import Mapping
from dataclasses import dataclass

from endpoints.door_station.chain import Home
from endpoints.events import CommonEvent
from endpoints.sip.agent import CallId, SipEvent


@dataclass(frozen=True, slots=True)
class CallPressed:
    """The call button."""


@dataclass(frozen=True, slots=True)
class ExitPressed:
    """The button inside the building, next to the door."""


@dataclass(frozen=True, slots=True)
class DoorMoved:
    """The door contact: the door stands open, or it is shut again."""

    open: bool


@dataclass(frozen=True, slots=True)
class CaseMoved:
    """The tamper switch: somebody opened the case, or it is shut again."""

    open: bool


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """Whom each number at the keypad calls from the next visit on."""

    homes: Mapping[str, Home]


@dataclass(frozen=True, slots=True)
class OnwardPlaced:
    """Answer to `CallOnward`: the second call of this visit, "" if no INVITE could be sent."""

    call: CallId


@dataclass(frozen=True, slots=True)
class CodeChecked:
    """Answer to `CheckCode`: the name of the code, "" if there is none like it."""

    name: str


@dataclass(frozen=True, slots=True)
class UnlockGranted:
    """Somebody at the called flat proved that they may open the door."""

    device: str
    how: str = "sip"


@dataclass(frozen=True, slots=True)
class StoreChanged:
    """Messages and pictures can be kept, or not: `trouble` is "", "full", "read-only" or "broken"."""

    trouble: str
    why: str = ""
    clock_set: bool = True
    """Whether the time that they are dated by can be right."""


@dataclass(frozen=True, slots=True)
class ItemLost:
    """Something that the home's server never got was deleted, because there was no room left."""

    flat: str
    what: str
    """Of `keeping.items.Event`."""
    started: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class WordsOver:
    """The visitor was told how to leave a message."""


@dataclass(frozen=True, slots=True)
class MessageOver:
    """The visitor says nothing more, or the message cannot go on."""

    why: str


@dataclass(frozen=True, slots=True)
class MessageKept:
    """The message is safe on the disk; with `seconds` 0 it is not, and `why` says so."""

    flat: str
    identifier: str = ""
    seconds: float = 0.0
    why: str = ""


DoorEvent = (
    CallPressed
    | ExitPressed
    | DoorMoved
    | CaseMoved
    | DirectoryChanged
    | OnwardPlaced
    | CodeChecked
    | UnlockGranted
    | StoreChanged
    | ItemLost
    | WordsOver
    | MessageOver
    | MessageKept
    | SipEvent
    | CommonEvent
)
