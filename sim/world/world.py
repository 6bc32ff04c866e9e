"""The whole simulated world: devices with their plugs, the sound between them, and what may go wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from hal.indicator import Signal
from servers.records import CallRecord
from sim.footage import speech
from sim.lines import Lines, Quality
from sim.link import now_ms
from sim.world.camera import ViewFactory
from sim.world.device import Device
from sim.world.errors import NotPossible, NotThere
from sim.world.hub import Socket
from sim.world.mailbox import Mailbox
from sim.world.sound import Person, SoundLoop

Switch = Callable[[bool], Awaitable[None]]
"""Switches a process of the community on or off; returns when it is done."""

UNPLUGGED = ("camera", "microphone", "speaker")
EVERYBODYS = ("microphone", "speaker")
"""Every device has them, though it opens them only when it needs them."""
DEVICE_FAULTS = (
    *(f"{part}-{how}" for part in UNPLUGGED for how in ("gone", "back")),
    "case-opened",
    "case-closed",
    "voicemail-on",
    "voicemail-off",
    "echo-on",
    "echo-off",
    "power-cut",
    "power-back",
    "clock-wrong",
    "clock-right",
)
"""What may happen to a device."""
SERVER_FAULTS = ("down", "up", "silent", "speaks", "full", "roomy")
"""What may happen to a server: it ends, it holds its connections and answers nothing, its disk takes no more."""
LEAVE = "#"
"""The key by which a visitor ends a message."""
ECHO = 0.3
"""How much of the loudspeaker comes back into the microphone in a room with echo."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is beside devices, with its name for people."""

    servers: Mapping[str, str] = field(default_factory=dict)
    """By name, those above before those below."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """By flat."""
    call_flat: str = ""
    """Whom a door's call button rings."""
    lines: bool = False
    """Whether the lines between the parties can be cut."""


class World:
    """Made on a running event loop; `close` ends it."""

    def __init__(self, devices: list[Device], about: Surroundings, folder: Path, views: ViewFactory) -> None:
        self.about = about
        self.devices = {device.name: device for device in devices}
        self.known_faults = [f"{server}-{how}" for server in about.servers for how in SERVER_FAULTS]
        """What may happen to the community."""
        self.power: dict[str, Switch] = {}
        """How to cut the power of a device or of a server, by name."""
        self.silence: dict[str, Switch] = {}
        """How to make a server silent, by name; True makes it so."""
        self.full: dict[str, Switch] = {}
        """How to fill the disk of a server, by name; True makes it full."""
        self.clocks: dict[str, Switch] = {}
        """How to make a device's clock wrong, which starts it anew, by name; True makes it so."""
        self.mailboxes: dict[str, Mailbox] = {}
        """What visitors left, by flat."""
        self.records: dict[str, Callable[[], Sequence[CallRecord]]] = {}
        """The call records that a server keeps, newest first, by its name; reading them takes its time."""
        self.faults: set[str] = set()
        self.lines = Lines()
        self._sockets = {device.name: Socket(device, folder / f"{device.name}.sock", views) for device in devices}
        self._people = {device.name: device.room.person for device in devices}
        loop = asyncio.get_running_loop()
        for device in devices:
            device.room.cue = partial(_may_speak, device)
            device.room.leaves = partial(_soon, loop, device)
        self._sound = SoundLoop([device.room for device in devices])

    def socket_path(self, name: str) -> Path:
        """The socket that the device's process connects to."""
        return self._sockets[name].path

    def device(self, name: str) -> Device:
        """The device called `name`. Raises NotThere."""
        if name not in self.devices:
            raise NotThere(f"there is no device {name!r}; there are {', '.join(self.devices)}")
        return self.devices[name]

    async def device_fault(self, name: str, fault: str) -> None:
        """Let `fault` happen to a device. Raises NotThere, NotPossible, ValueError."""
        device = self.device(name)
        if fault not in DEVICE_FAULTS:
            raise ValueError(f"there is no fault {fault!r}; there are {', '.join(DEVICE_FAULTS)}")
        part, _, how = fault.rpartition("-")
        if part in UNPLUGGED:
            self._unplug(device, part, how == "gone")
        elif part == "case":
            device.move("tamper_switch", how == "opened")
        elif part == "voicemail":
            device.move("voicemail", how == "on")
            device.room.person = Person(speech("voicemail")) if how == "on" else self._people[device.name]
            self._mark(device.faults, "voicemail-on", how == "on")
        elif part == "echo":
            device.room.echo = ECHO if how == "on" else 0.0
            self._mark(device.faults, "echo-on", how == "on")
        elif part == "clock":
            await self._set_clock(device, how == "wrong")
        else:
            await self._switch(device.name, how == "back")
            self._mark(device.faults, "power-cut", how == "cut")
        device.log.add("fault", {"fault": fault}, now_ms())

    async def _set_clock(self, device: Device, wrong: bool) -> None:
        if device.name not in self.clocks:
            raise NotPossible(f"the clock of {device.name} cannot be set here")
        await self.clocks[device.name](wrong)
        self._mark(device.faults, "clock-wrong", wrong)
        self._mark(device.faults, "power-cut", False)

    def _unplug(self, device: Device, part: str, gone: bool) -> None:
        if part not in (*EVERYBODYS, *device.parts):
            raise NotThere(f"{device.name} has no {part}; it has {', '.join(sorted(device.parts)) or 'nothing'}")
        device.fail(part, gone)

    async def fault(self, fault: str) -> None:
        """Let `fault` happen to the community. Raises NotPossible, ValueError."""
        if fault not in self.known_faults:
            raise ValueError(f"there is no fault {fault!r}; there are {', '.join(self.known_faults)}")
        server, _, how = fault.rpartition("-")
        if how in ("silent", "speaks"):
            await self._silence(server, how == "silent")
        elif how in ("full", "roomy"):
            await self._fill(server, how == "full")
        else:
            await self._switch(server, how == "up")
            self._mark(self.faults, f"{server}-down", how == "down")
            self._mark(self.faults, f"{server}-silent", False)
            self._mark(self.faults, f"{server}-full", False)
        for device in self.devices.values():
            device.log.add("fault", {"fault": fault}, now_ms())

    def mailbox(self, flat: str) -> Mailbox:
        """What visitors left for this home. Raises NotThere."""
        if flat not in self.mailboxes:
            raise NotThere(f"nothing is kept for {flat!r}; it is for {', '.join(self.mailboxes) or 'nobody'}")
        return self.mailboxes[flat]

    def line(self, one: str, other: str, quality: Quality) -> None:
        """From now on the line between two parties is so good. Raises NotThere, NotPossible, ValueError."""
        parties = {*self.devices, *self.about.servers}
        for name in (one, other):
            if name not in parties:
                raise NotThere(f"there is nobody called {name!r}; there are {', '.join(sorted(parties))}")
        if not self.about.lines:
            raise NotPossible("lines can be cut in the whole community only: intercom sim --community whole")
        if one == other or not {one, other} & set(self.about.servers):
            raise ValueError("a line goes from a device or a server to a server")
        self.lines.set(one, other, quality)
        for device in self.devices.values():
            device.log.add("line", {"between": f"{one}, {other}", **asdict(quality)}, now_ms())

    async def _silence(self, server: str, on: bool) -> None:
        if server not in self.silence:
            raise NotPossible(f"{server} cannot be made silent here")
        if on and f"{server}-down" in self.faults:
            raise NotPossible(f"{server} is down")
        await self.silence[server](on)
        self._mark(self.faults, f"{server}-silent", on)

    async def _fill(self, server: str, on: bool) -> None:
        if server not in self.full:
            raise NotPossible(f"{server} keeps nothing that fills its disk")
        await self.full[server](on)
        self._mark(self.faults, f"{server}-full", on)

    async def _switch(self, name: str, on: bool) -> None:
        if name not in self.power:
            raise NotPossible(f"the power of {name} cannot be switched here")
        await self.power[name](on)

    @staticmethod
    def _mark(faults: set[str], fault: str, there: bool) -> None:
        if there:
            faults.add(fault)
        else:
            faults.discard(fault)

    def facts(self) -> Mapping[str, object]:
        """The whole community, for JSON."""
        devices = [device.facts() for device in self.devices.values()]
        about = {"servers": dict(self.about.servers), "homes": dict(self.about.homes), "flat": self.about.call_flat}
        return {
            "devices": devices,
            **about,
            "faults": sorted(self.faults),
            "lines": self.lines.facts(),
            "can_cut": self.about.lines,
            "can_fill": sorted(self.full),
            "mailboxes": list(self.mailboxes),
        }

    async def close(self) -> None:
        """Unplug everything."""
        await asyncio.gather(*(plug.close() for plug in self._sockets.values()))
        self._sound.close()


def _may_speak(device: Device) -> bool:
    """Nobody speaks to a door that shows that it still rings."""
    return device.indicator != Signal.CALLING


def _soon(loop: asyncio.AbstractEventLoop, device: Device) -> None:
    """Called on the sound thread; hands are the loop's."""
    loop.call_soon_threadsafe(_leave, device)


def _leave(device: Device) -> None:
    """Who has left a message goes."""
    try:
        device.type(LEAVE)
    except (NotPossible, NotThere) as error:  # its power was cut meanwhile
        logger.info("the visitor finds no keypad: %s", error)
