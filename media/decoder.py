"""H.264 decoder: one access unit in, its picture out, without delay and on the caller's thread."""

from av import CodecContext, Packet, VideoCodecContext
from av.error import FFmpegError

from hal.camera import Picture
from media.errors import PacketError
from media.frames import decoded

MAX_PIXELS = 1920 * 1088
"""A stream that claims more is refused before it takes our memory."""


class DecodeError(PacketError):
    """An access unit that the decoder refuses."""


class H264Decoder:
    """Opened when made, so that the first picture waits for nothing."""

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = _opened()

    def decode(self, data: bytes, taken: float) -> list[Picture]:
        """The pictures of one access unit, usually one. Raises DecodeError."""
        if not data or self._codec is None:  # FFmpeg would take it for the end of the stream
            return []
        try:
            return [decoded(frame, taken) for frame in self._codec.decode(Packet(data))]
        except (FFmpegError, ValueError) as error:
            raise DecodeError(f"a picture could not be decoded: {error}") from error

    def reset(self) -> None:
        """Forget everything: another stream begins. A flush would keep the delay that a broken SPS once asked for."""
        if self._codec is not None:
            self._codec = _opened()

    def close(self) -> None:
        """Give its pictures' memory back now; what comes later is not decoded."""
        self._codec = None


def _opened() -> VideoCodecContext:
    codec = CodecContext.create("h264", "r")
    codec.thread_count = 1
    codec.options = {"flags": "low_delay", "max_pixels": str(MAX_PIXELS)}
    codec.open()
    return codec
