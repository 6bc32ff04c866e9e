"""The site file of a cloud server."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from servers.cloud.communities import authorities
from servers.kamailio.cluster import ClusterSection, ClusterSite
from servers.kamailio.config import Capacity
from servers.kamailio.kinds import Kind
from servers.kamailio.site import (
    AuthorityName,
    IdentitySection,
    IpAddress,
    Port,
    User,
    needed_home,
    no_home,
)
from servers.sitefile import Section, load


class CloudSection(IdentitySection):
    """[cloud]"""


_TRUNK = re.compile(r"sip:(?P<host>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5});transport=udp")


def _trunk_uri(text: str) -> str:
    if _TRUNK.fullmatch(text) is None:
        raise ValueError("must be like sip:203.0.113.9:5060;transport=udp, with an IP address and a port")
    return text


def _relay_place(text: str) -> str:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}:\d{1,5}", text) is None:
        raise ValueError("must be like 10.0.0.7:2223")
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


class CloudClusterSection(ClusterSection):
    """[cluster] of a cloud server."""

    relays: tuple[Annotated[str, AfterValidator(_relay_place)], ...] = ()
    """``host:port`` where rtpengine listens for commands (ng over UDP) on machines of its own, for all nodes: calls go
    on when a node dies. () for a relay on each node. Nobody else may reach these ports: there is no password."""


class MediaSection(Section):
    """[media]: the relay for sound and pictures between endpoints that cannot reach one another."""

    relay: Literal["auto", "always", "never"] = "auto"
    """auto: calls from or to an address that is not in a private network; never: only those to the trunk."""
    address: IpAddress | None = None
    """IP address that the relay receives on; without it that of [cloud]."""
    advertised: IpAddress | None = None
    """IP address under which others reach the relay, where a router passes its ports on."""
    first_port: int = Field(default=30000, ge=1024, le=65535)
    last_port: int = Field(default=39999, ge=1024, le=65535)
    """UDP ports of the relay; a call with video takes eight for every ringing phone."""
    silence: int = Field(default=60, ge=5)
    """Seconds without any packet after which a relayed call is forgotten."""

    @model_validator(mode="after")
    def _some_ports(self) -> "MediaSection":
        if self.last_port - self.first_port < 100:
            raise ValueError("needs a hundred ports or more from first_port to last_port")
        return self


class CloudSite(ClusterSite):
    """The whole file."""

    program: ClassVar[str] = "cloud"
    title: ClassVar[str] = "cloud server"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PHONE, Kind.MANAGEMENT, Kind.GUEST)
    capacity: ClassVar[Capacity] = Capacity(connections=8192, shared_megabytes=512)

    cloud: CloudSection
    cluster: CloudClusterSection | None = None
    media: MediaSection = MediaSection()
    trunk: TrunkSection | None = None
    communities: dict[User, AuthorityName] = Field(default_factory=dict)
    """[communities]: name (CN) of the authority of each, where they do not all have the one of [tls]."""

    @model_validator(mode="after")
    def _relay_needs_an_address(self) -> "CloudSite":
        if ipaddress.ip_address(self.media_address).is_unspecified:
            raise ValueError("[media] address is needed where [cloud] address stands for all of this machine")
        return self

    @model_validator(mode="after")
    def _authorities_are_known(self) -> "CloudSite":
        named = list(self.communities.values())
        held = authorities(self.tls.authority) if self.communities and self.tls else []
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"[communities] names {name!r} twice: each community needs an authority of its own")
            if held.count(name) != 1:
                raise ValueError(f"[tls] authority must hold one certificate of {name!r}, it has {held.count(name)}")
        return self

    def admits(self, authority: str, role: str, name: str) -> bool:
        """With [communities] only management servers are known by their certificates here."""
        if not self.communities:
            return super().admits(authority, role, name)
        return role == Kind.MANAGEMENT and self.communities.get(name) == authority

    @property
    def copied_tables(self) -> tuple[str, ...]:
        """Accounts, and the flats' telephone numbers where there is a way to them."""
        return ("accounts", "telephones") if self.trunk else ("accounts",)

    @property
    def media_address(self) -> str:
        """IP address that the media relay receives on."""
        return self.media.address or self.cloud.address

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
