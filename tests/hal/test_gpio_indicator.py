"""Lamps on pins."""

import threading

import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory

from hal.errors import DeviceUnavailable
from hal.gpio.indicator import GpioIndicator
from hal.indicator import Signal

LAMPS = {"call": 9, "talk": 10, "door": 11, "fault": 25}


def lit(pins: MockFactory) -> set[str]:
    return {name for name, pin in LAMPS.items() if pins.pin(pin).state}


@pytest.mark.parametrize(
    ("signal", "lamps"),
    [(Signal.IDLE, set[str]()), (Signal.TALKING, {"talk"}), (Signal.UNLOCKED, {"door"}), (Signal.FAULT, {"fault"})],
)
def test_a_steady_signal_lights_its_lamps(pins: MockFactory, signal: Signal, lamps: set[str]) -> None:
    indicator = GpioIndicator(LAMPS)
    indicator.show(signal)
    assert lit(pins) == lamps
    indicator.close()


@pytest.mark.parametrize("active_high", [True, False])
def test_calling_blinks_until_the_next_signal(
    pins: MockFactory, active_high: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blinked: list[tuple[float, float]] = []
    monkeypatch.setattr(LED, "blink", lambda lamp, on, off: blinked.append((on, off)))
    indicator = GpioIndicator(LAMPS, active_high=active_high)
    indicator.show(Signal.CALLING)
    indicator.show(Signal.CALLING)
    assert blinked == [(0.6, 0.6)]
    indicator.close()


def test_a_blinking_lamp_really_goes_on_and_off(pins: MockFactory) -> None:
    indicator = GpioIndicator(LAMPS)
    indicator.show(Signal.ALARM)
    lamp = indicator._lamps["fault"]
    for state in (True, False, True):
        wait_for(lamp, state)
    indicator.show(Signal.IDLE)
    assert lit(pins) == set()
    indicator.close()


def wait_for(lamp: LED, state: bool) -> None:
    """Until the lamp's own thread has switched it."""
    pause = threading.Event()
    for _ in range(2000):
        if lamp.is_lit == state:
            return
        pause.wait(0.01)
    raise AssertionError(f"the lamp never went {'on' if state else 'off'}")


def test_a_board_may_have_fewer_lamps_and_its_own_meaning_for_them(pins: MockFactory) -> None:
    indicator = GpioIndicator({"call": 9}, {"talking": {"call": "on"}, "idle": {}})
    indicator.show(Signal.TALKING)
    assert pins.pin(9).state
    indicator.show(Signal.UNLOCKED)
    assert not pins.pin(9).state
    indicator.close()


@pytest.mark.parametrize(
    ("signals", "problem"),
    [
        ({"sleeping": {}}, "no signal 'sleeping'.*idle, calling"),
        ({"idle": {"red": "on"}}, "no lamp 'red'.*call, talk"),
        ({"idle": {"call": "purple"}}, "on, slow, fast, not 'purple'"),
    ],
)
def test_signals_that_cannot_be_shown_are_refused(
    pins: MockFactory, signals: dict[str, dict[str, str]], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        GpioIndicator(LAMPS, signals)


def test_closing_is_dark_and_gives_the_pins_back(pins: MockFactory) -> None:
    indicator = GpioIndicator(LAMPS)
    indicator.show(Signal.TALKING)
    indicator.close()
    indicator.close()
    assert lit(pins) == set()
    GpioIndicator(LAMPS).close()


def test_a_pin_in_use_names_the_lamp_and_frees_the_others(pins: MockFactory) -> None:
    lamp = LED(25)
    with pytest.raises(DeviceUnavailable, match="lamp fault on pin 25"):
        GpioIndicator(LAMPS)
    lamp.close()
    GpioIndicator(LAMPS).close()
