"""What the directory knows of a flat and of a console, checked."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

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

    name: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
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
