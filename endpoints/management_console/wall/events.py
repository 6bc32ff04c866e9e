"""What happens at the wall, besides what happens to anybody who watches."""

from dataclasses import dataclass

from endpoints.screens.events import OwnEvent


@dataclass(frozen=True, slots=True)
class Kept(OwnEvent):
    """A picture ("snapshot") or a film ("recording") is in the console's folder."""

    target: str
    what: str
    file: str


@dataclass(frozen=True, slots=True)
class NotKept(OwnEvent):
    """It could not be kept; a recording is over."""

    target: str
    what: str
    why: str
