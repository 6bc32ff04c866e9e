"""RTSP for recorders and players: starts the server's own process, tells it who may watch, gives it pictures."""

import asyncio
import json
import logging
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any, cast

from endpoints.door_station.watching.desk import Desk
from endpoints.door_station.watching.feed import Feed, Shown
from endpoints.door_station.watching.outlet import Outlet
from endpoints.door_station.watching.streams import Ended, Stream, Watcher
from endpoints.door_station.watching.tokens import Refused, token_in

log = logging.getLogger(__name__)

PYTHON = "/usr/bin/python3"
"""Debian's, which has GStreamer's bindings; they are on no index of Python packages."""
PROGRAM = Path(__file__).with_name("rtsp_program.py")
HEAD = struct.Struct(">cI")
PICTURE, SAID = b"P", b"J"
RETRY = (2.0, 5.0, 15.0, 60.0)
"""Seconds before the process is started again, once it has ended."""
_END_SECONDS = 2.0


class RtspStream(Stream):
    """One client of the server's process, which sends the pictures itself."""

    kind = "rtsp"

    def __init__(self, server: "RtspServer", number: int, outlet: Outlet, watcher: Watcher) -> None:
        super().__init__(outlet, watcher)
        self._server, self._number = server, number

    def finish(self, why: Ended) -> None:
        """Have the connection closed."""
        self._server.say({"end": self._number})


class RtspServer(asyncio.Protocol):
    """Loop's thread."""

    catches_up = False

    def __init__(self, address: str, port: int, desk: Desk, feed: Feed) -> None:
        self._address, self._port, self._desk, self._feed = address, port, desk, feed
        self._process: subprocess.Popen[bytes] | None = None
        self._transport = cast(asyncio.Transport, None)
        self._line = b""
        self._streams: dict[int, RtspStream] = {}
        self._watching = self._closing = False
        self._waiting = True
        self._failures = 0
        self._starting: asyncio.Task[object] | None = None
        self.port = 0
        """Where it listens, 0 while it does not."""

    def start(self) -> None:
        """Start the process; if it ends, or does not even begin, it is told and tried again later."""
        ours, theirs = socket.socketpair()
        command = [PYTHON, "-I", str(PROGRAM), self._address, str(self._port)]
        try:
            with theirs:
                self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)
        except OSError as error:
            log.error("%s cannot be started: %s", PYTHON, error.strerror)
        loop = asyncio.get_running_loop()
        self._starting = loop.create_task(loop.create_connection(lambda: self, sock=ours))

    def close(self) -> None:
        """Let the process end, by closing its socket as soon as the loop runs."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def join(self) -> None:
        """Wait until it has ended; twice does no harm."""
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def say(self, facts: dict[str, object]) -> None:
        """Tell the process something."""
        self._send(SAID, json.dumps(facts).encode())

    def take(self, shown: Shown) -> None:
        """Hand over a picture; what the process does not take in time is left out, up to a key frame."""
        behind = self._transport.get_write_buffer_size() > 0
        self._waiting = behind or (self._waiting and not shown.picture.key_frame)
        if not self._waiting:
            self._send(PICTURE, shown.picture.data)

    # --- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process has its socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._line = b""

    def data_received(self, data: bytes) -> None:
        """Lines of JSON."""
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def connection_lost(self, error: Exception | None) -> None:
        """The process has ended, and with it all that was sent by it; it is started again after a while."""
        self.port = 0
        self._media(False)
        for stream in tuple(self._streams.values()):
            self._desk.leave(stream, Ended.FAILED)
        self._streams.clear()
        if self._closing:
            return
        delay = RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        log.error("the RTSP server has ended; it is started again in %g s", delay)
        asyncio.get_running_loop().call_later(delay, self._again)

    # --- what the process says ---------------------------------------------------------------------------------------

    def _hear(self, facts: dict[str, Any]) -> None:
        if "port" in facts:
            self._opened(int(facts["port"]))
        elif "media" in facts:
            self._media(bool(facts["media"]))
        elif "left" in facts:
            stream = self._streams.pop(facts["left"], None)
            if stream is not None:
                self._desk.leave(stream)
        else:
            self.say({"client": facts["client"], "granted": self._granted(facts)})

    def _granted(self, facts: dict[str, Any]) -> bool:
        """Whether this client may watch; then it is one who watches from now on."""
        number, address = int(facts["client"]), str(facts["from"])
        if number in self._streams:
            return True
        try:
            permit = self._desk.admit(address, token_in(str(facts["query"])))
        except Refused:
            return False
        try:
            self._desk.room_for(permit)
        except Refused as refused:
            self._desk.note_refusal(address, refused)
            return False
        stream = RtspStream(self, number, Outlet(self._transport), Watcher(permit, address))
        self._streams[number] = stream
        self._desk.enter(stream)
        return True

    def _opened(self, port: int) -> None:
        self.port = port
        if port:
            self._failures = 0
            log.info("the door may be watched over RTSP on port %d", port)
        else:
            log.error("RTSP cannot listen on %s port %d", self._address, self._port)
            self._transport.abort()

    def _media(self, wanted: bool) -> None:
        """Pictures are wanted while at least one client plays."""
        if wanted and not self._watching:
            self._waiting = True
            self._feed.join(self)
        elif self._watching and not wanted:
            self._feed.leave(self)
        self._watching = wanted

    def _again(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # its socket has ended, and so should it have long ago
            process.wait()
        if not self._closing:
            self.start()

    def _send(self, kind: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(HEAD.pack(kind, len(body)) + body)
