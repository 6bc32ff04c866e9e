"""What a door station does when its state says so, besides the actions that all apps share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from endpoints.actions import CommonAction
from endpoints.door_station.chain import Way
from endpoints.sip.agent import CallId
from hal.indicator import Signal
from media.description import VideoMedia


@dataclass(frozen=True, slots=True)
class Call:
    """Invite whoever answers there, with our picture unless it is a telephone. The first call of a visit begins it."""

    flat: str
    way: Way
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admit:
    """A guard calls: have our picture ready, as far as the guard's offer takes one; `ring`: tell that it rings here."""

    call: CallId
    video: VideoMedia | None
    ring: bool


@dataclass(frozen=True, slots=True)
class RefreshDirectory:
    """Somebody begins to dial: ask the server whether there is something new; `DirectoryChanged` tells."""


@dataclass(frozen=True, slots=True)
class SendVideo:
    """Send the picture to that branch, from now on or to its new address."""

    to_tag: str
    video: VideoMedia


@dataclass(frozen=True, slots=True)
class StopVideo:
    """No more pictures to that branch."""

    to_tag: str


@dataclass(frozen=True, slots=True)
class KeepOnly:
    """That branch answered: the others get no more pictures."""

    to_tag: str


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """Make the next picture one that can be decoded by itself."""


@dataclass(frozen=True, slots=True)
class StopVoice:
    """Microphone and speaker are nobody's until the next answer."""


@dataclass(frozen=True, slots=True)
class CallOnward:
    """Invite whom a guard passes the visitor on to, with the picture that is being sent; `OnwardPlaced` tells."""

    uri: str


@dataclass(frozen=True, slots=True)
class AskForPerson:
    """Ask the telephone, again and again, to press 1; the visitor hears nothing of it."""


@dataclass(frozen=True, slots=True)
class TellCode:
    """Tell the telephone, and nobody else, the code that opens the door in this call; the first time, or once more."""


@dataclass(frozen=True, slots=True)
class JudgeDigit:
    """Take a digit of the confirmed telephone; `UnlockGranted` follows when it completes the right code."""

    digit: str


@dataclass(frozen=True, slots=True)
class EndVisit:
    """Picture and sound off; the visit's challenges are void."""


@dataclass(frozen=True, slots=True)
class CheckCode:
    """Compare a door code with the hashes of the site file, beside the loop; `CodeChecked` tells."""

    code: str


@dataclass(frozen=True, slots=True)
class JudgeUnlock:
    """Verify an unlock message and answer it; `UnlockGranted` follows if it is right."""

    call: CallId
    body: str
    in_call: bool
    """Whether it came inside the confirmed call of this visit."""


@dataclass(frozen=True, slots=True)
class PulseLock:
    """Unlock the door for the pulse of the board file, and write down who did it and how."""

    how: str
    who: str


@dataclass(frozen=True, slots=True)
class NoteRefusal:
    """Write down that somebody was not let in."""

    how: str
    why: str


@dataclass(frozen=True, slots=True)
class Remember:
    """From now on the last seconds of the picture are at hand."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody will leave a message in this visit any more."""


@dataclass(frozen=True, slots=True)
class KeepPicture:
    """Keep the picture of this moment for that flat; `event` is one of `keeping.items.Event`. No flat: on the door."""

    event: str
    flat: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class OfferMessage:
    """Microphone on; speak these prompts, then tell `WordsOver`."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """Begin a message with what is remembered; `MessageOver` tells of silence or trouble."""

    flat: str
    session_id: str


@dataclass(frozen=True, slots=True)
class EndMessage:
    """Microphone off; what was recorded is kept, and `MessageKept` tells."""


@dataclass(frozen=True, slots=True)
class Show:
    """Let the indicator say this."""

    signal: Signal


DoorAction = (
    Call
    | Admit
    | RefreshDirectory
    | SendVideo
    | StopVideo
    | KeepOnly
    | KeyFrame
    | StopVoice
    | CallOnward
    | AskForPerson
    | TellCode
    | JudgeDigit
    | EndVisit
    | CheckCode
    | JudgeUnlock
    | PulseLock
    | NoteRefusal
    | Remember
    | Forget
    | KeepPicture
    | OfferMessage
    | RecordMessage
    | EndMessage
    | Show
    | CommonAction
)
