"""One OPTIONS request and its answer: the only proof that a SIP server really serves."""

import secrets
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from servers.kamailio.config import Listener

_REPLY_LIMIT = 4096
Address: TypeAlias = tuple[str, int]


def probe(listener: Listener, user: str = "", timeout: float = 2.0, authority: Path | None = None) -> bool:
    """True if the server answers OPTIONS with 200 within `timeout` seconds.

    `user` goes into the Request-URI. Over TLS the server's certificate is checked against `authority`, if given.
    """
    try:
        answer = exchange(listener, lambda local: options_request(listener, user, local), timeout, authority)
        return answer.startswith(b"SIP/2.0 200 ")
    except OSError:
        return False


def exchange(
    listener: Listener, request: Callable[[Address], bytes], timeout: float, authority: Path | None = None
) -> bytes:
    """Send what `request` makes for our own address, once; gives the first answer. Raises OSError without one."""
    with closing(_connect(listener, timeout, authority)) as connection:
        connection.sendall(request(connection.getsockname()))
        return connection.recv(_REPLY_LIMIT)


def options_request(listener: Listener, user: str, local: Address) -> bytes:
    """The request of RFC 3261 section 11, with fresh branch, tag and Call-ID."""
    unique = secrets.token_hex(8)
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    target = f"sip:{user}@{_host(listener)}" if user else f"sip:{_host(listener)}"
    lines = [
        f"OPTIONS {target} SIP/2.0",
        f"Via: SIP/2.0/{listener.transport.upper()} {host}:{local[1]};rport;branch=z9hG4bK{unique}",
        f"From: <sip:probe@{host}>;tag={unique}",
        f"To: <{target}>",
        f"Call-ID: {unique}@{host}",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 5",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _host(listener: Listener) -> str:
    return str(Listener("udp", reachable(listener.address), listener.port)).removeprefix("udp:")


def reachable(address: str) -> str:
    """The address to ask when a server listens on every one."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def _connect(listener: Listener, timeout: float, authority: Path | None) -> socket.socket:
    target = (reachable(listener.address), listener.port)
    if listener.transport == "udp":
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        datagram.settimeout(timeout)
        datagram.connect(target)
        return datagram
    stream = socket.create_connection(target, timeout)
    if listener.transport == "tcp":
        return stream
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if authority is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority)
    return context.wrap_socket(stream)
