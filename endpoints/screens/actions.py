"""What a device with a screen does when its state says so, besides the actions that all apps share."""

from dataclasses import dataclass

from endpoints.actions import CommonAction
from endpoints.screens.messages.actions import MailAction
from endpoints.screens.watching.actions import WatchAction
from endpoints.sip.agent import CallId
from hal.display import Scene
from hal.indicator import Signal
from media.description import VideoMedia


@dataclass(frozen=True, slots=True)
class Ring:
    """Be ready for the caller's picture, then answer 183 with our side of it."""

    call: CallId
    video: VideoMedia | None


@dataclass(frozen=True, slots=True)
class Place:
    """Call ``sip:<user>@<our server>``, with a picture as far as this device has one to send or to show."""

    user: str
    emergency: bool = False
    session_id: str = ""
    """Of the call that this one goes on with, "" for a new one."""


@dataclass(frozen=True, slots=True)
class ShowBranch:
    """A device that rings for our call takes our picture there, or shows its own."""

    to_tag: str
    video: VideoMedia


@dataclass(frozen=True, slots=True)
class WatchVideo:
    """In a talk the other side's picture comes from there now, and ours goes there; None: it stopped."""

    video: VideoMedia | None
    to_tag: str = ""
    """Of the branch that answered; the others get nothing more."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """Picture and sound off."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Microphone off or on again."""

    on: bool


@dataclass(frozen=True, slots=True)
class SendUnlock:
    """Sign the challenge and ask the door to open."""

    call: CallId
    challenge: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ask the other side to call ``sip:<user>@<our server>`` instead of us."""

    call: CallId
    user: str


@dataclass(frozen=True, slots=True)
class NoteCall:
    """Write down, with the time, a call that came and what became of it."""

    caller: str
    address: str
    how: str
    """"answered", "missed", "declined", "answered-elsewhere", "busy", "do not disturb"..."""
    emergency: bool = False
    beside: bool = False
    """It never was the present call: it was refused, or rang into a talk."""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class ShowPicture:
    """Show the kept picture of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowScene:
    """Let the display say this."""

    scene: Scene


@dataclass(frozen=True, slots=True)
class Light:
    """Let the lamps say this, on a device that has some."""

    signal: Signal


class OwnAction:
    """Base of the actions that only one kind of device knows."""

    __slots__ = ()


ScreenAction = (
    Ring
    | Place
    | ShowBranch
    | WatchVideo
    | EndCall
    | Mute
    | SendUnlock
    | Transfer
    | NoteCall
    | ShowPicture
    | ShowScene
    | Light
    | OwnAction
    | MailAction
    | WatchAction
    | CommonAction
)
