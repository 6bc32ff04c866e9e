"""RTP fan-out: one encoded picture, packetized once, protected once, the same bytes to every screen that wants it.

One per visit. `encoded` runs on the encoder's thread and sends; the thread `video-feedback` takes RTCP from the
screens: key frame requests, NACKs, reports.
"""

import logging
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from media import rtcp
from media.description import SrtpKey, VideoMedia
from media.encoder import EncodedPicture, VideoSink
from media.errors import MediaError, PacketError
from media.rtp_destination import Destination, UnusableDestination, destination
from media.rtp_history import SentPacket, SentPackets
from media.rtp_packetizer import RtpPacketizer
from media.rtp_sockets import Address, RtpSockets, receive
from media.srtp import Protector

log = logging.getLogger(__name__)

REPLAY_SECONDS = 0.12
"""A destination that comes this soon after a key frame gets that one again instead of a new one for everybody."""
REPORT_SECONDS = 2.0
RECEIVING = ("recvonly", "sendrecv")
COUNTERS = (
    *("pictures", "packets", "octets", "replayed", "send_failures"),
    *("key_frames_asked", "packets_asked", "resent", "rtcp_broken", "rtcp_foreign"),
)


class PictureSource(Protocol):
    """What a fan-out needs of the video encoder."""

    @property
    def packetization_modes(self) -> tuple[int, ...]:
        """In which its stream may be sent."""

    def attach(self, sink: VideoSink) -> None:
        """Deliver to `sink`, a key frame first."""

    def detach(self, sink: VideoSink) -> None:
        """Deliver no more."""

    def key_frame(self, new_destination: bool = False) -> None:
        """Deliver a key frame, at once for a new destination."""


class RtpFanout:
    """A sink of the encoder that sends to any number of destinations, added and removed from any thread."""

    def __init__(self, sockets: RtpSockets, key: SrtpKey | None, encoder: PictureSource) -> None:
        """`sockets` stay their maker's to close; `key` is the one of our offer."""
        self._sockets, self._key, self._encoder = sockets, key, encoder
        self._packetizer = RtpPacketizer(single_nal_units=0 in encoder.packetization_modes)
        self._ssrc, self._cname = self._packetizer.ssrc, secrets.token_urlsafe(12)
        self._protector = Protector(key)
        self._lock = threading.RLock()
        self._destinations: dict[str, Destination] = {}
        self._by_payload_type: dict[int, tuple[Destination, ...]] = {}
        self._history = SentPackets()
        self._next_report = 0.0
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._wake, self._woken = socket.socketpair()
        self._feedback = threading.Thread(target=self._serve, name="video-feedback", daemon=True)
        self._feedback.start()

    # --- commands ----------------------------------------------------------------------------------------------------

    def offer(self, address: str = "") -> VideoMedia:
        """Our section of the offer; `address` is what others reach us at, without it the sockets' own."""
        return VideoMedia(
            address=address or self._sockets.address,
            port=self._sockets.rtp_port,
            rtcp_port=self._sockets.rtcp_port,
            packetization_mode=min(self._encoder.packetization_modes),
            direction="sendonly",
            key=self._key,
        )

    def add(self, name: str, remote: VideoMedia) -> bool:
        """Send to `remote` from now on, a key frame first; False, with the reason in the log, if that cannot be.

        A name that is known moves to `remote`; one that no longer wants to receive is removed.
        """
        if remote.direction not in RECEIVING or remote.port == 0:
            self.remove(name)
            return False
        try:
            new = self._checked(name, remote)
        except MediaError as error:
            log.warning("no video to %s: %s", name, error)
            self.remove(name)
            return False
        with self._lock:
            old = self._destinations.get(name)
            if old is None or old.media != new.media:
                self._start(new)
        return True

    def remove(self, name: str) -> None:
        """Send no more to `name`; an unknown one is no error."""
        with self._lock:
            self._keep({other for other in self._destinations if other != name})

    def keep_only(self, name: str) -> None:
        """Send to nobody but `name`."""
        self._keep({name})

    def statistics(self) -> dict[str, object]:
        """Counters of the stream and, under "destinations", of each receiver."""
        with self._lock:
            receivers = {name: each.statistics() for name, each in self._destinations.items()}
            return {**self._counters, "ssrc": self._ssrc, "destinations": receivers}

    def stop_listening(self) -> None:
        """Leave the RTCP socket to a receiver that shares it, and that gives what comes to `feedback`."""
        self._wake.close()
        self._feedback.join()

    def feedback(self, data: bytes, sender: Address) -> None:
        """A datagram of the RTCP socket, from who reads it; what is not of our receivers is counted and dropped."""
        self._take(data, sender)

    def close(self) -> None:
        """Stop sending and listening; twice does no harm."""
        self._keep(set())
        self.stop_listening()
        with self._lock:
            self._packetizer.close()

    # --- sending -----------------------------------------------------------------------------------------------------

    def encoded(self, packet: EncodedPicture) -> None:
        """Send one picture to all destinations. Raises MediaError."""
        with self._lock:
            if not self._destinations:
                return
            now = time.monotonic()
            packets = self._packetizer.packetize(packet)
            if not packets:
                return
            if packet.key_frame:
                self._history.key_frame(_sequence(packets[0]), now)
            for plain in packets:
                self._send_packet(plain, now)
            self._counters["pictures"] += 1
            if now >= self._next_report:
                self._send_reports(int.from_bytes(packets[-1][4:8], "big"))
                self._next_report = now + REPORT_SECONDS

    def _send_packet(self, plain: bytes, now: float) -> None:
        sent = SentPacket(_sequence(plain), now, plain, {})
        self._history.add(sent)
        self._counters["packets"] += 1
        self._counters["octets"] += len(plain) - 12
        for payload_type, receivers in self._by_payload_type.items():
            self._send(self._on_wire(sent, payload_type), receivers)

    def _on_wire(self, packet: SentPacket, payload_type: int) -> bytes:
        """The packet as receivers of this payload type get it: protected once, then always the same bytes."""
        wire = packet.wire.get(payload_type)
        if wire is None:
            plain = packet.plain
            marked = bytes((plain[0], (plain[1] & 0x80) | payload_type)) + plain[2:]
            wire = packet.wire[payload_type] = self._protector.rtp(marked)
        return wire

    def _send(self, data: bytes, receivers: Iterable[Destination]) -> None:
        sendto = self._sockets.rtp.sendto
        for receiver in receivers:
            try:
                sendto(data, receiver.rtp)
            except OSError:  # full, unreachable: it is this receiver's loss, and nobody else's
                receiver.failures += 1
                self._counters["send_failures"] += 1

    def _send_reports(self, timestamp: int) -> None:
        """`timestamp`: of the picture that was sent just now."""
        counters = self._counters
        plain = rtcp.sender_report(self._ssrc, self._cname, timestamp, counters["packets"], counters["octets"])
        data = self._protector.rtcp(plain)
        for receiver in self._destinations.values():
            try:
                self._sockets.rtcp.sendto(data, receiver.rtcp)
            except OSError:
                receiver.failures += 1

    # --- destinations ------------------------------------------------------------------------------------------------

    def _checked(self, name: str, remote: VideoMedia) -> Destination:
        if remote.packetization_mode not in self._encoder.packetization_modes:
            raise UnusableDestination(
                f"it takes packetization-mode {remote.packetization_mode} only, our encoder cannot cut slices for it"
            )
        return destination(name, remote, self._sockets.address)

    def _start(self, new: Destination) -> None:
        first = not self._destinations
        self._replace({**self._destinations, new.name: new})
        self._next_report = 0.0
        if first:
            self._encoder.attach(self)
        elif not self._replay(new):
            self._encoder.key_frame(new_destination=True)

    def _replay(self, new: Destination) -> bool:
        """Send `new` the last key frame and what followed, if that is fresh enough; whether it was."""
        replayed = False
        for packet in self._history.since_key_frame(time.monotonic(), REPLAY_SECONDS):
            self._send(self._on_wire(packet, new.media.payload_type), (new,))
            replayed = True
        self._counters["replayed"] += replayed
        return replayed

    def _keep(self, names: set[str]) -> None:
        with self._lock:
            self._replace({name: each for name, each in self._destinations.items() if name in names})
            if not self._destinations:
                self._encoder.detach(self)

    def _replace(self, destinations: dict[str, Destination]) -> None:
        self._destinations = destinations
        by_type: dict[int, tuple[Destination, ...]] = {}
        for each in destinations.values():
            payload_type = each.media.payload_type
            by_type[payload_type] = (*by_type.get(payload_type, ()), each)
        self._by_payload_type = by_type

    # --- feedback thread ---------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector, self._woken:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._sockets.rtcp, selectors.EVENT_READ)
            while not any(ready.fileobj is self._woken for ready, _ in selector.select()):
                received = receive(self._sockets.rtcp)
                if received:
                    self._take(*received)

    def _take(self, data: bytes, sender: Address) -> None:
        with self._lock:
            candidates = _candidates(self._destinations.values(), sender)
            if not candidates:
                self._counters["rtcp_foreign"] += 1
                return
            for receiver in candidates:
                try:
                    feedback = rtcp.parse(receiver.opener.rtcp(data))
                except PacketError:
                    continue
                self._obey(receiver, feedback)
                return
            self._counters["rtcp_broken"] += 1

    def _obey(self, receiver: Destination, feedback: rtcp.Feedback) -> None:
        for report in feedback.reports:
            if report.ssrc == self._ssrc:
                receiver.reported(report)
        if feedback.key_frame:
            receiver.key_frames_asked += 1
            self._counters["key_frames_asked"] += 1
            self._encoder.key_frame()
        if feedback.lost:
            self._counters["packets_asked"] += len(feedback.lost)
            self._resend(receiver, feedback.lost)

    def _resend(self, receiver: Destination, sequences: Iterable[int]) -> None:
        now = time.monotonic()
        for sequence in sequences:
            packet = self._history.get(sequence, now)
            if packet is not None and receiver.may_resend(now):
                self._send(self._on_wire(packet, receiver.media.payload_type), (receiver,))
                receiver.resent += 1
                self._counters["resent"] += 1


def _sequence(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def _candidates(receivers: Iterable[Destination], sender: Address) -> list[Destination]:
    """Whose RTCP this may be: exactly that address and port, else that address (a NAT may change the port)."""
    same_host = [each for each in receivers if each.rtcp[0] == sender[0]]
    return [each for each in same_host if each.rtcp[1] == sender[1]] or same_host
