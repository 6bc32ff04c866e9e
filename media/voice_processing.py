"""Echo cancellation, noise suppression, high-pass and gain control: WebRTC's audio processing, one 20 ms frame a time.

The library is `pywebrtc-audio`: the same WebRTC code (AEC3, NS, AGC2) as in `livekit`, in 1 MB instead of 30 MB, one
call per frame for both directions, without the GIL. Import this module late: numpy takes its time.

Cancelling an echo is two thirds of the work and is for nothing while there is none. So two processors stand one behind
the other, and the first, the canceller, rests while the loudspeaker is silent. It keeps what it learnt of the room.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray
from pywebrtc_audio import AudioProcessor

from hal.microphone import SAMPLE_RATE

Samples = NDArray[np.int16]

_NOISE_LEVEL = 2
"""18 dB: a street door is loud; level 3 begins to swallow soft speech."""
_MAX_GAIN_DB = 15.0
"""For a voice a metre from the panel; more would also lift the street."""
_SILENT = 32
"""A frame with no sample beyond it (-60 dBFS) is silence: its echo is lost in the noise of any microphone."""
_HANGOVER = 40
"""Silent frames (0.8 s) until the canceller rests: a sound card's buffers and the reverberation are over sooner."""
_RUN_UP = 5
"""Frames before its turn that the canceller, or the filter in its place, is given, so that it goes on without a gap."""
_DELAY = 128
"""Samples by which the canceller's output is late (its blocks); what stands in for it must be as late."""


class VoiceProcessor:
    """Cleans what the microphone hears of what the loudspeaker plays. Not for two threads at once."""

    def __init__(self, delay_ms: int = 0, gain_control: bool = True) -> None:
        """`delay_ms`: from writing to the loudspeaker until it is heard back; 0 lets AEC3 find out by itself."""
        self._canceller = AudioProcessor(
            sample_rate=SAMPLE_RATE, echo_cancellation=True, high_pass_filter=True, stream_delay_ms=delay_ms
        )
        self._high_pass = AudioProcessor(sample_rate=SAMPLE_RATE, high_pass_filter=True)
        self._cleaner = AudioProcessor(
            sample_rate=SAMPLE_RATE,
            noise_suppression=True,
            ns_level=_NOISE_LEVEL,
            auto_gain_control=gain_control,
            agc_max_gain_db=_MAX_GAIN_DB,
        )
        self._silent_frames = 0
        self._recent: deque[tuple[Samples, Samples]] = deque(maxlen=_RUN_UP)
        self._late = np.zeros(_DELAY, np.int16)

    @property
    def resting(self) -> bool:
        """Whether the loudspeaker has been silent for so long that there can be no echo."""
        return self._silent_frames > _HANGOVER

    def process(self, near: bytes, far: bytes) -> bytes:
        """`near` (microphone) without the echo of `far` (loudspeaker): s16le mono 16 kHz, all three equally long."""
        heard, played = np.frombuffer(near, np.int16), np.frombuffer(far, np.int16)
        if played.max() <= _SILENT and played.min() >= -_SILENT:
            self._silent_frames += 1
        else:
            if self.resting:
                self._wake()
            self._silent_frames = 0
        self._recent.append((heard, played))
        filtered = self._filter(heard, played) if self._silent_frames > _HANGOVER - _RUN_UP else heard
        clean = filtered if self.resting else self._canceller.process(heard, played)
        return self._cleaner.process(clean, played).tobytes()

    def _filter(self, heard: Samples, played: Samples) -> Samples:
        """What the canceller would give while there is no echo."""
        filtered = np.concatenate((self._late, self._high_pass.process(heard, played)))
        self._late = filtered[-_DELAY:]
        return filtered[:-_DELAY]

    def _wake(self) -> None:
        for heard, played in self._recent:
            self._canceller.process(heard, played)
