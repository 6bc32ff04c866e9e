"""Events and actions that the state machines of all apps share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from endpoints.sip.agent import CallId

# --- events: something happened --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """A timer that a `StartTimer` started ran down."""

    name: str


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device of the board, named as in the board file, went away while running."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class DeviceReturned:
    """A device that was lost works again."""

    name: str


# --- actions: something is to be done --------------------------------------------------------------------------------


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
