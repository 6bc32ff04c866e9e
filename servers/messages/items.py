"""One thing that a visitor left, as the devices of the home see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from servers.messages.keys import Wrapped
from servers.messages.label import Sort


@dataclass(frozen=True, slots=True)
class Item:
    """A message or a picture that is whole; times are UTC."""

    id: str
    home: str
    flat: str
    session_id: str
    """The same as in the records of its visit's calls."""
    sort: Sort
    event: str
    """What a picture shows: ring, answer, unlock, wrong-code, tamper."""
    started: datetime
    """By the door's clock."""
    duration_ms: int
    size: int
    """Bytes."""
    sha256: str
    filetype: str
    arrived: datetime
    read: bool
    """Somebody of the home has seen it."""
    read_by: str
    """The device that said so first."""

    def told(self) -> dict[str, Any]:
        """As JSON, with the addresses of its content."""
        names = ("id", "flat", "session_id", "event", "duration_ms", "size", "sha256", "filetype", "read", "read_by")
        times = {name: getattr(self, name).isoformat(timespec="milliseconds") for name in ("started", "arrived")}
        links = {name: f"messages/{self.id}/{name}" for name in ("content", "thumbnail")}
        return {"kind": self.sort.value} | {name: getattr(self, name) for name in names} | times | links


@dataclass(frozen=True, slots=True)
class Count:
    """What the lamp shows: messages, not pictures."""

    new: int
    old: int


def item_of(row: Row[Any]) -> Item:
    """A row of ITEM."""
    values = row._mapping
    named = {name: values[name] for name in Item.__slots__ if name != "sort"}
    return Item(**named, sort=Sort(values["sort"]))


def wrapped_of(row: Row[Any]) -> Wrapped:
    """The key in a row of ITEM."""
    return Wrapped(row.home_key, bytes(row.wrapped))
