"""What devices of more than one kind do when their state says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from endpoints.sip.agent import CallId


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Expire `seconds` from now; a timer of that name that runs already begins anew."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget the timer; no harm if it does not run."""

    name: str


@dataclass(frozen=True, slots=True)
class Tone:
    """Play the tone of that name between calls, until the next; None is silence."""

    name: str | None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call, whatever stage it is in."""

    call: CallId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the service port."""

    event: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Complain:
    """Write a sentence into the log: somebody sent us something that we cannot use."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Take a call: answer 200, with the picture that is ready for it."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse a call: 603 by a person, 486 busy, 480 nobody is to be disturbed, 482 it is here already."""

    call: CallId
    code: int


@dataclass(frozen=True, slots=True)
class StartVoice:
    """Microphone and speaker belong to the call."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these prompts of `media.prompts` at our loudspeaker; tones wait until they are said."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TellTransfer:
    """Tell who asked us to call somebody else how that went."""

    call: CallId
    code: int
    reason: str = ""


CommonAction = (
    StartTimer | CancelTimer | Tone | HangUp | Publish | Complain | Answer | Reject | StartVoice | Say | TellTransfer
)
