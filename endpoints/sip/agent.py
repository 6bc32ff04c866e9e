"""What the apps know of SIP: an agent's commands and its events. No SIP library is imported here.

Commands may be called from any thread and never block; a command for a call that is already over does nothing.
Events are given to `on_event` one at a time, from the agent's own thread: put them on a queue and return.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from media.description import VideoMedia

CallId = str
"""The agent's own handle of a call, unique in the process; not the Call-ID header."""


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar accepted us; sent at the first success, at each return after a loss, and at a change of server."""

    server: str = ""
    """Which one, of several: "home" or "cloud"."""
    domain: str = ""
    """Its domain: the host part of the addresses that can be called there."""


@dataclass(frozen=True, slots=True)
class RegistrationLost:
    """Not registered. `refused` (401, 403 after credentials): tell a person; else it is tried again by itself."""

    code: int
    reason: str
    refused: bool


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """An INVITE arrived. Nothing but 100 was sent yet: `ring`, `answer` or `reject` it."""

    call: CallId
    caller: str
    """The caller's address of record, ``sip:door1@example``: P-Asserted-Identity (RFC 3325) if there is one."""
    caller_name: str
    session_id: str
    """Local part of the Session-ID header (RFC 7989), "" without one."""
    video: VideoMedia | None
    """The offered H.264 video, None if there is none that we can use (the log says why)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers whose name begins with ``X-Intercom-`` or ``X-Queue-``, by lower-case name."""
    emergency: bool = False
    """Priority: emergency (RFC 3261 section 20.26)."""
    kind: str = ""
    """What the caller is, as the server where we are registered asserts it: "console", "door", "indoor"...; "" if the
    call came from elsewhere, for anybody may write a header."""


@dataclass(frozen=True, slots=True)
class Trying:
    """The next hop has our INVITE (100); nobody rings yet. Told once a call, and not at all if the call rings first."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Queued:
    """The server keeps our call until somebody is free (182); told again when the position changes."""

    call: CallId
    position: int
    """1 is next, by the header X-Queue-Position; 0: the server does not tell."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A branch rings (any 1xx but 100 and 182, with or without SDP)."""

    call: CallId
    code: int
    to_tag: str


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """An early dialog has SDP: send it the picture. One per To-tag; told again if the branch changes its SDP."""

    call: CallId
    to_tag: str
    video: VideoMedia | None
    remote: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is established, in either direction; `video` is what the other side wants now."""

    call: CallId
    to_tag: str
    video: VideoMedia | None
    by: str = ""
    """The account that answered our call, as our servers tell (P-Asserted-Identity, RFC 3325)."""


@dataclass(frozen=True, slots=True)
class VideoChanged:
    """A re-INVITE or UPDATE moved, stopped or restarted the other side's video."""

    call: CallId
    video: VideoMedia | None


@dataclass(frozen=True, slots=True)
class Held:
    """The other side put us on hold, or took us back."""

    call: CallId
    held: bool


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """A SIP INFO with a body that is not DTMF and not media control."""

    call: CallId
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    """One digit, by RFC 4733 or SIP INFO."""

    call: CallId
    digit: str
    method: Literal["rfc4733", "info"]


@dataclass(frozen=True, slots=True)
class KeyFrameWanted:
    """The other side asked for a key frame by INFO media_control (RFC 5168)."""

    call: CallId


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The other side asks us to call `target` instead (REFER, RFC 3515). Accepted already; `tell_transfer` ends it."""

    call: CallId
    target: str
    """Address without parameters, ``sip:guard@example``."""
    by: str
    """Who asks for it: Referred-By (RFC 3892), else the other side's address."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What became of our `transfer`: 200 if the other side was answered there, else why it was not."""

    call: CallId
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A MESSAGE outside of any call (RFC 3428), as servers send to tell something to a device."""

    sender: str
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class AudioStarted:
    """Sound flows both ways between the call and the voice path."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over and its handle with it. `elsewhere`: another device answered (CANCEL with Reason cause=200).

    A code of 400 and more of a call that was established: it broke, no person ended it (BYE with such a Reason).
    """

    call: CallId
    code: int
    reason: str
    elsewhere: bool = False


SipEvent = (
    Registered
    | RegistrationLost
    | IncomingCall
    | Trying
    | Queued
    | Ringing
    | EarlyMedia
    | Answered
    | VideoChanged
    | Held
    | InfoReceived
    | Dtmf
    | KeyFrameWanted
    | TransferAsked
    | Transferred
    | Notice
    | AudioStarted
    | Ended
)


# --- settings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate and key, and the authority that signs everybody's."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Login:
    """An account at a server that asks for one."""

    realm: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SipSettings:
    """All that an agent needs to know."""

    user: str
    domain: str
    """Our address of record is ``sip:user@domain``."""
    registrar: str | None = None
    """URI to register at (``sip:127.0.0.1:5060;transport=tls``); None: never registers (R4)."""
    standby: tuple[str, ...] = ()
    """The other nodes of that server, by the same transport: each failure moves the registration to the next one."""
    through_registrar: bool = True
    """Whether calls go through the registrar; else to the host of the address that is called."""
    auth_user: str = ""
    realm: str = "*"
    password: str = field(default="", repr=False)
    logins: tuple[Login, ...] = ()
    """Accounts of other realms: a door station calls more servers than the one where it registers."""
    display_name: str = ""
    transport: Literal["udp", "tcp", "tls"] = "tls"
    address: str = "0.0.0.0"
    """Local address for signalling and media."""
    port: int = 0
    tls: TlsFiles | None = None
    srtp: bool = True
    """True: RTP/SAVP with SDES in what we offer, and plain RTP refused; False: plain RTP."""
    expires: int = 300
    retry: float = 2.0
    """Seconds before a failed registration is tried again, plus up to the same again at random."""
    keep_alive: int = 15
    session_timer: int = 300
    wideband: bool = True
    """False: G.711 only, which is what the telephone network speaks."""
    name: str = ""
    """Of the server, where there are two: "home" or "cloud"."""
    away: "SipSettings | None" = None
    """The account at a second server, used where the first one cannot be reached."""
    preference: float | None = None
    """The q value of our Contact (RFC 3261 section 10.2.1.2), 0 to 1: those with a higher one are called first."""


class VoicePath(Protocol):
    """The call's end of microphone and speaker: 20 ms frames of s16le mono at 16 kHz, 640 bytes."""

    def capture(self) -> bytes:
        """The next frame for the other side; called every 20 ms from a media thread; never blocks or raises."""

    def play(self, frame: bytes) -> None:
        """A frame from the other side; called every 20 ms from a media thread; never blocks or raises."""


class SipAgent(Protocol):
    """One SIP account, or one at home and one at the cloud; its registration and its calls."""

    def start(self) -> None:
        """Open the transport and begin to register. Raises SipError if the transport cannot be opened."""

    def call(
        self, uri: str, video: VideoMedia | None, session_id: str, headers: Mapping[str, str] | None = None
    ) -> CallId:
        """Send an INVITE with audio and, if given, our `video` section."""

    def ring(self, call: CallId, video: VideoMedia | None) -> None:
        """Answer 183 with SDP: audio, and our `video` section if the offer had video. Without media: 180."""

    def answer(self, call: CallId, video: VideoMedia | None) -> None:
        """Answer 200 with the same SDP as the 183 had."""

    def reject(self, call: CallId, code: int = 603) -> None:
        """Refuse an incoming call: 603 declined by a person, 486 busy, 480 do not disturb."""

    def hang_up(self, call: CallId, reason: str = "") -> None:
        """CANCEL or BYE, whatever the call's state asks for; `reason` becomes the Reason header's text."""

    def send_info(self, call: CallId, content_type: str, body: str) -> None:
        """SIP INFO inside the call's dialog."""

    def send_dtmf(self, call: CallId, digits: str, method: Literal["rfc4733", "info"] = "rfc4733") -> None:
        """Send digits one after the other."""

    def hold(self, call: CallId, on: bool) -> None:
        """Put the other side on hold by re-INVITE, or take it back."""

    def transfer(self, call: CallId, target: str) -> None:
        """Ask the other side of an established call to call `target` instead; `Transferred` tells what became of it.

        The call stays until it is hung up.
        """

    def tell_transfer(self, call: CallId, code: int, reason: str = "") -> None:
        """Tell who asked for a transfer how it went: 200 answered, or the final refusal."""

    def statistics(self, call: CallId) -> dict[str, object]:
        """Audio packets, loss, jitter, round trip and codec of a call; {} if there is no such call."""

    def close(self) -> None:
        """End all calls, unregister, free the stack, join the thread; returns within three seconds."""
