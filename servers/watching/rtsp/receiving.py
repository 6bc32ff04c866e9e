"""A camera's pictures for who watches over HTTP: access units out of its RTSP stream, nothing encoded again."""

import asyncio
import base64
import binascii
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from media.assembler import AccessUnit, FrameAssembler
from media.errors import PacketError
from media.h264 import NAL_SPS, START_CODE, nal_types
from media.rtp_packet import parse
from servers.watching.errors import SourceAway
from servers.watching.rtsp.camera import Camera, connected, status_of
from servers.watching.rtsp.message import RtspError
from servers.watching.rtsp.sdp import described
from servers.watching.rtsp.transport import Channels, granted
from servers.watching.targets import Target

log = logging.getLogger(__name__)

CLOCK_RATE = 90_000
WAITING = 4
"""Pictures between camera and viewer; when there are more, the camera waits."""
ALIVE = 20.0
"""Seconds between two signs to the camera that somebody still watches."""
_SETS = re.compile(r"sprop-parameter-sets=([A-Za-z0-9+/=,]+)")


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture as an Annex B byte stream; a key frame brings its parameter sets."""

    taken_us: int
    """Microseconds of this machine's clock: when the first picture came, and from then on by the camera's clock."""
    data: bytes
    key_frame: bool


@asynccontextmanager
async def received(target: Target) -> AsyncIterator[AsyncIterator[Unit]]:
    """Pictures, from a key frame on, while the block runs. Raises SourceAway."""
    receiver = _Receiver()
    async with connected(target, receiver.take) as camera:
        running = asyncio.ensure_future(camera.run())
        try:
            session = await _begin(camera, target, receiver)
            alive = asyncio.ensure_future(_stay_alive(camera, *session))
            try:
                yield receiver.units(running)
            finally:
                alive.cancel()
                await asyncio.gather(alive, return_exceptions=True)
                camera.leave(*session)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _begin(camera: Camera, target: Target, receiver: "_Receiver") -> tuple[str, str]:
    """Play its H.264; gives the URL of the whole and the session."""
    answer = await camera.ask("DESCRIBE", target.url, [("Accept", "application/sdp")])
    _granted(target, status_of(answer))
    base = answer.header("Content-Base") or answer.header("Content-Location") or target.url
    try:
        description = described(answer.body, base)
    except RtspError as error:
        raise SourceAway(f"{target.title} describes itself in a way that is not understood: {error}") from error
    text = description.text.decode()
    sections = text.split("\r\nm=")[1:]
    number = next((n for n, one in enumerate(sections) if one.startswith("video") and "H264/90000" in one), None)
    if number is None:
        raise SourceAway(f"{target.title} has no H.264 picture")
    receiver.parameter_sets = _parameter_sets(sections[number])
    asked = Channels(0, 1)
    answer = await camera.ask("SETUP", description.tracks[number], [("Transport", str(asked))])
    _granted(target, status_of(answer))
    session, channels = answer.header("Session").partition(";")[0].strip(), granted(answer.header("Transport"), asked)
    if channels is None or not session:
        raise SourceAway(f"{target.title} sends its pictures in a way that is not served here")
    receiver.channel = channels.rtp
    camera.expect({channels.rtp, channels.rtcp})
    _granted(target, status_of(await camera.ask("PLAY", description.whole, [("Session", session)])))
    return description.whole, session


def _granted(target: Target, status: int) -> None:
    if status != 200:
        raise SourceAway(f"{target.title} gives no picture: its recorder answers {status}")


async def _stay_alive(camera: Camera, url: str, session: str) -> None:
    try:
        while True:
            await asyncio.sleep(ALIVE)
            await camera.ask("OPTIONS", url, [("Session", session)])
    except SourceAway as error:
        log.info("%s", error)


def _parameter_sets(section: str) -> bytes:
    """SPS and PPS of the description (RFC 6184, 8.1), for cameras that send them nowhere else."""
    match = _SETS.search(section)
    try:
        units = [base64.b64decode(one, validate=True) for one in match[1].split(",")] if match else []
    except binascii.Error:
        return b""
    return b"".join(START_CODE + unit for unit in units if unit)


class _Receiver:
    """Packets in, pictures out; packets wait in the connection while pictures do."""

    def __init__(self) -> None:
        self.channel, self.parameter_sets = 0, b""
        self._assembler = FrameAssembler()
        self._units: asyncio.Queue[Unit] = asyncio.Queue(WAITING)
        self._first: tuple[int, int] | None = None
        """When the first picture came, and its time stamp."""

    async def take(self, run: bytes) -> None:
        """Whole interleaved packets."""
        at = 0
        while at < len(run):
            end = at + 4 + (run[at + 2] << 8 | run[at + 3])
            if run[at + 1] == self.channel:
                try:
                    found = self._assembler.push(parse(run[at + 4 : end]), time.monotonic())
                except PacketError:
                    self._assembler.lost()
                    found = []
                for unit in found:
                    await self._units.put(self._unit(unit))
            at = end

    def _unit(self, unit: AccessUnit) -> Unit:
        if self._first is None:
            self._first = time.time_ns() // 1000, unit.timestamp
        began, stamp = self._first
        data = unit.data
        if unit.key_frame and NAL_SPS not in nal_types(data):
            data = self.parameter_sets + data
        elapsed = (unit.timestamp - stamp) % (1 << 32)
        return Unit(began + elapsed * 1_000_000 // CLOCK_RATE, data, unit.key_frame)

    async def units(self, running: "asyncio.Future[None]") -> AsyncIterator[Unit]:
        """As they come. Raises SourceAway when the camera ends."""
        while True:
            getting = asyncio.ensure_future(self._units.get())
            try:
                waiting: set[asyncio.Future[Any]] = {getting, running}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    running.result()
                    return
                yield getting.result()
            finally:
                getting.cancel()
