"""The wires of a matrix keypad between fake pins: current goes where keys are down, round corners too."""

from collections.abc import Sequence
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from hal.gpio.keypad import LAYOUT


class Wires:
    """A keypad of 4x3 keys whose columns read what rows and pressed keys make of them."""

    def __init__(self, factory: MockFactory, rows: Sequence[int], columns: Sequence[int]) -> None:
        self.down: set[str] = set()
        """The keys that are pressed now."""
        self.conflicts = 0
        """Times at which a row was driven high."""
        self._rows = [factory.pin(pin, pin_class=_RowPin, wires=self) for pin in rows]
        for index, pin in enumerate(columns):
            factory.pin(pin, pin_class=_ColumnPin, wires=self, column=index)

    def low(self, column: int) -> bool:
        """Whether `column` is connected to a row that is driven low, straight or through other keys."""
        seen, border = {("column", column)}, [("column", column)]
        while border:
            kind, index = border.pop()
            for row, wired in self._keys_down():
                ends = {("row", row), ("column", wired)}
                for end in ends - seen if (kind, index) in ends else ():
                    seen.add(end)
                    border.append(end)
        return any(self._driven_low(index) for kind, index in seen if kind == "row")

    def _keys_down(self) -> list[tuple[int, int]]:
        return [(row, keys.index(key)) for row, keys in enumerate(LAYOUT) for key in keys if key in self.down]

    def _driven_low(self, row: int) -> bool:
        pin = self._rows[row]
        return bool(pin.function == "output" and not pin.state)


class _RowPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    def __init__(self, factory: Any, info: Any, wires: Wires) -> None:
        super().__init__(factory, info)
        self._wires = wires

    def _set_state(self, value: Any) -> None:
        self._wires.conflicts += bool(value)
        super()._set_state(value)


class _ColumnPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    def __init__(self, factory: Any, info: Any, wires: Wires, column: int) -> None:
        super().__init__(factory, info)
        self._wires, self._column = wires, column

    def _get_state(self) -> bool:
        return not self._wires.low(self._column)
