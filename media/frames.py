"""Pictures to and from FFmpeg's frames: the only place that knows about line sizes."""

from collections.abc import Sequence
from typing import cast

from av import VideoFrame
from av.video.plane import VideoPlane

from hal.camera import Bytes, Picture
from media.errors import PacketError

PLANAR = ("yuv420p", "yuvj420p")


def new_frame(width: int, height: int) -> VideoFrame:
    """An empty I420 frame that `fill` may fill again and again."""
    return VideoFrame(width, height, "yuv420p")


def fill(frame: VideoFrame, picture: Picture) -> None:
    """Copy `picture` into `frame`. Raises PacketError if sizes differ."""
    data = memoryview(picture.data).cast("B")
    if (picture.width, picture.height) != (frame.width, frame.height) or len(data) != _size(frame.width, frame.height):
        size = f"{picture.width}x{picture.height} ({len(data)} bytes)"
        raise PacketError(f"a picture of {size} does not fill a frame of {frame.width}x{frame.height}")
    at = 0
    for plane in frame.planes:
        length = plane.width * plane.height
        _fill_plane(plane, data[at : at + length])
        at += length


def blank(frame: VideoFrame) -> None:
    """Make `frame` an even grey."""
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)


def to_frame(picture: Picture) -> VideoFrame:
    """A new frame with a copy of `picture`. Raises PacketError."""
    frame = new_frame(picture.width, picture.height)
    fill(frame, picture)
    return frame


def to_picture(frame: VideoFrame, taken: float) -> Picture:
    """A copy of `frame` as planar YUV 4:2:0. Raises PacketError for sizes that no display takes."""
    if frame.width % 2 or frame.height % 2:
        raise PacketError(f"a picture of {frame.width}x{frame.height} has no even size")
    if frame.format.name not in PLANAR:
        frame = frame.reformat(format="yuv420p")
    return Picture(frame.width, frame.height, _joined(frame.planes), taken)


def decoded(frame: VideoFrame, taken: float) -> Picture:
    """The same as `to_picture`, still in the decoder's memory if its lines are not padded. Raises PacketError."""
    planes = frame.planes
    if frame.width % 2 or frame.height % 2 or frame.format.name not in PLANAR or _padded(planes):
        return to_picture(frame, taken)
    return DecodedPicture(frame.width, frame.height, planes, taken)


class DecodedPicture(Picture):
    """Its planes lie apart, where the decoder put them; they are joined when somebody asks for `data`.

    A display that uses `copy_to` saves that copy. While it lives, the decoder uses other memory.
    """

    __slots__ = ("_joined", "_planes")
    _joined: bytes | None
    _planes: tuple[VideoPlane, ...]

    def __init__(self, width: int, height: int, planes: tuple[VideoPlane, ...], taken: float) -> None:
        keep = object.__setattr__  # pictures are frozen
        keep(self, "width", width)
        keep(self, "height", height)
        keep(self, "taken", taken)
        keep(self, "_planes", planes)
        keep(self, "_joined", None)

    @property
    def data(self) -> Bytes:
        """Joined once."""
        joined = self._joined
        if joined is None:
            joined = _joined(self._planes)
            object.__setattr__(self, "_joined", joined)
        return joined

    @property
    def size(self) -> int:
        """Bytes of `data`."""
        return sum(plane.buffer_size for plane in self._planes)

    def copy_to(self, target: memoryview) -> None:
        """One copy, plane by plane."""
        at = 0
        for plane in self._planes:
            end = at + plane.buffer_size
            target[at:end] = cast(memoryview, plane)  # a buffer
            at = end


def _padded(planes: tuple[VideoPlane, ...]) -> bool:
    return any(plane.line_size != plane.width for plane in planes)


def _joined(planes: tuple[VideoPlane, ...]) -> bytes:
    if _padded(planes):
        return b"".join([_without_padding(plane) for plane in planes])
    return b"".join(cast(Sequence[bytes], planes))  # they are buffers, and `join` takes any


def _size(width: int, height: int) -> int:
    return width * height * 3 // 2


def _fill_plane(plane: VideoPlane, data: memoryview) -> None:
    if plane.line_size == plane.width:
        plane.update(cast(bytes, data))  # takes any buffer, says bytes
        return
    target, width = memoryview(plane).cast("B"), plane.width
    for row in range(plane.height):
        start = row * plane.line_size
        target[start : start + width] = data[row * width : (row + 1) * width]


def _without_padding(plane: VideoPlane) -> bytes:
    view, width, line = memoryview(plane).cast("B"), plane.width, plane.line_size
    return b"".join(view[row * line : row * line + width] for row in range(plane.height))
