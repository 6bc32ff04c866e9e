"""The people file of a door station: whom each flat number calls, and whose devices may open the door."""

from typing import Annotated

from pydantic import Field

from endpoints.config.section import FlatNumber, Name, PublicKey, Section, SipUri


class Flat(Section):
    """`[flats.NUMBER]`: one home."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    homelink: SipUri
    """The home's address at its HomeLink, called peer to peer (V1)."""
    devices: dict[Name, PublicKey] = Field(default_factory=dict)
    """The devices that may open the door during a call: name -> Ed25519 public key, base64."""


class People(Section):
    """A whole people file."""

    flats: dict[FlatNumber, Flat]
