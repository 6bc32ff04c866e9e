"""Which of this machine's addresses the routing table chooses."""

import re
import socket

_HOST = re.compile(r"sips?:(?:[^@>]*@)?(\[[0-9a-fA-F:.]+\]|[^:;>?]+)", re.IGNORECASE)
_SOMEWHERE = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): nobody is there, but the default route leads to it."""


def host_of(uri: str | None) -> str:
    """The host of a SIP URI, "" if it has none."""
    found = _HOST.search(uri or "")
    return found.group(1).strip("[]") if found else ""


def local_address(uri: str | None) -> str:
    """Our address towards the host of `uri`, or towards the default route; "" without a route. Sends nothing."""
    host = host_of(uri) or _SOMEWHERE
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            address: str = probe.getsockname()[0]
            return address
    except OSError:
        return ""
