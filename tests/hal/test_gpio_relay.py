"""A lock on a pin."""

import subprocess
import sys

import pytest
from gpiozero.pins.mock import MockFactory

from hal.errors import DeviceUnavailable
from hal.gpio.relay import GpioRelay, Kind


@pytest.mark.parametrize(
    ("kind", "active_high", "locked", "unlocked"),
    [
        ("fail-secure", True, 0, 1),
        ("fail-secure", False, 1, 0),
        ("fail-safe", True, 1, 0),
        ("fail-safe", False, 0, 1),
    ],
)
def test_the_pin_has_the_level_that_the_wiring_needs(
    pins: MockFactory, kind: Kind, active_high: bool, locked: int, unlocked: int
) -> None:
    relay = GpioRelay(17, kind, active_high)
    assert pins.pin(17).state == locked
    relay.hold()
    assert (relay.unlocked, pins.pin(17).state) == (True, unlocked)
    relay.release()
    assert (relay.unlocked, pins.pin(17).state) == (False, locked)
    relay.close()


def test_closing_in_a_pulse_locks_before_the_pin_is_given_back(pins: MockFactory) -> None:
    relay = GpioRelay(17)
    relay.pulse(3600)
    pins.pin(17).clear_states()
    relay.close()
    relay.close()
    pins.pin(17).assert_states([1, 0])
    assert pins.pin(17).function == "input"
    GpioRelay(17).close()


def test_a_pin_in_use_is_unavailable(pins: MockFactory) -> None:
    relay = GpioRelay(17)
    with pytest.raises(DeviceUnavailable, match="relay on pin 17"):
        GpioRelay(17)
    relay.close()


def test_a_pin_that_the_board_does_not_have_is_unavailable(pins: MockFactory) -> None:
    with pytest.raises(DeviceUnavailable, match="relay on pin 99"):
        GpioRelay(99)


def test_the_lock_is_locked_when_the_process_exits_in_a_pulse() -> None:
    program = """
import atexit, sys
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
Device.pin_factory = MockFactory()
pin = Device.pin_factory.pin(17)
atexit.register(lambda: print([state.state for state in pin.states]))
from hal.gpio.relay import GpioRelay
GpioRelay(17).pulse(3600)
sys.exit(0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[False, True, False]"
