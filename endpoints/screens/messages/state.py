"""What a resident's screen knows of what visitors left."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

TOLD = 20
"""Items that are told to a technician."""


class Left(BaseModel):
    """A message or a picture, as the home's server tells of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    kind: Literal["message", "picture"]
    event: str = ""
    """What a picture shows: ring, answer, unlock, wrong-code, tamper."""
    started: AwareDatetime
    duration_ms: Annotated[int, Field(ge=0)] = 0
    size: Annotated[int, Field(gt=0)]
    """Bytes."""
    read: bool = False
    """Somebody of the home has seen it."""
    session_id: str = ""
    """Of its visit, as in the call records."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The list, and what of it is on the screen."""

    items: tuple[Left, ...] = ()
    """The newest first; the last list that the server told."""
    new: int = 0
    """Messages that nobody has seen: the lamp."""
    reachable: bool | None = None
    """Whether the server tells of changes now; None before the first answer."""
    at: str = ""
    """Id of the one that is shown, "" if there is none to show."""
    asked: bool = False
    """Whether "delete?" is on the screen."""

    @property
    def shown(self) -> Left | None:
        """What is on the screen."""
        return next((item for item in self.items if item.id == self.at), None)

    @property
    def place(self) -> int:
        """Its place in the list, from 1."""
        return next((place for place, item in enumerate(self.items, 1) if item.id == self.at), 0)

    def first(self) -> Left | None:
        """Where somebody who looks begins: the newest message that nobody has seen, else the newest of all."""
        unseen = (item for item in self.items if item.kind == "message" and not item.read)
        return next(unseen, self.items[0] if self.items else None)

    def next(self) -> Left | None:
        """The next older one."""
        return self.items[self.place] if self.place < len(self.items) else None

    def facts(self) -> dict[str, object]:
        """For a technician, as JSON."""
        names = {"id", "kind", "event", "read", "duration_ms", "session_id"}
        items = [item.model_dump(include=names) for item in self.items[:TOLD]]
        told = {"new": self.new, "count": len(self.items), "reachable": self.reachable, "shown": self.at}
        return {**told, "items": items}
