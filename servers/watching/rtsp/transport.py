"""The Transport header (RFC 2326, 12.39): only packets within the connection itself, never to another place."""

import re
from collections.abc import Collection
from dataclasses import dataclass

_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})(?:-(\d{1,3}))?", re.IGNORECASE)
_MODE = re.compile(r'mode="?play"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Channels:
    """Of one track: its pictures (RTP), and reports both ways (RTCP)."""

    rtp: int
    rtcp: int

    def __str__(self) -> str:
        """The header."""
        return f"RTP/AVP/TCP;unicast;interleaved={self.rtp}-{self.rtcp}"


def wanted(header: str, track: int, taken: Collection[int]) -> Channels | None:
    """The first of what a client offers that can be served; None without one."""
    for offer in header.split(","):
        words = [word.strip() for word in offer.split(";")]
        if words[0].upper() != "RTP/AVP/TCP" or not _plays(words[1:]):
            continue
        channels = _channels(words, Channels(2 * track, 2 * track + 1))
        if channels and not {channels.rtp, channels.rtcp} & set(taken):
            return channels
    return None


def granted(header: str, asked: Channels) -> Channels | None:
    """What a camera says that it will use; None if it is none of what was asked."""
    words = [word.strip() for word in header.split(";")]
    return _channels(words, asked) if words[0].upper() == "RTP/AVP/TCP" else None


def _plays(words: list[str]) -> bool:
    return all(_MODE.fullmatch(word) for word in words if word.lower().startswith("mode"))


def _channels(words: list[str], default: Channels) -> Channels | None:
    matches = [match for match in map(_INTERLEAVED.fullmatch, words) if match]
    if not matches:
        return default
    first = int(matches[0][1])
    second = int(matches[0][2]) if matches[0][2] else first + 1
    return Channels(first, second) if first != second and max(first, second) < 256 else None
