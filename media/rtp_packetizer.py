"""H.264 access units to RTP packets, by FFmpeg's RTP muxer (RFC 6184): one `write` of it is one packet."""

import secrets
from collections.abc import Callable
from fractions import Fraction

import av
from av.error import FFmpegError

from media.description import CLOCK_RATE
from media.encoder import EncodedPicture
from media.errors import MediaError

PACKET_BYTES = 1200
"""Largest RTP packet before SRTP."""
_TIME_BASE = Fraction(1, CLOCK_RATE)


class RtpPacketizer:
    """Packets of one RTP stream with its own SSRC, sequence numbers and time stamps."""

    def __init__(self, single_nal_units: bool, payload_type: int = 96) -> None:
        """`single_nal_units`: whole NAL units only where they fit, which is valid in packetization-mode 0 and 1."""
        self.ssrc = 1 + secrets.randbelow(0x7FFFFFFE)
        self._packets: list[bytes] = []
        options = {
            "packetsize": str(PACKET_BYTES),
            "payload_type": str(payload_type),
            "ssrc": str(self.ssrc),
            # Low: a screen that joins late must still guess SRTP's roll-over counter right (RFC 3711, 3.3.1).
            "seq": str(secrets.randbelow(1024)),
            "rtpflags": "skip_rtcp+h264_mode0" if single_nal_units else "skip_rtcp",
        }
        self._container = av.open(_Writer(self._packets.append), "w", format="rtp", options=options)
        self._stream = self._container.add_mux_stream("h264", width=16, height=16, time_base=_TIME_BASE)
        self._container.start_encoding()

    def packetize(self, picture: EncodedPicture) -> list[bytes]:
        """The RTP packets of one access unit, the last with the marker. Raises MediaError."""
        packet = av.Packet(picture.data)
        packet.stream, packet.time_base = self._stream, _TIME_BASE
        packet.pts = packet.dts = picture.pts
        packet.is_keyframe = picture.key_frame
        try:
            self._container.mux_one(packet)
        except FFmpegError as error:
            raise MediaError(f"a picture could not be packetized: {error}") from error
        packets = self._packets[:]
        self._packets.clear()
        return packets

    def close(self) -> None:
        """Free the muxer."""
        self._container.close()


class _Writer:
    """The file that the muxer believes to write."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, data: bytes) -> int:
        packet = bytes(data)
        if packet[1] & 0x7F < 72 or packet[1] & 0x7F > 76:  # a BYE of the muxer is not a packet of the stream
            self._take(packet)
        return len(packet)
