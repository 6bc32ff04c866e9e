"""Echo cancellation, noise suppression, high-pass and gain control: WebRTC's audio processing, one 20 ms frame a time.

The library is `pywebrtc-audio`: the same WebRTC code (AEC3, NS, AGC2) as in `livekit`, in 1 MB instead of 30 MB, one
call per frame for both directions, without the GIL. Import this module late: numpy takes its time.
"""

import numpy as np
from pywebrtc_audio import AudioProcessor

from hal.microphone import SAMPLE_RATE

_NOISE_LEVEL = 2
"""18 dB: a street door is loud; level 3 begins to swallow soft speech."""
_MAX_GAIN_DB = 15.0
"""For a voice a metre from the panel; more would also lift the street."""


class VoiceProcessor:
    """Cleans what the microphone hears of what the loudspeaker plays. Not for two threads at once."""

    def __init__(self, delay_ms: int = 0, gain_control: bool = True) -> None:
        """`delay_ms`: from writing to the loudspeaker until it is heard back; 0 lets AEC3 find out by itself."""
        self._processor = AudioProcessor(
            sample_rate=SAMPLE_RATE,
            echo_cancellation=True,
            noise_suppression=True,
            ns_level=_NOISE_LEVEL,
            high_pass_filter=True,
            auto_gain_control=gain_control,
            agc_max_gain_db=_MAX_GAIN_DB,
            stream_delay_ms=delay_ms,
        )

    def process(self, near: bytes, far: bytes) -> bytes:
        """`near` (microphone) without the echo of `far` (loudspeaker): s16le mono 16 kHz, all three equally long."""
        cleaned = self._processor.process(np.frombuffer(near, np.int16), np.frombuffer(far, np.int16))
        return cleaned.tobytes()
