"""What holds for every keypad."""

import pytest

from hal.keypad import KEYS, Keypad
from tests.hal.contracts.bench import Bench
from tests.hal.heard import Heard


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_told_once(bench: Bench, key: str) -> None:
    keypad: Keypad = bench.device
    heard = Heard()
    keypad.listen(heard)
    bench.press(key)
    assert heard.next() == key
    keypad.close()
    assert heard.nothing()


def test_a_keypad_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    bench.device.listen(print)
    bench.device.close()
    bench.device.close()
    bench.again().close()
