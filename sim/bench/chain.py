"""Figures of the visit chain: how fast a door goes on when a server is down, or there and silent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure, at_p95
from sim.client import Community, NotSeen

INDOOR = "indoor1"
TIMES = 5
LIMIT = 60.0
WAYS = {"down": "up", "silent": "speaks"}
"""How a server breaks, and how it is mended."""
STAGE_CHANGE = 2000.0
"""Goal, ms."""


def chain() -> Iterator[Figure]:
    """From the key press to the next stage, over real servers."""
    with community("--community", "whole", "--screens", "1") as running:
        for how in WAYS:
            with broken(running, how, "homelink"):
                changes = [stage_change(running) for _ in range(TIMES)]
            yield at_p95(f"stage change, HomeLink {how}", changes, "ms", STAGE_CHANGE)


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
        _until_registered(running)


def _until_registered(running: Community) -> None:
    """A server that was down serves again when its devices are back; door and indoor unit stand for all."""
    end = time.monotonic() + LIMIT
    while not all(running[name].state()["registered"] for name in (visit.DOOR, INDOOR)):
        if time.monotonic() > end:
            raise NotSeen(f"not everybody is registered again within {LIMIT:g} s")
        time.sleep(0.1)


def stage_change(running: Community) -> float:
    """From the key press until the second stage is called, ms."""
    pressed = _dial(running)
    changed = running[visit.DOOR].wait_for("stage", LIMIT, stage="phones").ms
    _leave(running)
    return changed - pressed


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
