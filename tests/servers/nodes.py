"""SIP servers that serve for real, for tests of servers, endpoints and the simulator; plain or TLS."""

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from servers.community.authority import Community, IssuedFiles, Role
from servers.kamailio import accounts, rpc
from servers.kamailio.config import Listener, TlsFiles, Transport
from servers.kamailio.site import ServerSite
from servers.records import CallRecord, Result, records
from tests.servers.peer import LIMIT, Call, Login, Peer

START_LIMIT = 30.0
GUARD_TABLES = ("talks", "away", "queue", "serving", "consoles", "lines", "silent", "dead")


class Server:
    """`intercom homelink` (or another server) as a process of its own, as on a board, with what it logged.

    It ends with the test run, however that ends; `privileges` are options of setpriv(1).
    """

    def __init__(self, site_file: Path, privileges: Sequence[str] = (), name: str = "homelink") -> None:
        self.name = name
        program = f"import sys; from servers.{name}.main import main; sys.exit(main(sys.argv[1:]))"
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

    def wait_until_it_serves(self, times: int = 1) -> None:
        """Return when Kamailio answered, for the so-manieth time."""
        self.wait_for(f"{self.name} serves", times)

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(START_LIMIT)
        self._reader.join(START_LIMIT)
        return status


@dataclass
class Node:
    """A running server: its site, its community if it serves TLS, and how to get in."""

    folder: Path
    site: ServerSite
    site_file: Path
    server: Server
    community: Community | None
    _peers: list[Peer] = field(default_factory=list)
    _certificates: dict[tuple[Role, str], TlsFiles] = field(default_factory=dict)

    def uri_of(self, user: str, transport: Transport | None = None) -> str:
        """A user at this server's own address."""
        listener = self.listener(transport)
        return f"sip:{user}@{listener.address}:{listener.port};transport={listener.transport}"

    def listener(self, transport: Transport | None = None) -> Listener:
        """Where to connect to; the first one without a transport."""
        return next(one for one in self.site.listeners if transport in (None, one.transport))

    def add(self, name: str, kind: str = "indoor", home: str = "") -> Login:
        """A new device account."""
        made = accounts.add(self.site, name, kind, home)
        return Login(made.user, made.password, made.realm, made.address_of_record)

    def certificate(self, role: Role, name: str) -> TlsFiles:
        """Files of a node of this server's community."""
        assert self.community is not None, "a plain server has no community"
        if (role, name) not in self._certificates:
            issued = self.community.issue(role, name, [self.site.identity.address], self.folder / role.value)
            self._certificates[role, name] = tls_files(issued)
        return self._certificates[role, name]

    def peer(
        self, name: str, transport: Transport | None = None, tls: TlsFiles | None = None, source: str = ""
    ) -> Peer:
        """A SIP client connected to this server; closed by `forget`."""
        peer = Peer(self.listener(transport), name, tls, source)
        self._peers.append(peer)
        return peer

    def screen(
        self, name: str, kind: str = "indoor", transport: Transport | None = None, home: str = "", priority: str = ""
    ) -> Peer:
        """A device with an account of its own, registered; `priority` is the q of its Contact."""
        peer = self.peer(name, transport)
        peer.login = self.add(name, kind, home)
        answer = peer.register(peer.login, peer.login.address_of_record, priority=priority)
        assert answer.status == 200, answer
        return peer

    def remove(self, name: str) -> None:
        """Delete a device's account."""
        accounts.remove(self.site, name)

    def start_again(self) -> None:
        """After `server.stop()`: the same server, with all that it kept."""
        self.server = Server(self.site_file, name=self.server.name)
        self.server.wait_until_it_serves()

    def records_of(self, call_id: str) -> list[CallRecord]:
        """Every record of the calls with this Call-ID."""
        return [record for record in records(self.site) if record.call_id == call_id]

    def record_of(self, call: Call, wanted: Callable[[CallRecord], bool] | Result) -> CallRecord:
        """A call's record, as soon as it is as wanted: the server writes a moment after the call."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = self.records_of(call.call_id)
            if found and (found[0].result == wanted if isinstance(wanted, Result) else wanted(found[0])):
                return found[0]
            assert time.monotonic() < deadline, f"the record stays {found}; the server: {self.server.log[-2000:]}"
            threading.Event().wait(0.02)

    def forget(self, keep: Collection[str] = ()) -> None:
        """No accounts but those to `keep`, no registrations and bans: for the next test on the same server."""
        print(self.server.log[-4000:])  # pytest shows it of a test that failed
        for peer in self._peers:
            peer.give_up()
        while self._peers:
            self._peers.pop().close()
        for device in accounts.devices(self.site):
            if device.name not in keep:
                accounts.remove(self.site, device.name)
        for table in ("known", "failures", "banned", *self._guards):
            rpc.call(self.site.control, "htable.flush", table)

    @property
    def _guards(self) -> tuple[str, ...]:
        """Where a management server keeps who talks and who waits."""
        return GUARD_TABLES if self.server.name == "management" else ()


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


def site_text(
    folder: Path,
    role: Role,
    identity: Mapping[str, str],
    transports: Sequence[Transport],
    community: Community | None,
    settings: str = "",
    name: str = "",
) -> str:
    """A server's site file on free ports; `settings` are more lines of TOML, `name` is that of its certificate."""
    lines = ['data = "data"', f"[{role}]", *(f'{key} = "{value}"' for key, value in identity.items())]
    lines += ["[listen]", *(f"{transport} = {free_port(identity['address'])}" for transport in transports)]
    if "tls" in transports:
        assert community is not None
        files = community.issue(role, name or role.value, [identity["address"]], folder / "tls")
        lines += ["[tls]", f'authority = "{files.authority}"', f'certificate = "{files.certificate}"']
        lines += [f'key = "{files.key}"']
    return "\n".join([*lines, settings])
