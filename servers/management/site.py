"""The site file of a management server: which community it serves, beside what all servers' files have."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from servers.kamailio.cluster import ClusterSite
from servers.kamailio.config import Capacity
from servers.kamailio.kinds import Kind
from servers.kamailio.site import IdentitySection, User, needed_home, no_home
from servers.messages.settings import MessagesSection
from servers.sitefile import Section, load
from servers.watching.settings import WatchingSection

GUARD = "guard"
"""User part of the address of all guards together."""


class ManagementSection(IdentitySection):
    """[management]: name for people, ``Lakeside Gardens``."""

    community: User
    """The community's name in addresses: its flat 301 is ``301.lakeside`` at the cloud."""


class GuardsSection(Section):
    """[guards]: how a call to the guard reaches the consoles."""

    order: Literal["parallel", "ordered"] = "ordered"
    """``ordered``: consoles of the highest priority first, the next ones after `ring`; ``parallel``: all at once."""
    ring: float = Field(default=20.0, ge=1, le=120)
    """Seconds that each group of consoles rings."""
    wait: int = Field(default=120, ge=1, le=200)
    """Seconds that a caller is kept while all guards are busy."""
    alive: float = Field(default=3.0, ge=0.5, le=60)
    """Seconds between two questions to a console in a talk whether it is still there; two without an answer end it."""


class ManagementSite(ClusterSite):
    """The whole file."""

    program: ClassVar[str] = "management"
    title: ClassVar[str] = "management server"
    parent: ClassVar[str] = "cloud"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "numbers")
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.HOMELINK, Kind.DOOR, Kind.INDOOR, Kind.CONSOLE, Kind.GUEST)
    capacity: ClassVar[Capacity] = Capacity(connections=4096, shared_megabytes=256)

    management: ManagementSection
    guards: GuardsSection = GuardsSection()
    messages: MessagesSection = MessagesSection()
    watching: WatchingSection | None = None

    @model_validator(mode="after")
    def _watching_needs_http(self) -> "ManagementSite":
        if self.watching and not self.http:
            raise ValueError("[watching] needs the port of [http]")
        return self

    @property
    def identity(self) -> ManagementSection:
        """[management]"""
        return self.management

    def address_user(self, name: str, kind: Kind, home: str) -> str:
        """HomeLinks and indoor units: the flat; consoles: the guard; doors and guests: their own name (R1)."""
        if kind in (Kind.HOMELINK, Kind.INDOOR):
            return needed_home(name, kind, home)
        no_home(name, kind, home)
        return GUARD if kind is Kind.CONSOLE else name


def load_site(path: Path) -> ManagementSite:
    """Read a site file. Raises SiteError with all of its problems."""
    return load(path, ManagementSite)
