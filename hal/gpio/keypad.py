"""A matrix keypad: scanning of rows and columns, debounce, and what counts when several keys are down."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from gpiozero import GPIODevice

from hal.errors import HalError
from hal.gpio.pins import DRIVER_ERRORS, check_debounce, open_input
from hal.keypad import KEYS
from hal.listeners import Listeners

log = logging.getLogger(__name__)

LAYOUT = ("123", "456", "789", "*0#")
_RESTING, _SCANNING, _RETRY = 0.02, 0.005, 1.0
"""Seconds between two readings: while no key is down, while one is, and after the pins could not be read."""


class KeyFilter:
    """Turns readings of a matrix into key presses. Has no clock of its own.

    A reading counts once it has stayed the same for `debounce` seconds. Two keys may be down together, so that a fast
    hand may roll from one to the next and a key that is stuck leaves the others usable. Without diodes three keys can
    show a fourth that nobody touched: from three on no new key counts until at most one is left down. Two keys that
    go down in the same moment have no order, and a wrong number is worse than none: neither counts.
    """

    def __init__(self, debounce: float) -> None:
        self._debounce = debounce
        self._reading: frozenset[str] = frozenset()
        self._since = 0.0
        self._settled: frozenset[str] = frozenset()
        self._jammed = False

    def update(self, down: frozenset[str], now: float) -> str | None:
        """The key that was pressed, if this reading of the keys `down`, made at `now` seconds, settles one."""
        if down != self._reading:
            self._reading, self._since = down, now
        if down == self._settled or now - self._since < self._debounce:
            return None
        new, self._settled = down - self._settled, down
        self._jammed = len(down) > 2 or (self._jammed and len(down) > 1)
        return next(iter(new)) if len(new) == 1 and not self._jammed else None


class KeyMatrix:
    """Reads which keys of a matrix are down. A row is driven low or left floating, never high: two keys in one column
    must not connect two outputs that disagree. Columns are pulled up.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], layout: Sequence[str]) -> None:
        self._layout = tuple(layout)
        self._rows: list[GPIODevice] = []
        self._columns: list[GPIODevice] = []
        try:
            self._rows += (open_input("keypad row", pin, "floating") for pin in rows)
            self._columns += (open_input("keypad column", pin, "up") for pin in columns)
        except BaseException:
            self.close()
            raise
        self.resting = False
        """True while no key is down: all rows are driven, and any column shows the next key."""

    def read(self) -> frozenset[str]:
        """The keys that are down now, with the ghosts of three or more. While none is, this reads the columns only."""
        if not self.resting:
            self._drive_all()
        if not any(self._pulled_down()):
            return frozenset()
        self._release_all()
        return frozenset(
            key for row, keys in zip(self._rows, self._layout, strict=True) for key in self._scan(row, keys)
        )

    def close(self) -> None:
        """Give the pins back; twice does no harm."""
        for device in (*self._rows, *self._columns):
            device.close()

    def _scan(self, row: GPIODevice, keys: str) -> list[str]:
        row.pin.output_with_state(False)
        down = [key for key, low in zip(keys, self._pulled_down(), strict=True) if low]
        row.pin.function = "input"
        return down

    def _pulled_down(self) -> list[bool]:
        return [not column.pin.state for column in self._columns]

    def _drive_all(self) -> None:
        for row in self._rows:
            row.pin.output_with_state(False)
        self.resting = True

    def _release_all(self) -> None:
        self.resting = False
        for row in self._rows:
            row.pin.function = "input"


class GpioKeypad:
    """A matrix keypad on the pins `rows` (top to bottom) and `columns` (left to right).

    `layout`: the keys of each row, by default a telephone's 4x3. `debounce`: seconds a reading must stay the same.
    """

    def __init__(
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        layout: Sequence[str] = LAYOUT,
        debounce: float = 0.02,
    ) -> None:
        _check_layout(rows, columns, layout)
        self._filter = KeyFilter(check_debounce(debounce))
        self._matrix = KeyMatrix(rows, columns, layout)
        self._listeners: Listeners[[str]] = Listeners()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keypad", daemon=True)
        self._thread.start()

    def listen(self, on_key: Callable[[str], None]) -> None:
        """Call `on_key(key)` for every key press, from the keypad's own thread, until `close`."""
        self._listeners.add(on_key)

    def close(self) -> None:
        """Stop scanning and give the pins back; twice does no harm."""
        self._listeners.close()
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._matrix.close()

    def _run(self) -> None:
        failed = False
        while not self._stop.wait(_RETRY if failed else _RESTING if self._matrix.resting else _SCANNING):
            try:
                self._scan()
            except DRIVER_ERRORS as error:
                if not failed:
                    log.error("The keypad cannot be read: %s. Trying again every second.", error)
                failed = True
            else:
                failed = False

    def _scan(self) -> None:
        key = self._filter.update(self._matrix.read(), time.monotonic())
        if key is not None:
            self._listeners.tell(key)


def _check_layout(rows: Sequence[int], columns: Sequence[int], layout: Sequence[str]) -> None:
    if len(layout) != len(rows) or any(len(keys) != len(columns) for keys in layout):
        raise ValueError(f"layout has one text per row ({len(rows)}) with one key per column ({len(columns)})")
    keys = "".join(layout)
    if set(keys) - set(KEYS) or len(set(keys)) != len(keys):
        raise ValueError(f"the keys of a layout are some of {KEYS}, each once")
    if len({*rows, *columns}) != len(rows) + len(columns):
        raise HalError("The keypad names a pin twice.")
