"""The queue, the timers, the state machine and the signals that every app runs on."""

import logging
import os
import signal
import threading
from dataclasses import dataclass, replace
from enum import StrEnum

import pytest

from endpoints.events import TimerExpired
from endpoints.runtime import Loop, Machine, process_figures, stop_on_signals
from hal.errors import HalError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drained(loop: Loop) -> list[object]:
    seen: list[object] = []
    loop.drain(seen.append)
    return seen


def test_events_come_in_order() -> None:
    loop = Loop()
    for event in ("a", "b", "c"):
        loop.post(event)
    assert drained(loop) == ["a", "b", "c"]


def test_a_timer_expires_once_and_not_early() -> None:
    clock = Clock()
    loop = Loop(clock)
    loop.start_timer("ring", 5)
    clock.now += 4.9
    assert drained(loop) == []
    clock.now += 0.2
    assert drained(loop) == [TimerExpired("ring")]
    assert drained(loop) == []


def test_a_timer_started_again_begins_anew() -> None:
    clock = Clock()
    loop = Loop(clock)
    loop.start_timer("dial", 5)
    clock.now += 4
    loop.start_timer("dial", 5)
    clock.now += 4
    assert drained(loop) == []
    clock.now += 2
    assert drained(loop) == [TimerExpired("dial")]


def test_a_cancelled_timer_is_silent_and_cancelling_twice_does_no_harm() -> None:
    clock = Clock()
    loop = Loop(clock)
    loop.start_timer("ring", 1)
    loop.cancel_timer("ring")
    loop.cancel_timer("ring")
    clock.now += 2
    assert drained(loop) == []


def test_timers_expire_in_the_order_of_their_time() -> None:
    clock = Clock()
    loop = Loop(clock)
    for name, seconds in (("late", 3), ("early", 1), ("middle", 2)):
        loop.start_timer(name, seconds)
    clock.now += 5
    assert drained(loop) == [TimerExpired("early"), TimerExpired("middle"), TimerExpired("late")]


def test_run_waits_for_timers_and_other_threads_and_ends_with_stop() -> None:
    loop = Loop()
    seen: list[object] = []

    def handle(event: object) -> None:
        seen.append(event)
        if event == TimerExpired("soon"):
            threading.Thread(target=loop.post, args=("from a thread",)).start()
        else:
            loop.stop()

    loop.start_timer("soon", 0.01)
    loop.run(handle)
    assert seen == [TimerExpired("soon"), "from a thread"]


def test_stop_leaves_what_still_waits() -> None:
    loop = Loop()
    loop.stop()
    loop.post("too late")
    seen: list[object] = []
    loop.run(seen.append)
    assert seen == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_loop_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    loop = Loop()
    before = signal.getsignal(number)
    with stop_on_signals(loop):
        sender = threading.Thread(target=os.kill, args=(os.getpid(), number))
        sender.start()
        loop.run(lambda event: None)
        sender.join()
    assert signal.getsignal(number) is before


class Light(StrEnum):
    OFF = "off"
    ON = "on"


@dataclass(frozen=True)
class Lamp:
    phase: Light = Light.OFF
    presses: int = 0


def lamp_step(state: Lamp, event: str) -> tuple[Lamp, list[str]]:
    match event:
        case "press":
            return Lamp(Light.ON, state.presses + 1), ["first", "fail", "last"]
        case "echo":
            return replace(state, phase=Light.OFF), ["end"]
        case _:
            return state, []


class Recorder:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.told: list[tuple[str, str, str]] = []
        self.machine = Machine(Lamp(), lamp_step, self.perform, lambda *facts: self.told.append(facts))

    def perform(self, action: str) -> str | None:
        self.done.append(action)
        if action == "fail":
            raise HalError("The bulb is broken.")
        return "echo" if action == "first" else None


def test_what_follows_from_an_action_comes_after_all_actions_of_the_step(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    recorder.machine.handle("press")
    assert recorder.done == ["first", "fail", "last", "end"]
    assert recorder.told == [("off", "on", "str"), ("on", "off", "str")]
    assert recorder.machine.state == Lamp(Light.OFF, 1)
    assert "The bulb is broken." in caplog.text


def test_an_unexpected_event_is_logged_with_both_names(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    with caplog.at_level(logging.DEBUG):
        recorder.machine.handle("nonsense")
    assert "off does not expect str" in caplog.text
    assert recorder.told == []


def test_a_process_knows_its_figures() -> None:
    figures = process_figures()
    assert isinstance(figures["cpu_seconds"], float)
    assert isinstance(figures["pss_kb"], int)
    assert figures["pss_kb"] > 1000
    assert isinstance(figures["threads"], dict)
    assert "MainThread" in figures["threads"]
