"""Figures of what visitors leave: to the lamp in the home, over a line that breaks, and in a long list."""

import asyncio
import base64
import hashlib
import http.client
import json
import random
import secrets
import struct
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import insert

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.items import State
from endpoints.door_station.keeping.store import Store
from endpoints.door_station.keeping.uploader import Uploader
from media.fragments import sealed
from servers.community.authority import Community
from servers.database import Database
from servers.kamailio.kinds import Kind
from servers.messages.desk import store_of
from servers.messages.table import ITEM
from sim.bench.cutter import BreakingLine
from sim.bench.figure import Figure, at_p95
from sim.bench.home import ADDRESS, HomeServer
from sim.bench.lone_door import FLAT, TOKEN, LoneDoor, lone_doors
from sim.bench.recording import cpu_while_recording
from sim.bench.small_phone import Account, Lamp
from sim.errors import SimError

TIMES = 10
SPEAKS = 3.0
"""Seconds from the beep until the visitor presses a key."""
SIZE, BREAKS = 100_000_000, 20
KEPT, PAGE, PAGES = 10_000, 50, 200
LIMIT = 300.0
_FRAGMENT = 1_000_000


def messages() -> Iterator[Figure]:
    """With a real HomeLink over TLS, and a real door where one is needed."""
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as name:
        folder = Path(name)
        community = Community.create(folder / "authority", "Measured")
        server = HomeServer(folder, f'[messages]\ntoken = "{TOKEN}"\n', community)
        _fill(server, KEPT)
        server.start()
        try:
            yield _list(server, server.account("indoor1", Kind.INDOOR))
            yield from asyncio.run(_to_the_lamp(server, community))
            yield _upload(server, folder)
        finally:
            server.kill()
    yield cpu_while_recording()


# --- to the lamp -----------------------------------------------------------------------------------------------------


async def _to_the_lamp(server: HomeServer, community: Community) -> list[Figure]:
    """From the key that ends a message to the NOTIFY that any SIP phone of the home shows it by."""
    lamp = Lamp(ADDRESS, server.port, server.account("lamp1", Kind.INDOOR), server.site.homelink.home)
    if not await asyncio.to_thread(lamp.subscribe):
        raise SimError("the HomeLink of this measurement takes no subscription")
    async with lone_doors(server, community) as (door,):
        pairs = [await _message(door, lamp, KEPT + number) for number in range(1, TIMES + 1)]
    lamp.close()
    from_key, from_kept = zip(*pairs, strict=True)
    note = f"{SPEAKS:g} s of film; from the moment it is safe on the door's disk: {max(from_kept):.0f} ms at most"
    return [at_p95("finished message to lamp on in the home", from_key, "ms", 1000, note)]


async def _message(door: LoneDoor, lamp: Lamp, waiting: int) -> tuple[float, float]:
    """ms from the key press, and from the finished message on the door's disk, to the lamp."""
    await door.offered()
    await door.recording()
    await asyncio.sleep(SPEAKS)
    door.type("5")
    pressed = (await door.wait_for("key", key="5")).ms
    kept = (await door.wait_for("message-kept")).ms
    on = await asyncio.to_thread(lamp.shown, waiting)
    return on - pressed, on - kept


# --- a line that breaks ----------------------------------------------------------------------------------------------


def _upload(server: HomeServer, folder: Path) -> Figure:
    """The door's store and uploader, and every byte that went up, those of TLS and HTTP too."""
    store = Store(folder / "door")
    item = _large_item(store)
    breaks = sorted(random.sample(range(SIZE), BREAKS))
    line = BreakingLine((ADDRESS, urlsplit(server.url).port or 0), breaks)
    deposits = {FLAT: Deposit(f"https://{ADDRESS}:{line.port}", TOKEN)}
    uploader = Uploader(lambda: store, lambda: deposits, lambda: False, 1e12, server.context, first_retry=0.2)
    began = time.monotonic()
    uploader.start()
    try:
        while store.items()[0].state is State.WAITING:
            if time.monotonic() - began > LIMIT:
                raise SimError(f"{SIZE} bytes were not taken within {LIMIT:g} s")
            time.sleep(0.1)
    finally:
        uploader.close()
        line.close()
    seconds, state = time.monotonic() - began, store.items()[0].state
    store.close()
    if state is not State.UPLOADED or line.broken != BREAKS:
        raise SimError(f"the upload came to {state} after {line.broken} breaks")
    note = f"TLS and HTTP included; {uploader.sent / item:.3f} without; {seconds:.0f} s"
    return Figure(f"upload of 100 MB, line cut {BREAKS} times: sent / size", line.up / item, "x", 1.05, (), note)


def _large_item(store: Store) -> int:
    """A message of `SIZE` bytes, none of which can be foreseen; its exact size."""
    recording = store.begin(FLAT, secrets.token_hex(16))
    for number in range(SIZE // _FRAGMENT):
        content = random.randbytes(_FRAGMENT)
        recording.append(sealed(struct.pack(">I4s", len(content) + 8, b"mdat") + content, 500 * (number + 1)))
    item = recording.finish()
    if item is None:
        raise SimError("a message of random bytes was not kept")
    return item.size


# --- a long list -----------------------------------------------------------------------------------------------------


def _fill(server: HomeServer, count: int) -> None:
    """Rows as uploads make them; a list looks at no file."""
    site, home, now = server.site, server.site.homelink.home, datetime.now(UTC)
    site.databases.prepare()
    database = Database(site.database_url)
    store = store_of(database, site.databases.messages, site.messages)
    rows = []
    for number in range(count):
        _, wrapped = store.keys.new_item(home)
        moment = now - timedelta(minutes=count - number)
        identifier = secrets.token_hex(16)
        rows.append({
            "home": home, "id": identifier, "flat": FLAT, "session_id": secrets.token_hex(16), "sort": "message",
            "event": "", "started": moment, "duration_ms": 20_000, "size": 1000,
            "sha256": hashlib.sha256(identifier.encode()).hexdigest(), "filetype": "video/mp4",
            "home_key": wrapped.home_key, "wrapped": wrapped.secret, "created": moment, "arrived": moment,
            "read": False,
        })  # fmt: skip
    with store.changing() as connection:
        connection.execute(insert(ITEM), rows)
    database.close()


def _list(server: HomeServer, account: Account) -> Figure:
    """Pages all over the list, as a screen asks for them: over HTTPS on one connection, with a login."""
    at = urlsplit(server.url)
    connection = http.client.HTTPSConnection(at.hostname or "", at.port, context=server.context())
    login = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
    times, after = [], ""
    for _ in range(PAGES + 1):
        began = time.monotonic()
        connection.request("GET", f"/messages?limit={PAGE}&after={after}", headers={"Authorization": f"Basic {login}"})
        answer = connection.getresponse()
        body = answer.read()
        times.append(1000 * (time.monotonic() - began))
        if answer.status != 200:
            raise SimError(f"the list is refused with {answer.status}")
        after = _next(body)
    connection.close()
    return at_p95(f"list of {KEPT} messages, page of {PAGE}", times[1:], "ms", 30, "HTTPS, with login")


def _next(page: bytes) -> str:
    following: str | None = json.loads(page)["next"]
    return following or ""
