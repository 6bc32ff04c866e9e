"""What happens around what visitors left."""

from dataclasses import dataclass

from endpoints.screens.messages.state import Left


@dataclass(frozen=True, slots=True)
class MailChanged:
    """The server's list, newest first, and how many messages nobody has seen."""

    items: tuple[Left, ...]
    new: int


@dataclass(frozen=True, slots=True)
class MailLost:
    """The server tells nothing any more; it is asked again and again."""


@dataclass(frozen=True, slots=True)
class NotDeleted:
    """The server did not delete that."""

    id: str


@dataclass(frozen=True, slots=True)
class FilmBegan:
    """The first picture of that film is on the screen."""

    id: str


@dataclass(frozen=True, slots=True)
class FilmOver:
    """That film is over; `failed`: what kept the rest of it from being played."""

    id: str
    failed: str = ""


MailEvent = MailChanged | MailLost | NotDeleted | FilmBegan | FilmOver
