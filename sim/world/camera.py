"""A simulated camera: takes pictures of what stands before it, while a device process has it switched on."""

import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from hal.camera import Picture
from hal.errors import HalError
from sim.link import PACKET, decode
from sim.shared import PictureSlots

logger = logging.getLogger(__name__)


class View(Protocol):
    """What a camera looks at."""

    def picture(self) -> Picture:
        """What is to be seen now."""

    def close(self) -> None:
        """Look away."""


ViewFactory = Callable[[int, int, int], View]
"""Makes a view for a width, a height and a rate."""


class CameraFeed:
    """Serves one device's camera: its connection says when to start and stop, one byte goes back for each picture."""

    def __init__(self, connection: socket.socket, slots: PictureSlots, views: ViewFactory) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._slots = slots
        self._views = views
        self._view: View | None = None
        self._rate = 1
        self._due = 0.0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def plug(self, plugged: bool) -> None:
        """Unplug the camera, or plug it in again; a waiting reader notices at once."""
        self._slots.gone = not plugged
        self._ring()

    @property
    def active(self) -> bool:
        """The device has switched its camera on."""
        return self._slots.active

    @property
    def number(self) -> int:
        """The number of the newest picture, 0 before the first."""
        return self._slots.sequence

    def latest(self) -> Picture | None:
        """A copy of the last picture it took."""
        seen = self._slots.copy()
        return seen[1] if seen else None

    def close(self) -> None:
        """Hang up; twice does no harm."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(2)

    def _run(self) -> None:
        try:
            while self._wait():
                pass
        except HalError as error:
            logger.error("the simulated camera ends: %s", error)
        except OSError as error:
            logger.debug("a camera's device hung up: %s", error)
        except ValueError as error:
            logger.error("a camera's device sent a broken packet: %s", error)
        finally:
            self._stop()
            self._socket.close()

    def _wait(self) -> bool:
        """Take the next picture, or obey the next packet, whichever comes first; False at the end."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        limit = max(0.0, self._due - time.monotonic()) * 1000 if self._view else None
        if not poll.poll(limit):
            self._take()
            return True
        packet = self._socket.recv(PACKET)
        if packet:
            self._obey(packet)
        return bool(packet)

    def _obey(self, packet: bytes) -> None:
        message = decode(packet)
        self._stop()
        if start := message.get("start"):
            width, height, self._rate = (int(value) for value in start)
            self._view = self._views(width, height, self._rate)
            self._due = time.monotonic()

    def _take(self) -> None:
        if self._view and not self._slots.gone:
            self._slots.write(self._view.picture())
            self._ring()
        now = time.monotonic()
        self._due = max(self._due + 1 / self._rate, now - 1 / self._rate)

    def _ring(self) -> None:
        with suppress(OSError):  # a reader that is too slow finds the newest picture anyway
            self._socket.send(b"\0")

    def _stop(self) -> None:
        if self._view:
            self._view.close()
            self._view = None
