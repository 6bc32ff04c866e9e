"""Buttons and contacts on pins, debounced."""

import threading
from collections.abc import Callable
from typing import Literal, get_args

from hal.gpio.pins import Pull, check_debounce, open_input
from hal.listeners import Listeners

Level = Literal["low", "high"]
LEVELS = get_args(Level)


class SettledInput:
    """Watches one pin and tells its level once it has been quiet for `debounce` seconds.

    A spike shorter than that (long door wiring catches many) is not told at all.
    """

    def __init__(self, what: str, pin: int, pull: Pull, debounce: float, on_level: Callable[[bool], None]) -> None:
        self._debounce = check_debounce(debounce)
        self._device = open_input(what, pin, pull)
        self._on_level = on_level
        self._edge = threading.Event()
        self._closed = False
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self._changed
        self.level = bool(self._device.pin.state)
        self._thread = threading.Thread(target=self._watch, name=f"{what}-{pin}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching and give the pin back; twice does no harm."""
        if self._closed:
            return
        self._closed = True
        self._device.pin.when_changed = None
        self._edge.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._device.close()

    def _changed(self, ticks: int, state: int) -> None:
        self._edge.set()

    def _watch(self) -> None:
        while not self._closed:
            self._edge.wait()
            while self._edge.is_set() and not self._closed:
                self._edge.clear()
                self._edge.wait(self._debounce)
            self._settle()

    def _settle(self) -> None:
        if self._closed:
            return
        level = bool(self._device.pin.state)
        if level != self.level:
            self.level = level
            self._on_level(level)


class GpioButton:
    """A push button on a pin; `pressed` is the level ("low" or "high") while it is held down."""

    def __init__(self, pin: int, pull: Pull = "up", pressed: Level = "low", debounce: float = 0.02) -> None:
        self._pressed = _is_high(pressed, "pressed")
        self._listeners: Listeners[[]] = Listeners()
        self._input = SettledInput("button", pin, pull, debounce, self._level)

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press()` for every press, from the button's own thread, until `close`."""
        self._listeners.add(on_press)

    def close(self) -> None:
        """Give the pin back; twice does no harm."""
        self._listeners.close()
        self._input.close()

    def _level(self, high: bool) -> None:
        if high == self._pressed:
            self._listeners.tell()


class GpioContact:
    """A door contact or tamper switch on a pin; `opened` is the level ("low" or "high") while it stands open."""

    def __init__(self, pin: int, pull: Pull = "up", opened: Level = "high", debounce: float = 0.05) -> None:
        self._opened = _is_high(opened, "opened")
        self._listeners: Listeners[[bool]] = Listeners()
        self._input = SettledInput("contact", pin, pull, debounce, self._level)

    @property
    def open(self) -> bool:
        """True: the door stands open, or the case was opened (the settled state)."""
        return self._input.level == self._opened

    def listen(self, on_change: Callable[[bool], None]) -> None:
        """Call `on_change(open)` at every change, from the contact's own thread, until `close`."""
        self._listeners.add(on_change)

    def close(self) -> None:
        """Give the pin back; twice does no harm."""
        self._listeners.close()
        self._input.close()

    def _level(self, high: bool) -> None:
        self._listeners.tell(high == self._opened)


def _is_high(level: str, option: str) -> bool:
    if level not in LEVELS:
        raise ValueError(f"{option} is low or high, not {level!r}")
    return level == "high"
