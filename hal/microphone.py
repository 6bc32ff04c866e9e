"""Microphone: sound in, 16-bit mono at 16 kHz."""

from typing import Protocol

SAMPLE_RATE = 16_000
"""Samples per second of all sound between the HAL and the call."""
FRAME_SAMPLES = 320
"""Samples in one 20 ms frame, 640 bytes."""


class Microphone(Protocol):
    """Records while started; never blocks its reader."""

    def start(self) -> None:
        """Begin to record. Raises DeviceUnavailable."""

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples (s16le mono), filled up with silence if too few are there. Raises DeviceLost."""

    def stop(self) -> None:
        """Stop recording and forget what was not read."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
