"""The voice path of a call: microphone and speaker of the HAL, echo cancelled; tones between calls; announcements."""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from hal.errors import HalError
from hal.microphone import FRAME_SAMPLES, Microphone
from hal.recovery import Report, nobody
from hal.speaker import Speaker
from media.tones import FRAME_BYTES, Audible, Sound, Tone, TonePlayer, mix, render

if TYPE_CHECKING:
    from media.voice_processing import VoiceProcessor

SILENCE = bytes(FRAME_BYTES)
_REFERENCE_FRAMES = 2
"""Played frames that may wait for the microphone's side: were it more, an echo could come before its reference."""

log = logging.getLogger(__name__)


class _End:
    """Microphone or speaker of a call; when it fails, that is told once and it is left alone until the next start."""

    def __init__(self, name: str, device: Microphone | Speaker, report: Report) -> None:
        self.working = False
        self._name, self._device, self._report = name, device, report

    def start(self) -> None:
        """Switch on, if it is off."""
        if self.working:
            return
        try:
            self._device.start()
        except HalError as error:
            self._tell(error)
        else:
            self.working = True

    def stop(self) -> None:
        """Switch off."""
        self.working = False
        try:
            self._device.stop()
        except HalError as error:
            log.debug("the %s could not be stopped: %s", self._name, error)

    def lose(self, error: HalError) -> None:
        """It failed; what a stop interrupted did not."""
        if self.working:
            self.working = False
            self._tell(error)

    def _tell(self, error: HalError) -> None:
        log.warning("the %s is gone, going on without it: %s", self._name, error)
        self._report(self._name, error)


class Voice:
    """Implements the SIP agent's `VoicePath`: 20 ms frames of s16le mono at 16 kHz, 640 bytes.

    `capture` and `play` belong to the media thread; everything else may be called from any other thread. Where one
    media thread follows another at once, a `capture` that meets another one is silence.
    """

    def __init__(
        self,
        microphone: Microphone,
        speaker: Speaker,
        processing: bool = True,
        on_lost: Report = nobody,
    ) -> None:
        """`processing`: echo cancellation and the rest, for devices with a loudspeaker; without it no byte is copied.

        `on_lost(name, error)` is told once in a call when "microphone" or "speaker" goes away; the call goes on in
        silence. Give devices of `hal.recovery` to have them back during the call: they never fail.
        """
        self._microphone, self._speaker, self._processing = microphone, speaker, processing
        self._input = _End("microphone", microphone, on_lost)
        self._output = _End("speaker", speaker, on_lost)
        self._tones = TonePlayer(self._output.start, self._write, self._output.stop)
        self._processor: VoiceProcessor | None = None
        self._preparing = threading.Lock()
        self._capturing = threading.Lock()
        self._reference: deque[bytes] = deque(maxlen=_REFERENCE_FRAMES)
        self._overlay: tuple[Audible, int] | None = None
        self._over: Callable[[], None] | None = None
        """Called when the words that sound in a call are over."""
        self._announced: tuple[Sound, int] | None = None
        self._running = self._muted = False
        self._heard = self._played = SILENCE

    def prepare(self) -> None:
        """Load what a call and a first ring need (about half a second once); call it from a background thread."""
        with self._preparing:
            if self._processing and self._processor is None:
                self._processor = _load_processor()
                self._processing = self._processor is not None
        for tone in Tone:
            render(tone)

    def start(self) -> None:
        """A call begins: tones end, microphone and speaker go on."""
        self._tones.stop(keep_on=True)
        if self._processing and self._processor is None:
            threading.Thread(target=self.prepare, name="voice-prepare", daemon=True).start()
        self._reference.clear()
        self._muted, self._overlay, self._over, self._announced = False, None, None, None
        self._output.start()
        self._input.start()
        self._running = True

    def stop(self) -> None:
        """The call is over: microphone and speaker go off, announcements end. A tone sounds on."""
        self._announced = None
        if not self._running:
            return
        self._running = False
        overlay, self._overlay, self._over = self._overlay, None, None
        self._input.stop()
        self._output.stop()
        if overlay is not None:
            self._tones.play(*overlay)

    def close(self) -> None:
        """Silence everything; twice does no harm. The devices stay the caller's to close."""
        self.stop()
        self._tones.stop()

    def mute(self, on: bool) -> None:
        """Send silence instead of what the microphone hears; a new call begins unmuted."""
        self._muted = on

    @property
    def muted(self) -> bool:
        """Whether the other side hears silence."""
        return self._muted

    def tone(self, name: str | None) -> None:
        """Play the tone of this name (see `Tone`) until it ends or another comes; None is silence.

        Between calls it is played by itself, in a call it is mixed into what is heard. Raises ValueError.
        """
        sound = render(Tone(name)) if name is not None else None
        if self._running:
            self._overlay, self._over = (sound, 0) if sound else None, None
        elif sound:
            self._tones.play(sound)
        else:
            self._tones.silence()

    def say(self, words: Audible, over: Callable[[], None] | None = None) -> None:
        """Speak `words` at our loudspeaker: between calls a repeating tone waits for them, in a call both are heard.

        In a call `over` is called on the media thread when they are over, unless something else sounds before that.
        """
        if self._running:
            self._overlay, self._over = (words, 0), over
        else:
            self._tones.say(words)

    def announce(self, words: Sound | None) -> None:
        """Speak `words` to the other side, which hears them instead of our microphone until they end; None: no more.

        Our loudspeaker plays on by itself. Also before `start`, so that a call can be asked something and nobody at
        our side is heard, or hears it.
        """
        self._announced = (words, 0) if words else None

    def levels(self) -> tuple[float, float]:
        """Loudness of the last frame sent and the last frame played, dBFS (-96 is silence)."""
        return level(self._heard), level(self._played)

    def capture(self) -> bytes:
        """The next frame for the other side; never blocks or raises."""
        announced = self._next_announced()
        if not self._running:
            self._heard = announced or SILENCE
            return self._heard
        if not self._capturing.acquire(blocking=False):
            return SILENCE
        try:
            frame = self._read()
            if self._processor is not None:
                far = self._reference.popleft() if self._reference else SILENCE
                frame = self._processor.process(frame, far)
        finally:
            self._capturing.release()
        self._heard = announced or (SILENCE if self._muted else frame)
        return self._heard

    def _next_announced(self) -> bytes | None:
        announced = self._announced
        if announced is None:
            return None
        words, number = announced
        frame = words.frame(number)
        if self._announced is announced:  # else another thread has asked for something else meanwhile
            self._announced = (words, number + 1) if frame is not None else None
        return frame

    def play(self, frame: bytes) -> None:
        """A frame from the other side; never blocks or raises."""
        if not self._running:
            return
        if len(frame) != FRAME_BYTES:
            frame = _whole(frame)
        if self._overlay is not None:
            frame = self._with_tone(frame)
        self._played = frame
        if self._processor is not None:
            self._reference.append(frame)
        self._write(frame)

    def _read(self) -> bytes:
        if not self._input.working:
            return SILENCE
        try:
            frame = self._microphone.read(FRAME_SAMPLES)
        except HalError as error:
            self._input.lose(error)
            return SILENCE
        return frame if len(frame) == FRAME_BYTES else _whole(frame)

    def _write(self, frame: bytes) -> None:
        if not self._output.working:
            return
        try:
            self._speaker.write(frame)
        except HalError as error:
            self._output.lose(error)

    def _with_tone(self, frame: bytes) -> bytes:
        overlay = self._overlay
        if overlay is None:
            return frame
        sound, number = overlay
        part = sound.frame(number)
        # Another thread may have asked for another tone meanwhile: only our own step may be put back.
        if self._overlay is overlay:
            self._overlay = (sound, number + 1) if part is not None else None
            if part is None:
                self._words_over()
        return mix(frame, part) if part is not None else frame

    def _words_over(self) -> None:
        over, self._over = self._over, None
        if over is not None:
            over()


def _load_processor() -> "VoiceProcessor | None":
    try:
        from media.voice_processing import VoiceProcessor
    except ImportError as error:
        log.error("calls will have echo, the voice processing cannot be loaded (pip install pywebrtc-audio): %s", error)
        return None
    return VoiceProcessor()


def _whole(frame: bytes) -> bytes:
    """Exactly one frame, whatever a device or a codec delivered."""
    return frame if len(frame) == FRAME_BYTES else frame[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")


def level(frame: bytes) -> float:
    """Loudness of one frame, dBFS (-96 is silence)."""
    samples = memoryview(_whole(frame)).cast("h")
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(power / 32768**2) if power > 2.5e-1 else -96.0
