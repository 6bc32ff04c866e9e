"""What goes from a phone on 4G down to its home, and with which headers; nothing else does."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

PATHS = ("/messages", "/leases", "/watchables")
"""These and everything below them."""
PARK = "/relay"
"""Where a server below offers a connection, to be asked through."""
PROTOCOL = b"intercom-relay"
"""In the Upgrade header: after it the roles are turned, with HTTP/1.1 again."""
_DOWN = frozenset(
    b"accept accept-encoding accept-language content-length content-type if-match if-modified-since if-none-match "
    b"if-range if-unmodified-since last-event-id range user-agent sec-websocket-key sec-websocket-version "
    b"sec-websocket-protocol sec-websocket-extensions".split()
)
_NOT_UP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade "
    b"www-authenticate date server".split()
)
"""Between two nodes only (RFC 9110 7.6.1), or said anew by this server."""


def passes(path: str) -> bool:
    """Whether this path is served at home."""
    return any(path == one or path.startswith(f"{one}/") for one in PATHS)


def downwards(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Of a phone's request: no login, no word about who it is, nothing that this server does not know."""
    return [(name, value) for name, value in headers if name in _DOWN]


def upwards(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Of the answer."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in _NOT_UP]


def upgrade_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The protocol that a request asks to change to, in small letters; b"" without one (RFC 9110 7.8)."""
    named = {name: value.lower() for name, value in headers if name in (b"connection", b"upgrade")}
    wished = [token.strip() for token in named.get(b"connection", b"").split(b",")]
    return named.get(b"upgrade", b"") if b"upgrade" in wished else b""
