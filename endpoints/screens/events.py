"""What happens at a device with a screen, besides SIP events, timers and lost devices."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from endpoints.events import CommonEvent
from endpoints.screens.call_log import CallsLogged
from endpoints.screens.messages.events import MailEvent
from endpoints.screens.watching.events import WatchEvent
from endpoints.sip.agent import SipEvent


class Button(StrEnum):
    """The buttons of a device with a screen; the board file's devices are called ``<button>_button``."""

    ANSWER = "answer"
    DECLINE = "decline"
    UNLOCK = "unlock"
    HANGUP = "hangup"
    MUTE = "mute"
    DND = "dnd"
    CALL = "call"
    """Calls what was typed; what was called last if nothing was."""
    GUARD = "guard"
    EMERGENCY = "emergency"
    CALLBACK = "callback"
    """Calls who called last."""
    TRANSFER = "transfer"
    """Passes the call on to what was typed; to the other guards if nothing was."""
    HISTORY = "history"
    """Shows the calls so far, one with each press, the newest first."""
    MESSAGES = "messages"
    """Shows what visitors left, one with each press, the newest first."""
    PLAY = "play"
    """Plays the message that is shown."""
    MONITOR = "monitor"
    """Watches a door or a camera, the next one with each press; at a console a wall of them."""
    SNAPSHOT = "snapshot"
    """Keeps the picture of what is watched."""
    RECORD = "record"
    """Begins to keep what is watched, or ends that."""
    DELETE = "delete"
    """Deletes what is shown of what visitors left, after a second press."""


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed that button."""

    button: Button


@dataclass(frozen=True, slots=True)
class PeopleChanged:
    """There is a new directory: flat number -> name of the home."""

    people: Mapping[str, str]


class OwnEvent:
    """Base of what happens at one kind of device only."""

    __slots__ = ()


ScreenEvent = ButtonPressed | CallsLogged | MailEvent | WatchEvent | OwnEvent | PeopleChanged | SipEvent | CommonEvent
