"""Somebody who proved who they are, and how a server above says so of its own devices."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from servers.kamailio.kinds import Kind

CALLER = b"intercom-caller"
"""Header that tells who asks; it counts on connections to the server above only, where nobody else can send it."""
_FACTS = ("name", "kind", "home", "way")


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who they are."""

    name: str
    kind: Kind
    home: str
    """User part of the address that it registers: the flat, at servers of more than one home."""
    way: str = ""
    """The server that speaks for it; "" for an account of this server."""


def said_of(caller: Identity) -> bytes:
    """What the header has about `caller`."""
    facts = {"name": caller.name, "kind": caller.kind.value, "home": caller.home, "way": caller.way}
    return urlencode(facts).encode("ascii")


def heard_of(headers: Iterable[tuple[bytes, bytes]]) -> Identity:
    """Who the server above says it is. Raises ValueError if that is not one device of a home's people."""
    values = [value for name, value in headers if name == CALLER]
    if len(values) != 1:
        raise ValueError(f"one {CALLER.decode()} is needed, there are {len(values)}")
    pairs = parse_qsl(values[0].decode("ascii"), strict_parsing=True, max_num_fields=len(_FACTS))
    facts = dict(pairs)
    if len(facts) != len(_FACTS) or set(facts) != set(_FACTS):
        raise ValueError(f"{CALLER.decode()} needs {', '.join(_FACTS)}")
    caller = Identity(facts["name"], Kind(facts["kind"]), facts["home"], facts["way"])
    if not caller.kind.resident:
        raise ValueError(f"nobody above speaks for a {caller.kind}")
    return caller
