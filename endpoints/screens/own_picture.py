"""What a device with a screen and a camera shows of itself, to who it talks to or calls; its camera runs only then."""

import logging
from typing import TYPE_CHECKING

from endpoints.config.site import Video
from hal.camera import Camera
from media.description import SrtpKey, VideoMedia
from media.errors import MediaError

if TYPE_CHECKING:
    from media.encoder import VideoEncoder
    from media.rtp_fanout import RtpFanout
    from media.rtp_sockets import Address, RtpSockets

log = logging.getLogger(__name__)
RECEIVING = ("recvonly", "sendrecv")


class OwnPicture:
    """One encoder from start to end, and one fan-out for each call; all but `prepare` on the app's thread."""

    def __init__(self, camera: Camera, video: Video) -> None:
        """`camera` stays its owner's to close."""
        self._camera, self._video = camera, video
        self._encoder: VideoEncoder | None = None
        self._fanout: RtpFanout | None = None

    def prepare(self) -> None:
        """Load and warm the encoder. Raises ImportError where its library is missing."""
        import media.rtp_fanout  # noqa: F401 - so that the first call need not load it
        from media.encoder import VideoEncoder, VideoSettings

        video = self._video
        settings = VideoSettings(video.width, video.height, video.rate, video.bit_rate, camera_always_on=False)
        encoder = VideoEncoder(self._camera, settings)
        try:
            encoder.start()
        except MediaError as error:
            log.error("this device shows nothing of itself: %s", error)
            return
        self._encoder = encoder

    def begin(self, sockets: "RtpSockets", key: SrtpKey | None) -> bool:
        """A call begins whose pictures go over `sockets`; whether we can show something."""
        self.end()
        if self._encoder is None:
            return False
        from media.rtp_fanout import RtpFanout

        self._fanout = RtpFanout(sockets, key, self._encoder)
        return True

    def show(self, to_tag: str, video: VideoMedia | None) -> None:
        """Send our picture to that branch from now on, or no more."""
        if self._fanout is None:
            return
        if video is not None and video.direction in RECEIVING:
            self._fanout.add(to_tag, video)
        else:
            self._fanout.remove(to_tag)

    def only(self, to_tag: str) -> None:
        """That branch answered: the others get nothing more."""
        if self._fanout is not None:
            self._fanout.keep_only(to_tag)

    def feedback(self, data: bytes, sender: "Address") -> None:
        """RTCP that came to the socket we share with the receiver, on its thread."""
        if self._fanout is not None:
            self._fanout.feedback(data, sender)

    def stop_listening(self) -> None:
        """The receiver reads the socket for RTCP from now on, and gives us what comes."""
        if self._fanout is not None:
            self._fanout.stop_listening()

    def statistics(self) -> dict[str, object]:
        """The counters of encoder and sender."""
        encoder, fanout = self._encoder, self._fanout
        return {
            "encoder": encoder.statistics() if encoder else {},
            "sender": fanout.statistics() if fanout else {},
        }

    def end(self) -> None:
        """The call is over: the camera goes off."""
        if self._fanout is not None:
            self._fanout.close()
        self._fanout = None

    def close(self) -> None:
        """End the call and stop the encoder."""
        self.end()
        if self._encoder is not None:
            self._encoder.close()
