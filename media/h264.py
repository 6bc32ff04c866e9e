"""H.264 for live pictures: the encoders a board may have, opened so that nothing waits, and Annex B byte streams.

RFC 6184 (RTP payload), ITU-T H.264 Annex B (byte stream).
"""

import re
from fractions import Fraction
from typing import NamedTuple, cast

from av import CodecContext, VideoCodecContext, VideoFrame
from av.codec.codec import UnknownCodecError, codecs_available
from av.error import FFmpegError
from av.video.frame import PictureType

from media.description import CLOCK_RATE
from media.errors import MediaError

SLICE_BYTES = 1150
"""Largest slice of an encoder that can slice: with RTP header and SRTP tag it stays below 1,200 bytes."""
NAL_IDR, NAL_SPS, NAL_PPS = 5, 7, 8
START_CODE = b"\0\0\0\1"

_NEXT_NAL = re.compile(rb"\x00\x00\x01(?=(.))", re.DOTALL)


class NoEncoder(MediaError, LookupError):
    """The encoder that was asked for is not in this FFmpeg or does not open on this board."""


def nal_types(stream: bytes) -> list[int]:
    """The types of the NAL units of an Annex B byte stream, in order."""
    return [match[1][0] & 0x1F for match in _NEXT_NAL.finditer(stream)]


def nal_units(stream: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream without their start codes, in order."""
    starts = [match.start() for match in _NEXT_NAL.finditer(stream)]
    ends = [*starts[1:], len(stream)]
    return [stream[start + 3 : end].rstrip(b"\0") for start, end in zip(starts, ends, strict=True)]


def parameter_sets(stream: bytes) -> bytes:
    """The SPS and PPS of an Annex B byte stream with their start codes, b"" without any."""
    return b"".join(START_CODE + unit for unit in nal_units(stream) if unit[0] & 0x1F in (NAL_SPS, NAL_PPS))


class CodedPicture(NamedTuple):
    """One access unit as an Annex B byte stream; `pts` in ticks of 90 kHz."""

    data: bytes
    pts: int
    key_frame: bool


class H264Encoder:
    """One open encoder: I420 frames in, one Annex B access units out, key frames with SPS and PPS in-band."""

    def __init__(self, width: int, height: int, rate: int, bit_rate: int, encoder: str = "auto") -> None:
        """`encoder`: "libx264", "h264_v4l2m2m", or "auto": the board's own, else libx264. Raises NoEncoder."""
        self._frame = VideoFrame(width, height, "yuv420p")
        self._parameter_sets = b""
        self._codec = _open(width, height, rate, bit_rate, encoder)

    @property
    def name(self) -> str:
        """FFmpeg's name of the encoder."""
        return self._codec.name

    @property
    def packetization_modes(self) -> tuple[int, ...]:
        """RFC 6184 packetization-modes in which its stream is valid: without slices only mode 1 can carry it."""
        return (0, 1) if self.name == "libx264" else (1,)

    def encode(self, frame: VideoFrame, pts: int, key: bool) -> list[CodedPicture]:
        """Encode `frame` at `pts` (90 kHz, strictly rising): what is ready now; a board's encoder may lag behind.

        Raises MediaError.
        """
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK_RATE)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = self._codec.encode(frame)
        except FFmpegError as error:
            raise MediaError(f"{self.name} could not encode a picture: {error}") from error
        return [self._coded(bytes(packet), pts if packet.pts is None else packet.pts) for packet in packets]

    def _coded(self, data: bytes, pts: int) -> CodedPicture:
        types = nal_types(data)
        if NAL_IDR not in types:
            return CodedPicture(data, pts, False)
        return CodedPicture(self._with_parameter_sets(data, types), pts, True)

    def _with_parameter_sets(self, data: bytes, types: list[int]) -> bytes:
        """Boards' encoders often send SPS and PPS once only, but every key frame must stand alone."""
        if NAL_SPS in types:
            self._parameter_sets = parameter_sets(data)
            return data
        return self._parameter_sets + data


def _open(width: int, height: int, rate: int, bit_rate: int, encoder: str) -> VideoCodecContext:
    names = ("h264_v4l2m2m", "libx264") if encoder == "auto" else (encoder,)
    reasons = []
    for name in names:
        try:
            return _open_one(name, width, height, rate, bit_rate)
        except (FFmpegError, UnknownCodecError, OSError) as error:
            reasons.append(f"{name}: {error}")
    present = sorted(name for name in codecs_available if name in ("libx264", "h264_v4l2m2m"))
    raise NoEncoder(f"no H.264 encoder opens ({'; '.join(reasons)}); this FFmpeg has {', '.join(present) or 'none'}")


def _open_one(name: str, width: int, height: int, rate: int, bit_rate: int) -> VideoCodecContext:
    codec = cast(VideoCodecContext, CodecContext.create(name, "w"))
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, CLOCK_RATE), Fraction(rate, 1)
    codec.bit_rate = bit_rate
    if name == "libx264":
        codec.options = _x264_options(rate, bit_rate)
    codec.open()
    return codec


def _x264_options(rate: int, bit_rate: int) -> dict[str, str]:
    """Constrained baseline, no delay, slices that fit a packet; half a second of buffer keeps key frames small.

    Key frames are asked for by the caller; `keyint` is only a net below that.
    """
    kbit = bit_rate // 1000
    params = (
        f"keyint={10 * rate}:scenecut=0:repeat-headers=1:slice-max-size={SLICE_BYTES}:threads=1"
        f":vbv-maxrate={kbit}:vbv-bufsize={kbit // 2}"
    )
    return {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "level": "3.1",
        "forced-idr": "1",
        "x264-params": params,
    }
