"""Whom a flat number calls, in which order, and whose devices may open: the directory, and its hand-written form.

A community with a management server serves the directory (`endpoints/directory.py` fetches it); without one, the people
file of a door station says the same in a form for people.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from endpoints.config.section import FlatNumber, Issuer, Name, PublicKey, Section, ServiceUrl, SipUri


class StageName(StrEnum):
    """One step of a visit (V1, V2, V3), in the order in which they are tried."""

    HOME = "home"
    PHONES = "phones"
    TELEPHONE = "telephone"


class Document(BaseModel):
    """A part of the directory as the server sends it; a newer server may send more than is known here."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Stage(Document):
    """Whom to call in one step of a visit."""

    name: StageName
    uris: Annotated[tuple[SipUri, ...], Field(min_length=1, max_length=8)]
    """The next one is tried only if the one before cannot be reached at all."""


class Guard(Document):
    """How the property management is called (G1)."""

    records: ServiceUrl = ""
    """The HTTP service that keeps the records of these calls (G2); "" without one."""
    uris: Annotated[tuple[SipUri, ...], Field(max_length=8)] = ()
    devices: Mapping[Name, PublicKey] = Field(default_factory=dict)
    """The consoles that may open the door during a call: name -> Ed25519 public key, base64."""


class Deposit(Document):
    """Where a door station hands in what visitors leave for a home (V5)."""

    url: ServiceUrl = ""
    """The HTTP service of its HomeLink, or of the management server for a home without one; "" for none."""
    token: SecretStr
    """With it one deposits for this flat, and reads nothing."""


class Flat(Document):
    """One home."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    stages: Annotated[tuple[Stage, ...], Field(max_length=8)] = ()
    """Empty in what a resident's device fetches: it dials the number, its server knows the rest."""
    records: ServiceUrl = ""
    """The HTTP service that keeps the records of calls to this flat (V6); "" without one."""
    messages: Deposit | None = None
    devices: Mapping[Name, PublicKey] = Field(default_factory=dict)
    """The devices that may open the door during a call: name -> Ed25519 public key, base64."""


class Directory(Document):
    """Everything of one version; `version` 0 is what was written by hand."""

    version: Annotated[int, Field(ge=0)] = 0
    community: Annotated[str, Field(max_length=64)] = ""
    guard: Guard = Guard()
    flats: Mapping[FlatNumber, Flat] = Field(default_factory=dict)
    watchers: Mapping[Issuer, PublicKey] = Field(default_factory=dict)
    """Whose tokens let somebody watch this door (M1, M2): issuer -> Ed25519 public key, base64."""


class ListedDeposit(Section):
    """`[flats.NUMBER.messages]` of a people file: where what visitors leave for the home is handed in (V5)."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+$")]
    """``https://host:port`` of its HomeLink's HTTP service."""
    token: Annotated[SecretStr, Field(min_length=8)]
    """With it one deposits for this flat, and reads nothing."""


class ListedFlat(Section):
    """`[flats.NUMBER]` of a people file: one home."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    homelink: SipUri
    """The home's address at its HomeLink, called peer to peer (V1)."""
    phones: Annotated[tuple[SipUri, ...], Field(max_length=8)] = ()
    """Where the home's phones on 4G are called if that does not get through (V2)."""
    telephone: Annotated[tuple[SipUri, ...], Field(max_length=8)] = ()
    """Where its telephone is called if that does not get through either (V3)."""
    records: ServiceUrl = ""
    """The HTTP service of its HomeLink, which keeps the records of visits (V6); "" without one."""
    messages: ListedDeposit | None = None
    """Without it nobody is asked to leave a message."""
    devices: dict[Name, PublicKey] = Field(default_factory=dict)
    """The devices that may open the door during a call: name -> Ed25519 public key, base64."""

    def flat(self) -> Flat:
        """The same as a part of the directory."""
        listed = {StageName.HOME: (self.homelink,), StageName.PHONES: self.phones, StageName.TELEPHONE: self.telephone}
        stages = tuple(Stage(name=name, uris=uris) for name, uris in listed.items() if uris)
        deposit = Deposit(url=self.messages.url, token=self.messages.token) if self.messages else None
        return Flat(name=self.name, stages=stages, records=self.records, messages=deposit, devices=self.devices)


class ListedGuard(Section):
    """`[guard]` of a people file."""

    records: ServiceUrl = ""
    """The HTTP service that keeps the records of these calls (G2); "" without one."""
    uris: Annotated[tuple[SipUri, ...], Field(min_length=1, max_length=8)]
    devices: dict[Name, PublicKey] = Field(default_factory=dict)
    """The consoles that may open the door during a call: name -> Ed25519 public key, base64."""


class People(Section):
    """A whole people file."""

    flats: dict[FlatNumber, ListedFlat]
    guard: ListedGuard | None = None
    watchers: dict[Issuer, PublicKey] = Field(default_factory=dict)
    """Whose tokens let somebody watch the door: issuer -> Ed25519 public key, base64."""

    def directory(self) -> Directory:
        """The same as a directory of version 0."""
        guard = Guard(**self.guard.model_dump()) if self.guard else Guard()
        flats = {number: listed.flat() for number, listed in self.flats.items()}
        return Directory(flats=flats, guard=guard, watchers=self.watchers)
