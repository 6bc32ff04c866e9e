"""Small networks of Linux network namespaces for tests: hosts, routers with NAT, and wires that lose and delay.

The wires are pairs of tunnel devices with a thread between, because not every kernel has netem. A namespace lives as
long as its file is open, so nothing is left on the machine, however the tests end.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_TUN, _NO_INFORMATION = 0x0001, 0x1000
_OURS = "/proc/thread-self/ns/net"
_MASQUERADE = """table ip nat {{
  chain out {{
    type nat hook postrouting priority 100
    oifname "{outside}" masquerade
  }}
}}
"""
_libc = ctypes.CDLL(None, use_errno=True)


def skip_without_namespaces() -> None:
    """Skip the test, with the reason, where networks cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    if shutil.which("nft") is None or shutil.which("ip") is None:
        pytest.skip("nftables and iproute2 are not installed")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("this machine has no tunnel devices: /dev/net/tun")
    try:
        with ExitStack() as stack:
            _try(stack)
    except (OSError, ImpossibleError) as error:
        pytest.skip(f"this machine lets nobody make networks: {error}")


def _try(stack: ExitStack) -> None:
    """A host behind a router, for a moment. Raises OSError or ImpossibleError where one of its parts cannot be made."""
    router, host = Namespace("router"), Namespace("host")
    stack.callback(router.close)
    stack.callback(host.close)
    stack.callback(Wire(host, "192.168.1.2", router, "192.168.1.1", ("outside", "inside")).close)
    router.hide_behind("inside")


class ImpossibleError(Exception):
    """A command that makes a part of a network failed; the text says which, and why."""


class Namespace:
    """A machine of its own in the network; what is made inside `entered()` stays there."""

    def __init__(self, name: str) -> None:
        self.name = name
        ours = os.open(_OURS, os.O_RDONLY)
        try:
            _checked(_libc.unshare(_CLONE_NEWNET))
            self._file = os.open(_OURS, os.O_RDONLY)
            _checked(_libc.setns(ours, _CLONE_NEWNET))
        finally:
            os.close(ours)
        self.run("ip", "link", "set", "lo", "up")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and the processes that it starts, are on this machine until the block ends."""
        ours = os.open(_OURS, os.O_RDONLY)
        _checked(_libc.setns(self._file, _CLONE_NEWNET))
        try:
            yield
        finally:
            _checked(_libc.setns(ours, _CLONE_NEWNET))
            os.close(ours)

    def run(self, *command: str, text: str = "") -> None:
        with self.entered():
            done = subprocess.run(command, input=text, text=True, check=False, capture_output=True)
        if done.returncode != 0:
            raise ImpossibleError(f"{' '.join(command)} on {self.name}: {done.stderr.strip()}")

    def route_all_through(self, device: str) -> None:
        self.run("ip", "route", "add", "default", "dev", device)

    def hide_behind(self, outside: str) -> None:
        """Become a router: what goes out through this device gets its address, and only answers come in."""
        with self.entered():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        self.run("nft", "-f", "-", text=_MASQUERADE.format(outside=outside))

    def close(self) -> None:
        os.close(self._file)


class Wire:
    """Joins two namespaces; loses and delays what passes, in both directions."""

    def __init__(self, one: Namespace, address: str, other: Namespace, peer: str, names: tuple[str, str]) -> None:
        """`address` is that of `one`, `peer` that of `other`; `names` are those of the devices there."""
        self.loss, self.delay = 0.0, 0.0
        """Part of the packets, and seconds."""
        self.late, self.lateness = 0.0, 0.0
        """Part of the packets that are overtaken by others, and seconds that they come after their time."""
        self.lost = self.overtaken = 0
        self._random = random.Random(1)
        self._ends = (_tunnel(one, names[0], address, peer), _tunnel(other, names[1], peer, address))
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def perfect(self) -> None:
        """As it was made."""
        self.loss = self.delay = self.late = self.lateness = 0.0

    def close(self) -> None:
        os.close(self._stopped)
        self._thread.join()
        for end in (*self._ends, self._stop):
            os.close(end)

    def _run(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        other, count = dict(zip(self._ends, reversed(self._ends), strict=True)), 0
        while True:
            pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready = select.select([*self._ends, self._stop], [], [], pause)[0]
            if self._stop in ready:
                return
            for end in ready:
                packet = os.read(end, 65536)
                if self._random.random() < self.loss:
                    self.lost += 1
                    continue
                count += 1
                due = time.monotonic() + self.delay
                if self._random.random() < self.late:
                    self.overtaken += 1
                    due += self.lateness
                heapq.heappush(waiting, (due, count, other[end], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(waiting)
                os.write(end, packet)


def _tunnel(namespace: Namespace, name: str, address: str, peer: str) -> int:
    with namespace.entered():
        tunnel = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN | _NO_INFORMATION))
    namespace.run("ip", "addr", "add", address, "peer", peer, "dev", name)
    namespace.run("ip", "link", "set", name, "up")
    return tunnel


def _checked(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Internet:
    """A server with an address that everybody reaches, and behind routers a community and two phones.

    The community and the phones have the same private address, and none of them is let in anywhere.
    """

    SERVER, PRIVATE = "203.0.113.1", "192.168.1.2"

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.server = self._namespace("server")
        self.community = self._behind_router("203.0.113.20", self.server, self.SERVER)
        self.at_friends = self._behind_router("203.0.113.40", self.server, self.SERVER)
        carrier, self.radio = self._router("203.0.113.30", self.server, self.SERVER)
        self.on_the_way = self._behind_router("100.64.0.2", carrier, "100.64.0.1")
        """Behind a router of its own, and behind its carrier's."""

    def _namespace(self, name: str) -> Namespace:
        made = Namespace(name)
        self._stack.callback(made.close)
        return made

    def _router(self, address: str, above: Namespace, gateway: str) -> tuple[Namespace, Wire]:
        router = self._namespace(address)
        made = Wire(router, address, above, gateway, ("outside", f"to-{address}"[-15:]))
        self._stack.callback(made.close)
        router.route_all_through("outside")
        router.hide_behind("outside")
        return router, made

    def _behind_router(self, address: str, above: Namespace, gateway: str) -> Namespace:
        """A host with the private address behind a router with `address`."""
        router, _ = self._router(address, above, gateway)
        host = self._namespace(f"behind {address}")
        made = Wire(host, self.PRIVATE, router, "192.168.1.1", ("outside", "inside"))
        self._stack.callback(made.close)
        host.route_all_through("outside")
        return host


@contextmanager
def internet() -> Iterator[Internet]:
    """The whole of it, until the block ends."""
    skip_without_namespaces()
    with ExitStack() as stack:
        yield Internet(stack)
