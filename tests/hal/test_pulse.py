"""When a lock is open, on a clock of the test's own."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from hal.errors import DeviceLost, HalError
from hal.pulse import LockTimer


class Clock:
    """Time that passes when the test says so, with timers on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[FakeTimer] = []

    def __call__(self) -> float:
        return self.now

    def timer(self, seconds: float, action: Callable[[], None]) -> "FakeTimer":
        """A timer on this clock."""
        self._timers.append(FakeTimer(self.now + seconds, action))
        return self._timers[-1]

    def pass_(self, seconds: float) -> None:
        """Let time pass and due timers ring, in order."""
        end = self.now + seconds
        while due := [timer for timer in self._timers if timer.running and timer.at <= end]:
            timer = min(due, key=lambda each: each.at)
            self.now, timer.running = max(self.now, timer.at), False
            timer.action()
        self.now = end

    @property
    def running(self) -> int:
        """How many timers are still going to ring."""
        return sum(timer.running for timer in self._timers)


class FakeTimer:
    daemon = False

    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self.at, self.action, self.running = at, action, False

    def start(self) -> None:
        self.running = True

    def cancel(self) -> None:
        self.running = False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def switched() -> list[bool]:
    return []


@pytest.fixture
def lock(clock: Clock, switched: list[bool]) -> LockTimer:
    return LockTimer(switched.append, clock, clock.timer)


def test_a_lock_is_locked_as_soon_as_it_is_opened(lock: LockTimer, switched: list[bool]) -> None:
    assert switched == [False]
    assert not lock.unlocked


def test_a_pulse_ends_by_itself(lock: LockTimer, clock: Clock, switched: list[bool]) -> None:
    lock.pulse(5)
    clock.pass_(4.9)
    assert lock.unlocked
    clock.pass_(0.2)
    assert not lock.unlocked
    assert switched == [False, True, False]


def test_a_pulse_during_a_pulse_makes_the_longer_of_both(lock: LockTimer, clock: Clock, switched: list[bool]) -> None:
    lock.pulse(5)
    clock.pass_(2)
    lock.pulse(1)
    clock.pass_(2.5)
    assert lock.unlocked
    lock.pulse(4)
    clock.pass_(3.9)
    assert lock.unlocked
    clock.pass_(0.2)
    assert not lock.unlocked
    assert switched == [False, True, False]


def test_a_hold_outlasts_every_pulse_until_it_is_released(lock: LockTimer, clock: Clock) -> None:
    lock.pulse(5)
    lock.hold()
    lock.pulse(1)
    clock.pass_(1000)
    assert lock.unlocked
    lock.release()
    assert not lock.unlocked


def test_a_release_ends_a_pulse_and_its_timer(lock: LockTimer, clock: Clock, switched: list[bool]) -> None:
    lock.pulse(5)
    lock.release()
    assert (lock.unlocked, clock.running) == (False, 0)
    lock.pulse(2)
    clock.pass_(1.9)
    assert lock.unlocked
    clock.pass_(0.2)
    assert switched == [False, True, False, True, False]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_pulse_of_no_length_or_without_end_is_refused(lock: LockTimer, seconds: float) -> None:
    with pytest.raises(ValueError, match="pulse"):
        lock.pulse(seconds)
    assert not lock.unlocked


def test_closing_locks_and_a_closed_lock_never_opens(lock: LockTimer, clock: Clock, switched: list[bool]) -> None:
    lock.hold()
    lock.close()
    lock.close()
    assert switched == [False, True, False]
    with pytest.raises(HalError, match="closed"):
        lock.pulse(1)
    with pytest.raises(HalError, match="closed"):
        lock.hold()
    assert (lock.unlocked, clock.running) == (False, 0)


def test_a_lock_that_does_not_lock_is_tried_until_it_does(clock: Clock) -> None:
    stuck = [False, True, True, True, False]
    calls: list[bool] = []

    def switch(unlocked: bool) -> None:
        calls.append(unlocked)
        if not unlocked and stuck.pop(0):
            raise DeviceLost("the pin does not answer")

    lock = LockTimer(switch, clock, clock.timer)
    lock.pulse(5)
    clock.pass_(5)
    assert lock.unlocked
    clock.pass_(2.5)
    assert lock.unlocked
    clock.pass_(1)
    assert not lock.unlocked
    assert calls == [False, True, False, False, False, False]


def test_a_relay_that_fails_to_switch_on_is_switched_off_again(clock: Clock) -> None:
    calls: list[bool] = []

    def switch(unlocked: bool) -> None:
        calls.append(unlocked)
        if unlocked:
            raise DeviceLost("the pin does not answer")

    lock = LockTimer(switch, clock, clock.timer)
    with pytest.raises(DeviceLost):
        lock.pulse(5)
    assert calls == [False, True, False]
    assert (lock.unlocked, clock.running) == (False, 0)


def test_a_pulse_ends_when_the_process_is_asked_to_exit() -> None:
    program = (
        "import sys; from hal.pulse import LockTimer;"
        "lock = LockTimer(lambda on: print(on, flush=True)); lock.pulse(3600); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (3, ["False", "True", "False"])
