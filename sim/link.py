"""The wire between a device process and the simulator's world: one Unix socket per device, one JSON object per packet.

The device's side is here; it is part of the product's figures, so it needs only the standard library. Each device has
one control connection (keys, buttons, lamps, scenes, events, questions); a camera has its own beside it, on which one
byte says "a new picture lies in the memory". Memory comes with the answer to `{"open": ...}` as a file descriptor.
"""

import json
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from hal.errors import DeviceLost, DeviceUnavailable

SOCKET = "INTERCOM_SIM_SOCKET"
"""Environment variable with the path of this device's socket."""
PACKET = 1 << 16
"""No packet is longer, in bytes."""
OPEN_LIMIT = 10.0
"""Seconds that the world may take to hand out a part."""

_ONE_SECOND = struct.pack("@ll", 1, 0)

Message = dict[str, Any]

logger = logging.getLogger(__name__)


def encode(message: Message) -> bytes:
    """One packet."""
    return json.dumps(message, separators=(",", ":")).encode()


def decode(packet: bytes) -> Message:
    """The message of a packet. Raises ValueError if it is not a JSON object."""
    message = json.loads(packet)
    if not isinstance(message, dict):
        raise ValueError("a packet of the simulator's link is a JSON object")
    return message


def connect() -> socket.socket:
    """A connection to this device's world. Raises DeviceUnavailable if there is none."""
    path = os.environ.get(SOCKET)
    if not path:
        raise DeviceUnavailable(f'backend "sim" needs the simulator: {SOCKET} is not set; start it by `intercom sim`')
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise DeviceUnavailable(f"the simulator does not answer at {path}: {error.strerror}") from error
    return connection


def open_part(connection: socket.socket, part: str) -> int:
    """Ask on a fresh `connection` for a part's memory; answers its file descriptor. Raises DeviceUnavailable."""
    connection.settimeout(OPEN_LIMIT)
    try:
        connection.send(encode({"open": part}))
        packet, descriptors, _, _ = socket.recv_fds(connection, PACKET, 1)
    except OSError as error:
        raise DeviceUnavailable(f"the simulator did not hand out the {part}: {error}") from error
    if not packet or not descriptors:
        reason = decode(packet).get("error") if packet else "it closed the connection"
        raise DeviceUnavailable(f"the simulator has no {part} for this device: {reason}")
    return descriptors[0]


class Link:
    """The control connection of this process, shared by all its simulated parts."""

    def __init__(self) -> None:
        self._socket = connect()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _ONE_SECOND)
        self._lock = threading.Lock()
        self._parts: dict[str, Callable[[Message], None]] = {}
        self.lost = False
        self._socket.send(encode({"control": os.getpid()}))
        self._thread = threading.Thread(target=self._run, name="sim-link", daemon=True)
        self._thread.start()

    def attach(self, part: str, on_message: Callable[[Message], None] | None = None) -> None:
        """Tell the world that this device has `part`, and hear what happens to it."""
        if on_message:
            self._parts[part] = on_message
        self.send({"part": part, "attached": True})

    def send(self, message: Message) -> None:
        """Send; blocks only if the world reads nothing for long. Raises DeviceLost when the world has ended."""
        packet = encode(message)
        try:
            with self._lock:
                self._socket.send(packet)
        except OSError as error:
            raise DeviceLost(f"the simulator has ended: {error.strerror}") from error

    def _run(self) -> None:
        while packet := self._receive():
            try:
                message = decode(packet)
                on_message = self._parts.get(str(message.get("part")))
            except ValueError as error:
                logger.error("the simulator sent a broken packet: %s", error)
                continue
            if on_message:
                on_message(message)
        self.lost = True

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(PACKET)
        except OSError:
            return b""

    def close(self) -> None:
        """Hang up; the reading thread ends by itself."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            logger.debug("the simulator hung up first")
        self._socket.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(2)


class _Shared:
    """The one `Link` of the process, kept while somebody uses it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.link: Link | None = None
        self.users = 0


_shared = _Shared()


def take_link() -> Link:
    """The process's link, made at the first use. Raises DeviceUnavailable. Give it back by `release_link`."""
    with _shared.lock:
        if _shared.link is None:
            _shared.link = Link()
        _shared.users += 1
        return _shared.link


def release_link() -> None:
    """Give the link back; the last user closes it."""
    with _shared.lock:
        _shared.users -= 1
        if _shared.users or _shared.link is None:
            return
        link, _shared.link = _shared.link, None
    link.close()


def now_ms() -> float:
    """Milliseconds of the monotonic clock, which all processes of a machine share."""
    return round(time.monotonic() * 1000, 3)
