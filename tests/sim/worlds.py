"""A world in a thread of the test's own process, for tests that talk to it through the real link or over HTTP."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hal.camera import Picture
from sim.trace.book import Book
from sim.web import WebServer, listen
from sim.world.api import make_app
from sim.world.device import Device
from sim.world.world import Surroundings, World

LIMIT = 20.0
T = TypeVar("T")


def wait_for(sign: Callable[[], T], limit: float = LIMIT) -> T:
    """The first true value of `sign()`; fails after `limit` seconds."""
    end = time.monotonic() + limit
    while not (value := sign()):
        assert time.monotonic() < end, f"{sign} did not come true within {limit} s"
        threading.Event().wait(0.005)
    return value


class Wall:
    """A view of a grey wall that gets lighter from picture to picture."""

    def __init__(self, width: int, height: int, _: int) -> None:
        self._size = (width, height)
        self._grey = 0

    def picture(self) -> Picture:
        self._grey = (self._grey + 1) % 256
        width, height = self._size
        return Picture(width, height, bytes([self._grey]) * (width * height * 3 // 2), time.monotonic())

    def close(self) -> None:
        """Nothing to give back."""


class WorldThread:
    """A world and the event loop that it lives on."""

    def __init__(self, folder: Path, devices: list[Device]) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.world = self.run(self._make(folder, devices))

    async def _make(self, folder: Path, devices: list[Device]) -> World:
        return World(devices, Surroundings({"homelink": "Family Chen"}), folder, Wall)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the world's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT)

    def do(self, call: Callable[..., T], *arguments: object) -> T:
        """Run `call(*arguments)` on the world's loop."""

        async def work() -> T:
            return call(*arguments)

        return self.run(work())

    def close(self) -> None:
        self.run(self.world.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LIMIT)
        self.loop.close()


TOKEN = "open-sesame"


class WebThread(WorldThread):
    """A world with its control interface."""

    def __init__(self, folder: Path, devices: list[Device]) -> None:
        super().__init__(folder, devices)
        self.book = Book()
        self._server = self.run(self._serve())
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=self._server.url, headers=headers, timeout=LIMIT)
        self.url = self._server.url

    async def _serve(self) -> WebServer:
        server = WebServer(make_app(self.world, self.book, TOKEN), listen("127.0.0.1"))
        server.start()
        return server

    def close(self) -> None:
        self.http.close()
        self.run(self._server.close())
        super().close()


@contextmanager
def running_world(folder: Path, *devices: Device) -> Iterator[WorldThread]:
    """A world with these devices."""
    thread = WorldThread(folder, list(devices))
    try:
        yield thread
    finally:
        thread.close()
