"""What is left of a call when it is over: memory and calls that hang, over a thousand of them."""

import time
from collections.abc import Iterator

from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure
from sim.bench.process import memory
from sim.client import Community, DeviceClient

CALLS = 1000
SETTLING = 150
"""Calls until caches, pools and heaps have their size."""
EVERY = 25
RESTING = 15.0
"""Seconds after the last call within which every device is at rest."""


def endurance() -> Iterator[Figure]:
    """Visits one after the other: ring with the picture, answer, hang up. Memory is that of devices at rest."""
    with community("--screens", "1", "--plain-udp") as running:
        processes = {name: visit.process_of(running[name]) for name in (visit.DOOR, "indoor1")}
        for _ in range(SETTLING):
            _call(running)
        held: dict[str, list[tuple[int, int]]] = {name: [] for name in processes}
        for number in range(CALLS + 1):
            if number % EVERY == 0:
                _rest(running)
                for name, process in processes.items():
                    held[name].append((number, memory(process).written))
            if number < CALLS:
                _call(running)
        stuck = len(_rest(running))
    for name, samples in held.items():
        kept = tuple(float(kilobytes) for _, kilobytes in samples)
        yield Figure(f"memory kept per call over {CALLS} calls, {name}", _slope(samples), "kB", 1.0, kept)
    yield Figure(f"calls stuck after {CALLS}", stuck, "", 0, ())


def _call(running: Community) -> None:
    visit.ring(running)
    visit.answer(running, "indoor1")
    visit.hang_up(running, "indoor1")


def _rest(running: Community) -> list[DeviceClient]:
    """Wait until the notices of the last call ("answered elsewhere") have been shown; who is not at rest even then."""
    busy = list(running.devices.values())
    end = time.monotonic() + RESTING
    while busy and time.monotonic() < end:
        time.sleep(0.2)
        busy = [device for device in busy if device.state().get("phase") != "idle"]
    return busy


def _slope(samples: list[tuple[int, int]]) -> float:
    """Kilobytes per call, by least squares."""
    calls, sizes = [number for number, _ in samples], [size for _, size in samples]
    middle, mean = sum(calls) / len(calls), sum(sizes) / len(sizes)
    spread = sum((number - middle) ** 2 for number in calls)
    return sum((number - middle) * (size - mean) for number, size in samples) / spread
