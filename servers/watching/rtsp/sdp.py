"""A camera's description (RFC 4566) as a client behind us sees it: the tracks by numbers, no addresses."""

import re
from dataclasses import dataclass

from servers.watching.rtsp.message import RtspError

TRACKS = 8
_DROPPED = ("u=", "e=", "p=")
_ORIGIN = re.compile(r"o=(\S{1,64}) (\d{1,20}) (\d{1,20}) IN IP[46] \S{1,255}")


@dataclass(frozen=True, slots=True)
class Description:
    """What a client is told, and what its tracks are called at the camera."""

    text: bytes
    whole: str
    """URL of all tracks together."""
    tracks: tuple[str, ...]
    """URL of each."""


def described(sdp: bytes, base: str) -> Description:
    """Raises RtspError. `base` is what relative names count from."""
    try:
        lines = sdp.decode("utf-8").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise RtspError("a description that is not UTF-8") from error
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    if not 2 <= len(sections) <= TRACKS + 1 or not lines[0].startswith("v="):
        raise RtspError("a description without tracks, or with too many")
    urls = [_control(section, base) for section in sections]
    told = [_told(sections[0], "*")]
    told += [_told(section, f"track{number}") for number, section in enumerate(sections[1:])]
    return Description("".join(told).encode(), urls[0], tuple(urls[1:]))


def _control(section: list[str], base: str) -> str:
    names = [line.removeprefix("a=control:").strip() for line in section if line.startswith("a=control:")]
    name = names[0] if names else "*"
    if name == "*":
        return base
    if name.lower().startswith("rtsp://"):
        return name
    return f"{base.rstrip('/')}/{name.lstrip('/')}"


def _told(section: list[str], control: str) -> str:
    kept = [_hidden(line) for line in section if not line.startswith(("a=control:", *_DROPPED))]
    return "".join(f"{line}\r\n" for line in [*kept, f"a=control:{control}"])


def _hidden(line: str) -> str:
    if line.startswith("c="):
        return "c=IN IP4 0.0.0.0"
    if line.startswith("o="):
        match = _ORIGIN.fullmatch(line)
        return f"o=- {match[2]} {match[3]} IN IP4 0.0.0.0" if match else "o=- 0 0 IN IP4 0.0.0.0"
    return line
