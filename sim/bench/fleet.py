"""Figures of devices whose server dies: how soon all of them are registered again, and how often they ask."""

import asyncio
import logging
import ssl
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from servers.kamailio.kinds import Kind
from sim.bench.device import Device, Diary
from sim.bench.figure import Figure
from sim.bench.managed import ManagedServer, ServerShare, managed
from sim.errors import SimError

DEVICES = 500
TIMES = 3
BACK = 15_000.0
"""Goal, ms."""
LIMIT = 60.0
PAUSE = 0.02
WINDOW = 1.0
"""Seconds over which a rate is counted."""


def fleet() -> Iterator[Figure]:
    """kill -9 of a management server with 500 devices over TLS, which is started again at once."""
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as folder, managed(Path(folder), "tls") as server:
        yield from asyncio.run(_measure(server))


async def _measure(server: ManagedServer) -> list[Figure]:
    logging.getLogger("endpoints.sip.registration").setLevel(logging.ERROR)  # each device would tell of each loss
    diary = Diary()
    tls = ssl.create_default_context(cafile=str(server.authority))
    accounts = [await asyncio.to_thread(server.add, f"unit{n}", Kind.INDOOR, str(1000 + n)) for n in range(DEVICES)]
    devices = [Device(each, server.listener, _address(n), tls, diary) for n, each in enumerate(accounts)]
    server.start()
    await asyncio.to_thread(server.wait_until_it_serves)
    lives = [asyncio.create_task(device.run()) for device in devices]
    try:
        await _until(lambda: len(diary.registered) == DEVICES, "not all devices are registered")
        return _figures([await _restart(server, diary) for _ in range(TIMES)])
    finally:
        for life in lives:
            life.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*lives)


@dataclass(frozen=True, slots=True)
class Return:
    """One death of the server."""

    back: float
    """From kill -9 until the last device was registered, ms."""
    peak: float
    """Most REGISTERs within a second."""
    each: float
    """REGISTERs per device; two are needed, the second with the login."""
    in_vain: float
    """Attempts that failed although the server served."""
    note: str


async def _restart(server: ManagedServer, diary: Diary) -> Return:
    """Kill the server, start it again, wait for everybody."""
    diary.sent.clear()
    diary.failed.clear()
    killed = time.monotonic()
    await asyncio.to_thread(server.kill)
    await _until(lambda: not diary.registered, "not all devices noticed that the server died")
    server.start()
    share = ServerShare(server)
    await _until(lambda: len(diary.registered) == DEVICES, "not all devices are registered again")
    served = min(diary.registered.values())
    note = f"the first after {1000 * (served - killed):.0f} ms; {share.words()}"
    return Return(
        back=1000 * (max(diary.registered.values()) - killed),
        peak=peak_rate(diary.sent),
        each=len(diary.sent) / DEVICES,
        in_vain=sum(1 for moment in diary.failed if moment > served),
        note=note,
    )


def _figures(returns: list[Return]) -> list[Figure]:
    def worst(name: str, samples: list[float], unit: str, goal: float | None, note: str = "") -> Figure:
        return Figure(name, max(samples), unit, goal, tuple(samples), note)

    name = f"{DEVICES} devices after kill -9"
    return [
        worst(f"{name} of their server: all back", [each.back for each in returns], "ms", BACK, returns[-1].note),
        worst(f"{name}: peak of REGISTERs", [each.peak for each in returns], "/s", None),
        worst(f"{name}: REGISTERs of each", [each.each for each in returns], "", None, "two are needed"),
        worst(f"{name}: attempts in vain", [each.in_vain for each in returns], "", 0, "once it serves again"),
    ]


def peak_rate(moments: list[float]) -> float:
    """The most of these moments that lie within one second."""
    ordered = sorted(moments)
    within = (bisect_right(ordered, moment + WINDOW) - number for number, moment in enumerate(ordered))
    return float(max(within, default=0))


def _address(number: int) -> str:
    """Each device calls from an address of its own, as it would from a home of its own."""
    return f"127.2.{number // 250}.{number % 250 + 1}"


async def _until(holds: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            raise SimError(f"{otherwise} after {LIMIT:g} s")
        await asyncio.sleep(PAUSE)
