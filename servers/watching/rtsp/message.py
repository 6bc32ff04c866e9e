"""RTSP messages, and the packets between them (RFC 2326, 10.12), in a stream of bytes."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

LARGEST_HEAD = 8192
LARGEST_BODY = 65536
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t -~]*")
_LENGTH = re.compile(r"[0-9]{1,6}")
_LETTERS = range(ord("A"), ord("Z") + 1)
"""Methods begin with one, and answers, too."""
DOLLAR = 0x24


class RtspError(ValueError):
    """What came is no RTSP, or not what may come here."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first of this name, "" without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def __bytes__(self) -> bytes:
        """As it is sent."""
        length = [("Content-Length", str(len(self.body)))] if self.body else []
        lines = [self.first, *(f"{name}: {value}" for name, value in (*self.headers, *length)), "", ""]
        return "\r\n".join(lines).encode("ascii") + self.body


@dataclass(frozen=True, slots=True)
class Packets:
    """Whole interleaved packets, one after the other, as they came."""

    run: bytes


class Splitter:
    """Takes a stream apart; `channels` are those that packets may come on."""

    def __init__(self, largest_packet: int = 65535) -> None:
        self.channels: Collection[int] = ()
        self._largest = largest_packet
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message | Packets]:
        """What is whole now. Raises RtspError; then there is no going on."""
        self._buffer += data
        while self._begins():
            item = self._packets() if self._buffer[0] == DOLLAR else self._message()
            if item is None:
                return
            yield item

    def _begins(self) -> bool:
        """Whether something begins here; empty lines before it are passed over, as some send one after a message."""
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        return bool(self._buffer) and self._buffer != b"\r"

    def _packets(self) -> Packets | None:
        buffer, size, end = self._buffer, len(self._buffer), 0
        while end + 4 <= size and buffer[end] == DOLLAR:
            length = buffer[end + 2] << 8 | buffer[end + 3]
            if buffer[end + 1] not in self.channels or length > self._largest:
                raise RtspError("a packet that may not come here")
            if end + 4 + length > size:
                break
            end += 4 + length
        if not end:
            return None
        run = bytes(buffer[:end])
        del buffer[:end]
        return Packets(run)

    def _message(self) -> Message | None:
        buffer = self._buffer
        if buffer[0] not in _LETTERS:
            raise RtspError("neither a message nor a packet")
        end = buffer.find(b"\r\n\r\n", 0, LARGEST_HEAD + 4)
        if end < 0:
            if len(buffer) > LARGEST_HEAD:
                raise RtspError("a head that does not end")
            return None
        first, headers = _head(bytes(buffer[:end]))
        length = _length(headers)
        if len(buffer) < end + 4 + length:
            return None
        body = bytes(buffer[end + 4 : end + 4 + length])
        del buffer[: end + 4 + length]
        return Message(first, headers, body)


def _head(raw: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        first, *lines = raw.decode("ascii").split("\r\n")
    except UnicodeDecodeError as error:
        raise RtspError("a head that is not ASCII") from error
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise RtspError("a line that is no header")
        headers.append((name, value.strip()))
    if not all(_VALUE.fullmatch(text) for text in (first, *(value for _, value in headers))):
        raise RtspError("a character that may not be in a head")
    return first, tuple(headers)


def _length(headers: tuple[tuple[str, str], ...]) -> int:
    told = {value for name, value in headers if name.lower() == "content-length"}
    if not told:
        return 0
    value = told.pop()
    if told or not _LENGTH.fullmatch(value) or int(value) > LARGEST_BODY:
        raise RtspError("a body without a proper length")
    return int(value)
