"""A whole simulated community in this process and its children: started in one order, ended in reverse."""

import asyncio
import json
import logging
import os
import resource
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from hal.microphone import SAMPLE_RATE
from servers.kamailio.config import Listener
from servers.kamailio.probe import probe
from servers.records import CallRecord, Wanted, records
from sim.community import LOADERS, CommunityFiles, FrontPlan, ServerFiles, write_community
from sim.errors import SimError
from sim.footage import SPEAKERS, speech
from sim.lines import Front, by_address
from sim.link import SOCKET
from sim.owners import owner
from sim.plan import ADDRESS, CommunityPlan, DevicePlan
from sim.processes import Child, command, module
from sim.run_folder import RunFolder
from sim.trace.book import ANY_PORT, Agent, Book
from sim.trace.collector import Collector
from sim.trace.hep import Address
from sim.web import WebServer, listen
from sim.world.api import make_app
from sim.world.device import Device
from sim.world.errors import NotPossible, WorldError
from sim.world.sound import Person
from sim.world.street import Street
from sim.world.world import Surroundings, Switch, World
from sim.wrong_clock import WrongClock

START_LIMIT = 60.0
"""Seconds in which everything must be registered."""
DEATHS_LIMIT = 3
"""A process that dies so often while the community starts will never work."""
PAUSE = 0.03
BREATH = 0.5
"""Seconds of silence between two people who speak."""
SOUND_BYTES = 2 * SAMPLE_RATE
"""A second of sound."""
ROOM = 300_000
"""Bytes that a file may have on a disk that is full: call records go on, no film has room."""
KEEPERS = ("homelink", "management")
"""Servers that keep what visitors leave."""
PARTS = {"door-station": {"lock", "service_port"}, "indoor-unit": {"display", "service_port"}}
"""Without these a device of a role is not ready."""

logger = logging.getLogger(__name__)


class Simulator:
    """Made on a running event loop, on the main thread; `start`, use, `close`."""

    def __init__(self, plan: CommunityPlan, plain_udp: bool, port: int, talkative: bool = True) -> None:
        """`port`: of the page, 0 for any free one. Raises SimError if it is taken."""
        listener = listen(ADDRESS, port)
        self._plan = plan
        self._plain_udp = plain_udp
        self._token = secrets.token_urlsafe(24)
        self._folder = RunFolder()
        self._street = Street()
        devices = [_device(each, talkative) for each in plan.devices]
        self._world = World(devices, _surroundings(plan), self._folder.path, self._street.look)
        self._collector = Collector(ADDRESS)
        self._book = Book()
        self._web = WebServer(make_app(self._world, self._book, self._token), listener)
        self._files: CommunityFiles | None = None
        self._fronts: list[Front] = []
        self._children: dict[str, Child] = {}
        self._clocks: list[WrongClock] = []

    @property
    def page(self) -> str:
        """The page's address; what lets in is behind the `#`, which no browser sends anywhere."""
        return f"{self._web.url}/#{self._token}"

    async def start(self) -> None:
        """Start everything; returns when all devices are registered. Raises SimError, and other IntercomErrors."""
        self._web.start()
        path = self._folder.path
        files = await asyncio.to_thread(write_community, path, self._plan, self._plain_udp, self._collector.address)
        self._files = files
        self._world.mailboxes |= files.mailboxes
        agents, names = _addresses(self._plan, files)
        self._book.know(agents, names)
        await self._open_fronts(files, names)
        await self._collector.start(self._book)
        await asyncio.gather(*(self._start_server(server) for server in files.servers.values()))
        if files.recorder:
            await self._child("nvr", files.recorder.command, files.recorder.environment).start()
        await self._until("every server serves", self._servers_missing)
        await asyncio.gather(*(self._start_device(device) for device in self._plan.devices))
        await self._until("every device is registered", self._devices_missing)

    async def _open_fronts(self, files: CommunityFiles, names: dict[Address, str]) -> None:
        for each in files.fronts:
            front = Front(each.to, each.target, self._callers(each, names), self._world.lines, names)
            await front.open((ADDRESS, each.port), streams=each.http or not self._plain_udp)
            self._fronts.append(front)

    def _callers(self, front: FrontPlan, names: dict[Address, str]) -> Callable[[Address], str]:
        """Who calls there from an address."""
        if front.http:
            return lambda address: owner(address, self._processes())
        return (lambda _: front.party) if front.party else by_address(names)

    def _processes(self) -> dict[int, str]:
        return {number: name for name, child in self._children.items() if (number := child.process_id) is not None}

    async def _start_server(self, server: ServerFiles) -> None:
        child = self._child(server.plan.name, command(server.plan.role, "--site", server.file), {})
        # A server is shut down in order: killed, it would leave Kamailio's own processes behind.
        self._world.power[child.name] = _switch(child, child.stop)
        self._world.silence[child.name] = child.silence
        self._world.records[child.name] = partial(_records, server)
        if server.plan.role in KEEPERS:
            self._world.full[child.name] = _disk(child, server)
        await child.start()

    async def _start_device(self, device: DevicePlan) -> None:
        arguments = self._arguments(device)
        child = self._child(device.name, arguments, {SOCKET: str(self._world.socket_path(device.name))})
        self._world.power[child.name] = _switch(child, child.cut)
        clock = WrongClock(child, self._folder.path / f"{child.name}.clock")
        self._clocks.append(clock)
        self._world.clocks[child.name] = clock.be
        await child.start()

    def _arguments(self, device: DevicePlan) -> list[str]:
        if device.role != "telephone":
            return command(device.role, "--board", device.board, "--site", self._written.devices[device.name])
        home = self._plan.home(device.flat)
        number = home.telephone if home else ""
        address, port = self._plan.address(device.name), str(self._written.gateway)
        return module("sim.telephone", "--address", address, "--port", port, "--number", number)

    def _child(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        child = Child(name, arguments, self._folder.path / f"{name}.log", environment)
        self._children[name] = child
        return child

    async def _servers_missing(self) -> list[str]:
        servers = self._written.servers.values()
        there = await asyncio.gather(*(asyncio.to_thread(_answers, server) for server in servers))
        return [server.plan.name for server, answers in zip(servers, there, strict=True) if not answers]

    async def _devices_missing(self) -> list[str]:
        return [each.name for each in self._plan.devices if not await self._ready(each)]

    async def _ready(self, each: DevicePlan) -> bool:
        return await _ready(self._world.device(each.name), each.server is not None)

    async def _until(self, sign: str, missing: Callable[[], Awaitable[list[str]]]) -> None:
        end = time.monotonic() + START_LIMIT
        while names := await missing():
            for child in self._children.values():
                if child.deaths >= DEATHS_LIMIT:
                    raise SimError(f"{child.name} does not start: {child.last_words()}")
            if time.monotonic() > end:
                raise SimError(f"not so within {START_LIMIT:g} s: {sign}; missing: {', '.join(names)}")
            await asyncio.sleep(PAUSE)

    @property
    def _written(self) -> CommunityFiles:
        if self._files is None:
            raise SimError("the simulator was not started")
        return self._files

    def ready_facts(self) -> dict[str, object]:
        """What a program needs to use this community."""
        files = list(self._written.servers.values())[::-1]  # the home's server first
        guests = [
            {"server": each.plan.name, "user": each.guest.user, "password": each.guest.password} for each in files
        ]
        devices = [
            {"name": each.name, "role": each.role, "flat": each.flat, "control": f"{self._web.url}/devices/{each.name}"}
            for each in self._plan.devices
        ]
        servers = [_server_facts(each) for each in files]
        facts = {"token": self._token, "folder": str(self._folder.path)}
        return {**facts, "servers": servers, "guests": guests, "devices": devices}

    def write_ready(self, path: Path) -> None:
        """Write `ready_facts` as JSON, all at once. Raises SimError."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(self.ready_facts(), indent=2) + "\n", "utf-8")
            draft.replace(path)
        except OSError as error:
            raise SimError(f"cannot write {path}: {error.strerror}") from error

    def greeting(self) -> str:
        """What a person needs to know."""
        lines = ["", f"  The page:     {self.page}", "  A SIP client:"]
        for each in self._written.servers.values():
            account = f"sip:{each.guest.user}@{each.plan.realm}, password {each.guest.password}"
            lines.append(f"    {each.plan.name + ':':<12}{account}, registrar {each.uri}")
        lines += [f"  Files, logs:  {self._folder.path}", "", "  Ctrl-C ends everything.", ""]
        return "\n".join(lines)

    async def close(self) -> None:
        """End everything and leave nothing; twice does no harm."""
        await self._web.close()
        servers = {server.name for server in self._plan.servers}
        for group in (self._children.keys() - servers, servers & self._children.keys()):
            await asyncio.gather(*(self._children[name].stop() for name in group))
        for front in self._fronts:
            await front.close()
        for clock in self._clocks:
            clock.close()
        self._collector.close()
        await self._world.close()
        self._street.close()
        self._folder.close()


def check_writable(path: Path) -> None:
    """Raises SimError if a new file cannot be made there; told before everything is started in vain."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise SimError(f"cannot write {path}: its folder is not there, or is not ours")


def _addresses(plan: CommunityPlan, files: CommunityFiles) -> tuple[dict[int, Agent], dict[Address, str]]:
    """Who captures, and who is where."""
    own = {each.to: each.target[1] for each in files.fronts if not each.http}
    ports = {name: own.get(name, server.port) for name, server in files.servers.items()}
    trunks = {each.name: {files.trunk} for each in plan.servers if each.role == "cloud"}
    listening = {name: frozenset({port, *trunks.get(name, ())}) for name, port in ports.items()}
    agents = {number: Agent(each.name, listening[each.name]) for number, each in enumerate(plan.servers, 1)}
    names: dict[Address, str] = {(ADDRESS, port): name for name, each in listening.items() for port in each}
    names |= {(ADDRESS, server.port): name for name, server in files.servers.items()}
    names |= {(ADDRESS, each.port): each.to for each in files.fronts if not each.http}
    return agents, names | {(plan.address(each.name), ANY_PORT): each.name for each in plan.devices}


def _server_facts(each: ServerFiles) -> dict[str, object]:
    facts: dict[str, object] = {"name": each.plan.name, "role": each.plan.role, "host": ADDRESS, "port": each.port}
    return facts | {"transport": each.transport, "realm": each.plan.realm}


def _records(server: ServerFiles) -> list[CallRecord]:
    return records(LOADERS[server.plan.role](server.file), wanted=Wanted(relayed=False))


def _answers(server: ServerFiles) -> bool:
    return probe(Listener(server.transport, ADDRESS, server.port), timeout=0.5)


def _surroundings(plan: CommunityPlan) -> Surroundings:
    servers = {server.name: server.title for server in plan.servers}
    return Surroundings(servers, {home.flat: home.family for home in plan.homes}, plan.call_flat, plan.lines)


def _device(each: DevicePlan, talkative: bool) -> Device:
    device = Device(each.name, each.role, each.flat, each.place, each.server)
    if talkative:
        device.room.person = _person(each)
    return device


def _person(each: DevicePlan) -> Person:
    """Who stands at this device. Visitor and resident speak in turn."""
    visitor = speech("visitor")
    if each.role == "door-station":
        return Person(visitor, BREATH, speech("message"))
    name = each.name if each.name in SPEAKERS else each.role
    return Person(speech(name if name in SPEAKERS else "indoor1"), 2 * BREATH + len(visitor) / SOUND_BYTES)


def _switch(child: Child, off: Callable[[], Awaitable[None]]) -> Switch:
    async def switch(on: bool) -> None:
        await (child.start() if on else off())

    return switch


def _disk(child: Child, server: ServerFiles) -> Switch:
    """Fills its disk for it alone: no file may grow beyond a few pictures (RLIMIT_FSIZE), and no film has room.

    The server meets the error of a file that is too large (EFBIG) where a full disk has ENOSPC.
    """

    async def fill(on: bool) -> None:
        if child.process_id is None:
            raise NotPossible(f"{child.name} is down")
        if on:
            await asyncio.to_thread(_empty_logs, server.file.parent)
        _, hard = resource.prlimit(child.process_id, resource.RLIMIT_FSIZE)
        resource.prlimit(child.process_id, resource.RLIMIT_FSIZE, (ROOM if on else hard, hard))

    return fill


def _empty_logs(folder: Path) -> None:
    """Databases get what was written beside them, so that there is room beside them again. Raises NotPossible."""
    for database in folder.rglob("*.sqlite"):
        try:
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise NotPossible(f"{database.name} is busy: {error}") from error


async def _ready(device: Device, registers: bool) -> bool:
    if not PARTS.get(device.role, PARTS["indoor-unit"]) <= device.parts:
        return False
    try:
        state = await device.ask("state")
    except WorldError:
        return False
    knows = device.role != "door-station" or bool(state.get("numbers"))
    return knows and (not registers or bool(state.get("registered")))
