"""The site file of a HomeLink: which home it serves, beside what all servers' files have."""

from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from servers.errors import DeviceError
from servers.kamailio.config import Listener
from servers.kamailio.kinds import Kind
from servers.kamailio.site import (
    IdentitySection,
    LimitsSection,
    RecordsSection,
    ServerSite,
    TimersSection,
    User,
    no_home,
)
from servers.messages.settings import HomeMessagesSection
from servers.sitefile import load
from servers.watching.settings import HomeWatchingSection, NvrSection

__all__ = ["HomeSection", "LimitsSection", "RecordsSection", "Site", "TimersSection", "load_site"]


class HomeSection(IdentitySection):
    """[homelink]: name for people, ``Family Chen``."""

    home: User = "home"
    """User part of the home's own address."""


class Site(ServerSite):
    """The whole file."""

    program: ClassVar[str] = "homelink"
    title: ClassVar[str] = "HomeLink"
    parent: ClassVar[str] = "management"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.INDOOR, Kind.PHONE, Kind.GUEST, Kind.DOOR)

    homelink: HomeSection
    messages: HomeMessagesSection = HomeMessagesSection()
    watching: HomeWatchingSection | None = None
    nvr: NvrSection | None = None

    @model_validator(mode="after")
    def _watching_needs_http(self) -> "Site":
        if self.watching and not self.http:
            raise ValueError("[watching] needs the port of [http]")
        if self.nvr and not self.watching:
            raise ValueError("[nvr] needs [watching]")
        return self

    @property
    def identity(self) -> HomeSection:
        """[homelink]"""
        return self.homelink

    @property
    def address_of_record(self) -> str:
        """What the home's devices register as and a visitor's call is for."""
        return f"sip:{self.homelink.home}@{self.homelink.realm}"

    def address_user(self, name: str, kind: Kind, home: str) -> str:
        """All devices register the home's own address. Raises DeviceError for a door where only TLS is served."""
        no_home(name, kind, home)
        if kind is Kind.DOOR and not (self.listen.udp or self.listen.tcp):
            raise DeviceError(
                "this HomeLink serves TLS only: a door station proves itself by a certificate "
                "(intercom community issue --role door-station), not by an account"
            )
        return self.homelink.home

    def home_named(self, flat: str) -> str:
        """There is one home here, whatever its flat."""
        return self.homelink.home

    def listeners_for(self, kind: Kind) -> tuple[Listener, ...]:
        """A door station needs a certificate over TLS, where an account is not enough."""
        return tuple(one for one in self.listeners if kind is not Kind.DOOR or one.transport != "tls")


def load_site(path: Path) -> Site:
    """Read a site file. Raises SiteError with all of its problems."""
    return load(path, Site)
