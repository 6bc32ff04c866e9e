"""One reception of video: datagrams in, pictures and RTCP out. No thread and no socket in it.

RFC 3711 (SRTP), RFC 4585 (PLI, NACK), RFC 3550 (reports).
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from hal.camera import Picture
from media import rtcp
from media.assembler import AccessUnit
from media.decoder import DecodeError, H264Decoder
from media.description import SrtpKey, VideoMedia
from media.errors import PacketError
from media.incoming_video import IncomingVideo
from media.keep_alive import UNKNOWN_PAYLOAD_TYPE, KeepAlive
from media.key_requests import KeyRequests
from media.rtp_packet import parse
from media.rtp_sockets import Address
from media.srtp import Protector, SrtpError, Unprotector

log = logging.getLogger(__name__)

REPORT_SECONDS = 1.0


@dataclass(slots=True)
class ReceptionCounters:
    """What came and what went."""

    foreign: int = 0
    broken: int = 0
    unauthentic: int = 0
    frames_decoded: int = 0
    frames_broken: int = 0
    key_frames: int = 0
    pli_sent: int = 0
    nack_sent: int = 0


class ReceivingSession:
    """Call it from one thread; `on_picture` takes each picture at once.

    `send(data, address)` sends RTCP; `send_rtp`, if there is one, sends what keeps routers open.
    """

    def __init__(
        self,
        remote: VideoMedia,
        key: SrtpKey | None,
        decoder: H264Decoder,
        on_picture: Callable[[Picture], None],
        send: Callable[[bytes, Address], None],
        now: float,
        send_rtp: Callable[[bytes, Address], None] | None = None,
    ) -> None:
        self._send_rtp = send_rtp
        self._remote, self._decoder, self._on_picture, self._send = remote, decoder, on_picture, send
        self._opener, self._protector = Unprotector(remote.key), Protector(key)
        self._rtcp_address: Address = (remote.address, remote.rtcp_port)
        self._ssrc, self._cname = 1 + secrets.randbelow(0xFFFFFFFE), secrets.token_urlsafe(12)
        self._incoming = IncomingVideo(repair="nack" in remote.feedback)
        self._key_requests = KeyRequests(now)
        self._keep_alive = KeepAlive(self._ssrc, now)
        self._next_report = now + REPORT_SECONDS
        self._began = now
        self._first_frame: float | None = None
        self._last_frame: float | None = None
        self._complained = False
        self.counters = ReceptionCounters()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def rtp(self, data: bytes, sender: Address, now: float) -> bool:
        """A datagram on the RTP port: whether it ended a picture. What is not the stream is counted and dropped."""
        if self._is_foreign(sender):
            return False
        if len(data) > 1 and 192 <= data[1] <= 223:
            self.rtcp(data, sender, now)
            return False
        try:
            packet = parse(self._opener.rtp(data))
            if packet.payload_type == UNKNOWN_PAYLOAD_TYPE:  # of somebody who keeps his router open
                return False
            if packet.payload_type != self._remote.payload_type:
                raise PacketError(f"payload type {packet.payload_type} was not agreed")
        except SrtpError:
            self.counters.unauthentic += 1
        except PacketError:
            self.counters.broken += 1
        else:
            restarts = self._incoming.counters.restarts
            units = self._incoming.packet(packet, now)
            if self._incoming.counters.restarts != restarts:
                self._decoder.reset()
            if units:
                self._show(units, now)
                return True
        return False

    def rtcp(self, data: bytes, sender: Address, now: float) -> None:
        """A datagram on the RTCP port."""
        if self._is_foreign(sender):
            return
        try:
            feedback = rtcp.parse(self._opener.rtcp(data))
        except SrtpError:
            self.counters.unauthentic += 1
        except PacketError:
            self.counters.broken += 1
        else:
            self._rtcp_address = sender
            self._incoming.sender_report(feedback, now)

    @property
    def disturbed(self) -> bool:
        """Whether `attend` has to be called at once: what it said last time when to be called again is out of date."""
        return self._incoming.disturbed

    def attend(self, now: float) -> float:
        """Do what is due: give up gaps, ask for packets and key frames, report. Returns when to be called again."""
        self._incoming.disturbed = False
        self._show(self._incoming.expire(now), now)
        request = self._requests(now)
        if request or now >= self._next_report:
            self._send_rtcp(request, now)
        self._keep_open(now)
        return min(
            self._next_report,
            self._incoming.next_check(),
            self._key_requests.next_check(self._needs_key),
            self._keep_alive.next_check,
        )

    def statistics(self, now: float) -> dict[str, object]:
        """What a technician wants to know; times in milliseconds, None where there is nothing yet."""
        incoming, counters = self._incoming, self.counters
        return {
            "packets": incoming.counters.packets,
            "lost": incoming.lost,
            "late": incoming.counters.late,
            "restarts": incoming.counters.restarts,
            "jitter_ms": round(incoming.jitter_ms, 2),
            "frames_decoded": counters.frames_decoded,
            "frames_broken": counters.frames_broken,
            "key_frames": counters.key_frames,
            "broken": counters.broken + counters.unauthentic + counters.foreign + incoming.counters.broken,
            "unauthentic": counters.unauthentic,
            "foreign": counters.foreign,
            "pli_sent": counters.pli_sent,
            "nack_sent": counters.nack_sent,
            "time_to_first_frame_ms": _ms(self._began, self._first_frame),
            "picture_age_ms": _ms(self._last_frame, now),
        }

    # --- inside ------------------------------------------------------------------------------------------------------

    def _is_foreign(self, sender: Address) -> bool:
        """The port may be another than announced (NAT, odd senders), the host may not."""
        if sender[0] == self._remote.address:
            return False
        self.counters.foreign += 1
        return True

    @property
    def _needs_key(self) -> bool:
        return self._first_frame is None or self._incoming.waiting_for_key

    def _show(self, units: list[AccessUnit], now: float) -> None:
        for unit in units:
            try:
                pictures = self._decoder.decode(unit.data, now)
            except DecodeError:
                self.counters.frames_broken += 1
                self._decoder.reset()
                self._incoming.restart_at_key()
                return
            self.counters.key_frames += unit.key_frame
            for picture in pictures:
                self._deliver(picture, now)

    def _deliver(self, picture: Picture, now: float) -> None:
        self.counters.frames_decoded += 1
        self._last_frame = now
        if self._first_frame is None:
            self._first_frame = now
        try:
            self._on_picture(picture)
        except Exception:  # a display that fails must not stop the reception
            if not self._complained:
                log.exception("a picture could not be shown")
            self._complained = True

    def _requests(self, now: float) -> bytes:
        media_ssrc = self._incoming.ssrc or 0
        request = b""
        if self._key_requests.due(self._needs_key, now):
            self.counters.pli_sent += 1
            request += rtcp.picture_loss(self._ssrc, media_ssrc)
        if lost := self._incoming.nacks(now):
            self.counters.nack_sent += 1
            request += rtcp.negative_acknowledgement(self._ssrc, media_ssrc, lost)
        return request

    def _keep_open(self, now: float) -> None:
        packet = self._keep_alive.packet(heard=self._incoming.ssrc is not None, now=now)
        if packet and self._send_rtp is not None:
            self._send_rtp(self._protector.rtp(packet), (self._remote.address, self._remote.port))

    def _send_rtcp(self, request: bytes, now: float) -> None:
        """Feedback travels behind a report: reduced-size RTCP was not agreed (RFC 5506)."""
        report = self._incoming.report(now) if now >= self._next_report else None
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
        packet = rtcp.receiver_report(self._ssrc, self._cname, report) + request
        self._send(self._protector.rtcp(packet), self._rtcp_address)


def _ms(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else round((later - earlier) * 1000, 1)
