"""A HomeLink that serves for real, for tests of servers, endpoints and the simulator; plain or TLS."""

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers.community.authority import Community, IssuedFiles, Role
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts as devices
from servers.kamailio import rpc
from servers.kamailio.config import Listener, TlsFiles, Transport
from servers.kamailio.records import CallRecord, Result, records
from tests.servers.peer import LIMIT, Call, Login, Peer

START_LIMIT = 30.0
REALM = "home301.example"


class Server:
    """`intercom homelink` as a process of its own, the same program as on a board, with what it logged.

    It ends with the test run, however that ends; `privileges` are options of setpriv(1).
    """

    def __init__(self, site_file: Path, privileges: Sequence[str] = ()) -> None:
        program = "import sys; from servers.homelink.main import main; sys.exit(main(sys.argv[1:]))"
        command = [
            "setpriv",
            "--pdeathsig",
            "TERM",
            *privileges,
            sys.executable,
            "-c",
            program,
            "--site",
            str(site_file),
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def log(self) -> str:
        """Everything it logged so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, text: str, times: int = 1, limit: float = START_LIMIT) -> None:
        """Return when it has logged `text` so many times."""

        def said() -> bool:
            return sum(text in line for line in self._lines) >= times or not self._reader.is_alive()

        with self._changed:
            self._changed.wait_for(said, limit)
            found = sum(text in line for line in self._lines)
        assert found >= times, f"{text!r} was not logged: {self.log}"

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(START_LIMIT)
        self._reader.join(START_LIMIT)
        return status


@dataclass
class Home:
    """A running HomeLink: its site, its community if it serves TLS, and how to get in."""

    folder: Path
    site_file: Path
    server: Server
    community: Community | None
    _peers: list[Peer] = field(default_factory=list)
    _certificates: dict[tuple[Role, str], TlsFiles] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return load_site(self.site_file)

    @property
    def uri(self) -> str:
        """What a door station calls: the home at this server's own address."""
        listener = self.site.listeners[0]
        return f"sip:{self.site.homelink.home}@{listener.address}:{listener.port};transport={listener.transport}"

    def listener(self, transport: Transport | None = None) -> Listener:
        """Where to connect to; the first one without a transport."""
        return next(one for one in self.site.listeners if transport in (None, one.transport))

    def add(self, name: str, kind: str = "indoor") -> Login:
        """A new device account."""
        made = devices.add(self.site, name, kind)
        return Login(made.user, made.password, made.realm)

    def certificate(self, role: Role, name: str) -> TlsFiles:
        """Files of a node of this home's community."""
        assert self.community is not None, "a plain home has no community"
        if (role, name) not in self._certificates:
            issued = self.community.issue(role, name, [self.site.homelink.address], self.folder / role.value)
            self._certificates[role, name] = tls_files(issued)
        return self._certificates[role, name]

    def peer(
        self, name: str, transport: Transport | None = None, tls: TlsFiles | None = None, source: str = ""
    ) -> Peer:
        """A SIP client connected to this server; closed by `forget`."""
        peer = Peer(self.listener(transport), name, tls, source)
        self._peers.append(peer)
        return peer

    def screen(self, name: str, kind: str = "indoor", transport: Transport | None = None) -> Peer:
        """A device with an account of its own, registered."""
        peer = self.peer(name, transport)
        answer = peer.register(self.add(name, kind), self.site.address_of_record)
        assert answer.status == 200, answer
        return peer

    def remove(self, name: str) -> None:
        """Delete a device's account."""
        devices.remove(self.site, name)

    def record_of(self, call: Call, wanted: Callable[[CallRecord], bool] | Result) -> CallRecord:
        """A call's record, as soon as it is as wanted: the server writes a moment after the call."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = [record for record in records(self.site) if record.call_id == call.call_id]
            if found and (found[0].result == wanted if isinstance(wanted, Result) else wanted(found[0])):
                return found[0]
            assert time.monotonic() < deadline, f"the record stays {found}"
            threading.Event().wait(0.02)

    def forget(self) -> None:
        """No accounts, registrations and bans: for the next test on the same server."""
        while self._peers:
            self._peers.pop().close()
        for device in devices.devices(self.site):
            devices.remove(self.site, device.name)
        for table in ("known", "failures", "banned"):
            rpc.call(self.site.control, "htable.flush", table)


def tls_files(issued: IssuedFiles) -> TlsFiles:
    return TlsFiles(issued.authority, issued.certificate, issued.key)


def own_address() -> str:
    """A loopback address that nobody else uses: parallel runs meet neither in ports nor in bans."""
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"


def free_port(address: str) -> int:
    with socket.socket() as tcp:
        tcp.bind((address, 0))
        port: int = tcp.getsockname()[1]
        return port


@contextmanager
def running_home(
    folder: Path, *transports: Transport, community: Community | None = None, settings: str = ""
) -> Iterator[Home]:
    """Serve a home in `folder` by `intercom homelink` until the block ends; `settings` are more lines of TOML."""
    address = own_address()
    if "tls" in transports and community is None:
        community = Community.create(folder / "authority", "Gardens")
    site_file = write_site(folder, address, transports, community, settings)
    server = Server(site_file)
    try:
        server.wait_for("homelink serves")
        yield Home(folder, site_file, server, community)
    finally:
        server.stop()


def write_site(
    folder: Path, address: str, transports: tuple[Transport, ...], community: Community | None, settings: str = ""
) -> Path:
    ports = [f"{transport} = {free_port(address)}" for transport in transports]
    lines = ['data = "data"', "[homelink]", 'name = "Family Chen"', f'realm = "{REALM}"', f'address = "{address}"']
    lines += ["[listen]", *ports]
    if "tls" in transports:
        assert community is not None
        files = community.issue(Role.HOMELINK, "homelink", [address], folder / "tls")
        lines += ["[tls]", f'authority = "{files.authority}"', f'certificate = "{files.certificate}"']
        lines += [f'key = "{files.key}"']
    path = folder / "site.toml"
    path.write_text("\n".join([*lines, settings]))
    return path
