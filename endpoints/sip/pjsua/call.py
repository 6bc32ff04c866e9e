"""One call of PJSUA2: passes its messages to `CallProgress`, its sound to the voice port."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from endpoints.errors import SipError
from endpoints.sip.message import Message, display_and_uri, is_call_uri, is_header_value, quoted, session_id_header
from endpoints.sip.pjsua.configuration import call_options, header_vector
from endpoints.sip.pjsua.library import guarded, native, pj
from endpoints.sip.progress import CallProgress
from media.description import VideoMedia

log = logging.getLogger(__name__)
FINAL, REDIRECTION = 200, 300
CHALLENGES = (401, 407)
"""Answered by the library with the same request and credentials."""
ANSWERS = {"INFO": 200, "REFER": 202, "NOTIFY": 200}
"""What we answer in place of the library, which knows no such request inside a call, or would do more than is asked."""
Dialog = tuple[str, str]
"""Call-ID, and the tag of its caller."""
SOCKETS_PER_SOUND = 2
"""RTP and RTCP of each audio section that the library plans."""


class Call(pj.Call):  # type: ignore[misc]
    """Lives until `on_end` was called and the library's poll returned; every method runs on the agent's thread."""

    def __init__(
        self, account: Any, progress: CallProgress, session_id: str, port: Callable[[], Any], number: int = -1
    ) -> None:
        super().__init__(account, number)
        self.progress = progress
        self.on_end: Callable[[Call], None] = lambda call: None
        self.server = 0
        """Over which of the agent's servers it goes."""
        self.reached = number >= 0
        """Whether the other side said anything yet."""
        self.dialog: Dialog | None = None
        """Once our INVITE is out."""
        self.sockets = SOCKETS_PER_SOUND * progress.planned_audio_sections
        self.audio: int | None = None
        """Index of the audio stream that is connected to the voice port."""
        self.audio_started = False
        self.hold_wanted = False
        self.offering = False
        """Whether a re-INVITE of ours has no final answer yet; PJSUA aborts the process when told to send another."""
        self._session_id = session_id
        self._port = port
        self._answer: tuple[str, str] | None = None
        self._agreed = number < 0
        self._connection = 0
        """Kept open for this call."""

    # --- commands ---------------------------------------------------------------------------------------------------

    def invite(self, uri: str, headers: Mapping[str, str]) -> None:
        """Send the INVITE. Raises the library's error if it cannot be sent."""
        options = call_options([*self._headers(), *_clean(headers)])
        options.opt.audioCount = self.progress.planned_audio_sections
        self.makeCall(uri, options)

    def ring(self, video: VideoMedia | None) -> None:
        """183 with SDP if there is a picture to agree on, else 180."""
        self.progress.local = video
        options = call_options(self._headers(), 183 if self.progress.can_show else 180)
        self.answer(self._described(options) if self.progress.can_show else options)

    def accept(self, video: VideoMedia | None) -> None:
        """200; the description that a 183 had is repeated by the library."""
        self.progress.local = video
        self.progress.accepted()
        self.answer(self._described(call_options(self._headers(), 200)))

    def _described(self, options: Any) -> Any:
        """The library made its answer when the INVITE came; only now we know our picture, and and may say it once."""
        if self._answer:
            options.sdp.wholeSdp = self.progress.describe(*self._answer)
            self._answer, self._agreed = None, True
        return options

    def refuse(self, code: int) -> None:
        """A final refusal of an incoming call."""
        self.hangup(call_options(self._headers(), code))

    def hang_up(self, reason: str) -> None:
        """CANCEL, BYE or a refusal."""
        why = [("Reason", f"Q.850;cause=16;text={quoted(reason)}")] if reason else []
        self.hangup(call_options([*self._headers(), *why]))

    def send_info(self, content_type: str, body: str) -> None:
        """INFO with a body."""
        self._send("INFO", content_type, body)

    def transfer(self, target: str) -> None:
        """REFER to `target`. Raises SipError for what is no address."""
        if not is_call_uri(target):
            raise SipError(f"{target!r} is not a SIP address")
        own = display_and_uri(self.getInfo().localUri)[1]
        self._send("REFER", headers=(("Refer-To", f"<{target}>"), ("Referred-By", f"<{own}>")))

    def tell_transfer(self, code: int, reason: str) -> None:
        """The last NOTIFY about a REFER of the other side (RFC 3515): a status line."""
        about = (("Event", "refer"), ("Subscription-State", "terminated;reason=noresource"))
        words = " ".join(reason.split()) or ("OK" if code < REDIRECTION else "Failed")
        self._send("NOTIFY", "message/sipfrag;version=2.0", f"SIP/2.0 {code} {words}\r\n", about)

    def _send(
        self, method: str, content_type: str = "", body: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        request = pj.CallSendRequestParam()
        request.method = method
        request.txOption.contentType, request.txOption.msgBody = content_type, body
        request.txOption.headers = header_vector([*self._headers(), *headers])
        self.sendRequest(request)

    def send_digits(self, digits: str, method: str) -> None:
        """DTMF by RFC 4733 or by INFO application/dtmf-relay."""
        request = pj.CallSendDtmfParam()
        request.digits = digits
        request.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if method == "info" else pj.PJSUA_DTMF_METHOD_RFC2833
        self.sendDtmf(request)

    def put_on_hold(self, on: bool) -> None:
        """Re-INVITE that stops, or starts again, what flows both ways. Raises the library's error, nothing changed."""
        before, self.progress.on_hold = self.progress.on_hold, on
        options = call_options(self._headers())
        options.opt.audioCount = self.progress.planned_audio_sections
        options.opt.flag |= 0 if on else pj.PJSUA_CALL_UNHOLD
        try:
            self.setHold(options) if on else self.reinvite(options)
            self.offering = True
        except pj.Error:
            self.progress.on_hold = before
            raise

    def statistics(self) -> dict[str, object]:
        """Numbers of the audio stream; empty before there is one."""
        if self.audio is None:
            return {}
        stream, rtcp = self.getStreamInfo(self.audio), self.getStreamStat(self.audio).rtcp
        return {
            "codec": str(stream.codecName),
            "clock_rate": int(stream.codecClockRate),
            "packets_sent": int(rtcp.txStat.pkt),
            "packets_received": int(rtcp.rxStat.pkt),
            "packets_lost": int(rtcp.rxStat.loss),
            "jitter_ms": rtcp.rxStat.jitterUsec.mean / 1000,
            "round_trip_ms": rtcp.rttUsec.mean / 1000,
        }

    def _headers(self) -> list[tuple[str, str]]:
        return [("Session-ID", session_id_header(self._session_id, self.progress.remote_session_id))]

    # --- what the library tells -------------------------------------------------------------------------------------

    @guarded
    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802
        event = prm.e.body.tsxState
        if event.type == pj.PJSIP_EVENT_TX_MSG and not (self.reached or self.dialog):
            self.dialog = _dialog_of(str(event.src.tdata.wholeMsg))
        if event.type != pj.PJSIP_EVENT_RX_MSG:
            return
        transaction = event.tsx
        text = str(event.src.rdata.wholeMsg)
        if transaction.role == pj.PJSIP_ROLE_UAC:
            if transaction.method == "INVITE":
                self.reached = True
                self._keep_connection(int(transaction.statusCode), event.src.rdata.pjRxData)
                self._offer_answered(int(transaction.statusCode))
                self.progress.responded(text)
            elif transaction.method == "UPDATE":
                self.progress.responded(text)
            elif transaction.method == "REFER":
                self.progress.transfer_answered(int(transaction.statusCode), str(transaction.statusText))
        elif transaction.state == pj.PJSIP_TSX_STATE_TRYING or transaction.method in ("CANCEL", "BYE"):
            self._requested(transaction.method, text, event.src.rdata.pjRxData)

    def _keep_connection(self, status: int, received: Any) -> None:
        """A device that registers nowhere is reached by the connection of its own call only."""
        if FINAL <= status < REDIRECTION and not self._connection:
            self._connection = native.keep_connection(int(received))

    def _offer_answered(self, status: int) -> None:
        if not self.offering or status < FINAL or status in CHALLENGES:
            return
        self.offering = False
        if status >= REDIRECTION:
            self.progress.on_hold = not self.progress.on_hold

    def _requested(self, method: str, text: str, received: Any) -> None:
        answer = ANSWERS.get(method)
        if answer and not native.respond(int(received), answer):
            log.warning("the request %s could not be answered", method)
        self.progress.requested(text)

    @guarded
    def onCallState(self, prm: Any) -> None:  # noqa: N802
        info = self.getInfo()
        self._read(prm.e)
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.progress.confirmed()
            self.connect_audio()
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.progress.finished(int(info.lastStatusCode), str(info.lastReason))
            native.leave_connection(self._connection)
            self._connection = 0
            self.on_end(self)

    def _read(self, event: Any) -> None:
        """The message behind a change of state; `onCallTsxState` shows it only afterwards."""
        if event.type != pj.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pj.PJSIP_EVENT_RX_MSG:
            return
        text = str(event.body.tsxState.src.rdata.wholeMsg)
        if not text.startswith("SIP/"):
            self.progress.ending(text)
        elif event.body.tsxState.tsx.method == "INVITE":
            self.progress.responded(text)

    @guarded
    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802
        ours, remote = _text(prm.sdp), _text(prm.remSdp)
        if remote and not self._agreed:
            self._answer = (ours, remote)
        changed = self.progress.describe(ours, remote)
        if changed and changed != ours:
            prm.sdp.wholeSdp = changed

    @guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        self.connect_audio()

    @guarded
    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        if prm.method == pj.PJSUA_DTMF_METHOD_RFC2833:
            self.progress.digit(str(prm.digit), "rfc4733")

    # --- sound ------------------------------------------------------------------------------------------------------

    def connect_audio(self) -> None:
        """Connect the voice path, once the call is answered: nobody is heard before."""
        if not self.progress.answered or self.progress.ended:
            return
        info = self.getInfo()
        self.audio = None
        for media in info.media:
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status != pj.PJSUA_CALL_MEDIA_NONE:
                self._use_audio(media)
                return

    def _use_audio(self, media: Any) -> None:
        self.progress.media_direction(media.status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
        if media.status != pj.PJSUA_CALL_MEDIA_ACTIVE:
            return
        self.audio = int(media.index)
        port = self._port()
        if port is not None:
            sound = self.getAudioMedia(self.audio)
            sound.startTransmit(port)
            port.startTransmit(sound)

    @property
    def waits_for_sound(self) -> bool:
        """Whether the voice path is connected, and nothing came yet."""
        return self.audio is not None and not self.audio_started

    def starts_to_hear(self) -> bool:
        """True once: when the first sound arrived after the voice path was connected."""
        if self.audio is None or self.audio_started or self.getStreamStat(self.audio).rtcp.rxStat.pkt == 0:
            return False
        self.audio_started = True
        return True


def _dialog_of(request: str) -> Dialog:
    parsed = Message.parse(request)
    return parsed.header("call-id"), parsed.from_tag


def _text(description: Any) -> str:
    """The whole description; the binding itself gives none that is longer than 1024 bytes."""
    whole = str(description.wholeSdp)
    if whole or description.pjSdpSession is None:
        return whole
    return native.session_description(int(description.pjSdpSession))


def _clean(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    for name, value in headers.items():
        if not (re.fullmatch(r"[A-Za-z0-9-]+", name) and is_header_value(value)):
            raise SipError(f"{name[:40]!r} with {value[:40]!r} cannot be a SIP header")
    return list(headers.items())
