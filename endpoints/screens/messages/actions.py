"""What a resident's screen does about what visitors left."""

from dataclasses import dataclass

from endpoints.screens.messages.state import Left


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask this server from now on: "home", "cloud", or "" of a device with one server; it may have come back."""

    server: str


@dataclass(frozen=True, slots=True)
class ShowLeft:
    """Bring its picture onto the screen."""

    left: Left


@dataclass(frozen=True, slots=True)
class PlayFilm:
    """Play it, with sound."""

    left: Left


@dataclass(frozen=True, slots=True)
class StopFilm:
    """No more sound and pictures of a film."""


@dataclass(frozen=True, slots=True)
class PutAway:
    """Nobody looks any more: nothing that comes late may be shown."""


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Tell all devices of the home that it was seen."""

    id: str


@dataclass(frozen=True, slots=True)
class DeleteLeft:
    """Delete it, for all devices of the home."""

    id: str


MailAction = Consult | ShowLeft | PlayFilm | StopFilm | PutAway | MarkRead | DeleteLeft
