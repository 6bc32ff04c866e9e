"""The picture of a call on a display: sockets and a receiver for each call."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from endpoints.addresses import media_address
from endpoints.screens.own_picture import RECEIVING, OwnPicture
from hal.camera import Picture
from hal.display import Display
from hal.errors import HalError
from media.description import SrtpKey, VideoMedia
from media.errors import MediaError

if TYPE_CHECKING:
    from media.rtp_sockets import RtpSockets
    from media.video_receiver import VideoReceiver

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a call waits for a decoder that still loads; after that it rings without a picture."""
SENDING = ("sendonly", "sendrecv")


class Screen:
    """What the app says about pictures; all but `prepare` and `statistics` on the app's thread."""

    def __init__(self, display: Display, address: str, secure: bool, own: OwnPicture | None = None) -> None:
        """Receive at `address`, if unspecified at ours towards the other side; `secure`: our own calls offer SRTP.

        `own`: what we show of ourselves, on a device with a camera.
        """
        self._display, self._address, self._secure, self._own = display, address, secure, own
        self.on_first: Callable[[], None] = lambda: None
        """Called on the receiver's thread when the first picture of a call is shown."""
        self._ready = threading.Event()
        self.able = False
        """Whether the decoder is loaded."""
        self._sockets: RtpSockets | None = None
        self._receiver: VideoReceiver | None = None
        self._source: VideoMedia | None = None
        self._branch = ""
        """To-tag of who gets our picture."""
        self._shows = False
        """Whether we show something of ourselves in this call."""
        self._shown, self._failed = 0, False
        self._last: dict[str, object] = {}
        self._first: Picture | None = None

    def prepare(self) -> None:
        """Load the decoder, so that the first visitor is seen as fast as any other."""
        try:
            import media.video_receiver  # noqa: F401 - so that the first call need not load it

            self.able = True
            if self._own is not None:
                self._own.prepare()
        finally:
            self._ready.set()

    def watch(self, offer: VideoMedia) -> VideoMedia | None:
        """Be ready for the picture of `offer`; gives our section of the answer, None if there can be no picture."""
        receiver = self._open(f"sip:{offer.address}", offer.key is not None)
        if receiver is None:
            return None
        self._shows = self._shows and offer.direction in RECEIVING
        self._watch(receiver, offer)
        return self._described(receiver.answer(offer))

    def offer(self, toward: str) -> VideoMedia | None:
        """Our section of an INVITE that goes to the server `toward`; None if there can be no picture."""
        receiver = self._open(toward, self._secure)
        return self._described(receiver.offer()) if receiver else None

    def _described(self, section: VideoMedia) -> VideoMedia:
        return replace(section, direction="sendrecv") if self._shows else section

    def _open(self, toward: str, secure: bool) -> "VideoReceiver | None":
        self.end()
        if not self._ready.wait(PATIENCE) or not self.able:
            log.error("this call has no picture: the decoder is not there")
            return None
        from media.rtp_sockets import RtpSockets
        from media.video_receiver import VideoReceiver

        self._shown, self._failed = 0, False
        try:
            self._sockets = RtpSockets(media_address(self._address, toward))
        except MediaError as error:
            log.error("this call has no picture: %s", error)
            return None
        key = SrtpKey.generate() if secure else None
        self._receiver = VideoReceiver(self._sockets, key, self._picture)
        self._shows = self._own is not None and self._own.begin(self._sockets, key)
        return self._receiver

    def branch(self, to_tag: str, video: VideoMedia) -> None:
        """A device that rings for our call sees us, and shows itself already: of several the first that does."""
        if self._own is not None:
            self._own.show(to_tag, video)
        if self._source is None and self._receiver is not None:
            self._watch(self._receiver, video)

    def move(self, video: VideoMedia | None, to_tag: str = "") -> None:
        """In a talk the picture comes from `video` now, or from nowhere, and ours goes there."""
        if self._receiver is not None:
            self._watch(self._receiver, video)
        if self._own is not None and self._shows:
            self._branch = to_tag or self._branch
            self._own.only(self._branch)
            self._own.show(self._branch, video)

    def _watch(self, receiver: "VideoReceiver", video: VideoMedia | None) -> None:
        source = video if video is not None and video.direction in SENDING else None
        # Starting again costs the picture until the next key frame: an answer that changes nothing must not.
        if source == self._source:
            return
        self._source = source
        if source is None:
            receiver.stop()
            return
        if self._own is not None and self._shows:
            self._own.stop_listening()
            receiver.also_rtcp = self._own.feedback
        receiver.start(source)

    def end(self) -> None:
        """No more pictures of this call."""
        if self._own is not None:
            self._own.end()
        if self._receiver is not None:
            self._receiver.close()
            self._last = self._receiver.statistics()
        if self._sockets is not None:
            self._sockets.close()
        self._receiver = self._sockets = self._source = None
        self._shows, self._branch = False, ""

    def statistics(self) -> dict[str, object]:
        """The receiver's counters, and the pictures `shown`, in this call or the last one; from any thread."""
        receiver = self._receiver
        own = {"own": self._own.statistics()} if self._own else {}
        return {"shown": self._shown, **(receiver.statistics() if receiver else self._last), **own}

    def close(self) -> None:
        """End the call, and stop our own picture; the display stays its owner's."""
        self.end()
        if self._own is not None:
            self._own.close()

    def _picture(self, picture: Picture) -> None:
        try:
            self._display.picture(picture)
        except HalError as error:
            self._complain(error)
            return
        self._shown += 1
        if self._shown == 1:
            self._first = picture
            self.on_first()

    def take_first(self) -> Picture | None:
        """The first picture since this was asked before; None if none came."""
        first, self._first = self._first, None
        return first

    def _complain(self, error: HalError) -> None:
        """Say it once in a call: the sound goes on without the picture."""
        if not self._failed:
            log.error("the picture cannot be shown: %s", error)
        self._failed = True
