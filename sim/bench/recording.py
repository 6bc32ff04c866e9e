"""What recording costs a door station's processor, in the same call: switched on and off in turn."""

import asyncio
import os
import signal
import time

from sim.bench import visit
from sim.bench.figure import Figure, ratio
from sim.client import Community
from sim.plan import DevicePlan, small
from sim.processes import module
from sim.simulator import Simulator

CALLS = 5
ROUNDS = 8
"""In each call, each with both; what comes first changes, because the machine's speed drifts."""
SECONDS = 3.0
SETTLES = 0.7
WINNER = "indoor1"


class RecordingSimulator(Simulator):
    """The small community, whose door can record its calls."""

    def _arguments(self, device: DevicePlan) -> list[str]:
        arguments = super()._arguments(device)
        if device.role != "door-station":
            return arguments
        return module("sim.bench.recording_door", *arguments[arguments.index("--board") :])


def cpu_while_recording() -> Figure:
    """A call with picture and sound both ways over TLS and SRTP, as on a site."""
    on, off = asyncio.run(_measure())
    note = "of a core, in the same calls, alternating"
    return ratio("door station's CPU while recording / not", on, off, 1.05, "%", note)


async def _measure() -> tuple[list[float], list[float]]:
    simulator = RecordingSimulator(small(1), plain_udp=False, port=0)
    try:
        await simulator.start()
        community = Community.told(simulator.ready_facts())
        try:
            return await asyncio.to_thread(_calls, community)
        finally:
            community.close()
    finally:
        await simulator.close()


def _calls(running: Community) -> tuple[list[float], list[float]]:
    shares: dict[bool, list[float]] = {True: [], False: []}
    door = visit.process_of(running[visit.DOOR])
    for call in range(CALLS):
        visit.ring(running)
        visit.answer(running, WINNER)
        for number in range(ROUNDS):
            for records in (False, True) if (call + number) % 2 else (True, False):
                if records:
                    os.kill(door, signal.SIGUSR1)
                shares[records].append(_share(door))
                if records:
                    os.kill(door, signal.SIGUSR1)
        visit.hang_up(running, WINNER)
    return shares[True], shares[False]


def _share(process: int) -> float:
    """Percent of a core, by the process's own clock, which counts nanoseconds (clock_getcpuclockid(3))."""
    clock = (~process << 3) | 2
    time.sleep(SETTLES)
    began, used = time.monotonic(), time.clock_gettime(clock)
    time.sleep(SECONDS)
    return 100 * (time.clock_gettime(clock) - used) / (time.monotonic() - began)
