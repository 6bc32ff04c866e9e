"""Where our pictures leave from, or arrive."""

import ipaddress

from endpoints.sip.route import local_address


def media_address(bound: str, peer: str) -> str:
    """`bound` if it is one address; else ours towards the SIP URI `peer`, or `bound` again if no route leads there."""
    return (local_address(peer) or bound) if ipaddress.ip_address(bound).is_unspecified else bound
