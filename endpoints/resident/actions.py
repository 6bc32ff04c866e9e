"""What a resident's device does when its state says so, besides the actions that all apps share."""

from dataclasses import dataclass

from endpoints.events import CancelTimer, Complain, HangUp, Publish, StartTimer, Tone
from endpoints.sip.agent import CallId
from hal.display import Scene
from media.description import VideoMedia


@dataclass(frozen=True, slots=True)
class Ring:
    """Be ready for the caller's picture, then answer 183 with our side of it."""

    call: CallId
    video: VideoMedia | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A person took the call: microphone and speaker on, answer 200."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse a call: 603 by a person, 486 busy, 480 nobody is to be disturbed."""

    call: CallId
    code: int


@dataclass(frozen=True, slots=True)
class WatchVideo:
    """The caller's picture comes from there now; None: it stopped."""

    video: VideoMedia | None


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
class NoteMissed:
    """Write down, with the time, whom nobody answered here and why."""

    caller: str
    why: str


@dataclass(frozen=True, slots=True)
class ShowScene:
    """Let the display say this."""

    scene: Scene


ResidentAction = (
    Ring
    | Answer
    | Reject
    | WatchVideo
    | EndCall
    | Mute
    | SendUnlock
    | NoteMissed
    | ShowScene
    | StartTimer
    | CancelTimer
    | Tone
    | HangUp
    | Publish
    | Complain
)
