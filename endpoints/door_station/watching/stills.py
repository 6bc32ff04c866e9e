"""The camera's picture as JPEG: one for all who want it, made beside the loop, and only while somebody does."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from hal.camera import Picture
from media.errors import MediaError

log = logging.getLogger(__name__)

SHARED = 0.2
"""Seconds in which everybody who asks gets the same picture."""
OLDEST = 5.0
"""Seconds after which a camera's last picture is no longer what is to be seen."""
BUSY_RATE = 1.0
"""JPEGs a second while a visit is on."""


class StillTaker(Protocol):
    """One who watches JPEGs."""

    def take_still(self, jpeg: bytes) -> None:
        """Send one more, or do without it."""


class Stills:
    """Loop's thread; `latest` and `busy` may be asked there."""

    def __init__(
        self,
        latest: Callable[[], Picture | None],
        loop: asyncio.AbstractEventLoop,
        rate: float,
        busy: Callable[[], bool],
    ) -> None:
        """`rate`: JPEGs a second for those who watch them; `busy`: whether a visit is on."""
        self._latest, self._loop, self._rate, self._busy = latest, loop, rate, busy
        self._shared = min(SHARED, 0.5 / rate)
        self._making = ThreadPoolExecutor(1, "watching-stills")
        self._takers: tuple[StillTaker, ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._made = float("-inf")
        self._work: asyncio.Task[bytes | None] | None = None
        self._showing: asyncio.Task[None] | None = None

    async def now(self) -> bytes | None:
        """What is to be seen now, None if the camera sees nothing."""
        if self._work is None or (self._work.done() and time.monotonic() - self._made > self._shared):
            self._made = time.monotonic()
            self._work = self._loop.create_task(self._make())
        return await asyncio.shield(self._work)

    def join(self, taker: StillTaker) -> None:
        """Give `taker` JPEGs from now on."""
        self._takers = (*self._takers, taker)
        if self._timer is not None:
            self._timer.cancel()
        self._tick()

    def leave(self, taker: StillTaker) -> None:
        """No more of them."""
        self._takers = tuple(other for other in self._takers if other is not taker)
        if not self._takers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Make no more."""
        self._takers = ()
        if self._timer is not None:
            self._timer.cancel()
        self._making.shutdown(cancel_futures=True)

    def _tick(self) -> None:
        rate = min(self._rate, BUSY_RATE) if self._busy() else self._rate
        self._timer = self._loop.call_later(1 / rate, self._tick)
        self._showing = self._loop.create_task(self._show())

    async def _show(self) -> None:
        jpeg = await self.now()
        if jpeg is not None:
            for taker in self._takers:
                taker.take_still(jpeg)

    async def _make(self) -> bytes | None:
        seen = self._latest()
        if seen is None or time.monotonic() - seen.taken > OLDEST:
            return None
        picture = Picture(seen.width, seen.height, bytes(seen.data), seen.taken)  # a camera may use its memory again
        try:
            return await self._loop.run_in_executor(self._making, _jpeg, picture)
        except MediaError as error:
            log.error("no JPEG of the door: %s", error)
            return None


def _jpeg(picture: Picture) -> bytes:
    from media.still import to_jpeg

    return to_jpeg(picture)
