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

from endpoints.screens.watching.live import Unit, WebSocketSource
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

    @contextmanager
    def watched(self) -> Iterator[Iterator[Unit]]:
        """Its pictures, as a screen gets them, while the block runs."""
        source = self.source()
        source.open()
        try:
            yield (come for come in source.units() if isinstance(come, Unit))
        finally:
            source.close()

    def source(self) -> WebSocketSource:
        """Not connected yet."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        url = f"https://{small(0).address(visit.DOOR)}:{self.port}/live"
        return WebSocketSource(url, headers, _any_certificate())


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
        with door.watched() as units:
            next(_pictures(units, decoder))
        times.append((time.monotonic() - pressed) * 1000)
    return times


def _delays(door: WatchedDoor) -> list[float]:
    """The clock in each picture against the moment in which it was decoded, milliseconds."""
    delays: list[float] = []
    with door.watched() as units:
        for picture in _pictures(units, H264Decoder()):
            stamped = clock.read(picture.data, picture.width, picture.height)
            if stamped is None:
                raise SimError("a watcher sees a picture without a readable clock")
            delays.append(time.monotonic() * 1000 - stamped)
            if len(delays) == LOOKS:
                return delays
    raise SimError("the door ended a stream that was good for minutes")


def _pictures(units: Iterator[Unit], decoder: H264Decoder) -> Iterator[Picture]:
    for unit in units:
        yield from decoder.decode(unit.data, time.monotonic())


def _cpu(door: WatchedDoor, watchers: int) -> float:
    """Percent of a core that the door takes while so many watch."""
    with ExitStack() as leaving:
        for _ in range(watchers):
            source, begun = door.source(), threading.Event()
            draining = threading.Thread(target=_drain, args=(source, begun), daemon=True)
            draining.start()
            leaving.callback(draining.join, LIMIT)
            leaving.callback(source.close)
            if not begun.wait(LIMIT):
                raise SimError("a watcher of this measurement sees nothing")
        return visit.cpu_while_watched(door.running, SECONDS).percent()


def _drain(source: WebSocketSource, begun: threading.Event) -> None:
    source.open()
    try:
        for _ in source.units():
            begun.set()
    finally:
        source.close()


def _any_certificate() -> ssl.SSLContext:
    """The door's is of a community that lives as long as this measurement."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
