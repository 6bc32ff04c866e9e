"""What holds for every button."""

from hal.button import Button
from tests.hal.contracts.bench import Bench
from tests.hal.heard import Heard


def test_a_press_is_told_once(bench: Bench) -> None:
    button: Button = bench.device
    heard = Heard()
    button.listen(heard)
    bench.press("once")
    assert heard.next() == ()
    button.close()
    assert heard.nothing()


def test_a_button_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    bench.device.listen(print)
    bench.device.close()
    bench.device.close()
    bench.again().close()
