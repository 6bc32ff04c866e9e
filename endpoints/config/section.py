"""The base of every table of a configuration file, and the kinds of values they share."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A table whose keys are all known; it does not change after loading and never shows what was typed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def key_bytes(text: str) -> bytes:
    """The 32 bytes of an Ed25519 key written in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    if len(key) != 32:
        raise ValueError(f"has {len(key)} bytes, an Ed25519 key has 32")
    return key


def _key_text(text: str) -> str:
    key_bytes(text)
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A device's or account's name, as it may stand in a SIP address and in a file name."""
FlatNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
"""What a visitor types for a flat."""
SipUri = Annotated[str, StringConstraints(pattern=r"^sips?:[^\s<>\"]+$")]
"""``sip:user@host:port;transport=tls``."""
ServiceUrl = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#@]+)?$")]
"""``https://host:port`` of a server's HTTP service, "" for none."""
PublicKey = Annotated[str, AfterValidator(_key_text)]
"""An Ed25519 public key, base64 of 32 bytes."""
Issuer = Annotated[str, StringConstraints(pattern=r"^[a-z]+:[^\s]{1,128}$")]
"""Who makes tokens: ``homelink:NAME`` or ``management:COMMUNITY``."""
Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""A time span in seconds."""
