"""What a door tells of an item when it hands it in (tus Upload-Metadata), checked."""

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from servers.messages.errors import MessageError

LONGEST_METADATA = 4096
"""Characters."""


class Sort(StrEnum):
    """What an item is."""

    MESSAGE = "message"
    PICTURE = "picture"


ItemId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""UUID version 4, made at the door."""


class Label(BaseModel):
    """All that is known of an item but for its content."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: ItemId
    flat: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
    session_id: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Of the visit (RFC 7989), as in the call records; "" for what happened outside of one."""
    event: Literal["", "ring", "answer", "unlock", "wrong-code", "tamper"] = ""
    """What a picture shows."""
    started: AwareDatetime
    duration_ms: Annotated[int, Field(ge=0, le=24 * 3600 * 1000)] = 0
    size: Annotated[int, Field(ge=1)]
    """Bytes."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    filetype: Literal["video/mp4", "image/jpeg"]
    lost: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Items before this one that the door had to delete unseen, because it was full while this server was away."""

    @model_validator(mode="after")
    def _pictures_show_something(self) -> "Label":
        if (self.filetype == "image/jpeg") != bool(self.event):
            raise ValueError("a picture has an event, a message has none")
        return self

    @property
    def sort(self) -> Sort:
        """Message or picture."""
        return Sort.PICTURE if self.event else Sort.MESSAGE


def label_of(metadata: str, length: int) -> Label:
    """The label in Upload-Metadata, for an upload of `length` bytes. Raises MessageError for one that is none."""
    try:
        label = Label.model_validate(_pairs(metadata))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "item"
        raise MessageError(f"Upload-Metadata: {place}: {first['msg'].removeprefix('Value error, ')}") from error
    if label.size != length:
        raise MessageError(f"Upload-Length is {length}, the metadata says {label.size}")
    return label


def _pairs(metadata: str) -> dict[str, str]:
    if len(metadata) > LONGEST_METADATA:
        raise MessageError(f"Upload-Metadata has more than {LONGEST_METADATA} characters")
    values = {}
    for pair in metadata.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            values[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise MessageError(f"Upload-Metadata: {name[:32]!r} is not base64 of UTF-8") from error
    return values
