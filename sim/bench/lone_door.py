"""A door station's real process in a world of its own: pressed, listened to, killed and started again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from servers.community.authority import Community, Role
from sim.bench.home import HomeServer, tls_table
from sim.link import SOCKET
from sim.plan import BOARDS, DEVICES
from sim.processes import Child, command
from sim.run_folder import RunFolder
from sim.world.device import Device
from sim.world.errors import WorldError
from sim.world.events import Event
from sim.world.street import Street
from sim.world.world import Surroundings, World

FLAT = "301"
TOKEN = "deposit-of-this-measurement"  # noqa: S105 - it opens nothing
LIMIT = 60.0
PAUSE = 0.02
_SITE = """\
data = "data"
people = "people.toml"
[device]
name = "{name}"
place = "{name}"
[sip]
user = "{name}"
domain = "door.example"
transport = "tls"
address = "{address}"
[messages]
limit = 60
"""
_PEOPLE = f"""\
[flats.{FLAT}]
name = "Measured"
homelink = "{{uri}}"
[flats.{FLAT}.messages]
url = "{{url}}"
token = "{TOKEN}"
"""


class LoneDoor:
    """One door station that calls one home, where nobody is: its visitors are asked to leave a message."""

    def __init__(self, device: Device, child: Child, folder: Path) -> None:
        self.device, self.messages = device, folder / "data" / "messages"
        self._child = child
        self._seen = 0

    async def start(self) -> None:
        """Switch on; back when its store is open and its camera delivers."""
        self._seen = self.device.log.last
        await self._child.start()
        await self._until(self._ready, f"{self.device.name} is ready")

    async def kill(self) -> None:
        """kill -9; back when the world has noticed."""
        await self._child.cut()
        await self._until(self._gone, f"{self.device.name} is gone")

    async def stop(self) -> None:
        """Ask it to end."""
        await self._child.stop()

    def type(self, keys: str) -> None:
        """Press keys."""
        self.device.type(keys)

    async def wait_for(self, event: str, **facts: object) -> Event:
        """The next event of that name with these facts. Raises TimeoutError."""
        end = time.monotonic() + LIMIT
        while (left := end - time.monotonic()) > 0:
            for happened in await self.device.log.wait(self._seen, left):
                self._seen = happened.id
                if happened.event == event and all(happened.facts.get(key) == value for key, value in facts.items()):
                    return happened
        raise TimeoutError(f"{self.device.name}: no {event} {facts} within {LIMIT:g} s: {self._child.last_words()}")

    async def offered(self) -> None:
        """A visitor rings; back when they are asked to leave a message."""
        self.type(f"{FLAT}#")
        await self.wait_for("state", new="offering")

    async def recording(self) -> None:
        """The visitor does not wait for the end of the words; back when the message has begun."""
        self.type("#")
        await self.wait_for("state", new="recording")

    async def waiting(self) -> int:
        """How many items the home's server does not have yet."""
        return int((await self.device.ask("messages"))["waiting"])

    async def delivered(self) -> None:
        """Back when the home's server has everything."""

        async def all_there() -> bool:
            return not await self.waiting()

        await self._until(all_there, f"{self.device.name} has delivered everything")

    async def _ready(self) -> bool:
        if not (await self.device.ask("messages"))["open"]:
            return False
        stats = await self.device.ask("stats")
        return bool(stats["video"]["encoder"].get("pictures"))

    async def _gone(self) -> bool:
        return not self.device.running

    async def _until(self, sign: Callable[[], Awaitable[bool]], what: str) -> None:
        end = time.monotonic() + LIMIT
        while not await _holds(sign):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {LIMIT:g} s: {what}: {self._child.last_words()}")
            await asyncio.sleep(PAUSE)


async def _holds(sign: Callable[[], Awaitable[bool]]) -> bool:
    """False too while the device's process does not answer."""
    try:
        return await sign()
    except WorldError:
        return False


@asynccontextmanager
async def lone_doors(server: HomeServer, community: Community, count: int = 1) -> AsyncIterator[list[LoneDoor]]:
    """So many doors that call this home, each started already; on the main thread, to which processes are bound."""
    folder, street = RunFolder(), Street()
    devices = [Device(f"door{number}", "door-station", None) for number in range(1, count + 1)]
    world = World(devices, Surroundings({"homelink": "Measured"}), folder.path, street.look)
    doors = [_door(world, device, folder.path, server, community) for device in devices]
    try:
        await asyncio.gather(*(door.start() for door in doors))
        yield doors
    finally:
        await asyncio.gather(*(door.stop() for door in doors))
        await world.close()
        street.close()
        folder.close()


def _door(world: World, device: Device, folder: Path, server: HomeServer, community: Community) -> LoneDoor:
    address = f"{DEVICES}{list(world.devices).index(device.name) + 1}"
    own = folder / device.name
    files = community.issue(Role.DOOR_STATION, device.name, [address], own)
    site = own / "site.toml"
    site.touch(mode=0o600)
    site.write_text(_SITE.format(name=device.name, address=address) + tls_table(files), "utf-8")
    (own / "people.toml").touch(mode=0o600)
    (own / "people.toml").write_text(_PEOPLE.format(uri=server.uri, url=server.url), "utf-8")
    arguments = command("door-station", "--board", BOARDS / "simulator-door-station.toml", "--site", site)
    socket = {SOCKET: str(world.socket_path(device.name))}
    return LoneDoor(device, Child(device.name, arguments, folder / f"{device.name}.log", socket), own)
