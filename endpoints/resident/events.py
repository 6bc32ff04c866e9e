"""What happens at a resident's device, besides SIP events, timers and lost devices."""

from dataclasses import dataclass
from enum import StrEnum

from endpoints.events import DeviceLost, DeviceReturned, TimerExpired
from endpoints.sip.agent import SipEvent


class Button(StrEnum):
    """The buttons of a resident's device; the board file's devices are called ``<button>_button``."""

    ANSWER = "answer"
    DECLINE = "decline"
    UNLOCK = "unlock"
    HANGUP = "hangup"
    MUTE = "mute"
    DND = "dnd"


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed that button."""

    button: Button


ResidentEvent = ButtonPressed | TimerExpired | DeviceLost | DeviceReturned | SipEvent
