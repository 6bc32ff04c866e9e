"""What holds for every indicator."""

from hal.indicator import Indicator, Signal
from tests.hal.contracts.bench import Bench


def test_every_signal_can_be_shown_also_twice(bench: Bench) -> None:
    indicator: Indicator = bench.device
    for signal in (*Signal, *Signal, Signal.IDLE, Signal.IDLE):
        indicator.show(signal)


def test_an_indicator_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    bench.device.show(Signal.ALARM)
    bench.device.close()
    bench.device.close()
    again: Indicator = bench.again()
    again.show(Signal.IDLE)
    again.close()
