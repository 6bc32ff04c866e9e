"""What happens at devices of more than one kind, besides SIP events."""

from dataclasses import dataclass

from endpoints.sip.agent import CallId


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


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key of the keypad went down."""

    key: str


@dataclass(frozen=True, slots=True)
class CallPlaced:
    """Our INVITE is out; from now on the agent speaks of this handle."""

    call: CallId
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """No INVITE could be sent."""

    why: str
    session_id: str = ""


CommonEvent = TimerExpired | DeviceLost | DeviceReturned | KeyPressed | CallPlaced | CallFailed
