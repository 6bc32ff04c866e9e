"""A lease: who may watch what until when; and each one who does."""

import asyncio
import hashlib
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from servers.watching.targets import Target

if TYPE_CHECKING:
    from servers.http.identity import Identity


class Reason(StrEnum):
    """Why a lease is over."""

    EXPIRED = "expired"
    GIVEN_BACK = "given-back"
    STOPPED = "stopped"
    """The server ends."""


class Viewing:
    """One who watches, on the loop that made it."""

    def __init__(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.reason = ""

    def end(self, reason: str) -> None:
        """The lease is over. From any thread."""
        self.reason = reason
        with suppress(RuntimeError):  # its loop is gone, and so is the one who watched
            self._loop.call_soon_threadsafe(self._ended.set)

    async def while_it_holds(self, *jobs: Coroutine[Any, Any, None]) -> None:
        """Do all of these until one of them is done or the lease is over; then no byte is moved any more.

        Raises what the one that was done first raises.
        """
        tasks = [asyncio.ensure_future(job) for job in (*jobs, self._over())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _over(self) -> None:
        await self._ended.wait()


@dataclass(eq=False, slots=True)
class Lease:
    """Changed by the book only."""

    id: str = field(repr=False)
    """A secret: who knows it watches by RTSP."""
    who: "Identity"
    target: Target
    allowed: int
    """Viewers at the same time."""
    direct: bool
    """Whoever has it goes to the door or the NVR without us."""
    began: datetime
    expires: datetime
    deadline: float
    """The same on the book's clock, which nobody sets."""
    ended: datetime | None = None
    reason: str = ""
    most: int = 0
    """Viewers at the same time so far."""
    viewings: set[Viewing] = field(default_factory=set)

    @property
    def mark(self) -> str:
        """Tells it apart where it is written down, here and at the door, without giving the secret away."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:32]
