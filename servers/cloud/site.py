"""The site file of a cloud server."""

from pathlib import Path
from typing import ClassVar

from servers.kamailio.kinds import Kind
from servers.kamailio.site import DatabaseSection, IdentitySection, ServerSite, needed_home, no_home
from servers.sitefile import load


class CloudSection(IdentitySection):
    """[cloud]"""


class CloudSite(ServerSite):
    """The whole file."""

    program: ClassVar[str] = "cloud"
    title: ClassVar[str] = "cloud server"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PHONE, Kind.MANAGEMENT, Kind.GUEST)

    cloud: CloudSection
    database: DatabaseSection | None = None

    @property
    def identity(self) -> CloudSection:
        """[cloud]"""
        return self.cloud

    def address_user(self, name: str, kind: Kind, home: str) -> str:
        """Phones: their flat with its community, ``301.lakeside``; a management server: its community's name (R3)."""
        if kind is Kind.PHONE:
            return needed_home(name, kind, home)
        no_home(name, kind, home)
        return name


def load_site(path: Path) -> CloudSite:
    """Read a site file. Raises SiteError with all of its problems."""
    return load(path, CloudSite)
