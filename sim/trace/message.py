"""What a ladder needs to know of a SIP message; secrets in it are blanked before anybody reads it."""

import re
from dataclasses import dataclass

_SECRETS = (
    re.compile(r"(?i)((?:response|cnonce)=\")[^\"]*"),
    re.compile(r"(a=crypto:\S+ \S+ inline:)\S+"),
)
_COMPACT = {"i": "call-id", "v": "via", "f": "from", "t": "to", "l": "content-length", "c": "content-type"}
_BRANCH = re.compile(r"branch=([^;,\s]+)")
_TAG = re.compile(r"tag=([^;\s]+)")
_SESSION = re.compile(r"[0-9a-f]{32}")
_NOBODY = "0" * 32


@dataclass(frozen=True, slots=True)
class SipMessage:
    """The parts of a request or response that tell its place in a call."""

    method: str
    """Of the request, or of the request that is answered."""
    status: int
    """0 for a request."""
    reason: str
    target: str
    """Request-URI, "" for a response."""
    call_id: str
    sequence: str
    branch: str
    """Of the topmost Via: the same on both ends of one hop."""
    from_user: str
    to_tag: str
    session: str
    """The caller's or callee's identifier of the Session-ID header (RFC 7989), "" without one."""
    has_sdp: bool
    why: str
    """Text of the Reason header, "" without one."""
    text: str

    @property
    def label(self) -> str:
        """For a person: ``INVITE +SDP``, ``183 +SDP``, ``200 BYE``, ``480 Nobody is registered``."""
        if self.status == 0:
            name = self.method
        elif self.status >= 300:
            name = f"{self.status} {self.reason}"
        else:
            name = str(self.status) if self.method == "INVITE" else f"{self.status} {self.method}"
        return f"{name} +SDP" if self.has_sdp else name

    @property
    def key(self) -> tuple[str, ...]:
        """The same for both captures of one hop, and for a retransmission."""
        return (self.call_id, self.branch, self.method, str(self.status), self.sequence, self.to_tag)


def read(payload: bytes) -> SipMessage:
    """Read a SIP message. Raises ValueError if it is none."""
    text = payload.decode("utf-8", "replace")
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = _headers(lines)
    sequence, _, method = headers.get("cseq", "").partition(" ")
    status, reason, target = _start(first)
    if not method or "call-id" not in headers:
        raise ValueError("a SIP message without CSeq or Call-ID")
    return SipMessage(
        method=method.strip(),
        status=status,
        reason=reason,
        target=target,
        call_id=headers["call-id"],
        sequence=sequence,
        branch=_first(_BRANCH, headers.get("via", "")),
        from_user=_user(headers.get("from", "")),
        to_tag=_first(_TAG, headers.get("to", "")),
        session=_session(headers.get("session-id", "")),
        has_sdp="application/sdp" in headers.get("content-type", "") and bool(body.strip()),
        why=_why(headers.get("reason", "")),
        text=_blanked(text),
    )


def _headers(lines: list[str]) -> dict[str, str]:
    """The first header of each name, folded lines joined."""
    found: dict[str, str] = {}
    for line in re.sub(r"\r\n[ \t]+", " ", "\r\n".join(lines)).split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            found.setdefault(_COMPACT.get(name, name), value.strip())
    return found


def _start(line: str) -> tuple[int, str, str]:
    """Status, reason and Request-URI of a start line."""
    first, _, rest = line.partition(" ")
    second, _, last = rest.partition(" ")
    if first == "SIP/2.0" and second.isdigit():
        return int(second), last, ""
    if last.startswith("SIP/2.0"):
        return 0, "", second
    raise ValueError(f"not a SIP message: {line[:40]!r}")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _user(value: str) -> str:
    """The user part of a From header."""
    return value.partition("sip:")[2].partition("@")[0]


def _session(value: str) -> str:
    found = _SESSION.match(value)
    return "" if not found or found[0] == _NOBODY else found[0]


def _why(value: str) -> str:
    return _first(re.compile(r'text="([^"]*)"'), value)


def _blanked(text: str) -> str:
    for pattern in _SECRETS:
        text = pattern.sub(r"\g<1>...", text)
    return text
