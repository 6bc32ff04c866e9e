"""The site file of a cloud server."""

import re
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from servers.kamailio.kinds import Kind
from servers.kamailio.site import IdentitySection, Port, ServerSite, needed_home, no_home
from servers.sitefile import Section, load


class CloudSection(IdentitySection):
    """[cloud]"""


_TRUNK = re.compile(r"sip:(?P<host>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5});transport=udp")


def _trunk_uri(text: str) -> str:
    if _TRUNK.fullmatch(text) is None:
        raise ValueError("must be like sip:203.0.113.9:5060;transport=udp, with an IP address and a port")
    return text


class TrunkSection(Section):
    """[trunk]: a SIP gateway to the public telephone network (V3). Its sound passes our media relay."""

    uri: Annotated[str, AfterValidator(_trunk_uri)]
    user: str = ""
    """Account at the gateway, where it asks for one."""
    password: str = Field(default="", repr=False)
    port: Port
    """UDP port of ours that talks to the gateway, and to nobody else."""

    @property
    def host(self) -> str:
        """IP address of the gateway."""
        return self.uri.removeprefix("sip:").rpartition(":")[0]

    @property
    def target(self) -> int:
        """Port of the gateway."""
        return int(self.uri.partition(";")[0].rpartition(":")[2])


Number = Annotated[str, Field(pattern=r"^\+?[0-9]{2,20}$")]


class CloudSite(ServerSite):
    """The whole file."""

    program: ClassVar[str] = "cloud"
    title: ClassVar[str] = "cloud server"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PHONE, Kind.MANAGEMENT, Kind.GUEST)

    cloud: CloudSection
    trunk: TrunkSection | None = None
    telephones: dict[str, Number] = Field(default_factory=dict)
    """[telephones]: a flat's number in the public telephone network, by its address: ``"301.lakeside"``."""

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
