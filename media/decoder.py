"""H.264 decoder: one access unit in, its picture out, without delay and on the caller's thread."""

from av import CodecContext, Packet
from av.error import FFmpegError

from hal.camera import Picture
from media.errors import PacketError
from media.frames import to_picture

MAX_PIXELS = 1920 * 1088
"""A stream that claims more is refused before it takes our memory."""


class DecodeError(PacketError):
    """An access unit that the decoder refuses."""


class H264Decoder:
    """Opened when made, so that the first picture waits for nothing."""

    def __init__(self) -> None:
        self._codec = CodecContext.create("h264", "r")
        self._codec.thread_count = 1
        self._codec.options = {"flags": "low_delay", "max_pixels": str(MAX_PIXELS)}
        self._codec.open()

    def decode(self, data: bytes, taken: float) -> list[Picture]:
        """The pictures of one access unit, usually one. Raises DecodeError."""
        if not data:  # FFmpeg would take it for the end of the stream
            return []
        try:
            return [to_picture(frame, taken) for frame in self._codec.decode(Packet(data))]
        except (FFmpegError, ValueError) as error:
            raise DecodeError(f"a picture could not be decoded: {error}") from error

    def reset(self) -> None:
        """Forget all reference pictures: another stream begins."""
        self._codec.flush_buffers()
