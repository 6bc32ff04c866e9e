"""Speaker: sound out, 16-bit mono at 16 kHz."""

from typing import Protocol


class Speaker(Protocol):
    """Plays what is written; never blocks its writer."""

    def start(self) -> None:
        """Begin to play. Raises DeviceUnavailable."""

    def write(self, sound: bytes) -> None:
        """Queue `sound` (s16le mono, 16 kHz); the oldest is dropped beyond 200 ms. Raises DeviceLost."""

    def stop(self) -> None:
        """Stop playing and forget what was not played."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
