"""The live side of the control interface: WebSockets with pictures, events and sound for the page.

A WebSocket of a browser cannot carry an Authorization header: the token comes as the second sub-protocol.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect

from sim.link import now_ms
from sim.trace.book import Book, Visit
from sim.world.device import Device
from sim.world.errors import NotThere, WorldError
from sim.world.events import Event
from sim.world.pictures import jpeg
from sim.world.world import World

PROTOCOL = "intercom"
POLL = 0.02
"""Seconds between two looks at the screens."""
INTERVAL = 0.07
"""Seconds between two pictures of a screen for the page: every second one of 25 a second."""
SOUND_QUEUE = 25
"""Frames of sound that wait for a slow page."""
REFUSED = 4401

live = APIRouter()


class JpegCache:
    """Encodes each picture of a screen once, for however many pages."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[int, asyncio.Task[bytes | None]]] = {}

    async def get(self, device: Device) -> bytes | None:
        """The device's live picture as JPEG, None if there is none any more."""
        number, task = self._tasks.get(device.name, (0, None))
        if task is None or number != device.live_number():
            task = asyncio.create_task(_encode(device))
            self._tasks[device.name] = (device.live_number(), task)
        return await task


async def _encode(device: Device) -> bytes | None:
    try:
        picture = await device.live_picture()
    except WorldError:  # it hangs or was switched off: nobody sees anything there
        return None
    return await asyncio.to_thread(jpeg, picture) if picture else None


class Viewer:
    """One open page."""

    def __init__(self, websocket: WebSocket, world: World, book: Book, cache: JpegCache) -> None:
        self._websocket = websocket
        self._world = world
        self._book = book
        self._cache = cache
        self._devices = list(world.devices.values())
        self._watched: set[str] = set()
        self._shown: dict[str, int] = {}
        self._busy: set[str] = set()
        self._last: dict[str, float] = {}
        self._news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._unsubscribe: list[Callable[[], None]] = []

    async def run(self) -> None:
        """Serve until the page goes."""
        self._subscribe()
        await self._websocket.send_json(
            {"type": "community", **self._world.facts(), "ms": now_ms(), "time": time.time()}
        )
        tasks = [asyncio.create_task(work()) for work in (self._receive, self._send_news, self._send_pictures)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for unsubscribe in self._unsubscribe:
                unsubscribe()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _subscribe(self) -> None:
        for device in self._devices:
            listener = self._listener(device)
            device.log.listeners.append(listener)
            self._unsubscribe.append(partial(device.log.listeners.remove, listener))
        self._book.listeners.append(self._told_visit)
        self._unsubscribe.append(partial(self._book.listeners.remove, self._told_visit))

    def _told_visit(self, visit: Visit) -> None:
        self._news.put_nowait({"type": "visit", "visit": visit.facts()})

    def _listener(self, device: Device) -> Callable[[Event], None]:
        def listen(event: Event) -> None:
            told = {"id": event.id, "ms": event.ms, "event": event.event, "facts": dict(event.facts)}
            self._news.put_nowait({"type": "event", "device": device.name, "event": told})
            wrong = {"faults": sorted(self._world.faults), "lines": self._world.lines.facts()}
            self._news.put_nowait({"type": "device", "device": device.facts(), **wrong})

        return listen

    async def _receive(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                message = await self._websocket.receive_json()
                if "watch" in message:
                    self._watched = set(message["watch"])
                    self._busy.clear()
                else:
                    self._busy.discard(message.get("shown", ""))

    async def _send_news(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._websocket.send_json(await self._news.get())

    async def _send_pictures(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                for index, device in enumerate(self._devices):
                    await self._send_picture(index, device)
                await asyncio.sleep(POLL)

    async def _send_picture(self, index: int, device: Device) -> None:
        name, number, now = device.name, device.live_number(), time.monotonic()
        if name not in self._watched or name in self._busy or number == self._shown.get(name, 0):
            return
        if number and now - self._last.get(name, 0) < INTERVAL:
            return
        self._shown[name], self._last[name] = number, now
        image = await self._cache.get(device) if number else b""
        if image:
            self._busy.add(name)
        await self._websocket.send_bytes(bytes([index]) + (image or b""))


class Ear:
    """A page that listens at one device, and may speak there."""

    def __init__(self, websocket: WebSocket, device: Device) -> None:
        self._websocket = websocket
        self._room = device.room
        self._loop = asyncio.get_running_loop()
        self._sound: asyncio.Queue[bytes] = asyncio.Queue(SOUND_QUEUE)

    async def run(self) -> None:
        """Serve until the page goes."""
        self._room.listeners.append(self._hear)
        tasks = [asyncio.create_task(work()) for work in (self._send, self._receive)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._room.listeners.remove(self._hear)
            self._room.visitors.discard(id(self))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, sound: bytes) -> None:
        """Called on the sound thread."""
        self._loop.call_soon_threadsafe(self._keep, sound)

    def _keep(self, sound: bytes) -> None:
        if self._sound.full():
            self._sound.get_nowait()
        self._sound.put_nowait(sound)

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._websocket.send_bytes(await self._sound.get())

    async def _receive(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                sound = await self._websocket.receive_bytes()
                self._room.visitors.add(id(self))
                self._room.say(sound[: len(sound) // 2 * 2], voice=f"page {id(self)}")


async def _let_in(websocket: WebSocket) -> bool:
    """Accept who brings the token; close the door to everybody else."""
    offered = websocket.scope.get("subprotocols", [])
    given = offered[1] if len(offered) == 2 else ""
    if not hmac.compare_digest(given.encode(), websocket.app.state.token.encode()):
        await websocket.close(REFUSED, "the token of the ready file must be the second sub-protocol")
        return False
    await websocket.accept(PROTOCOL)
    return True


@live.websocket("/live")
async def see(websocket: WebSocket) -> None:
    """Pictures and events of all devices."""
    if await _let_in(websocket):
        state = websocket.app.state
        await Viewer(websocket, state.world, state.book, state.jpegs).run()


@live.websocket("/sound/{name}")
async def hear(websocket: WebSocket, name: str) -> None:
    """What a device's loudspeaker sounds; what comes back is spoken into its microphone (s16le, 16 kHz, mono)."""
    if not await _let_in(websocket):
        return
    try:
        device = websocket.app.state.world.device(name)
    except NotThere as error:
        await websocket.close(4404, str(error))
        return
    await Ear(websocket, device).run()


def add_live(app: FastAPI) -> None:
    """Add the WebSockets to the control interface."""
    app.state.jpegs = JpegCache()
    app.include_router(live)
