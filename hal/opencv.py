"""Camera by OpenCV: a V4L2 or USB camera, a video file, or a stream (RTSP, HTTP). The only place that imports cv2."""

import os
import threading
import time
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from hal.camera import Picture
from hal.errors import DeviceLost, DeviceUnavailable, HalError

# OpenCV and its FFmpeg write to standard error by themselves; what matters is raised here as one sentence.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# RTP over the RTSP connection: a picture with holes in it is worse than one that is a little late.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

Frame = Any
"""A numpy array, height x width x 3, BGR."""

Fit = Literal["crop", "letterbox"]
FITS = get_args(Fit)
TURNS = {0: None, 90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_PATIENCE = 1.0
_OPEN_MS, _READ_MS = 5000, 3000


class OpenCvCamera:
    """Pictures from `source`: a number (0 is the first camera), a device (/dev/video2), a file, or a URL.

    `fit`: how a picture of another shape becomes the one asked for: "crop" fills it, "letterbox" adds black bars.
    `rotate`: degrees clockwise (0, 90, 180, 270). `fourcc`: the pixel format to ask a camera for, such as "MJPG", which
    many USB cameras need for more than VGA. A file begins again at its end unless `loop` is False.
    """

    def __init__(
        self,
        source: int | str = 0,
        fit: Fit = "crop",
        rotate: Literal[0, 90, 180, 270] = 0,
        fourcc: str = "",
        loop: bool = True,
    ) -> None:
        if fit not in FITS:
            raise ValueError(f"fit is crop or letterbox, not {fit!r}")
        if rotate not in TURNS:
            raise ValueError(f"rotate is one of {', '.join(map(str, TURNS))} degrees, not {rotate!r}")
        if len(fourcc) not in (0, 4):
            raise ValueError(f"fourcc has four letters, such as MJPG, not {fourcc!r}")
        self._source, self._fit, self._turn, self._fourcc, self._loop = source, fit, TURNS[rotate], fourcc, loop
        self._size = (0, 0)
        self._grabber: Grabber | None = None
        self._closed = False
        _check_there(source)

    def start(self, width: int, height: int, rate: int) -> None:
        """Open the source and begin. Raises DeviceUnavailable, ValueError (odd sizes), HalError if closed."""
        if self._closed:
            raise HalError("The camera was closed and cannot be started.")
        if width <= 0 or height <= 0 or width % 2 or height % 2 or rate <= 0:
            raise ValueError(f"a picture has even sides and a rate above 0, not {width}x{height}@{rate}")
        self.stop()
        capture = _open(self._source, width, height, rate, self._fourcc)
        self._size = (width, height)
        looping = self._loop if _is_file(self._source) else None
        self._grabber = Grabber(capture, rate, looping, described(self._source))

    def read(self) -> Picture:
        """Wait for the next picture. Raises DeviceLost, also if there is none for a second; HalError before `start`."""
        if self._grabber is None:
            raise HalError("The camera was read before it was started.")
        frame, taken = self._grabber.next()
        if self._turn is not None:
            frame = cv2.rotate(frame, self._turn)
        width, height = self._size
        planes = cv2.cvtColor(fitted(frame, width, height, self._fit), cv2.COLOR_BGR2YUV_I420)
        return Picture(width, height, planes.reshape(-1).data, taken)

    def stop(self) -> None:
        """Give the source back until the next `start`."""
        grabber, self._grabber = self._grabber, None
        if grabber is not None:
            grabber.stop()

    def close(self) -> None:
        """The same for good; twice does no harm."""
        self._closed = True
        self.stop()


class Grabber:
    """Reads a source on a thread of its own and keeps the newest frame. Owns the capture and releases it at its end.

    `loop`: None for a live source, which is read as fast as it delivers; for a file, which is read at its own speed,
    whether it begins again. At most `rate` frames a second are decoded and kept.
    """

    def __init__(self, capture: "cv2.VideoCapture", rate: int, loop: bool | None, name: str) -> None:
        self._capture, self._period, self._loop, self._name = capture, 1 / rate, loop, name
        self._changed = threading.Condition()
        self._frame: Frame = None
        self._taken = 0.0
        self._end = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def next(self) -> tuple[Frame, float]:
        """The newest frame that was not given yet, and when it was taken. Raises DeviceLost."""
        with self._changed:
            there = self._changed.wait_for(lambda: self._frame is not None or self._end, _PATIENCE)
            if self._frame is None:
                raise DeviceLost(self._end if there else f"{self._name} has delivered no picture for a second.")
            frame, self._frame = self._frame, None
            return frame, self._taken

    def stop(self) -> None:
        """End the thread; one that hangs in its driver releases the capture when the driver lets it go."""
        self._stopping.set()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            self._grab_all()
        finally:
            self._capture.release()
            with self._changed:
                self._end = self._end or f"{self._name} was stopped."
                self._changed.notify_all()

    def _grab_all(self) -> None:
        due = 0.0
        spacing = self._spacing()
        file_due = time.monotonic()
        while not self._stopping.wait(max(0.0, file_due - time.monotonic()) if spacing else 0.0):
            if not (self._capture.grab() or self._rewound()):
                self._end = f"{self._name} delivers no more pictures."
                return
            now = time.monotonic()
            file_due += spacing
            late = spacing and file_due < now
            # Half a period early is near enough, or a camera of 25 frames a second would give 12; and what comes late
            # does not bring the next one at once.
            if not late and now >= due - self._period / 2:
                due = max(due + self._period, now + 0.9 * self._period)
                self._keep(now)

    def _keep(self, now: float) -> None:
        there, frame = self._capture.retrieve()
        if there:
            with self._changed:
                self._frame, self._taken = frame, now
                self._changed.notify()

    def _spacing(self) -> float:
        """Seconds between two frames of a file, 0 for a live source, which keeps time itself."""
        if self._loop is None:
            return 0.0
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        return 1 / rate if 1 <= rate <= 240 else self._period

    def _rewound(self) -> bool:
        return bool(self._loop and self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0) and self._capture.grab())


def fitted(frame: Frame, width: int, height: int, fit: Fit) -> Frame:
    """`frame` at `width` x `height`, undistorted: cut ("crop") or with black bars ("letterbox")."""
    tall, wide = frame.shape[:2]
    if (wide, tall) == (width, height):
        return frame
    if fit == "crop":
        cut_wide, cut_tall = min(wide, round(tall * width / height)), min(tall, round(wide * height / width))
        left, top = (wide - cut_wide) // 2, (tall - cut_tall) // 2
        return _scaled(frame[top : top + cut_tall, left : left + cut_wide], width, height)
    scale = min(width / wide, height / tall)
    inner = _scaled(frame, min(width, round(wide * scale)), min(height, round(tall * scale)))
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    bottom, right = height - inner.shape[0] - top, width - inner.shape[1] - left
    return cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_CONSTANT)


def described(source: int | str) -> str:
    """`source` for a person, without the password that a URL may carry."""
    if isinstance(source, int):
        return f"Camera {source}"
    parts = urlsplit(source) if "://" in source else None
    if parts is None or "@" not in parts.netloc:
        return f"Camera {source}"
    return f"Camera {parts._replace(netloc='***@' + parts.netloc.rpartition('@')[2]).geturl()}"


def _scaled(frame: Frame, width: int, height: int) -> Frame:
    smaller = width < frame.shape[1]
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def _is_device(source: int | str) -> bool:
    return isinstance(source, int) or source.startswith("/dev/")


def _is_file(source: int | str) -> bool:
    return isinstance(source, str) and not _is_device(source) and "://" not in source


def _check_there(source: int | str) -> None:
    """Raises DeviceUnavailable if the file or device is missing; a stream is tried when it is started."""
    if isinstance(source, str) and "://" in source:
        return
    path = Path(f"/dev/video{source}" if isinstance(source, int) else source)
    if not path.exists():
        raise DeviceUnavailable(f"{described(source)} is not there: {path} does not exist.")
    if not os.access(path, os.R_OK):
        raise DeviceUnavailable(f"{described(source)} may not be read: no permission for {path}.")


def _open(source: int | str, width: int, height: int, rate: int, fourcc: str) -> "cv2.VideoCapture":
    _check_there(source)
    if _is_device(source):
        capture = cv2.VideoCapture(source, cv2.CAP_V4L2, _camera_settings(width, height, rate, fourcc))
    else:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        capture.release()
        raise DeviceUnavailable(f"{described(source)} cannot be opened: no pictures that can be decoded.")
    return capture


def _camera_settings(width: int, height: int, rate: int, fourcc: str) -> list[int]:
    settings = [
        *(cv2.CAP_PROP_FRAME_WIDTH, width),
        *(cv2.CAP_PROP_FRAME_HEIGHT, height),
        *(cv2.CAP_PROP_FPS, rate),
        *(cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    return [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc), *settings] if fourcc else settings
