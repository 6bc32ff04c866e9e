"""A picture as a small JPEG and back, by FFmpeg, which is loaded anyway: no other library, no words in the picture."""

from fractions import Fraction

from av import CodecContext, Packet
from av.error import FFmpegError
from av.video.reformatter import ColorRange

from hal.camera import Picture
from media.errors import PacketError
from media.frames import to_frame, to_picture

FULL_RANGE = "yuvj420p"
"""What JPEG means by its numbers."""
STUDIO, FULL = ColorRange.MPEG, ColorRange.JPEG
"""What black and white are: 16 to 235 from a camera, 0 to 255 in a JPEG."""
QUALITY = 5
"""FFmpeg's scale: 2 is best, 31 worst; a picture of 640x480 has about 25 kB."""


def to_jpeg(picture: Picture) -> bytes:
    """`picture` as JPEG. Raises PacketError."""
    codec = CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = picture.width, picture.height, FULL_RANGE, Fraction(1)
    codec.qmin = codec.qmax = QUALITY
    try:
        frame = to_frame(picture).reformat(format=FULL_RANGE, src_color_range=STUDIO, dst_color_range=FULL)
        frame.pts = 0
        return b"".join(map(bytes, (*codec.encode(frame), *codec.encode(None))))
    except FFmpegError as error:
        raise PacketError(f"the picture cannot be written as JPEG: {error.strerror}") from error


def from_jpeg(data: bytes, taken: float = 0.0) -> Picture:
    """The picture of a JPEG. Raises PacketError for bytes that are none."""
    try:
        frames = [*CodecContext.create("mjpeg", "r").decode(Packet(data))]
    except FFmpegError as error:
        raise PacketError(f"these {len(data)} bytes are no JPEG: {error.strerror}") from error
    if not frames:
        raise PacketError(f"these {len(data)} bytes are no whole JPEG")
    frame = frames[0].reformat(format="yuv420p", src_color_range=FULL, dst_color_range=STUDIO)
    return to_picture(frame, taken)
