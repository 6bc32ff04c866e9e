"""Films of a visitor: fragmented MP4 of pictures that are encoded already (H.264) and of sound (AAC-LC).

Playable at every moment: the description of the streams comes first, then a fragment every half second, each given
away whole. Nothing is encoded again but the sound.
"""

from array import array
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from av import AudioFrame
from av.error import FFmpegError

from hal.microphone import SAMPLE_RATE
from media.description import CLOCK_RATE
from media.encoder import EncodedPicture
from media.errors import MediaError
from media.film_index import with_room
from media.fragments import FragmentCutter, sealed
from media.recent import Heard

FRAGMENT_SECONDS = 0.5
"""What a power cut may cost, with the time that the sound lags behind and the disk takes, stays below a second."""
SOUND_BIT_RATE = 32_000
_CODER = {"aac_coder": "fast"}
"""At this bit rate it keeps speech better than the default one (24 dB instead of 19), in a quarter of the time."""
_BATCH = SAMPLE_RATE // 10
_GAP = SAMPLE_RATE // 10
"""Samples that the sound may be late before silence fills the hole."""
_PICTURES, _SOUNDS = Fraction(1, CLOCK_RATE), Fraction(1, SAMPLE_RATE)


class MovieWriter:
    """Writes one film; the first picture must be a key frame. Not for two threads at once."""

    def __init__(
        self, width: int, height: int, rate: int, take: Callable[[bytes], None], with_sound: bool = True
    ) -> None:
        """`take` gets each fragment with its seal; what it raises comes out of the call that completed the fragment.

        `with_sound`: False for a film whose `sound` is never called: else pictures wait for the sound beside them.
        """
        self._cutter, self._take, self._begun = FragmentCutter(), take, False
        self._written: list[bytes] = []
        self._frame_ticks = CLOCK_RATE // rate
        self._first: EncodedPicture | None = None
        self._last_pts = 0
        self._epoch = float("-inf")
        """When the pictures' time began, on the clock of `taken`."""
        self._waiting = array("h")
        self._samples = 0
        options = {
            "movflags": "empty_moov+delay_moov+default_base_moof+skip_trailer",
            "frag_duration": str(round(FRAGMENT_SECONDS * 1e6)),
        }
        self._container = av.open(_Writer(self._written), "w", format="mp4", options=options)
        self._video = self._container.add_mux_stream("h264", rate, width=width, height=height, time_base=_PICTURES)
        self._audio = None
        if with_sound:
            self._audio = self._container.add_stream("aac", SAMPLE_RATE, layout="mono", options=_CODER)
            self._audio.bit_rate = SOUND_BIT_RATE
        self._container.start_encoding()

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return (self._last_pts + self._frame_ticks) / CLOCK_RATE if self._first else 0.0

    def picture(self, picture: EncodedPicture) -> None:
        """Add a picture. Raises MediaError."""
        if self._first is None:
            if not picture.key_frame:
                raise MediaError("a film cannot begin with a picture that is no key frame")
            self._first = picture
        # A picture that is sent again keeps its old time: it must not move the sound.
        self._epoch = max(self._epoch, picture.taken - picture.pts / CLOCK_RATE)
        packet = av.Packet(picture.data)
        packet.stream, packet.time_base, packet.duration = self._video, _PICTURES, self._frame_ticks
        packet.pts = packet.dts = self._last_pts = picture.pts - self._first.pts
        packet.is_keyframe = picture.key_frame
        self._mux([packet])

    def sound(self, heard: Heard) -> None:
        """Add a frame of sound; what came before the first picture is left out. Raises MediaError."""
        if self._first is None:
            return
        count = len(heard.frame) // 2
        began = heard.taken - self._epoch - self._first.pts / CLOCK_RATE - count / SAMPLE_RATE
        missing = round(began * SAMPLE_RATE) - self._samples - len(self._waiting)
        if missing < -_GAP:
            return
        if missing > _GAP:
            self._waiting.frombytes(bytes(2 * missing))
        self._waiting.frombytes(heard.frame)
        while len(self._waiting) >= _BATCH:
            self._encode(self._waiting[:_BATCH])
            del self._waiting[:_BATCH]

    def close(self) -> None:
        """Give away the last fragment. Raises MediaError."""
        try:
            if self._first is not None:
                if self._waiting:
                    self._encode(self._waiting)
                if self._audio is not None:
                    self._container.mux(self._audio.encode(None))
        except FFmpegError as error:
            raise MediaError(f"a film could not be ended: {error}") from error
        finally:
            self._container.close()
        self._give()

    def _encode(self, samples: "array[int]") -> None:
        frame = AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, _SOUNDS, self._samples
        self._samples += len(samples)
        if self._audio is None:
            raise MediaError("this film has no sound")
        try:
            packets = self._audio.encode(frame)
        except FFmpegError as error:
            raise MediaError(f"sound could not be encoded: {error}") from error
        self._mux(packets)

    def _mux(self, packets: "list[av.Packet[Any]]") -> None:
        try:
            self._container.mux(packets)
        except FFmpegError as error:
            raise MediaError(f"a film could not be written: {error}") from error
        self._give()

    def _give(self) -> None:
        """Not from inside the muxer, which would swallow what `take` raises."""
        while self._written:
            for fragment in self._cutter.feed(self._written.pop(0)):
                whole = fragment if self._begun else with_room(fragment)
                self._begun = True
                self._take(sealed(whole, round(1000 * self.seconds)))


class _Writer:
    """The file that the muxer believes to write."""

    def __init__(self, written: list[bytes]) -> None:
        self._written = written

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)
