"""One simulated device as the world sees it: its plugs and knobs, its lamps, its screen, its event log."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hal.camera import Picture
from hal.display import Scene
from hal.keypad import KEYS
from sim.link import Message, now_ms
from sim.shared import ScreenMemory
from sim.world.camera import CameraFeed
from sim.world.errors import NoAnswer, NotPossible, NotThere
from sim.world.events import EventLog
from sim.world.sound import Room

ANSWER_LIMIT = 3.0
"""Seconds that a device's process may take to answer a question."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Lock:
    """The lock of a door."""

    kind: str = "fail-secure"
    unlocked: bool = False


class Device:
    """A device's hardware. Used on the world's event loop only."""

    def __init__(self, name: str, role: str, flat: str | None, place: str = "", server: str | None = None) -> None:
        """`place` is for people; `server` is where it registers."""
        self.name = name
        self.role = role
        self.flat = flat
        self.place = place or name
        self.server = server
        self.log = EventLog()
        self.room = Room()
        self.lock = Lock()
        self.indicator: str | None = None
        self.scene = Scene("")
        self.scene_after = 0
        self.contacts = {"door_contact": False, "tamper_switch": False, "voicemail": False}
        self.parts: set[str] = set()
        self.camera: CameraFeed | None = None
        self.screen: ScreenMemory | None = None
        self.faults: set[str] = set()
        self._send: Callable[[Message], None] | None = None
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._numbers = itertools.count(1)

    # --- what the device's process tells -----------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the device's process is connected."""
        return self._send is not None

    def connected(self, send: Callable[[Message], None], process: int) -> None:
        """The device's process has come."""
        self._send = send
        self.log.add("process", {"running": True, "process": process}, now_ms())

    def disconnected(self, send: Callable[[Message], None]) -> None:
        """The process that was connected with `send` has gone: the hardware is without power."""
        if self._send is not send:
            return
        self._send = None
        self.parts.clear()
        self.room.microphone = self.room.speaker = self.screen = None
        if self.camera:
            self.camera.close()
            self.camera = None
        self.scene, self.indicator = Scene(""), None
        self._set_lock(self.lock.kind == "fail-safe", now_ms())
        for future in self._asked.values():
            if not future.done():  # whoever asked may have gone
                future.set_exception(NotPossible(f"{self.name} is not running any more"))
        self._asked.clear()
        self.log.add("process", {"running": False}, now_ms())

    def told(self, message: Message) -> None:
        """A packet of the device's process. Raises KeyError or ValueError for a packet that nobody can understand."""
        part = str(message["part"])
        if message.get("attached"):
            self.parts.add(part)
            self._send_state(part)
        elif handle := getattr(self, f"_told_{part}", None):
            handle(message)

    def _send_state(self, part: str) -> None:
        if part in self.contacts:
            self._tell({"part": part, "open": self.contacts[part]})

    def _told_lock(self, message: Message) -> None:
        if "kind" in message:
            self.lock.kind = str(message["kind"])
        else:
            self._set_lock(bool(message["unlocked"]), float(message["ms"]))

    def _set_lock(self, unlocked: bool, ms: float) -> None:
        if unlocked != self.lock.unlocked:
            self.lock.unlocked = unlocked
            self.log.add("lock", {"unlocked": unlocked}, ms)

    def _told_indicator(self, message: Message) -> None:
        self.indicator = message["signal"]
        self.log.add("indicator", {"signal": self.indicator}, now_ms())

    def _told_display(self, message: Message) -> None:
        if "answer" in message:
            self._answered(message)
            return
        self.scene = Scene(message["title"], message["detail"], tuple(message["actions"]), bool(message["live"]))
        self.scene_after = self.scene_after if self.picture_number() else int(message["after"])
        self.log.add("scene", self.scene_facts(), float(message["ms"]))

    def _told_service_port(self, message: Message) -> None:
        if "event" in message:
            self.log.add(str(message["event"]), message["facts"], float(message["ms"]))
        else:
            self._answered(message)

    def _answered(self, message: Message) -> None:
        future = self._asked.pop(int(message["answer"]), None)
        if future and not future.done():
            future.set_result(message)

    # --- what people do to the device --------------------------------------------------------------------------------

    def fail(self, part: str, gone: bool) -> None:
        """Unplug the "camera", "microphone" or "speaker", or plug it in again; it stays so over a restart."""
        self.faults = self.faults | {f"{part}-gone"} if gone else self.faults - {f"{part}-gone"}
        if part == "camera" and self.camera:
            self.camera.plug(not gone)
        elif track := getattr(self.room, part, None):
            track.gone = gone

    def type(self, keys: str) -> None:
        """Press keys of the keypad one after the other. Raises NotThere, NotPossible, ValueError."""
        wrong = sorted(set(keys) - set(KEYS))
        if wrong or not keys:
            raise ValueError(f"a keypad has the keys {KEYS}, not {''.join(wrong) or 'nothing'!r}")
        self._need("keypad", "a keypad")
        for key in keys:
            self.log.add("key", {"key": key}, now_ms())
            self._tell({"part": "keypad", "key": key})

    def press(self, button: str) -> None:
        """Press a button once. Raises NotThere, NotPossible."""
        self._need(f"{button}_button", f"a button {button!r}")
        self.log.add("button", {"button": button}, now_ms())
        self._tell({"part": f"{button}_button", "press": True})

    def move(self, contact: str, is_open: bool) -> None:
        """Open or close the door or the case. Raises NotThere, NotPossible (a locked door does not open)."""
        self._need(contact, f"a {contact}")
        if contact == "door_contact" and is_open and not self.lock.unlocked and not self.contacts[contact]:
            raise NotPossible(f"{self.name}: the door is locked")
        if self.contacts[contact] != is_open:
            self.contacts[contact] = is_open
            self.log.add(contact, {"open": is_open}, now_ms())
            self._send_state(contact)

    def buttons(self) -> list[str]:
        """The buttons that this device has."""
        return sorted(part.removesuffix("_button") for part in self.parts if part.endswith("_button"))

    def _need(self, part: str, what: str) -> None:
        if not self.running:
            raise NotPossible(f"{self.name} is not running")
        if part not in self.parts:
            there = ", ".join(sorted(self.parts)) or "nothing"
            raise NotThere(f"{self.name} has no {what.removeprefix('a ')}; it has {there}")

    # --- what people see ---------------------------------------------------------------------------------------------

    async def picture(self) -> Picture | None:
        """A copy of the live picture that its screen shows now; None where there is none.

        Raises NotPossible, NoAnswer.
        """
        screen = self.screen
        if not screen or not self.picture_number():
            return None
        if not (await self._answer({"part": "display"}, "show its screen"))["picture"]:
            return None
        seen = screen.copy()
        return seen[1] if seen else None

    def picture_number(self) -> int:
        """The number of the picture on the screen, 0 without one."""
        if not self.screen or not self.scene.live:
            return 0
        number = self.screen.shown
        return number if number > self.scene_after else 0

    def live_number(self) -> int:
        """The number of the live picture of the screen, else of the camera; 0 while there is none."""
        if self.camera and not self.screen:
            return self.camera.number if self.camera.active else 0
        return self.picture_number()

    async def live_picture(self) -> Picture | None:
        """A copy of the live picture of the screen, else of the camera. Raises NotPossible, NoAnswer."""
        if self.camera and not self.screen:
            return self.camera.latest() if self.camera.active else None
        return await self.picture()

    def scene_facts(self) -> dict[str, object]:
        """The words on the screen, for JSON."""
        scene = self.scene
        return {"title": scene.title, "detail": scene.detail, "actions": list(scene.actions), "live": scene.live}

    def facts(self) -> dict[str, Any]:
        """What can be seen of the device from outside, for JSON."""
        facts: dict[str, Any] = {"name": self.name, "role": self.role, "flat": self.flat, "running": self.running}
        facts |= {
            "place": self.place,
            "server": self.server,
            "buttons": self.buttons(),
            "keypad": "keypad" in self.parts,
        }
        facts["faults"] = sorted(self.faults)
        if self.camera:
            facts["camera"] = {"on": self.camera.active}
        if "lock" in self.parts:
            facts["lock"] = {"unlocked": self.lock.unlocked, "kind": self.lock.kind}
        if "indicator" in self.parts:
            facts["indicator"] = self.indicator
        if "display" in self.parts:
            facts["scene"] = self.scene_facts()
        facts |= {part: {"open": is_open} for part, is_open in self.contacts.items() if part in self.parts}
        return facts

    async def ask(self, question: str) -> Message:
        """What the device's process answers. Raises NotPossible, NotThere, NoAnswer."""
        self._need("service_port", "service port")
        asked = {"part": "service_port", "question": question}
        facts: Message | None = (await self._answer(asked, f"tell its {question}"))["facts"]
        if facts is None:
            raise NotThere(f"{self.name} tells nothing about {question!r}")
        return facts

    async def _answer(self, message: Message, what: str) -> Message:
        """Send `message` and wait until its part has answered: it was to do `what`. Raises NotPossible, NoAnswer."""
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self._tell({**message, "ask": number})
        try:
            return await asyncio.wait_for(future, ANSWER_LIMIT)
        except TimeoutError as error:
            raise NoAnswer(f"{self.name} did not {what} within {ANSWER_LIMIT:g} s") from error
        finally:
            self._asked.pop(number, None)

    def _tell(self, message: Message) -> None:
        if self._send:
            self._send(message)
