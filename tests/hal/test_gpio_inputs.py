"""Buttons and contacts on pins."""

from typing import cast

import pytest
from gpiozero.pins.mock import MockFactory

from hal.errors import DeviceUnavailable
from hal.gpio.inputs import GpioButton, GpioContact, Level
from hal.gpio.pins import Pull
from tests.hal.heard import Heard


@pytest.mark.parametrize(("pull", "pressed"), [("up", "low"), ("down", "high"), ("floating", "high")])
def test_a_press_is_told_once_and_its_end_not_at_all(pins: MockFactory, pull: Pull, pressed: Level) -> None:
    pin = pins.pin(27)
    press, let_go = (pin.drive_low, pin.drive_high) if pressed == "low" else (pin.drive_high, pin.drive_low)
    let_go()
    button, heard = GpioButton(27, pull, pressed, 0.001), Heard()
    button.listen(heard)
    for _ in range(2):
        press()
        assert heard.next() == ()
        let_go()
        wait_until_settled(button, released=pressed == "low")
    button.close()
    assert heard.nothing()


def wait_until_settled(button: GpioButton, released: bool) -> None:
    """Until the button's thread has seen that it is up again."""
    for _ in range(2000):
        if button._input.level == released:
            return
        button._input._thread.join(0.01)
    raise AssertionError("the button never settled")


def test_a_bouncing_press_is_one_press_and_a_spike_is_none(pins: MockFactory) -> None:
    pin = pins.pin(27)
    button, heard = GpioButton(27, debounce=0.3), Heard()
    button.listen(heard)
    pin.drive_low()
    pin.drive_high()
    for _ in range(20):
        pin.drive_low()
        pin.drive_high()
    pin.drive_low()
    assert heard.next() == ()
    button.close()
    assert heard.nothing()


@pytest.mark.parametrize("opened", ["high", "low"])
def test_a_contact_tells_every_change_and_its_state(pins: MockFactory, opened: str) -> None:
    pin = pins.pin(23)
    open_, shut = (pin.drive_high, pin.drive_low) if opened == "high" else (pin.drive_low, pin.drive_high)
    contact = GpioContact(23, "floating", cast(Level, opened), 0.001)
    contact.close()
    shut()
    contact, heard = GpioContact(23, "floating", cast(Level, opened), 0.001), Heard()
    assert not contact.open
    contact.listen(heard)
    open_()
    assert heard.next() is True
    assert contact.open
    shut()
    assert heard.next() is False
    contact.close()
    contact.close()


def test_a_listener_that_fails_does_not_silence_the_button(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    button, heard = GpioButton(27, debounce=0.001), Heard()

    def broken() -> None:
        raise RuntimeError("no such call")

    button.listen(broken)
    button.listen(heard)
    pins.pin(27).drive_low()
    assert heard.next() == ()
    button.close()
    assert "no such call" in caplog.text


def test_a_button_may_be_closed_by_its_own_listener(pins: MockFactory) -> None:
    button, heard = GpioButton(27, debounce=0.001), Heard()
    button.listen(button.close)
    button.listen(heard)
    pins.pin(27).drive_low()
    assert heard.next() == ()
    GpioButton(27).close()


def test_a_pin_in_use_is_unavailable(pins: MockFactory) -> None:
    button = GpioButton(27)
    with pytest.raises(DeviceUnavailable, match="contact on pin 27"):
        GpioContact(27)
    button.close()


def test_impossible_options_are_refused(pins: MockFactory) -> None:
    with pytest.raises(ValueError, match="pull is one of up, down, floating"):
        GpioButton(27, pull=cast(Pull, "left"))
    with pytest.raises(ValueError, match="pressed is low or high"):
        GpioButton(27, pressed=cast(Level, "down"))
    with pytest.raises(ValueError, match="0 to 1 seconds"):
        GpioContact(27, debounce=20)
    GpioButton(27).close()
