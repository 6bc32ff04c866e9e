"""The matrix keypad: what counts as a key, and the scanning of real wires' behaviour."""

import pytest
from gpiozero.pins.mock import MockFactory

from hal.errors import DeviceUnavailable, HalError
from hal.gpio.keypad import GpioKeypad, KeyFilter, KeyMatrix
from tests.hal.heard import Heard
from tests.hal.matrix import Wires

ROWS, COLUMNS = (5, 6, 13, 26), (12, 16, 20)
OTHER_ROWS = (17, 22, 23, 24)

Step = tuple[float, str, str | None]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([(0.00, "1", None), (0.02, "1", "1"), (0.5, "1", None), (0.6, "", None)], id="once while held"),
        pytest.param([(0.00, "1", None), (0.01, "", None), (0.05, "", None)], id="too short"),
        pytest.param(
            [(0.00, "1", None), (0.01, "", None), (0.015, "1", None), (0.03, "1", None), (0.036, "1", "1")],
            id="bouncing as it goes down",
        ),
        pytest.param(
            [(0.0, "1", None), (0.03, "1", "1"), (0.1, "", None), (0.11, "1", None), (0.12, "", None), (0.2, "", None)],
            id="bouncing as it comes up",
        ),
        pytest.param(
            [(0.0, "1", None), (0.03, "1", "1"), (0.1, "", None), (0.13, "", None), (0.2, "1", None), (0.23, "1", "1")],
            id="twice the same",
        ),
        pytest.param(
            [
                (0.0, "1", None),
                (0.03, "1", "1"),
                (0.1, "12", None),
                (0.13, "12", "2"),
                (0.2, "2", None),
                (0.3, "2", None),
            ],
            id="rolled over to the next",
        ),
        pytest.param([(0.0, "12", None), (0.03, "12", None), (0.1, "", None), (0.13, "", None)], id="no order"),
        pytest.param(
            [
                (0.0, "1", None),
                (0.03, "1", "1"),
                (0.1, "1245", None),
                (0.13, "1245", None),
                (0.2, "24", None),
                (0.23, "24", None),
                (0.3, "4", None),
                (0.33, "4", None),
                (0.4, "45", None),
                (0.43, "45", "5"),
            ],
            id="ghosts",
        ),
        pytest.param(
            [
                (0.0, "7", None),
                (0.03, "7", "7"),
                (9.0, "73", None),
                (9.03, "73", "3"),
                (9.1, "7", None),
                (9.2, "7", None),
                (9.3, "70", None),
                (9.33, "70", "0"),
            ],
            id="one key stuck",
        ),
    ],
)
def test_readings_become_keys(steps: list[Step]) -> None:
    keys = KeyFilter(0.02)
    assert [keys.update(frozenset(down), now) for now, down, _ in steps] == [key for _, _, key in steps]


@pytest.fixture
def wires(pins: MockFactory) -> Wires:
    return Wires(pins, ROWS, COLUMNS)


@pytest.mark.parametrize("key", "123456789*0#")
def test_each_key_is_found_at_its_crossing(wires: Wires, key: str) -> None:
    matrix = KeyMatrix(ROWS, COLUMNS, ("123", "456", "789", "*0#"))
    assert matrix.read() == frozenset()
    wires.down = {key}
    assert matrix.read() == {key}
    wires.down = set()
    assert matrix.read() == frozenset()
    matrix.close()


def test_three_corners_read_as_four_which_is_why_three_never_count(wires: Wires) -> None:
    matrix = KeyMatrix(ROWS, COLUMNS, ("123", "456", "789", "*0#"))
    wires.down = {"1", "2", "4"}
    assert matrix.read() == {"1", "2", "4", "5"}
    matrix.close()


def test_no_row_is_ever_driven_high(wires: Wires) -> None:
    matrix = KeyMatrix(ROWS, COLUMNS, ("123", "456", "789", "*0#"))
    for down in ({"1", "4"}, {"1", "7", "*"}, set[str](), {"5"}):
        wires.down = down
        assert matrix.read() == down
    assert wires.conflicts == 0
    matrix.close()


def test_keys_typed_on_the_wires_are_told_in_order(wires: Wires) -> None:
    keypad, heard = GpioKeypad(ROWS, COLUMNS, debounce=0.005), Heard()
    keypad.listen(heard)
    wires.down = {"3"}
    assert heard.next() == "3"
    for key in "01#":
        wires.down = {key}
        assert heard.next() == key
    keypad.close()
    keypad.close()


def test_a_closed_keypad_gives_its_pins_back(wires: Wires) -> None:
    GpioKeypad(ROWS, COLUMNS).close()
    GpioKeypad(ROWS, COLUMNS).close()


def test_a_pin_in_use_leaves_no_other_pin_taken(wires: Wires, pins: MockFactory) -> None:
    keypad = GpioKeypad(ROWS, COLUMNS)
    with pytest.raises(DeviceUnavailable, match="keypad column on pin 12"):
        GpioKeypad(OTHER_ROWS, COLUMNS)
    keypad.close()
    GpioKeypad(OTHER_ROWS, COLUMNS).close()


@pytest.mark.parametrize(
    ("rows", "columns", "layout", "problem"),
    [
        ((1, 2), (3, 4), ("12",), "one text per row"),
        ((1, 2), (3, 4), ("12", "3"), "one key per column"),
        ((1,), (2, 3), ("AB",), "some of"),
        ((1,), (2, 3), ("11",), "each once"),
        ((1,), (1, 3), ("12",), "a pin twice"),
    ],
)
def test_a_layout_that_does_not_fit_the_pins_is_refused(
    pins: MockFactory, rows: tuple[int, ...], columns: tuple[int, ...], layout: tuple[str, ...], problem: str
) -> None:
    with pytest.raises((ValueError, HalError), match=problem):
        GpioKeypad(rows, columns, layout)
