"""Watching through a HomeLink: how soon the picture is there, how soon it is gone, and what a stream costs."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from endpoints.screens.watching import lease as leases
from endpoints.screens.watching.lease import Lease
from endpoints.service import Service
from media.decoder import H264Decoder
from servers.community.authority import Community as Authority
from servers.community.authority import IssuedFiles, Role
from servers.homelink.site import load_site
from servers.kamailio import accounts
from servers.kamailio.kinds import Kind
from servers.watching.signing import Signer
from sim.bench import visit
from sim.bench.figure import Figure, at_median, at_p95
from sim.bench.process import CpuShare
from sim.client import simulator
from sim.community import free_port
from sim.errors import SimError
from sim.peers.nvr import Nvr
from sim.plan import ADDRESS, HOME_WATCHER, small

PRESSES, ENDINGS = 20, 20
SECONDS, ROUNDS = 10.0, 3
STREAMS = 4
"""Measured together: one alone is lost in the clock ticks."""
STAMP = 8
LIMIT = 30.0
_SITE = """\
data = "data"
[homelink]
name = "Watched"
realm = "home.example"
address = "{address}"
[listen]
tls = {sip}
[tls]
authority = "{files.authority}"
certificate = "{files.certificate}"
key = "{files.key}"
[http]
port = {http}
[watching]
rtsp_port = {rtsp}
doors = [
    {{ name = "{door}", title = "Door", url = "https://{door_address}:{door_port}" }},
    {{ name = "even", title = "Even source", url = "https://{address}:{even}" }},
]
[nvr]
url = "rtsp://{address}:{nvr}"
cameras = [{{ name = "garden", title = "Garden", path = "/garden" }}]
"""


@dataclass(frozen=True, slots=True)
class Home:
    """A running HomeLink and a device of its home."""

    process: int
    service: Service
    context: ssl.SSLContext

    def lease(self, target: str) -> Lease:
        """Watch it, for a minute."""
        return leases.take(self.service, target)

    async def socket(self, lease: Lease) -> ClientConnection:
        """Its pictures."""
        url = f"ws{self.service.url.removeprefix('http')}{lease.paths['live']}"
        return await connect(
            url, ssl=self.context, additional_headers=self.service.login(), compression=None, proxy=None
        )


def watching_home() -> Iterator[Figure]:
    """Figures of issue 5 that need a HomeLink."""
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as name, ExitStack() as stack:
        home = stack.enter_context(_watched_home(Path(name)))
        first = [asyncio.run(_first_picture(home)) for _ in range(PRESSES)]
        yield at_p95("watch pressed to first picture, through HomeLink", first, "ms", 500)
        ended = [asyncio.run(_after_the_end(home)) for _ in range(ENDINGS)]
        yield at_p95("lease given back to no more bytes", ended, "ms", 1000)
        cost = [asyncio.run(_cpu(home)) for _ in range(ROUNDS)]
        yield at_median("HomeLink's CPU per stream of 2 Mbit/s, WebSocket", cost, "%", 3, "of a core; TLS both ways")
        cost = [_cpu_of_rtsp(home) for _ in range(ROUNDS)]
        yield at_median("HomeLink's CPU per stream of 2 Mbit/s, RTSP", cost, "%", 3, "of a core")


async def _first_picture(home: Home) -> float:
    """Milliseconds from the press, with the lease, to a decoded picture of the door."""
    pressed, decoder = time.monotonic(), H264Decoder()
    lease = await asyncio.to_thread(home.lease, visit.DOOR)
    async with await home.socket(lease) as socket:
        async for message in socket:
            if isinstance(message, bytes) and decoder.decode(message[STAMP:], 0.0):
                break
        took = (time.monotonic() - pressed) * 1000
    leases.give_back(home.service, lease)
    return took


async def _after_the_end(home: Home) -> float:
    """Milliseconds from giving a lease back to the last byte."""
    lease = await asyncio.to_thread(home.lease, "even")
    async with await home.socket(lease) as socket:
        await socket.recv()
        given_back = time.monotonic()
        giving = asyncio.create_task(asyncio.to_thread(leases.give_back, home.service, lease))
        last = given_back
        try:
            while True:
                await socket.recv()
                last = time.monotonic()
        except ConnectionClosed:
            await giving
    return (last - given_back) * 1000


async def _cpu(home: Home) -> float:
    """Percent of a core for each stream over WebSocket, above what HomeLink takes without any."""
    idle = CpuShare(home.process)
    await asyncio.sleep(SECONDS / 2)
    nothing = idle.percent()
    taken = [await asyncio.to_thread(home.lease, "even") for _ in range(STREAMS)]
    sockets = [await home.socket(lease) for lease in taken]
    draining = [asyncio.create_task(_drain(socket)) for socket in sockets]
    share = CpuShare(home.process)
    await asyncio.sleep(SECONDS)
    percent = share.percent()
    for lease, socket in zip(taken, sockets, strict=True):
        await socket.close()
        await asyncio.to_thread(leases.give_back, home.service, lease)
    await asyncio.gather(*draining)
    return (percent - nothing) / STREAMS


async def _drain(socket: ClientConnection) -> None:
    try:
        async for _ in socket:
            pass
    except ConnectionClosed:
        return


def _cpu_of_rtsp(home: Home) -> float:
    """The same for cameras; scaled to 2 Mbit/s from what came."""
    taken = [home.lease("garden") for _ in range(STREAMS)]
    try:
        with ThreadPoolExecutor(STREAMS) as pool:
            stop = threading.Event()
            reading = [pool.submit(_read_camera, _rtsp_url(home, lease), stop) for lease in taken]
            time.sleep(SECONDS / 4)
            share = CpuShare(home.process)
            time.sleep(SECONDS)
            percent = share.percent()
            stop.set()
            rates = [each.result(LIMIT) for each in reading]
    finally:
        for lease in taken:
            leases.give_back(home.service, lease)
    return percent / (sum(rates) / 2_000_000)


def _read_camera(url: str, stop: threading.Event) -> float:
    """Bits per second that came. Raises SimError."""
    import av

    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=LIMIT) as camera:
        began, size = time.monotonic(), 0
        for packet in camera.demux(video=0):
            size += packet.size
            if stop.is_set():
                return 8 * size / (time.monotonic() - began)
    raise SimError("the camera of this measurement ended")


def _rtsp_url(home: Home, lease: Lease) -> str:
    return str(json.loads(home.service.request("GET", f"/leases/{lease.id}").body)["rtsp"])


@contextmanager
def _watched_home(folder: Path) -> Iterator[Home]:
    """A door of a small community, a source of 2 Mbit/s and a camera, and a HomeLink that may watch them."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    key = Signer(data / "watching.key", HOME_WATCHER).public_key
    with ExitStack() as stack:
        running = stack.enter_context(simulator(folder, "--silent", "--screens", "0", "--watcher", key))
        opened = running[visit.DOOR].wait_for("watching-open", LIMIT)
        authority = Authority.open(Path(str(running.facts["folder"])) / "authority")
        even, nvr = free_port(), free_port()
        door = authority.issue(Role.DOOR_STATION, "even", [ADDRESS], folder / "even")
        stack.enter_context(_even_source(even, door))
        options = ["--pattern", "snow", "--width", "320", "--height", "240", "--kbit", "2000"]
        stack.callback(Nvr(ADDRESS, nvr, ["garden"], options=options).close)
        places = {"even": even, "nvr": nvr, "door_port": int(opened.facts["port"])}
        yield stack.enter_context(_homelink(folder, authority, places))


@contextmanager
def _homelink(folder: Path, authority: Authority, places: dict[str, int]) -> Iterator[Home]:
    files = authority.issue(Role.HOMELINK, "watched", [ADDRESS], folder / "tls")
    ports = {"sip": free_port(), "http": free_port(), "rtsp": free_port()}
    address, file = small(0).address(visit.DOOR), folder / "site.toml"
    text = _SITE.format(address=ADDRESS, files=files, door=visit.DOOR, door_address=address, **ports, **places)
    file.write_text(text, encoding="utf-8")
    account = accounts.add(load_site(file), "bench", Kind.INDOOR)
    program = "import sys; from servers.homelink.main import main; sys.exit(main(sys.argv[1:]))"
    with _running([sys.executable, "-c", program, "--site", str(file)], folder / "homelink.log") as process:
        url = f"https://{ADDRESS}:{ports['http']}"
        service = Service(url, account.user, account.password, files.authority, patience=LIMIT)
        _wait_for(service, folder / "homelink.log", process)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(files.authority)
        yield Home(process.pid, replace(service, patience=5.0), context)


def _wait_for(service: Service, log: Path, process: "subprocess.Popen[bytes]") -> None:
    from endpoints.errors import ServiceError

    deadline = time.monotonic() + LIMIT
    while True:
        try:
            if service.request("GET", "/watchables").status == 200:
                return
        except ServiceError:
            if process.poll() is not None or time.monotonic() > deadline:
                words = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
                raise SimError(f"the HomeLink of this measurement does not start: {words}") from None
            time.sleep(0.05)


@contextmanager
def _even_source(port: int, files: IssuedFiles) -> Iterator[None]:
    places = ["--address", ADDRESS, "--port", str(port)]
    command = [sys.executable, "-m", "sim.bench.even_source", *places]
    command += ["--certificate", str(files.certificate), "--key", str(files.key)]
    log = files.key.with_suffix(".log")
    with _running(command, log) as process:
        deadline = time.monotonic() + LIMIT
        while "source serves" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SimError(f"the source of this measurement does not start: {log.read_text()[-300:]}")
            time.sleep(0.05)
        yield


@contextmanager
def _running(command: list[str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Ended with the block, or with us."""
    with log.open("wb") as output:
        tethered = ["setpriv", "--pdeathsig", "KILL", *command]
        process = subprocess.Popen(tethered, stdout=output, stderr=output, env=dict(os.environ))
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
