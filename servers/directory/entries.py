"""What the directory knows of a flat, of a console, and of what may be watched, checked."""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from servers.kamailio.kinds import Kind


def _key(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise ValueError("is not base64") from None
    if text and size != 32:
        raise ValueError(f"has {size} bytes, an Ed25519 key has 32")
    return text


def _resident(kind: Kind) -> Kind:
    if not kind.resident:
        raise ValueError("must be indoor or phone")
    return kind


Title = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
"""For people."""
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
"""What a visitor types."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
Telephone = Annotated[str, StringConstraints(pattern=r"^(\+?[0-9]{2,20})?$")]
SipUri = Annotated[str, StringConstraints(pattern=r"^(sips?:[^\s<>\"]{1,200})?$")]
ServiceUrl = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#@]{1,200})?$")]
PublicKey = Annotated[str, AfterValidator(_key)]
"""Ed25519, base64 of 32 bytes; "" for a device that opens no door."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Device(_Entry):
    """A resident's device."""

    name: Name
    kind: Annotated[Kind, AfterValidator(_resident)]
    key: PublicKey = ""


class Flat(_Entry):
    """One home."""

    name: Title
    homelink: SipUri = ""
    """The home's address at its HomeLink, called peer to peer (V1); "" without one."""
    records: ServiceUrl = ""
    """Its HomeLink's HTTP service, which keeps the records of visits (V6); "" without one."""
    telephone: Telephone = ""
    """In the public telephone network (V3); only guards and the cloud server are told."""
    devices: tuple[Device, ...] = Field(default=(), max_length=64)

    @field_validator("devices")
    @classmethod
    def _once(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        names = [device.name for device in devices]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"names {', '.join(sorted(twice))} twice")
        return tuple(sorted(devices, key=lambda device: (device.kind, device.name)))

    def has(self, kind: Kind) -> bool:
        """Whether it has a device of this kind."""
        return any(device.kind is kind for device in self.devices)


class Console(_Entry):
    """A guard's console or client."""

    priority: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The highest group is called first; the console registers with it as the q of its Contact."""
    key: PublicKey = ""


class Sight(StrEnum):
    """What may be watched: a door station gives its picture over HTTP, a camera over RTSP, as a rule by an NVR."""

    DOOR = "door"
    CAMERA = "camera"


EVERYBODY = "*"
_URLS = {
    Sight.DOOR: (re.compile(r"https?://[^\s/?#@]{1,200}"), "https://10.0.0.21:8443"),
    Sight.CAMERA: (re.compile(r"rtsp://[^\s/?#@]{1,200}/[!-~]{0,300}"), "rtsp://10.0.0.9:554/garage"),
}


class Watchable(_Entry):
    """A door, by the name that its certificate and its tokens have, or a camera of the community."""

    title: Title
    kind: Sight = Sight.DOOR
    url: str
    """Where it is watched: the door's own HTTP service, or the camera's stream at the NVR."""
    user: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f:]{0,64}$")] = ""
    """Login of the camera's stream; "" for none."""
    password: Annotated[str, Field(max_length=128, repr=False)] = ""
    flats: tuple[Annotated[str, StringConstraints(pattern=r"^([0-9]{1,8}|\*)$")], ...] = Field(
        default=(), max_length=512
    )
    """Whose homes may watch it too, ``*`` for all of them; guards always may (M2, M4)."""

    @model_validator(mode="after")
    def _right_url(self) -> "Watchable":
        pattern, example = _URLS[self.kind]
        if not pattern.fullmatch(self.url):
            raise ValueError(f"url of a {self.kind} must be like {example}")
        return self

    @field_validator("flats")
    @classmethod
    def _in_order(cls, flats: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(flats), key=lambda flat: (len(flat), flat)))

    def shown_to(self, flat: str) -> bool:
        """Whether the people of this flat may watch it."""
        return flat in self.flats or EVERYBODY in self.flats
