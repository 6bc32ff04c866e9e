"""rtpengine's control protocol "ng" from Python: a cookie and a bencoded dictionary in one datagram, and its answer."""

import secrets
import socket
from collections.abc import Mapping
from typing import Any

from servers.errors import MediaRelayError

_ANSWER_LIMIT = 1 << 16
_MOST_CALLS = 1000


def ping(address: tuple[str, int], timeout: float = 1.0) -> bool:
    """True if a relay answers at this address within `timeout` seconds."""
    try:
        return bool(ask(address, "ping", timeout=timeout).get("result") == "pong")
    except MediaRelayError:
        return False


def calls(address: tuple[str, int], timeout: float = 1.0) -> list[str]:
    """Names of the calls that are relayed now, a thousand at most. Raises MediaRelayError without an answer."""
    return [str(name) for name in ask(address, "list", {"limit": _MOST_CALLS}, timeout).get("calls", [])]


def ask(
    address: tuple[str, int], command: str, more: Mapping[str, Any] | None = None, timeout: float = 1.0
) -> dict[str, Any]:
    """The answer to one command. Raises MediaRelayError if there is none in time, or it cannot be read."""
    cookie = secrets.token_hex(8).encode()
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as control:
            control.settimeout(timeout)
            control.connect(address)
            control.send(cookie + b" " + bencode({"command": command, **(more or {})}))
            answer = control.recv(_ANSWER_LIMIT)
    except OSError as error:
        raise MediaRelayError(f"the media relay at {address[0]}:{address[1]} does not answer: {error}") from error
    try:
        found = bdecode(answer.removeprefix(cookie + b" "))
    except ValueError as error:
        raise MediaRelayError(f"the media relay's answer cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise MediaRelayError("the media relay's answer is no dictionary")
    return found


def bencode(value: Any) -> bytes:
    """Strings, whole numbers, lists and dictionaries in BitTorrent's encoding."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        text = value.encode()
        return b"%d:%s" % (len(text), text)
    if isinstance(value, Mapping):
        return b"d" + b"".join(bencode(part) for pair in value.items() for part in pair) + b"e"
    return b"l" + b"".join(map(bencode, value)) + b"e"


def bdecode(data: bytes) -> Any:
    """The one value in `data`. Raises ValueError for anything else."""
    value, end = _value(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes too many")
    return value


def _value(data: bytes, at: int) -> tuple[Any, int]:
    match data[at : at + 1]:
        case b"i":
            end = data.index(b"e", at)
            return int(data[at + 1 : end]), end + 1
        case b"l":
            return _items(data, at)
        case b"d":
            items, end = _items(data, at)
            if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
                raise ValueError("a dictionary is pairs of a text and a value")
            return dict(zip(items[::2], items[1::2], strict=True)), end
        case _:
            return _text(data, at)


def _items(data: bytes, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at += 1
    while data[at : at + 1] != b"e":
        value, at = _value(data, at)
        found.append(value)
    return found, at + 1


def _text(data: bytes, at: int) -> tuple[str, int]:
    colon = data.index(b":", at)
    begin = colon + 1
    length = int(data[at:colon])
    if length < 0 or begin + length > len(data):
        raise ValueError("a text is cut short")
    return data[begin : begin + length].decode("utf-8", "replace"), begin + length
