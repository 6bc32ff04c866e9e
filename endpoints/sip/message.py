"""Reading SIP messages as text (RFC 3261), as far as the agent needs what its library does not tell."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import unquote

NIL_SESSION_ID = "0" * 32
"""The null UUID of RFC 7989: the other side's identifier is not known yet."""

_COMPACT = {
    "to": "t",
    "from": "f",
    "content-type": "c",
    "contact": "m",
    "call-id": "i",
    "via": "v",
    "refer-to": "r",
    "referred-by": "b",
    "event": "o",
}
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,]+)", re.IGNORECASE)
_ADDRESS = re.compile(r'^\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^<"]*?))\s*<(?P<uri>[^>]*)>')
_KIND = re.compile(r"<[^>]*;kind=([a-z]+)[;>]", re.IGNORECASE)
_FAILURE = re.compile(
    r'SIP\s*;\s*cause\s*=\s*(?P<code>[4-6]\d\d)(?:\s*;\s*text\s*=\s*"(?P<text>[^"]*)")?', re.IGNORECASE
)
_CALL_URI = re.compile(r"^sips?:[^\s<>\"\x00-\x1f]+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message cut into start line, headers in their order, and body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def parse(cls, text: str) -> "Message":
        """Cut `text`; never fails: what has no colon is no header."""
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
        pairs = (line.partition(":") for line in lines[1:] if ":" in line)
        return cls(lines[0], tuple((name.strip().lower(), value.strip()) for name, _, value in pairs), body)

    def header(self, name: str) -> str:
        """The first value of header `name` (long or compact form), "" without one."""
        names = {name.lower(), _COMPACT.get(name.lower(), name.lower())}
        return next((value for key, value in self.headers if key in names), "")

    @property
    def status(self) -> int:
        """The status code of a response, 0 for a request."""
        parts = self.start.split(" ", 2)
        return int(parts[1]) if parts[0].startswith("SIP/") and len(parts) > 1 and parts[1].isdigit() else 0

    @property
    def method(self) -> str:
        """The method, also of a response (from its CSeq)."""
        return self.header("cseq").rpartition(" ")[2].upper()

    @property
    def to_tag(self) -> str:
        """The tag of the To header, "" without one."""
        return self._tag("to")

    @property
    def from_tag(self) -> str:
        """The tag of the From header, "" without one."""
        return self._tag("from")

    def _tag(self, header: str) -> str:
        found = _TAG.search(self.header(header).rpartition(">")[2])
        return found.group(1) if found else ""

    @property
    def asserted_user(self) -> str:
        """The user part of P-Asserted-Identity (RFC 3325), "" without one."""
        uri = display_and_uri(self.header("p-asserted-identity"))[1]
        return unquote(uri.partition(":")[2].partition("@")[0]) if "@" in uri else ""

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def sdp(self) -> str:
        """The session description it carries, alone or as a part of a multipart body, "" without one."""
        if self.content_type == "application/sdp":
            return self.body
        if not self.content_type.startswith("multipart/"):
            return ""
        parts = (Message.parse("part\n" + part.strip("\n")) for part in self.body.split("\n--"))
        return next((part.body for part in parts if part.content_type == "application/sdp"), "")

    @property
    def session_id(self) -> str:
        """The sender's own identifier of the Session-ID header (RFC 7989), "" without a well-formed one."""
        own = self.header("session-id").partition(";")[0].strip().lower()
        return own if re.fullmatch(r"[0-9a-f]{32}", own) else ""

    @property
    def queue_position(self) -> int:
        """Our place in a queue (header X-Queue-Position of a 182), 0 without one."""
        place = self.header("x-queue-position")
        return int(place) if place.isdecimal() and len(place) < 5 else 0

    @property
    def answered_elsewhere(self) -> bool:
        """Whether a Reason header (RFC 3326) says that another device took the call: protocol SIP, cause 200."""
        return any(_is_completed(one) for value in self._reasons for one in value.split(","))

    @property
    def failure(self) -> tuple[int, str] | None:
        """Code and text of a Reason header (RFC 3326) of protocol SIP that names a failure, None without one."""
        found = (_FAILURE.match(value) for value in self._reasons)
        return next(((int(one["code"]), one["text"] or "") for one in found if one), None)

    @property
    def _reasons(self) -> list[str]:
        return [value for key, value in self.headers if key == "reason"]

    @property
    def caller(self) -> tuple[str, str]:
        """Name and address of who calls: as our servers assert it (P-Asserted-Identity), else as From says."""
        name, uri = display_and_uri(self.header("from"))
        asserted = self.header("p-asserted-identity")
        asserted_name, asserted_uri = display_and_uri(asserted) if asserted else ("", "")
        return asserted_name or name, asserted_uri or uri

    @property
    def caller_kind(self) -> str:
        """What P-Asserted-Identity says of the caller: the parameter `kind` of our servers, "" without one."""
        found = _KIND.search(self.header("p-asserted-identity"))
        return found.group(1).lower() if found else ""

    def extension_headers(self, *prefixes: str) -> dict[str, str]:
        """All headers whose lower-case name begins with one of `prefixes`, the first value of each."""
        return {key: value for key, value in reversed(self.headers) if key.startswith(prefixes)}


def _is_completed(reason: str) -> bool:
    protocol, *parameters = (part.strip().lower() for part in reason.split(";"))
    return protocol == "sip" and "cause=200" in (part.replace(" ", "") for part in parameters)


def display_and_uri(value: str) -> tuple[str, str]:
    """Name and address of a From or To value: ``"Gate 1" <sip:gate1@x;user=phone>`` is ("Gate 1", "sip:gate1@x")."""
    found = _ADDRESS.match(value)
    if not found:
        return "", value.partition(";")[0].strip()
    name = found["quoted"] if found["quoted"] is not None else found["plain"]
    return re.sub(r"\\(.)", r"\1", name or "").strip(), found["uri"].partition(";")[0].partition("?")[0]


def info_digit(body: str) -> str:
    """The digit of an INFO: ``Signal=5`` of application/dtmf-relay, or the bare digit of application/dtmf."""
    found = re.search(r"^\s*(?:signal\s*=\s*)?([0-9A-Da-d*#])\s*$", body, re.IGNORECASE | re.MULTILINE)
    return found.group(1) if found else ""


def is_call_uri(uri: str) -> bool:
    """Whether `uri` can be put into a request line: sip or sips, nothing that breaks out of a header."""
    return bool(_CALL_URI.match(uri))


def quoted(text: str) -> str:
    """`text` as a quoted string (RFC 3261), control characters removed."""
    clean = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_header_value(value: str) -> bool:
    """Whether `value` fits on one header line."""
    return not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)


def session_id_header(own: str, remote: str) -> str:
    """Value of the Session-ID header (RFC 7989)."""
    return f"{own};remote={remote or NIL_SESSION_ID}"


def new_session_id() -> str:
    """A fresh identifier: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)
