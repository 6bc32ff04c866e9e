"""The door's RTSP server (RFC 2326): GStreamer's, in a process of its own that Debian's Python runs.

It knows nothing of tokens and nobody's keys: it asks the door station about each client, and sends the pictures that
it is given. Both go over the socket that is its standard input: to it, packets of kind, length and body; from it, JSON
lines. When that socket ends, it ends.
"""

import argparse
import itertools
import json
import queue
import socket
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PATH = "/live"
HEAD = struct.Struct(">cI")
PICTURE, SAID = b"P", b"J"
PATIENCE = 5.0
"""Seconds that the door station has to say whether a client may watch."""
START = 2.0
"""Seconds that a pipeline may take to begin; then pictures are left out."""
PIPELINE = (
    "( appsrc name=source is-live=true format=time max-bytes=1048576 leaky-type=downstream"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au"
    " ! rtph264pay name=pay0 pt=96 mtu=1200 )"
)
STATUS = GstRtsp.RTSPStatusCode


class Door:
    """The other end of the socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}

    def say(self, facts: Mapping[str, object]) -> None:
        """One line; who does not hear it is gone, and so are we soon."""
        with self._sending, suppress(OSError):
            self._end.sendall(json.dumps(facts).encode() + b"\n")

    def ask(self, client: int, facts: Mapping[str, object]) -> dict[str, Any]:
        """What the door station says about a client."""
        answers = self._answers.setdefault(client, queue.SimpleQueue())
        self.say({"client": client, **facts})
        try:
            return answers.get(timeout=PATIENCE)
        except queue.Empty:
            return {}
        finally:
            self._answers.pop(client, None)

    def serve(self, server: "Server") -> None:
        """Take what comes until the socket ends."""
        with self._end.makefile("rb") as incoming:
            while len(head := incoming.read(HEAD.size)) == HEAD.size:
                kind, size = HEAD.unpack(head)
                body = incoming.read(size)
                if kind == PICTURE:
                    server.show(body)
                    continue
                facts = json.loads(body)
                if "end" in facts:
                    GLib.idle_add(server.end, facts["end"])
                elif (waiting := self._answers.get(facts["client"])) is not None:
                    waiting.put(facts)


class Server:
    """GStreamer's server with one path."""

    def __init__(self, door: Door, address: str, port: int) -> None:
        self._door = door
        self._source: Any = None
        self._clients: dict[int, Any] = {}
        self._numbers = itertools.count(1)
        self._server = GstRtspServer.RTSPServer(address=address, service=str(port))
        factory = GstRtspServer.RTSPMediaFactory(
            shared=True, launch=PIPELINE, latency=0, protocols=GstRtsp.RTSPLowerTrans.UDP | GstRtsp.RTSPLowerTrans.TCP
        )
        factory.connect("media-configure", self._media_begins)
        self._server.get_mount_points().add_factory(PATH, factory)
        self._server.connect("client-connected", self._connected)

    def start(self) -> int:
        """Serve; the port, 0 if it is taken."""
        attached = self._server.attach(None)
        return int(self._server.get_bound_port()) if attached else 0

    def show(self, picture: bytes) -> None:
        """Send one more picture, if anybody watches."""
        source = self._source
        now = None if source is None else _running_time(source)
        if now is not None:
            buffer = Gst.Buffer.new_wrapped(picture)
            buffer.pts = buffer.dts = now
            source.emit("push-buffer", buffer)

    def end(self, number: int) -> None:
        """Send a client no more."""
        client = self._clients.pop(number, None)
        if client is not None:
            client.session_filter(lambda client, session: GstRtspServer.RTSPFilterResult.REMOVE)
            client.close()

    def _media_begins(self, factory: Any, media: Any) -> None:
        source = self._source = media.get_element().get_by_name("source")
        media.connect("unprepared", self._media_ends, source)
        self._door.say({"media": True})

    def _media_ends(self, media: Any, source: Any) -> None:
        if self._source == source:  # else the next one has begun already
            self._source = None
            self._door.say({"media": False})

    def _connected(self, server: Any, client: Any) -> None:
        number = next(self._numbers)
        client.connect("pre-describe-request", self._describe, number)
        for request in ("setup", "play", "get-parameter"):
            client.connect(f"pre-{request}-request", self._known, number)
        for request in ("announce", "record", "set-parameter"):
            client.connect(f"pre-{request}-request", lambda client, context: STATUS.METHOD_NOT_ALLOWED)
        client.connect("closed", self._left, number)

    def _describe(self, client: Any, context: Any, number: int) -> Any:
        url, address = context.uri, client.get_connection().get_ip()
        answer = self._door.ask(number, {"query": url.query or "", "from": address})
        if not answer.get("granted"):
            return STATUS.UNAUTHORIZED
        self._clients[number] = client
        return STATUS.OK

    def _known(self, client: Any, context: Any, number: int) -> Any:
        return STATUS.OK if number in self._clients else STATUS.UNAUTHORIZED

    def _left(self, client: Any, number: int) -> None:
        if self._clients.pop(number, None) is not None:
            self._door.say({"left": number})


def _running_time(source: Any) -> int | None:
    """The pipeline's time, nanoseconds; waits until it has one, for the sinks wait for a time that lies ahead.

    An `appsrc` that stamps by itself takes the time of day for it if it is asked too early.
    """
    end = time.monotonic() + START
    while (clock := source.get_clock()) is None or not source.get_base_time():
        if time.monotonic() > end:
            return None
        time.sleep(0.002)
    return max(0, int(clock.get_time()) - int(source.get_base_time()))


def main() -> None:
    """Serve until the door station is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    Gst.init(None)
    door = Door(socket.socket(fileno=0))
    server, loop = Server(door, options.address, options.port), GLib.MainLoop()
    door.say({"port": server.start()})

    def take() -> None:
        try:
            door.serve(server)
        finally:
            loop.quit()

    threading.Thread(target=take, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
