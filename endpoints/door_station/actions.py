"""What a door station does when its state says so, besides the actions that all apps share."""

from dataclasses import dataclass

from endpoints.events import CancelTimer, Complain, HangUp, Publish, StartTimer, Tone
from endpoints.sip.agent import CallId
from hal.indicator import Signal
from media.description import VideoMedia


@dataclass(frozen=True, slots=True)
class Call:
    """Invite the home of that flat, with our picture."""

    flat: str


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
class StartVoice:
    """Microphone and speaker belong to the call."""


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
class Show:
    """Let the indicator say this."""

    signal: Signal


DoorAction = (
    Call
    | SendVideo
    | StopVideo
    | KeepOnly
    | KeyFrame
    | StartVoice
    | EndVisit
    | CheckCode
    | JudgeUnlock
    | PulseLock
    | NoteRefusal
    | Show
    | StartTimer
    | CancelTimer
    | Tone
    | HangUp
    | Publish
    | Complain
)
