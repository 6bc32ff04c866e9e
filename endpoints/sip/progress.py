"""What the messages of one call mean to an app: messages in, events out. Knows SIP's texts, not its library."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from endpoints.errors import SdpError
from endpoints.sip import sdp
from endpoints.sip.agent import (
    Answered,
    CallId,
    Dtmf,
    EarlyMedia,
    Ended,
    Held,
    IncomingCall,
    InfoReceived,
    KeyFrameWanted,
    Queued,
    Ringing,
    SipEvent,
    TransferAsked,
    Transferred,
    Trying,
    VideoChanged,
)
from endpoints.sip.message import Message, display_and_uri, info_digit
from media.description import VideoMedia

log = logging.getLogger(__name__)
EXTENSION_PREFIXES = ("x-intercom-", "x-queue-")
MEDIA_CONTROL = "application/media_control+xml"
PLANNED_VIDEO_SECTION = 1
"""In our offers the picture comes second, after the sound."""


class CallProgress:
    """One call's view of its messages: early dialogs, the agreed video, hold, and how it ended."""

    def __init__(
        self,
        call: CallId,
        secure: bool,
        emit: Callable[[SipEvent], None],
        outgoing: bool,
        local: VideoMedia | None = None,
    ) -> None:
        self.call = call
        self.local = local
        self.remote_session_id = ""
        self.answered = False
        self.ended = False
        self.on_hold = False
        self.ringing = False
        self._secure = secure
        self._emit = emit
        self._outgoing = outgoing
        self._section: int | None = PLANNED_VIDEO_SECTION if outgoing and local else None
        self._told: set[SipEvent] = set()
        self._early: dict[str, VideoMedia | None] = {}
        self._winner = self._by = ""
        self._video: VideoMedia | None = None
        self._held = False
        self._sent_200 = False
        self._elsewhere = False
        self._cause: tuple[int, str] | None = None

    @property
    def planned_audio_sections(self) -> int:
        """How many sections the SIP library must plan in an offer: the second is turned into the picture."""
        return 2 if self._outgoing and self._section is not None else 1

    @property
    def can_show(self) -> bool:
        """Whether both sides have a picture to agree on."""
        return self.local is not None and self._video is not None

    # --- messages of the other side ---------------------------------------------------------------------------------

    def invited(self, text: str, trusted: bool = False) -> None:
        """The first INVITE of an incoming call; `trusted`: it came from the server where we are registered."""
        message = Message.parse(text)
        self.remote_session_id = message.session_id
        name, uri = message.caller
        self._video = self._read_video(message.sdp)
        headers = message.extension_headers(*EXTENSION_PREFIXES)
        session_id, emergency = message.session_id, message.header("priority").lower() == "emergency"
        kind = message.caller_kind if trusted else ""
        self._tell(IncomingCall(self.call, uri, name, session_id, self._video, headers, emergency, kind))

    def responded(self, text: str) -> None:
        """A response to our INVITE, the first or a later one."""
        message = Message.parse(text)
        status = message.status
        self.remote_session_id = message.session_id or self.remote_session_id
        if 200 <= status < 300:
            self._by = self._by or message.asserted_user
        if 100 <= status < 200 and not self.answered:
            self._provisional(message)
        elif 200 <= status < 300 and message.sdp:
            self._described(message.to_tag, message.sdp)
        elif 200 <= status < 300 and not self.answered:
            self._winner, self._video = message.to_tag, self._early.get(message.to_tag)

    def requested(self, text: str) -> None:
        """A request inside the dialog, or the CANCEL."""
        message = Message.parse(text)
        if message.method in ("CANCEL", "BYE"):
            self.ending(text)
        elif message.method in ("INVITE", "UPDATE") and message.sdp and (self.answered or self._sent_200):
            self._described(self._winner, message.sdp)
        elif message.method == "INFO":
            self._informed(message)
        elif message.method == "REFER":
            self._referred(message)
        elif message.method == "NOTIFY":
            self._notified(message)

    def ending(self, text: str) -> None:
        """A CANCEL or BYE; one that comes before the ACK of our 200 is for the second of two who answered at once."""
        message = Message.parse(text)
        if message.method in ("CANCEL", "BYE"):
            unconfirmed = message.method == "BYE" and self._sent_200 and not self.answered
            self._elsewhere = self._elsewhere or message.answered_elsewhere or unconfirmed
            self._cause = message.failure if message.method == "BYE" else None

    def _provisional(self, message: Message) -> None:
        tag, status = message.to_tag, message.status
        news: dict[int, SipEvent] = {100: Trying(self.call), 182: Queued(self.call, message.queue_position)}
        event = news.get(status) or Ringing(self.call, status, tag)
        if event not in self._told and not (status == 100 and self._told):
            self._told = {event, *(one for one in self._told if not isinstance(one, Queued))}
            self._tell(event)
        if not message.sdp:
            return
        video = self._read_video(message.sdp)
        if tag not in self._early or self._early[tag] != video:
            self._early[tag] = video
            uri = display_and_uri(message.header("contact") or message.header("to"))[1]
            self._tell(EarlyMedia(self.call, tag, video, uri))

    def _described(self, tag: str, description: str) -> None:
        video = self._read_video(description)
        self._winner = tag
        if self.answered and video != self._video:
            self._tell(VideoChanged(self.call, video))
        self._video = video

    def _referred(self, message: Message) -> None:
        target = display_and_uri(message.header("refer-to"))[1]
        by = display_and_uri(message.header("referred-by") or message.header("from"))[1]
        self._tell(TransferAsked(self.call, target, by))

    def _notified(self, message: Message) -> None:
        """A report about our REFER (RFC 3515 section 2.4.5): the status line of the final answer there."""
        if message.header("event").partition(";")[0].strip().lower() != "refer":
            return
        fragment = Message.parse(message.body)
        if fragment.status >= 200:
            self._tell(Transferred(self.call, fragment.status, fragment.start.partition(" ")[2].partition(" ")[2]))

    def transfer_answered(self, status: int, reason: str) -> None:
        """The other side's own answer to our REFER: only a refusal is the end of it."""
        if status >= 300:
            self._tell(Transferred(self.call, status, reason))

    def _informed(self, message: Message) -> None:
        if message.content_type == MEDIA_CONTROL:
            if "picture_fast_update" in message.body:
                self._tell(KeyFrameWanted(self.call))
        elif message.content_type in ("application/dtmf", "application/dtmf-relay"):
            self.digit(info_digit(message.body), "info")
        else:
            self._tell(InfoReceived(self.call, message.content_type, message.body))

    def _read_video(self, description: str) -> VideoMedia | None:
        if not description:
            return None
        prefer = sdp.offered_payload_types(self.local) if self._outgoing and self.local else ()
        try:
            found = sdp.remote_video(sdp.parse(description), self._secure, prefer)
        except SdpError as error:
            log.warning("call %s goes on without this picture: %s", self.call, error)
            return None
        if isinstance(found, VideoMedia):
            return found
        log.info("call %s is audio only: %s", self.call, found.reason)
        return None

    # --- what the SIP library reports -------------------------------------------------------------------------------

    def digit(self, digit: str, method: Literal["rfc4733", "info"]) -> None:
        """A DTMF digit came; what is none is ignored."""
        if digit and digit.upper() in "0123456789*#ABCD":
            self._tell(Dtmf(self.call, digit.upper(), method))

    def accepted(self) -> None:
        """We sent the 200."""
        self._sent_200 = True

    def confirmed(self) -> None:
        """The three-way handshake is complete."""
        if not self.answered:
            self.answered = True
            self._tell(Answered(self.call, self._winner, self._video, self._by if self._outgoing else ""))

    def media_direction(self, held: bool) -> None:
        """The other side's sound stopped, or came back, by its own wish."""
        if held != self._held:
            self._held = held
            self._tell(Held(self.call, held))

    def finished(self, code: int, reason: str) -> None:
        """The call is over; only the first time counts."""
        if not self.ended:
            code, reason = self._cause or (code, reason)
            self._tell(Ended(self.call, code, reason, self._elsewhere))
            self.ended = True

    def _tell(self, event: SipEvent) -> None:
        if not self.ended:
            self._emit(event)

    # --- our session descriptions -----------------------------------------------------------------------------------

    def describe(self, ours: str, remote: str) -> str:
        """The library's description `ours`, with our picture in it; `remote` is the offer that it answers, or ""."""
        try:
            return self._answer(ours, remote) if remote else self._offer(ours)
        except SdpError as error:
            log.warning("call %s is described without our picture: %s", self.call, error)
            return ours

    def _offer(self, ours: str) -> str:
        if self.local is None or self._section is None:
            return ours
        direction = sdp.answer_direction(self.local.direction, self._may())
        return sdp.replace_section(ours, self._section, sdp.offer_section(replace(self.local, direction=direction)))

    def _answer(self, ours: str, remote: str) -> str:
        offer = sdp.parse(remote)
        index = sdp.video_index(offer, self._secure)
        if index is None or self.local is None:
            return ours
        self._section = index
        direction = sdp.answer_direction(self.local.direction, self._may())
        local = replace(self.local, direction=direction)
        return sdp.replace_section(ours, index, sdp.answer_section(local, offer, index))

    def _may(self) -> str:
        """On hold we still may show, but do not look."""
        return "recvonly" if self.on_hold else "sendrecv"
