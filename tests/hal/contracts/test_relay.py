"""What holds for every lock."""

import threading

import pytest

from hal.errors import HalError
from hal.relay import Relay
from tests.hal.contracts.bench import Bench
from tests.hal.heard import LIMIT


def test_a_lock_is_locked_when_opened_held_until_released(bench: Bench) -> None:
    relay: Relay = bench.device
    states = [relay.unlocked]
    for action in (relay.hold, relay.release, relay.release):
        action()
        states.append(relay.unlocked)
    assert states == [False, True, False, False]


def test_a_pulse_opens_at_once_and_ends_by_itself(bench: Bench) -> None:
    relay: Relay = bench.device
    relay.pulse(0.1)
    pause = threading.Event()
    for _ in range(int(LIMIT * 100)):
        if not relay.unlocked:
            return
        pause.wait(0.01)
    raise AssertionError("the lock stayed open")


def test_a_pulse_does_not_shorten_another_and_a_release_ends_it(bench: Bench) -> None:
    relay: Relay = bench.device
    relay.pulse(60)
    relay.pulse(0.001)
    assert relay.unlocked
    relay.release()
    assert not relay.unlocked


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_pulse_without_length_is_refused_and_opens_nothing(bench: Bench, seconds: float) -> None:
    relay: Relay = bench.device
    with pytest.raises(ValueError, match="pulse"):
        relay.pulse(seconds)
    assert not relay.unlocked


def test_a_closed_lock_is_locked_and_stays_so(bench: Bench) -> None:
    relay: Relay = bench.device
    relay.hold()
    relay.close()
    relay.close()
    assert not relay.unlocked
    with pytest.raises(HalError):
        relay.pulse(1)
    with pytest.raises(HalError):
        relay.hold()
