"""The world's end of the wires: accepts each device's connections and hands out the memory of its parts."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim.link import PACKET, Message, decode, encode
from sim.shared import PictureSlots, ScreenMemory, SoundTrack, create_memory
from sim.world.camera import CameraFeed, ViewFactory
from sim.world.device import Device

logger = logging.getLogger(__name__)


class Socket:
    """The plug of one device: a Unix socket that only its process connects to."""

    def __init__(self, device: Device, path: Path, views: ViewFactory) -> None:
        self._device = device
        self._views = views
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(16)
        self._listener.setblocking(False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._start(self._accept())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            connection.setblocking(False)
            self._start(self._greet(connection))

    async def _greet(self, connection: socket.socket) -> None:
        """The first packet says what the connection is for."""
        try:
            hello = decode(await asyncio.get_running_loop().sock_recv(connection, PACKET))
            if "control" in hello:
                await self._control(connection, int(hello["control"]))
            else:
                self._open(connection, str(hello["open"]))
        except (OSError, ValueError, KeyError) as error:
            logger.error("%s: a connection came to nothing: %s", self._device.name, error)
            connection.close()

    async def _control(self, connection: socket.socket, process: int) -> None:
        loop = asyncio.get_running_loop()

        def send(message: Message) -> None:
            self._send(connection, message)

        self._device.connected(send, process)
        try:
            while packet := await loop.sock_recv(connection, PACKET):
                self._told(packet)
        finally:
            self._device.disconnected(send)
            connection.close()

    def _told(self, packet: bytes) -> None:
        try:
            self._device.told(decode(packet))
        except (ValueError, KeyError, TypeError) as error:
            logger.error("%s sent a packet that is not understood: %r", self._device.name, error)

    def _send(self, connection: socket.socket, message: Message) -> None:
        try:
            connection.send(encode(message))
        except OSError as error:
            logger.error("%s does not take a packet: %s", self._device.name, error)

    def _open(self, connection: socket.socket, part: str) -> None:
        if part == "camera":
            self._open_camera(connection)
            return
        if part not in ("display", "microphone", "speaker"):
            connection.send(encode({"error": f"there is no part {part!r}"}))
        else:
            self._open_memory(connection, part)
        connection.close()

    def _open_camera(self, connection: socket.socket) -> None:
        if self._device.camera:
            self._device.camera.close()
        slots = PictureSlots(self._hand_out(connection, "camera", PictureSlots.SIZE))
        slots.gone = "camera-gone" in self._device.faults
        self._device.camera = CameraFeed(connection, slots, self._views)
        self._device.parts.add("camera")

    def _open_memory(self, connection: socket.socket, part: str) -> None:
        device = self._device
        if part == "display":
            device.screen = ScreenMemory(self._hand_out(connection, part, ScreenMemory.SIZE))
            return
        track = SoundTrack(self._hand_out(connection, part, SoundTrack.SIZE))
        track.gone = f"{part}-gone" in device.faults
        setattr(device.room, part, track)
        device.parts.add(part)

    def _hand_out(self, connection: socket.socket, part: str, size: int) -> int:
        descriptor = create_memory(f"{self._device.name}-{part}", size)
        socket.send_fds(connection, [encode({"part": part})], [descriptor])
        return descriptor

    async def close(self) -> None:
        """Hang up on everybody."""
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._listener.close()
        if self._device.camera:
            self._device.camera.close()
        self.path.unlink(missing_ok=True)
