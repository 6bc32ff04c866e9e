"""kill -9 of door stations that record, finish and upload messages: what is lost, doubled, unreadable afterwards."""

import asyncio
import hashlib
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.error import FFmpegError

from media.fragments import whole
from servers.community.authority import Community
from servers.database import Database
from servers.messages.desk import store_of
from servers.messages.items import Item
from servers.messages.label import Sort
from sim.bench.figure import Figure
from sim.bench.home import HomeServer
from sim.bench.lone_door import TOKEN, LoneDoor, lone_doors

KILLS = 200
DOORS = 4
"""They take turns on the processor."""
RECORDS = 1.2
"""Seconds from the beep until the visitor presses a key."""
INSTANTS = (0.0, 2.4)
"""Seconds from the beep to the kill, about evenly: while it records, finishes, uploads."""
UNFINISHED_MP4 = "*.mp4.part"


@dataclass
class Promised:
    """What the doors had told, or had on their disks, before they died; by id."""

    finished: set[str] = field(default_factory=set)
    safe: dict[str, int] = field(default_factory=dict)
    """Bytes of whole fragments of messages that were not finished."""
    begun: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    """In which step the kills came."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Messages that are not as they should be at the home's server."""

    lost: int
    doubled: int
    unreadable: int
    kept: int


def power_cuts() -> Iterator[Figure]:
    """Real doors, a real HomeLink; afterwards everything is looked at where the home keeps it."""
    promised, wrong = kill_doors(KILLS, DOORS)
    moments = ", ".join(f"{number} while {step}" for step, number in sorted(promised.moments.items()))
    note = (
        f"{wrong.kept} of {promised.begun} messages kept, {len(promised.finished)} told as finished; killed {moments}"
    )
    for name in ("lost", "doubled", "unreadable"):
        yield Figure(f"messages {name} over {KILLS} kill -9 of door stations", getattr(wrong, name), "", 0, (), note)
        note = ""


def kill_doors(kills: int, doors: int) -> tuple[Promised, Wrong]:
    """So many kills, shared by so many doors; on the main thread."""
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as name:
        community = Community.create(Path(name) / "authority", "Measured")
        server = HomeServer(Path(name), f'[messages]\ntoken = "{TOKEN}"\n', community)
        server.start()
        try:
            promised = asyncio.run(_kill_all(server, community, kills, doors))
        finally:
            server.kill()
        return promised, _looked_at(server, promised)


async def _kill_all(server: HomeServer, community: Community, kills: int, count: int) -> Promised:
    promised = Promised()
    async with lone_doors(server, community, count) as doors:
        shares = [len(range(kills)[number::count]) for number in range(count)]
        await asyncio.gather(*(_kill_often(door, share, promised) for door, share in zip(doors, shares, strict=True)))
        await asyncio.gather(*(door.delivered() for door in doors))
    return promised


async def _kill_often(door: LoneDoor, kills: int, promised: Promised) -> None:
    for _ in range(kills):
        await _message(door, random.uniform(*INSTANTS), promised)
        await door.kill()
        _note_safe(door, promised)
        await door.start()


async def _message(door: LoneDoor, instant: float, promised: Promised) -> None:
    """A visitor leaves a message; back at the instant."""
    await door.offered()
    await door.recording()
    promised.begun += 1
    began, before = time.monotonic(), door.device.log.last
    await asyncio.sleep(min(instant, RECORDS))  # the measurement itself: a visitor speaks so long
    if instant > RECORDS:
        door.type("5")
        await asyncio.sleep(max(0.0, began + instant - time.monotonic()))
    kept = [str(event.facts["id"]) for event in door.device.log.after(before) if event.event == "message-kept"]
    promised.finished.update(kept)
    step = "recording" if instant <= RECORDS else "uploading" if kept else "finishing"
    promised.moments[step] += 1


def _note_safe(door: LoneDoor, promised: Promised) -> None:
    """What of an unfinished message was on the disk when the door died."""
    for path in door.messages.glob(UNFINISHED_MP4):
        with path.open("rb") as film:
            if size := whole(film).size:
                promised.safe[path.name.split(".")[-3]] = size


def _looked_at(server: HomeServer, promised: Promised) -> Wrong:
    site = server.site
    database = Database(site.database_url)
    try:
        store = store_of(database, site.databases.messages, site.messages)
        messages = [item for item in store.all(site.homelink.home) if item.sort is Sort.MESSAGE]
        films = {item.id: b"".join(store.content(site.homelink.home, item.id).read()) for item in messages}
    finally:
        database.close()
    short = sum(len(films.get(identifier, b"")) < size for identifier, size in promised.safe.items())
    lost = len(promised.finished - films.keys()) + short
    doubled = len(films) - len({hashlib.sha256(film).digest() for film in films.values()})
    doubled += max(0, len(films) - promised.begun)
    unreadable = sum(not _readable(item, films[item.id]) for item in messages)
    return Wrong(lost, doubled, unreadable, len(films))


def _readable(item: Item, film: bytes) -> bool:
    """Whether every picture and all of its sound can be played, and it lasts as long as was told."""
    if hashlib.sha256(film).hexdigest() != item.sha256:
        return False
    try:
        with av.open(io.BytesIO(film), "r") as container:
            return any(True for _ in container.decode(video=0))
    except FFmpegError:
        return False
