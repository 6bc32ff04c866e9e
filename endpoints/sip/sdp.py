"""The H.264 section of session descriptions: reading the other side's, writing ours (RFC 4566, 3264, 6184, 4568, 4585).

The audio sections belong to the SIP library; only the lines of ``m=video`` are made and read here.
"""

import base64
import binascii
import ipaddress
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from endpoints.errors import SdpError
from media.description import CLOCK_RATE, SrtpKey, VideoMedia

SUITE = "AES_CM_128_HMAC_SHA1_80"
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
FEEDBACK = ("nack", "nack pli", "ccm fir")
_PLAIN = ("RTP/AVP", "RTP/AVPF")
_SECURE = ("RTP/SAVP", "RTP/SAVPF")
_PROFILES = (0x42, 0x4D, 0x58, 0x64)
"""Baseline, main, extended, high: FFmpeg decodes them, and whoever decodes them decodes our constrained baseline."""
_RFC6184_DEFAULT_LEVEL = "420010"
_HOST = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")


@dataclass(frozen=True, slots=True)
class NoVideo:
    """Why a session description has no picture for us, in words for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Section:
    """One media section: the parts of its ``m=`` line, and its ``c=`` and ``a=`` values."""

    media: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: str | None
    attributes: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """All values of attribute `name`, in order."""
        return [value for key, value in self.attributes if key == name]

    def direction(self, default: str) -> str:
        """The section's own direction, else `default`."""
        return next((key for key, _ in self.attributes if key in DIRECTIONS), default)


@dataclass(frozen=True, slots=True)
class Session:
    """A whole session description, media-level values not yet inherited."""

    connection: str | None
    direction: str
    sections: tuple[Section, ...]

    def address(self, section: Section) -> str:
        """The section's address, its own or the session's. Raises SdpError if there is neither."""
        address = section.connection or self.connection
        if address is None:
            raise SdpError(f"m={section.media} has no c= line, and the session has none")
        return address

    def audio_direction(self) -> str:
        """Direction of the first audio section, "inactive" without one."""
        audio = next((section for section in self.sections if section.media == "audio" and section.port), None)
        if audio is None:
            return "inactive"
        return "inactive" if _is_unspecified(self.address(audio)) else audio.direction(self.direction)


# --- reading --------------------------------------------------------------------------------------------------------


def parse(text: str) -> Session:
    """Read a session description. Raises SdpError with what was wrong."""
    lines = [_typed(line) for line in text.replace("\r\n", "\n").split("\n") if line.strip("\r \t")]
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("a session description begins with v=0")
    starts = [index for index, (kind, _) in enumerate(lines) if kind == "m"]
    edges = [*starts, len(lines)]
    head = lines[: edges[0]]
    attributes = _attributes(head)
    direction = next((key for key, _ in attributes if key in DIRECTIONS), "sendrecv")
    sections = tuple(_section(lines[a:b]) for a, b in itertools.pairwise(edges))
    return Session(_connection(head), direction, sections)


def _typed(line: str) -> tuple[str, str]:
    kind, equals, value = line.partition("=")
    if not equals or len(kind) != 1 or not kind.isalpha():
        raise SdpError(f"not a line of the form x=value: {line[:60]!r}")
    return kind, value.strip()


def _attributes(lines: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = (value.partition(":") for kind, value in lines if kind == "a")
    return tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)


def _connection(lines: Iterable[tuple[str, str]]) -> str | None:
    value = next((value for kind, value in lines if kind == "c"), None)
    if value is None:
        return None
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
        raise SdpError(f"c={value[:60]!r} is not of the form IN IP4 address")
    return _host(parts[2].partition("/")[0])


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _HOST.match(text) and not re.fullmatch(r"[0-9.]+", text):
            return text
        raise SdpError(f"{text[:60]!r} is not an address") from None


def _section(lines: list[tuple[str, str]]) -> Section:
    parts = lines[0][1].split()
    if len(parts) < 3:
        raise SdpError(f"m={lines[0][1][:60]!r} has fewer than three fields")
    port = _number(parts[1].partition("/")[0], 65535, "port of m=" + parts[0][:20])
    return Section(
        parts[0].lower(), port, parts[2].upper(), tuple(parts[3:]), _connection(lines[1:]), _attributes(lines[1:])
    )


def _number(text: str, limit: int, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= limit):
        raise SdpError(f"{what} is {text[:20]!r}, not a number from 0 to {limit}")
    return int(text)


def video_index(session: Session, secure: bool) -> int | None:
    """Which section carries a picture that we can use, None if none does."""
    for index, section in enumerate(session.sections):
        if section.media == "video" and isinstance(_video_of(session, section, secure, ()), VideoMedia):
            return index
    return None


def remote_video(session: Session, secure: bool, prefer: Iterable[int] = ()) -> VideoMedia | NoVideo:
    """The first video section that we can use.

    `secure` demands SRTP with SDES, else plain RTP is demanded. Of several H.264 payload types those in `prefer` win,
    then the other side's own order. Raises SdpError where a section that matters is broken.
    """
    reason = NoVideo("the other side has no m=video")
    for section in (section for section in session.sections if section.media == "video"):
        found = _video_of(session, section, secure, tuple(prefer))
        if isinstance(found, VideoMedia):
            return found
        reason = found
    return reason


def _video_of(session: Session, section: Section, secure: bool, prefer: tuple[int, ...]) -> VideoMedia | NoVideo:
    refusal = _transport_problem(section, secure)
    if refusal:
        return NoVideo(refusal)
    chosen = _choose(_h264_formats(section), prefer)
    if chosen is None:
        return NoVideo("the other side's video has no H.264 that we can use")
    key = _remote_key(section) if secure else None
    if secure and key is None:
        return NoVideo(f"the other side's video has no {SUITE} key")
    address = session.address(section)
    return VideoMedia(
        address=address,
        port=section.port,
        rtcp_port=_rtcp_port(section),
        payload_type=chosen.payload_type,
        packetization_mode=chosen.mode,
        profile_level_id=chosen.profile_level_id,
        direction="inactive" if _is_unspecified(address) else section.direction(session.direction),
        key=key,
        feedback=_feedback(section, chosen.payload_type),
    )


def _transport_problem(section: Section, secure: bool) -> str:
    if section.port == 0:
        return "the other side refused video (port 0)"
    if section.protocol not in _PLAIN + _SECURE:
        return f"the other side's video goes over {section.protocol[:30]}"
    if secure and section.protocol in _PLAIN:
        return "the other side's video is plain RTP, and we demand SRTP"
    if not secure and section.protocol in _SECURE:
        return "the other side's video is SRTP, and we are set to plain RTP"
    return ""


@dataclass(frozen=True, slots=True)
class _Format:
    payload_type: int
    mode: int
    profile_level_id: str


def _choose(formats: list[_Format], prefer: tuple[int, ...]) -> _Format | None:
    def rank(one: _Format) -> tuple[bool, bool]:
        return one.payload_type not in prefer, not one.profile_level_id.startswith(("42", "4d"))

    return min(formats, key=rank, default=None)


def _h264_formats(section: Section) -> list[_Format]:
    codecs = dict(_numbered(value) for value in section.values("rtpmap"))
    parameters = dict(_numbered(value) for value in section.values("fmtp"))
    named = (_number(name, 127, "payload type") for name in section.formats)
    h264 = (number for number in named if re.match(r"H264/90000\b", codecs.get(number, ""), re.IGNORECASE))
    found = (_format(number, parameters.get(number, "")) for number in h264)
    return [one for one in found if one is not None]


def _numbered(value: str) -> tuple[int, str]:
    number, _, rest = value.partition(" ")
    return _number(number, 127, "payload type"), rest.strip()


def _format(payload_type: int, parameters: str) -> _Format | None:
    pairs = (part.partition("=") for part in parameters.split(";"))
    values = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    level = values.get("profile-level-id", _RFC6184_DEFAULT_LEVEL)
    mode = values.get("packetization-mode", "0")
    if not re.fullmatch(r"[0-9a-f]{6}", level):
        raise SdpError(f"profile-level-id of payload type {payload_type} is {level[:20]!r}, not six hexadecimal digits")
    if mode not in ("0", "1") or int(level[:2], 16) not in _PROFILES:
        return None
    return _Format(payload_type, int(mode), level)


def _remote_key(section: Section) -> SrtpKey | None:
    return next((key for key in map(_crypto, section.values("crypto")) if key), None)


def _crypto(value: str) -> SrtpKey | None:
    """The key of one crypto line; None for another suite and for options that we do not offer (MKI, no encryption)."""
    parts = value.split()
    if len(parts) < 3:
        raise SdpError("a=crypto has fewer than three fields")
    tag = _number(parts[0], 999999, "tag of a=crypto")
    if parts[1] != SUITE or any(part.startswith(("UNENCRYPTED", "UNAUTHENTICATED", "KDR")) for part in parts[3:]):
        return None
    method, _, rest = parts[2].partition(";")[0].partition(":")
    inline, *options = rest.split("|")
    if method.lower() != "inline" or any(":" in option for option in options):
        return None
    return SrtpKey(_key_material(inline), tag)


def _key_material(inline: str) -> bytes:
    try:
        material = base64.b64decode(inline + "=" * (-len(inline) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SdpError(f"the key of a=crypto is not base64: {error}") from None
    if len(material) != 30:
        raise SdpError(f"the key of a=crypto has {len(material)} bytes, {SUITE} needs 30")
    return material


def _rtcp_port(section: Section) -> int:
    value = next(iter(section.values("rtcp")), "")
    return _number(value.split()[0], 65535, "port of a=rtcp") if value else min(section.port + 1, 65535)


def _feedback(section: Section, payload_type: int) -> frozenset[str]:
    values = (value.partition(" ") for value in section.values("rtcp-fb"))
    said = {rest.strip().lower() for number, _, rest in values if number in ("*", str(payload_type))}
    return frozenset(said.intersection(FEEDBACK))


def _is_unspecified(address: str) -> bool:
    return address in ("0.0.0.0", "::")


# --- writing --------------------------------------------------------------------------------------------------------


def offer_section(local: VideoMedia) -> str:
    """Our ``m=video`` section for an offer, CRLF lines: H.264 in both packetization modes.

    `local.payload_type` is the one of `local.packetization_mode`, the next number is the other mode's. Peers that know
    one mode only take theirs; the stream is valid in both.
    """
    other = replace(local, payload_type=local.payload_type + 1, packetization_mode=1 - local.packetization_mode)
    return _write(local, (local, other), "RTP/SAVP" if local.key else "RTP/AVP", local.direction)


def offered_payload_types(local: VideoMedia) -> tuple[int, int]:
    """The payload types of `offer_section`, the preferred one first."""
    return local.payload_type, local.payload_type + 1


def answer_section(local: VideoMedia, offer: Session, index: int) -> str:
    """Our ``m=video`` section that answers section `index` of `offer`: its payload type, key tag and protocol."""
    section = offer.sections[index]
    theirs = _video_of(offer, section, local.key is not None, ())
    if isinstance(theirs, NoVideo):
        raise SdpError(theirs.reason)
    tag = theirs.key.tag if theirs.key else 1
    ours = replace(
        local,
        payload_type=theirs.payload_type,
        packetization_mode=theirs.packetization_mode,
        profile_level_id=theirs.profile_level_id,
        key=replace(local.key, tag=tag) if local.key else None,
        feedback=local.feedback & theirs.feedback,
    )
    return _write(ours, (ours,), section.protocol, answer_direction(local.direction, theirs.direction))


def answer_direction(wanted: str, offered: str) -> str:
    """What we answer to `offered` if we would like `wanted` (RFC 3264 section 6.1)."""
    send = wanted in ("sendrecv", "sendonly") and offered in ("sendrecv", "recvonly")
    receive = wanted in ("sendrecv", "recvonly") and offered in ("sendrecv", "sendonly")
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (send, receive), "inactive"
    )


def replace_section(sdp: str, index: int, section: str) -> str:
    """`sdp` with its media section number `index` replaced. Raises SdpError if it has fewer sections."""
    parts = re.split(r"(?m)^(?=m=)", sdp)
    if index + 1 >= len(parts):
        raise SdpError(f"the session description has {len(parts) - 1} media sections, no number {index}")
    parts[index + 1] = section
    return "".join(parts)


def _write(local: VideoMedia, formats: Iterable[VideoMedia], protocol: str, direction: str) -> str:
    formats = tuple(formats)
    family = "IP6" if ":" in local.address else "IP4"
    numbers = " ".join(str(one.payload_type) for one in formats)
    lines = [f"m=video {local.port} {protocol} {numbers}", f"c=IN {family} {local.address}"]
    lines += [f"a=rtcp:{local.rtcp_port} IN {family} {local.address}"]
    for one in formats:
        lines += [f"a=rtpmap:{one.payload_type} H264/{CLOCK_RATE}", f"a=fmtp:{one.payload_type} {_parameters(one)}"]
    lines += [f"a=rtcp-fb:* {kind}" for kind in FEEDBACK if kind in local.feedback]
    if local.key:
        lines.append(f"a=crypto:{local.key.tag} {SUITE} inline:{local.key.inline}")
    return "\r\n".join([*lines, f"a={direction}", ""])


def _parameters(one: VideoMedia) -> str:
    return f"profile-level-id={one.profile_level_id};packetization-mode={one.packetization_mode}"
