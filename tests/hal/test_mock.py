"""The fakes refuse what real hardware would turn into noise, and their handles work."""

from collections.abc import Callable

import pytest

from hal.camera import Picture
from hal.display import Scene
from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.indicator import Signal
from hal.mock import (
    MockButton,
    MockCamera,
    MockContact,
    MockDisplay,
    MockIndicator,
    MockKeypad,
    MockMicrophone,
    MockRelay,
    MockServicePort,
    MockSpeaker,
    grey,
)

LIVE = Scene("Gate 1 is calling", actions=("answer",), live=True)


def started_camera() -> MockCamera:
    camera = MockCamera()
    camera.start(64, 48, 25)
    return camera


def wrong_size_shown() -> None:
    camera = started_camera()
    camera.show(grey(32, 32))
    camera.read()


def running_speaker() -> MockSpeaker:
    speaker = MockSpeaker()
    speaker.start()
    return speaker


def running_microphone() -> MockMicrophone:
    microphone = MockMicrophone()
    microphone.start()
    return microphone


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: MockCamera().start(63, 48, 25), "even sides"),
        (lambda: MockCamera().start(64, 48, 0), "1 to 120"),
        (lambda: MockCamera().show(Picture(64, 48, bytes(10), 0.0)), "4608 bytes, not 10"),
        (lambda: MockCamera().show(Picture(63, 48, bytes(10), 0.0)), "even sides"),
        (wrong_size_shown, "started at 64x48 and shown 32x32"),
        (lambda: running_speaker().write(b"abc"), "even number of bytes"),
        (lambda: running_speaker().write(b""), "even number of bytes"),
        (lambda: running_speaker().write(bytes(32_002)), "at most a second"),
        (lambda: running_microphone().say(b"abc"), "even number of bytes"),
        (lambda: running_microphone().read(0), "1 sample to 1 second"),
        (lambda: running_microphone().read(16_001), "1 sample to 1 second"),
        (lambda: MockRelay().pulse(0), "more than 0 seconds"),
        (lambda: MockKeypad().type("12A"), "not 'A'"),
        (lambda: MockDisplay().show(Scene("")), "a title"),
        (lambda: MockDisplay().show(Scene("Call", actions=("open",))), "actions of answer"),
        (lambda: MockDisplay().picture(Picture(64, 48, bytes(10), 0.0)), "4608 bytes"),
        (lambda: MockServicePort().publish("state", {"at": object()}), "JSON"),
        (lambda: MockServicePort().publish("state", {"at": float("nan")}), "JSON"),
    ],
)
def test_a_fake_refuses_what_hardware_could_not_do(mistake: Callable[[], None], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        mistake()


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: MockCamera().read(),
        lambda: MockSpeaker().write(bytes(2)),
        lambda: MockMicrophone().read(320),
    ],
)
def test_a_fake_that_was_not_started_says_so(mistake: Callable[[], None]) -> None:
    with pytest.raises(HalError, match="before it was started"):
        mistake()


def test_a_camera_delivers_what_it_is_shown_and_repeats_the_last() -> None:
    camera = MockCamera()
    camera.show(grey(64, 48, 10))
    camera.show(grey(64, 48, 20))
    camera.start(64, 48, 120)
    assert [camera.read().data[0] for _ in range(3)] == [10, 20, 20]
    camera.unplug()
    with pytest.raises(DeviceLost):
        camera.read()
    with pytest.raises(DeviceUnavailable):
        camera.start(64, 48, 120)


def test_a_microphone_hears_only_while_it_runs() -> None:
    microphone = MockMicrophone()
    microphone.say(b"ab" * 320)
    microphone.start()
    microphone.say(b"cd" * 160)
    assert microphone.read(320) == b"cd" * 160 + bytes(320)
    microphone.say(b"ef" * 160)
    microphone.stop()
    microphone.start()
    assert microphone.read(160) == bytes(320)


def test_a_speaker_remembers_what_was_heard() -> None:
    speaker = running_speaker()
    speaker.write(b"ab")
    speaker.write(b"cd")
    assert speaker.heard == b"abcd"


def test_a_relay_counts_its_pulses() -> None:
    relay = MockRelay()
    relay.pulse(60)
    assert (relay.pulses, relay.unlocked, relay.switched) == ([60], True, [False, True])
    relay.close()
    assert relay.switched == [False, True, False]


def test_nobody_is_told_after_closing() -> None:
    told: list[object] = []
    keypad, button, contact = MockKeypad(), MockButton(), MockContact()
    keypad.listen(told.append)
    button.listen(lambda: told.append("press"))
    contact.listen(told.append)
    for _ in range(2):
        keypad.type("1#")
        button.press()
        contact.set(not contact.open)
        for device in (keypad, button, contact):
            device.close()
    assert told == ["1", "#", "press", True]


def test_an_indicator_is_dark_when_closed() -> None:
    indicator = MockIndicator()
    indicator.show(Signal.CALLING)
    assert indicator.lit is Signal.CALLING
    indicator.close()
    assert getattr(indicator, "lit", ...) is None


def test_a_display_shows_a_picture_only_in_a_live_scene() -> None:
    display, picture = MockDisplay(), grey(64, 48)
    display.picture(picture)
    display.show(LIVE)
    shown = [display.shown]
    display.picture(picture)
    shown.append(display.shown)
    display.show(Scene("Flat 301"))
    assert [*shown, display.shown] == [None, picture, None]
    assert display.pictures == [picture, picture]


def test_a_service_port_writes_down_events_and_asks_questions() -> None:
    port = MockServicePort()
    port.publish("unlock", {"granted": True})
    port.provide("state", lambda: {"registered": False})
    assert port.published == [("unlock", {"granted": True})]
    assert port.ask("state") == {"registered": False}
