"""A door that is watched without a call: what eight watchers cost more than one, and how late they see."""

import base64
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.sync.client import ClientConnection, connect

from hal.camera import Picture
from media.decoder import H264Decoder
from sim import clock
from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure, at_median, at_p95, ratio
from sim.client import Community
from sim.errors import SimError
from sim.plan import WATCHER, small

SECONDS = 8.0
ROUNDS = 5
MANY = 8
LOOKS, PRESSES = 100, 20
STAMP = 8
"""Bytes before the access unit in each message."""
LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class WatchedDoor:
    """A running community whose door gives its pictures to whoever has a token of `key`."""

    running: Community
    port: int
    key: Ed25519PrivateKey = field(repr=False)

    def token(self, viewers: int = MANY) -> str:
        """For one lease."""
        claims = {"iss": WATCHER, "sub": "bench", "aud": visit.DOOR, "exp": time.time() + 600, "jti": "bench"}
        return jwt.encode({**claims, "viewers": viewers}, self.key, "EdDSA")

    def connect(self) -> ClientConnection:
        """Watch."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        uri = f"wss://{small(0).address(visit.DOOR)}:{self.port}/live"
        return connect(uri, ssl=_any_certificate(), additional_headers=headers, max_size=None, compression=None)


@contextmanager
def watched_door() -> Iterator[WatchedDoor]:
    """A small community with nobody at home."""
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    with community("--screens", "0", "--watcher", public) as running:
        opened = running[visit.DOOR].wait_for("watching-open", LIMIT)
        yield WatchedDoor(running, int(opened.facts["port"]), key)


def watching_door() -> Iterator[Figure]:
    """Figures of issue 5 that the door alone is good for."""
    with watched_door() as door:
        yield at_p95("watch pressed to first picture, at the door", _first_pictures(door), "ms", None)
        yield at_median("camera to screen while watching", _delays(door), "ms", 200)
        one, many = [], []
        for _ in range(ROUNDS):
            one.append(_cpu(door, 1))
            many.append(_cpu(door, MANY))
    yield ratio(f"door station's CPU, {MANY} watchers / 1", many, one, 1.3, "%", "of a core, nobody calls")


def _first_pictures(door: WatchedDoor) -> list[float]:
    """Milliseconds from the connection's begin to a decoded picture."""
    times = []
    for _ in range(PRESSES):
        pressed, decoder = time.monotonic(), H264Decoder()
        with door.connect() as connection:
            next(_pictures(connection, decoder))
        times.append((time.monotonic() - pressed) * 1000)
    return times


def _delays(door: WatchedDoor) -> list[float]:
    """The clock in each picture against the moment in which it was decoded, milliseconds."""
    delays: list[float] = []
    with door.connect() as connection:
        for picture in _pictures(connection, H264Decoder()):
            stamped = clock.read(picture.data, picture.width, picture.height)
            if stamped is None:
                raise SimError("a watcher sees a picture without a readable clock")
            delays.append(time.monotonic() * 1000 - stamped)
            if len(delays) == LOOKS:
                return delays
    raise SimError("the door ended a stream that was good for minutes")


def _pictures(connection: ClientConnection, decoder: H264Decoder) -> Iterator[Picture]:
    for message in connection:
        if isinstance(message, bytes):
            yield from decoder.decode(message[STAMP:], time.monotonic())


def _cpu(door: WatchedDoor, watchers: int) -> float:
    """Percent of a core that the door takes while so many watch."""
    with ExitStack() as leaving:
        for _ in range(watchers):
            connection = leaving.enter_context(door.connect())
            threading.Thread(target=_drain, args=(connection,), daemon=True).start()
        return visit.cpu_while_watched(door.running, SECONDS).percent()


def _drain(connection: ClientConnection) -> None:
    for _ in connection:
        pass


def _any_certificate() -> ssl.SSLContext:
    """The door's is of a community that lives as long as this measurement."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
