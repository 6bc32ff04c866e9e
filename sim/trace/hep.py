"""HEP 3, the Homer encapsulation protocol (hep_rev11): what a packet of a capturing server holds."""

import ipaddress
import struct
from dataclasses import dataclass

_MAGIC = b"HEP3"
_HEAD = struct.Struct(">4sH")
_CHUNK = struct.Struct(">HHH")
_SOURCES, _DESTINATIONS = (3, 5), (4, 6)
_SOURCE_PORT, _DESTINATION_PORT, _SECONDS, _MICROSECONDS, _AGENT, _PAYLOAD = 7, 8, 9, 10, 12, 15

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Captured:
    """One SIP message on its way past a server."""

    agent: int
    """The server's number."""
    source: Address
    destination: Address
    time: float
    """Seconds since 1970."""
    payload: bytes


def parse(packet: bytes) -> Captured:
    """Read a packet. Raises ValueError if it is no HEP 3 packet with addresses and a payload."""
    chunks = _chunks(packet)
    try:
        source = _address(chunks, _SOURCES), _number(chunks[_SOURCE_PORT])
        destination = _address(chunks, _DESTINATIONS), _number(chunks[_DESTINATION_PORT])
        seconds = _number(chunks[_SECONDS]) + _number(chunks[_MICROSECONDS]) / 1e6
        return Captured(_number(chunks[_AGENT]), source, destination, seconds, chunks[_PAYLOAD])
    except KeyError as error:
        raise ValueError(f"a HEP packet without the chunk {error}") from error


def _chunks(packet: bytes) -> dict[int, bytes]:
    if len(packet) < _HEAD.size or not packet.startswith(_MAGIC):
        raise ValueError("not a HEP 3 packet")
    end = min(_HEAD.unpack_from(packet)[1], len(packet))
    found, place = {}, _HEAD.size
    while place + _CHUNK.size <= end:
        vendor, kind, length = _CHUNK.unpack_from(packet, place)
        if length < _CHUNK.size or place + length > end:
            raise ValueError(f"a HEP chunk of {length} bytes does not fit")
        if vendor == 0:
            found[kind] = packet[place + _CHUNK.size : place + length]
        place += length
    return found


def _address(chunks: dict[int, bytes], kinds: tuple[int, ...]) -> str:
    for kind in kinds:
        if kind in chunks:
            return str(ipaddress.ip_address(chunks[kind]))
    raise ValueError("a HEP packet without an address")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
