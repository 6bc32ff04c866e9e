"""What is kept: messages and pictures, each a file whose name says all that must survive a lost index."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Event(StrEnum):
    """What an item shows: a message, or a picture of the moment when something happened."""

    MESSAGE = "message"
    RING = "ring"
    ANSWER = "answer"
    UNLOCK = "unlock"
    WRONG_CODE = "wrong-code"
    TAMPER = "tamper"


class State(StrEnum):
    """Where an item stands; only what waits is uploaded."""

    WAITING = "waiting"
    UPLOADED = "uploaded"
    REFUSED = "refused"
    """The server will never take it."""
    DAMAGED = "damaged"
    """It is not what it was when it was finished."""


PART = ".part"
"""Ending of a file that is being written."""
_TYPES = {"mp4": "video/mp4", "jpg": "image/jpeg"}
_NAME = re.compile(
    r"(?P<number>[0-9]{8,})\.(?P<flat>[0-9]{1,8})\.(?P<session>[0-9a-f]*)\.(?P<event>[a-z-]+)"
    r"\.(?P<started>[0-9]{8}T[0-9]{12})\.(?P<id>[0-9a-f]{32})\.(?:mp4|jpg)"
)
_STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of an item from its beginning on."""

    number: int
    """Counts up with every item: the order of uploads and deletions, whatever the clock says."""
    id: str
    """UUID4, hex."""
    flat: str
    session_id: str
    """Of the visit (RFC 7989), joins the item with the call's records."""
    event: Event
    started: datetime
    """UTC."""

    @property
    def name(self) -> str:
        """The file's name."""
        kind = "mp4" if self.event is Event.MESSAGE else "jpg"
        stamp = self.started.astimezone(UTC).strftime(_STAMP)
        return f"{self.number:08d}.{self.flat}.{self.session_id}.{self.event}.{stamp}.{self.id}.{kind}"

    @property
    def file_type(self) -> str:
        """The file's media type."""
        return _TYPES["mp4" if self.event is Event.MESSAGE else "jpg"]


@dataclass(frozen=True, slots=True)
class Item:
    """A finished item."""

    label: Label
    size: int
    sha256: str
    duration_ms: int = 0
    state: State = State.WAITING


def label_of(name: str) -> Label | None:
    """What a file's name says; None for a file that is not ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        started = datetime.strptime(match["started"], _STAMP).replace(tzinfo=UTC)
        event = Event(match["event"])
    except ValueError:
        return None
    return Label(int(match["number"]), match["id"], match["flat"], match["session"], event, started)
