"""What makes one media relay: its addresses, its ports, and how long its supervisor waits for what."""

import ipaddress
from dataclasses import dataclass

from servers.errors import MediaRelayError


@dataclass(frozen=True, slots=True)
class Interface:
    """One side of the relay."""

    address: str
    """IP address to receive on."""
    advertised: str = ""
    """IP address that stands in SDP instead, where a router passes the ports on; "" for the same."""
    name: str = "public"
    """What Kamailio calls it in `direction=`; the first interface is the default."""

    def __post_init__(self) -> None:
        for text in filter(None, (self.address, self.advertised)):
            try:
                ipaddress.ip_address(text)
            except ValueError as error:
                raise MediaRelayError(f"{text!r} is no IP address of the media relay") from error

    def __str__(self) -> str:
        return f"{self.name}/{self.address}" + (f"!{self.advertised}" if self.advertised else "")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The relay of one server."""

    interfaces: tuple[Interface, ...]
    first_port: int = 30000
    last_port: int = 39999
    """A call with video takes four ports a side of every ringing device."""
    silent_seconds: int = 60
    """A call without any packet for so long is forgotten: its BYE was lost."""
    call_seconds: int = 7200
    """Longest call."""

    def __post_init__(self) -> None:
        if not self.interfaces:
            raise MediaRelayError("the media relay needs an address")
        if not 1024 <= self.first_port < self.last_port <= 65535:
            raise MediaRelayError(f"{self.first_port}-{self.last_port} is no range of ports between 1024 and 65535")


@dataclass(frozen=True, slots=True)
class RelayPatience:
    """How long the supervisor waits for what; seconds."""

    start: float = 10.0
    """From exec to the first answer."""
    between_probes: float = 5.0
    answer: float = 1.0
    deaf_after: int = 3
    """Unanswered questions in a row that make a relay deaf."""
    stop: float = 2.0
    first_delay: float = 0.2
    longest_delay: float = 30.0
    healthy: float = 60.0
    """Uptime after which the delay before a restart begins at `first_delay` again."""
