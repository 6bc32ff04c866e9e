"""Figures of the visit chain: how fast a door goes on when a server is down or silent, when the telephone rings."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure, at_p95
from sim.client import Community, NotSeen

INDOOR, TELEPHONE = "indoor1", "telephone1"
PHONES = ("phone1", "phone2")
TIMES, PATIENT_TIMES = 5, 2
LIMIT = 60.0
WAYS = {"down": "up", "silent": "speaks"}
"""How a server breaks, and how it is mended."""
HOMELINK, MANAGEMENT = "homelink", "management"
"""The servers on the way to the telephone but the last one, without which no telephone can ring."""
STAGE_CHANGE = 2000.0
DOWN, SILENT = 8000.0, 45_000.0
"""Goals, ms: the next stage; the telephone when all before it is down, and when it is there but says nothing."""


def chain() -> Iterator[Figure]:
    """From the key press to the next stage, and to the ringing telephone, over real servers, with default budgets.

    Silent servers come last: what was said to them meanwhile is heard, and taken back, when they speak again.
    """
    with community("--community", "whole", "--screens", "1") as running:
        with broken(running, "down", HOMELINK):
            yield _stage_changes(running, "HomeLink down")
            with broken(running, "down", MANAGEMENT), without_power(running, *PHONES):
                yield _rings(running, TIMES, "all before it down", DOWN)
        _until_registered(running, visit.DOOR, INDOOR, *PHONES)
        yield _rings(running, PATIENT_TIMES, "all rings, nobody answers", SILENT)
        with broken(running, "silent", HOMELINK):
            yield _stage_changes(running, "HomeLink silent")
            with broken(running, "silent", MANAGEMENT):
                yield _rings(running, PATIENT_TIMES, "servers silent", SILENT, "phones on 4G ring, nobody answers")


def _stage_changes(running: Community, case: str) -> Figure:
    return at_p95(f"stage change, {case}", [stage_change(running) for _ in range(TIMES)], "ms", STAGE_CHANGE)


def _rings(running: Community, times: int, case: str, goal: float, note: str = "") -> Figure:
    rings = [telephone_rings(running) for _ in range(times)]
    return at_p95(f"key press to ringing telephone, {case}", rings, "ms", goal, note)


@contextmanager
def broken(running: Community, how: str, *servers: str) -> Iterator[None]:
    """These servers are down, or silent, until the end of the block."""
    for server in servers:
        running.fault(f"{server}-{how}")
    try:
        yield
    finally:
        for server in servers:
            running.fault(f"{server}-{WAYS[how]}")


@contextmanager
def without_power(running: Community, *devices: str) -> Iterator[None]:
    """These devices are off until the end of the block."""
    for name in devices:
        running[name].fault("power-cut")
    try:
        yield
    finally:
        for name in devices:
            running[name].fault("power-back")


def _until_registered(running: Community, *devices: str) -> None:
    """What was down works again when these are back."""
    end = time.monotonic() + LIMIT
    while not all(running[name].state().get("registered") for name in devices):
        if time.monotonic() > end:
            raise NotSeen(f"not all of {', '.join(devices)} are registered again within {LIMIT:g} s")
        time.sleep(0.1)


def stage_change(running: Community) -> float:
    """From the key press until the second stage is called, ms."""
    pressed = _dial(running)
    changed = running[visit.DOOR].wait_for("stage", LIMIT, stage="phones").ms
    _leave(running)
    return changed - pressed


def telephone_rings(running: Community) -> float:
    """From the key press until the telephone rings, ms."""
    pressed = _dial(running)
    rung = running[TELEPHONE].wait_for("ringing", LIMIT).ms
    _leave(running)
    return rung - pressed


def _leave(running: Community) -> None:
    """The visitor goes away; back when the door is ready for the next one."""
    door = running[visit.DOOR]
    if door.state()["phase"] not in ("idle", "ended"):
        door.type("*")
    door.wait_for("ended", LIMIT)


def _dial(running: Community) -> float:
    door = running[visit.DOOR]
    visit.forget(running)
    door.type(f"{visit.FLAT}#")
    return door.wait_for("key", LIMIT, key="#").ms
