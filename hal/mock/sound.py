"""A fake microphone and a fake speaker."""

from hal.errors import DeviceLost, DeviceUnavailable
from hal.microphone import FRAME_SAMPLES
from hal.mock.checks import check_sound, check_usable
from hal.ring import SAMPLE_BYTES, SoundRing, bytes_of


class MockMicrophone:
    """Hears what the test says; handles: `say`, `unplug`, `plug`, `running`."""

    def __init__(self) -> None:
        self.running = False
        self._said = SoundRing(bytes_of(10.0))
        self._unplugged = False
        self._closed = False

    def say(self, sound: bytes) -> None:
        """Speak `sound` (s16le mono 16 kHz, up to a second at once) into the microphone; unheard unless it runs."""
        check_sound(sound)
        if self.running:
            self._said.write(sound)

    def unplug(self) -> None:
        """The sound card goes away."""
        self._unplugged = True

    def plug(self) -> None:
        """It is back, as if opened anew: it has to be started again."""
        self._unplugged = False
        self._closed = False
        self.running = False

    def start(self) -> None:
        """Begin to record. Raises DeviceUnavailable."""
        if self._unplugged:
            raise DeviceUnavailable("The fake microphone is unplugged.")
        check_usable("microphone", self._closed)
        self.running = True

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples, filled up with silence. Raises DeviceLost, HalError, ValueError."""
        check_usable("microphone", self._closed, self.running)
        if not 0 < samples <= 50 * FRAME_SAMPLES:
            raise ValueError(f"read 1 sample to 1 second, not {samples} samples")
        if self._unplugged:
            raise DeviceLost("The fake microphone was unplugged.")
        return self._said.read(samples * SAMPLE_BYTES)

    def stop(self) -> None:
        """Stop recording and forget."""
        self.running = False
        self._said.clear()

    def close(self) -> None:
        """Stop; twice does no harm."""
        self.stop()
        self._closed = True


class MockSpeaker:
    """Remembers what it played; handles: `heard`, `unplug`, `plug`, `running`."""

    def __init__(self) -> None:
        self.heard = bytearray()
        """All that was written while it ran (the last 60 s)."""
        self.running = False
        self._unplugged = False
        self._closed = False

    def unplug(self) -> None:
        """The sound card goes away."""
        self._unplugged = True

    def plug(self) -> None:
        """It is back, as if opened anew: it has to be started again."""
        self._unplugged = False
        self._closed = False
        self.running = False

    def start(self) -> None:
        """Begin to play. Raises DeviceUnavailable."""
        if self._unplugged:
            raise DeviceUnavailable("The fake speaker is unplugged.")
        check_usable("speaker", self._closed)
        self.running = True

    def write(self, sound: bytes) -> None:
        """Play `sound`. Raises DeviceLost, HalError, ValueError for half a sample or above a second."""
        check_usable("speaker", self._closed, self.running)
        check_sound(sound)
        if self._unplugged:
            raise DeviceLost("The fake speaker was unplugged.")
        self.heard += sound
        del self.heard[: -bytes_of(60.0)]

    def stop(self) -> None:
        """Stop playing."""
        self.running = False

    def close(self) -> None:
        """Stop; twice does no harm."""
        self.stop()
        self._closed = True
