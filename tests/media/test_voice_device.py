"""A sound device that goes away is reported once, tried again ever more slowly, and used again when it is back."""

from collections.abc import Callable

from hal.errors import DeviceLost, DeviceUnavailable, HalError
from media.voice_device import Guarded


class Timers:
    """Time that the test lets pass."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.pending: list[Callable[[], None]] = []

    def __call__(self, seconds: float, action: Callable[[], None]) -> "Timers":
        self.waits.append(seconds)
        self.pending.append(action)
        return self

    def cancel(self) -> None:
        self.pending.clear()

    def pass_by(self) -> None:
        self.pending.pop()()


class Card:
    """A sound card that can be pulled out."""

    def __init__(self) -> None:
        self.there = True
        self.on = False

    def start(self) -> None:
        if not self.there:
            raise DeviceUnavailable("no sound card")
        self.on = True

    def stop(self) -> None:
        self.on = False
        if not self.there:
            raise DeviceLost("no sound card")


def _guarded() -> tuple[Guarded, Card, Timers, list[tuple[str, HalError | None]]]:
    card, timers = Card(), Timers()
    told: list[tuple[str, HalError | None]] = []
    return Guarded("microphone", card, lambda name, error: told.append((name, error)), timers), card, timers, told


def test_a_loss_is_reported_once_and_so_is_the_return() -> None:
    guarded, card, timers, told = _guarded()
    guarded.start()
    assert guarded.working
    card.there, error = False, DeviceLost("pulled out")
    guarded.lose(error)
    guarded.lose(DeviceLost("again"))
    timers.pass_by()
    assert told == [("microphone", error)]
    assert not guarded.working
    card.there = True
    timers.pass_by()
    assert guarded.working
    assert card.on
    assert told == [("microphone", error), ("microphone", None)]


def test_attempts_become_rarer_up_to_half_a_minute() -> None:
    guarded, card, timers, _ = _guarded()
    card.there = False
    guarded.start()
    for _ in range(7):
        timers.pass_by()
    assert timers.waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_device_that_is_not_there_at_the_start_is_reported_and_tried_again() -> None:
    guarded, card, timers, told = _guarded()
    card.there = False
    guarded.start()
    assert [(name, str(error)) for name, error in told] == [("microphone", "no sound card")]
    card.there = True
    timers.pass_by()
    assert guarded.working


def test_nothing_is_tried_after_the_call() -> None:
    guarded, card, timers, told = _guarded()
    guarded.start()
    guarded.lose(DeviceLost("pulled out"))
    late = timers.pending[0]
    guarded.stop()
    assert timers.pending == []
    late()
    assert not card.on
    guarded.lose(DeviceLost("while it is off anyway"))
    assert len(told) == 1


def test_a_new_call_tries_at_once_and_patiently_again() -> None:
    guarded, card, timers, _ = _guarded()
    card.there = False
    guarded.start()
    timers.pass_by()
    guarded.stop()
    guarded.start()
    assert timers.waits == [1, 2, 1]
