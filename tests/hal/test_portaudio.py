"""The sound card's streams: once by PortAudio itself, and its unplugged cards played by the test."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hal import portaudio
from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.portaudio import SILENT, PortAudioMicrophone, PortAudioSpeaker
from tests.hal.alsa import sound_card_of_files
from tests.hal.heard import LIMIT


class Card:
    """A sound card: what sounddevice would do, and its callbacks in the test's hand."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self) -> None:
        self.plugged = True
        self.listed = True
        self.streams: list[Stream] = []
        self.now = 0.0
        self.monotonic = lambda: self.now

    def query_devices(self, device: int | str | None, kind: str) -> dict[str, Any]:
        if not self.listed:
            raise ValueError(f"No {kind} device matching {device!r}")
        return {}

    def _terminate(self) -> None:
        assert not any(stream.open for stream in self.streams)

    def _initialize(self) -> None:
        self.listed = self.plugged

    def RawInputStream(self, **options: Any) -> "Stream":  # noqa: N802 - sounddevice's name
        return Stream(self, options)

    RawOutputStream = RawInputStream

    def pull(self) -> None:
        """Pull the plug: the driver ends the streams by itself."""
        self.plugged = False
        for stream in self.streams:
            stream.options["finished_callback"]()

    def hear(self, sound: bytes) -> None:
        """Let the last stream record `sound`."""
        self.streams[-1].options["callback"](memoryview(sound), len(sound) // 2, None, None)

    def play(self, samples: int) -> bytes:
        """Let the last stream play."""
        buffer = bytearray(b"\xff" * 2 * samples)
        self.streams[-1].options["callback"](memoryview(buffer), samples, None, None)
        return bytes(buffer)


class Stream:
    def __init__(self, card: Card, options: dict[str, Any]) -> None:
        if not card.listed:
            raise card.PortAudioError("Error opening stream: Invalid device")
        self.card, self.options, self.open = card, options, True
        card.streams.append(self)

    def start(self) -> None:
        if not self.card.plugged:
            raise self.card.PortAudioError("Error starting stream: Unanticipated host error")

    def abort(self) -> None:
        if not self.card.plugged:
            raise self.card.PortAudioError("Error terminating stream")

    def close(self) -> None:
        self.open = False


def test_portaudio_itself_records_and_plays(tmp_path: Path) -> None:
    spoken, answered = b"\x00\x10" * 1_600_000, b"\x00\x20" * 1600
    with sound_card_of_files(tmp_path, spoken) as played:
        microphone, speaker = PortAudioMicrophone(), PortAudioSpeaker()
        microphone.start()
        wait_until(lambda: microphone.read(320) == b"\x00\x10" * 320)
        microphone.close()
        speaker.start()
        speaker.write(answered)
        wait_until(lambda: len(speaker._ring) == 0)
        speaker.close()
        assert answered in played.read_bytes()


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(LIMIT * 100)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never happened")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card()
    monkeypatch.setattr(portaudio, "sd", card)
    monkeypatch.setattr(portaudio, "time", card)
    monkeypatch.setattr(portaudio, "_library", portaudio.Library())
    return card


Ends = Callable[[], PortAudioMicrophone | PortAudioSpeaker]
BOTH = pytest.mark.parametrize("end", [PortAudioMicrophone, PortAudioSpeaker])


def use(end: PortAudioMicrophone | PortAudioSpeaker) -> None:
    """Read or write one frame."""
    if isinstance(end, PortAudioMicrophone):
        end.read(320)
    else:
        end.write(bytes(640))


@BOTH
def test_the_card_is_asked_for_16_khz_mono_in_20_ms(card: Card, end: Ends) -> None:
    sound = end()
    sound.start()
    sound.start()
    asked = card.streams[0].options
    assert (asked["samplerate"], asked["channels"], asked["dtype"], asked["blocksize"]) == (16_000, 1, "int16", 320)
    sound.close()
    sound.close()
    assert [stream.open for stream in card.streams] == [False]


def test_what_the_card_hears_is_read_in_order(card: Card) -> None:
    microphone = PortAudioMicrophone()
    microphone.start()
    card.hear(b"ab" * 320)
    card.hear(b"cd" * 320)
    assert microphone.read(480) == b"ab" * 320 + b"cd" * 160
    assert microphone.read(320) == b"cd" * 160 + bytes(320)
    microphone.close()


def test_a_slow_reader_catches_up_instead_of_staying_late(card: Card) -> None:
    microphone = PortAudioMicrophone()
    microphone.start()
    for block in range(5):
        card.hear(bytes([block]) * 640)
    assert microphone.read(320) == b"\x03" * 640
    microphone.close()


def test_what_is_written_is_played_and_then_silence(card: Card) -> None:
    speaker = PortAudioSpeaker()
    speaker.start()
    speaker.write(b"ab" * 100)
    assert card.play(160) == b"ab" * 100 + bytes(120)
    speaker.write(b"ab" * 100)
    speaker.stop()
    speaker.start()
    assert card.play(160) == bytes(320)
    speaker.close()


def test_beyond_200_ms_the_oldest_is_dropped(card: Card) -> None:
    speaker = PortAudioSpeaker()
    speaker.start()
    for block in range(11):
        speaker.write(bytes([block]) * 640)
    assert card.play(320) == b"\x07" * 640
    speaker.close()


@BOTH
def test_a_pulled_plug_is_a_loss_until_the_card_is_found_again(card: Card, end: Ends) -> None:
    sound = end()
    sound.start()
    card.pull()
    with pytest.raises(DeviceLost, match="gone away"):
        use(sound)
    sound.stop()
    with pytest.raises(DeviceUnavailable, match=r"No .* device matching None|Invalid device"):
        sound.start()
    card.plugged = True
    sound.start()
    use(sound)
    sound.close()


@BOTH
def test_a_card_that_falls_silent_is_lost(card: Card, end: Ends) -> None:
    sound = end()
    sound.start()
    card.now += SILENT - 0.1
    use(sound)
    card.now += 0.2
    with pytest.raises(DeviceLost):
        use(sound)
    sound.close()


def test_cards_are_not_looked_for_anew_while_another_stream_is_open(card: Card) -> None:
    microphone, speaker = PortAudioMicrophone(), PortAudioSpeaker()
    microphone.start()
    speaker.start()
    card.pull()
    microphone.stop()
    with pytest.raises(DeviceUnavailable):
        microphone.start()
    speaker.stop()
    card.plugged = True
    microphone.start()
    speaker.start()
    use(microphone)
    use(speaker)
    microphone.close()
    speaker.close()


@BOTH
def test_a_card_that_is_not_there_is_unavailable(card: Card, end: Callable[..., object]) -> None:
    card.listed = card.plugged = False
    with pytest.raises(DeviceUnavailable, match=r"'Jabra' sound .* cannot be opened: No .* device matching 'Jabra'"):
        end("Jabra")


@BOTH
def test_an_unstarted_or_closed_card_is_a_mistake(card: Card, end: Ends) -> None:
    sound = end()
    with pytest.raises(HalError, match="before it was started"):
        use(sound)
    sound.close()
    with pytest.raises(HalError, match="closed"):
        sound.start()
