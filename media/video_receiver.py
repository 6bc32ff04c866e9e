"""Video receiver: the thread `video-receiver` that reads both sockets of a screen and hands over pictures."""

import logging
import select
import socket
import threading
import time
from collections.abc import Callable

from hal.camera import Picture
from media.decoder import H264Decoder
from media.description import SrtpKey, VideoMedia
from media.receiving_session import ReceivingSession
from media.rtp_sockets import Address, RtpSockets, receive

log = logging.getLogger(__name__)

_STOP_SECONDS = 5.0
_GATHER_SECONDS = 0.001
"""So long the packets of a picture are let come in before they are read: to wake once for each of them costs twice."""
_MOST_AT_ONCE = 64
"""Datagrams; then it is looked whether something else is due, however many more wait."""


class VideoReceiver:
    """Receives on `sockets`, which stay their maker's to close; may be started again for the next call."""

    def __init__(self, sockets: RtpSockets, key: SrtpKey | None, on_picture: Callable[[Picture], None]) -> None:
        """`key` is ours, for the RTCP that we send; `on_picture` is called on the receiver's thread."""
        self._sockets, self._key, self._on_picture = sockets, key, on_picture
        self.also_rtcp: Callable[[bytes, Address], None] | None = None
        """Gets all RTCP too, on the receiver's thread: of who sends over the same sockets."""
        self._decoder = H264Decoder()
        self._remote: VideoMedia | None = None
        self._session: ReceivingSession | None = None
        self._last: dict[str, object] = {}
        self._thread: threading.Thread | None = None
        self._wake: socket.socket | None = None

    def answer(self, offer: VideoMedia, address: str = "") -> VideoMedia:
        """Our section of the answer to `offer`; `address` is what others reach us at, without it the sockets' own."""
        return VideoMedia(
            address=address or self._sockets.address,
            port=self._sockets.rtp_port,
            rtcp_port=self._sockets.rtcp_port,
            payload_type=offer.payload_type,
            packetization_mode=offer.packetization_mode,
            profile_level_id=offer.profile_level_id,
            direction="recvonly",
            key=self._key,
            feedback=offer.feedback,
        )

    def offer(self, address: str = "") -> VideoMedia:
        """Our section of an offer that only wants to see; `address` as for `answer`."""
        sockets = self._sockets
        return VideoMedia(
            address or sockets.address, sockets.rtp_port, sockets.rtcp_port, direction="recvonly", key=self._key
        )

    def start(self, remote: VideoMedia) -> None:
        """Receive from `remote` and ask it for a key frame.

        A reception from another place is stopped first; one from the same place just goes on, as after a re-INVITE
        that changes nothing.
        """
        if self._session is not None and self._remote == remote:
            return
        self.stop()
        self._remote = remote
        self._decoder.reset()
        now = time.monotonic()
        session = ReceivingSession(
            remote, self._key, self._decoder, self._on_picture, self._send_rtcp, now, self._send_rtp
        )
        self._session = session
        self._wake, woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(session, woken), name="video-receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Receive no more; the statistics stay. Not started is no error."""
        if self._wake is not None:
            self._wake.close()
            self._wake = None
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS)
        self._thread = None
        if self._session is not None:
            self._last = self._session.statistics(time.monotonic())
            self._session = None

    def close(self) -> None:
        """Stop and free the decoder; the sockets are not ours. Twice does no harm."""
        self.stop()
        self._decoder.close()

    def statistics(self) -> dict[str, object]:
        """Of the running reception, else of the last one; {} before the first."""
        session = self._session
        return session.statistics(time.monotonic()) if session else self._last

    def _rtcp_taker(self, session: ReceivingSession) -> Callable[[bytes, Address, float], None]:
        also = self.also_rtcp
        if also is None:
            return session.rtcp

        def take(data: bytes, sender: Address, now: float) -> None:
            session.rtcp(data, sender, now)
            also(data, sender)

        return take

    def _send_rtcp(self, data: bytes, address: Address) -> None:
        _send(self._sockets.rtcp, data, address)

    def _send_rtp(self, data: bytes, address: Address) -> None:
        _send(self._sockets.rtp, data, address)

    def _run(self, session: ReceivingSession, woken: socket.socket) -> None:
        rtp, rtcp = self._sockets.rtp, self._sockets.rtcp
        take_rtcp = self._rtcp_taker(session)
        with select.epoll() as poll, woken:
            for sock in (woken, rtp, rtcp):
                poll.register(sock.fileno(), select.EPOLLIN)
            now, due = time.monotonic(), 0.0
            while True:
                if now >= due or session.disturbed:
                    due = session.attend(now)
                ready = {descriptor for descriptor, _ in poll.poll(max(0.0, due - now))}
                now = time.monotonic()
                if woken.fileno() in ready:
                    return
                if rtp.fileno() in ready:
                    _take_picture(rtp, session, now)
                if rtcp.fileno() in ready and (received := receive(rtcp)):
                    take_rtcp(*received, now)


def _take_picture(sock: socket.socket, session: ReceivingSession, now: float) -> None:
    """Hand over what waits, up to the end of a picture: behind it nothing waits for most of a frame's time."""
    time.sleep(_GATHER_SECONDS)
    for _ in range(_MOST_AT_ONCE):
        received = receive(sock)
        if received is None or session.rtp(*received, now):
            return


def _send(sock: socket.socket, data: bytes, address: Address) -> None:
    try:
        sock.sendto(data, address)
    except OSError as error:
        log.debug("%d bytes to %s were not sent: %s", len(data), address, error)
