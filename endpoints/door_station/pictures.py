"""The door's pictures: one encoder from start to end, and one fan-out for each visit."""

import logging
import threading
from typing import TYPE_CHECKING

from endpoints.config.site import Video
from hal.camera import Camera, Picture
from media.description import SrtpKey, VideoMedia
from media.errors import MediaError

if TYPE_CHECKING:
    from media.encoder import VideoEncoder, VideoSink
    from media.rtp_fanout import RtpFanout
    from media.rtp_sockets import RtpSockets

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a visit waits for an encoder that still loads; after that it goes on without a picture."""


class Pictures:
    """What the app says about pictures; on its thread but for `prepare`, `statistics`, and what says otherwise."""

    def __init__(self, camera: Camera, video: Video, secure: bool) -> None:
        """`secure`: protect what is sent with a fresh key for each visit (SRTP)."""
        self._camera, self._video, self._secure = camera, video, secure
        self._ready = threading.Event()
        self._encoder: VideoEncoder | None = None
        self._sockets: RtpSockets | None = None
        self._fanout: RtpFanout | None = None
        self._last: dict[str, object] = {}

    def prepare(self) -> None:
        """Load the encoder and have the camera running, so that the first visitor is seen as fast as any other."""
        import media.rtp_fanout  # noqa: F401 - so that the first visit need not load it
        from media.encoder import VideoEncoder, VideoSettings

        video = self._video
        encoder = VideoEncoder(self._camera, VideoSettings(video.width, video.height, video.rate, video.bit_rate))
        try:
            encoder.start()
            self._encoder = encoder
        except MediaError as error:
            log.error("visits have no picture: %s", error)
        finally:
            self._ready.set()

    def begin(self, address: str) -> VideoMedia | None:
        """A visit begins: our section of the offer, None if there are no pictures. Raises MediaError without ports."""
        self.end()
        if not self._ready.wait(PATIENCE) or self._encoder is None:
            log.error("this visit has no picture: the encoder is not there")
            return None
        from media.rtp_fanout import RtpFanout
        from media.rtp_sockets import RtpSockets

        self._sockets = RtpSockets(address)
        key = SrtpKey.generate() if self._secure else None
        self._fanout = RtpFanout(self._sockets, key, self._encoder)
        return self._fanout.offer()

    def offer(self) -> VideoMedia | None:
        """Our section of one more offer in the same visit, None if it has no pictures."""
        return self._fanout.offer() if self._fanout is not None else None

    def send(self, to_tag: str, video: VideoMedia) -> None:
        """Send the picture to that branch, a key frame first."""
        if self._fanout is not None:
            self._fanout.add(to_tag, video)

    def stop(self, to_tag: str) -> None:
        """No more pictures to that branch."""
        if self._fanout is not None:
            self._fanout.remove(to_tag)

    def keep_only(self, to_tag: str) -> None:
        """No more pictures to any other branch."""
        if self._fanout is not None:
            self._fanout.keep_only(to_tag)

    def key_frame(self) -> None:
        """The next picture can be decoded by itself. From any thread."""
        if self._encoder is not None:
            self._encoder.key_frame()

    def watch(self, sink: "VideoSink", patient: bool = False) -> bool:
        """Give `sink` every encoded picture, a key frame first; whether there is an encoder. From any thread.

        `patient`: rather wait for the next key frame than ask for one, where others are sent pictures already.
        """
        if self._encoder is not None:
            self._encoder.attach(sink, patient)
        return self._encoder is not None

    def unwatch(self, sink: "VideoSink") -> None:
        """No more pictures to `sink`. From any thread."""
        if self._encoder is not None:
            self._encoder.detach(sink)

    def latest(self) -> Picture | None:
        """What the camera sees now, None if it sees nothing. From any thread."""
        return self._encoder.latest() if self._encoder is not None else None

    def end(self) -> None:
        """The visit is over: nothing is sent any more."""
        if self._fanout is not None:
            self._last = self._fanout.statistics()
            self._fanout.close()
        if self._sockets is not None:
            self._sockets.close()
        self._fanout = self._sockets = None

    def statistics(self) -> dict[str, object]:
        """The counters of the encoder, and of the sender in this visit or the last one; from any thread."""
        encoder, fanout = self._encoder, self._fanout
        return {
            "encoder": encoder.statistics() if encoder else {},
            "sender": fanout.statistics() if fanout else self._last,
        }

    def close(self) -> None:
        """End the visit and stop the encoder; the camera stays its owner's."""
        self.end()
        if self._encoder is not None:
            self._encoder.close()
