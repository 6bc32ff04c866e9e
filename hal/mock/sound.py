"""A fake microphone and a fake speaker."""

from hal.errors import DeviceLost, DeviceUnavailable
from hal.microphone import FRAME_SAMPLES
from hal.mock.checks import check_sound, check_usable
from hal.ring import SAMPLE_BYTES, SoundRing, bytes_of


class _SoundCard:
    """Starts, stops and can be pulled out; `_name` is what it is called in errors."""

    _name = ""

    def __init__(self) -> None:
        self.running = False
        self._unplugged = self._closed = False

    def unplug(self) -> None:
        """The sound card goes away."""
        self._unplugged = True

    def plug(self) -> None:
        """It is back, as if opened anew: it has to be started again."""
        self.running = self._unplugged = self._closed = False

    def start(self) -> None:
        """Begin to record or play. Raises DeviceUnavailable."""
        if self._unplugged:
            raise DeviceUnavailable(f"The fake {self._name} is unplugged.")
        check_usable(self._name, self._closed)
        self.running = True

    def stop(self) -> None:
        """Stop recording or playing."""
        self.running = False

    def close(self) -> None:
        """Stop; twice does no harm."""
        self.stop()
        self._closed = True

    def _check(self) -> None:
        check_usable(self._name, self._closed, self.running)

    def _check_plugged(self) -> None:
        if self._unplugged:
            raise DeviceLost(f"The fake {self._name} was unplugged.")


class MockMicrophone(_SoundCard):
    """Hears what the test says; handles: `say`, `unplug`, `plug`, `running`."""

    _name = "microphone"

    def __init__(self) -> None:
        super().__init__()
        self._said = SoundRing(bytes_of(10.0))

    def say(self, sound: bytes) -> None:
        """Speak `sound` (s16le mono 16 kHz, up to a second at once) into the microphone; unheard unless it runs."""
        check_sound(sound)
        if self.running:
            self._said.write(sound)

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples, filled up with silence. Raises DeviceLost, HalError, ValueError."""
        self._check()
        if not 0 < samples <= 50 * FRAME_SAMPLES:
            raise ValueError(f"read 1 sample to 1 second, not {samples} samples")
        self._check_plugged()
        return self._said.read(samples * SAMPLE_BYTES)

    def stop(self) -> None:
        """Stop recording and forget."""
        super().stop()
        self._said.clear()


class MockSpeaker(_SoundCard):
    """Remembers what it played; handles: `heard`, `unplug`, `plug`, `running`."""

    _name = "speaker"

    def __init__(self) -> None:
        super().__init__()
        self.heard = bytearray()
        """All that was written while it ran (the last 60 s)."""

    def write(self, sound: bytes) -> None:
        """Play `sound`. Raises DeviceLost, HalError, ValueError for half a sample or above a second."""
        self._check()
        check_sound(sound)
        self._check_plugged()
        self.heard += sound
        del self.heard[: -bytes_of(60.0)]
