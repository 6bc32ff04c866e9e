"""A management server of our own, without a community around it: to be filled with accounts, loaded and killed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from servers.community.authority import Community, Role
from servers.kamailio import accounts
from servers.kamailio.accounts import Credentials
from servers.kamailio.config import Listener, Transport
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import probe
from servers.management.site import load_site
from sim.bench.process import cpu_seconds
from sim.community import free_port
from sim.errors import SimError
from sim.freezer import family
from sim.plan import ADDRESS
from sim.processes import command

REALM = "lakeside.example"
START_LIMIT = 30.0
PAUSE = 0.02
_SITE = """\
data = "data"
[management]
name = "Lakeside Gardens"
realm = "{realm}"
address = "{address}"
community = "lakeside"
[listen]
{transport} = {port}
"""
_TLS = """\
[tls]
authority = "{files.authority}"
certificate = "{files.certificate}"
key = "{files.key}"
"""


class ManagedServer:
    """`intercom management` in a process of its own, as on a server's machine; its log lies in `folder`."""

    def __init__(self, folder: Path, transport: Transport) -> None:
        port = free_port()
        text = _SITE.format(realm=REALM, address=ADDRESS, transport=transport, port=port)
        self.authority: Path | None = None
        if transport == "tls":
            community = Community.create(folder / "authority", "Lakeside")
            text += _TLS.format(files=community.issue(Role.MANAGEMENT, "lakeside", [ADDRESS], folder / "tls"))
            self.authority = community.certificate
        self._file, self._log = folder / "site.toml", folder / "management.log"
        self._file.write_text(text)
        self._site = load_site(self._file)
        self.listener = Listener(transport, ADDRESS, port)
        self._process: subprocess.Popen[bytes] | None = None

    def add(self, name: str, kind: Kind, home: str = "") -> Credentials:
        """A new account."""
        return accounts.add(self._site, name, kind, home)

    def start(self) -> None:
        """Start it; to be called on the main thread, because its process is bound to the thread that started it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command("management", "--site", self._file), stdout=log, stderr=log)

    def wait_until_it_serves(self) -> None:
        """Back when it answers. Raises SimError."""
        end = time.monotonic() + START_LIMIT
        while not probe(self.listener, timeout=0.5, authority=self.authority):
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                raise SimError(
                    f"the management server does not serve: {self._log.read_text('utf-8', 'replace')[-500:]}"
                )
            time.sleep(PAUSE)

    def kill(self) -> None:
        """kill -9 to all of its processes."""
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._process:
            self._process.wait(START_LIMIT)

    def stop(self) -> None:
        """End it in order; twice does no harm."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(START_LIMIT)

    def cpu_seconds(self) -> tuple[float, float]:
        """What its Kamailio took so far, and what the process beside it took that keeps its records."""
        first, *kamailio = self._processes()
        return sum(map(cpu_seconds, kamailio)), cpu_seconds(first)

    def _processes(self) -> list[int]:
        if self._process is None:
            raise SimError("the management server was not started")
        return family(self._process.pid)


class ServerShare:
    """Percent of one core that a server takes from now until `words`."""

    def __init__(self, server: ManagedServer) -> None:
        self._server, self._began, self._used = server, time.monotonic(), server.cpu_seconds()

    def words(self) -> str:
        """Since this was made, for a figure's note."""
        seconds = time.monotonic() - self._began
        pairs = zip(self._server.cpu_seconds(), self._used, strict=True)
        kamailio, beside = (100 * (now - before) / seconds for now, before in pairs)
        return f"server's CPU: Kamailio {kamailio:.0f} %, records {beside:.0f} % of a core"


@contextmanager
def managed(folder: Path, transport: Transport) -> Iterator[ManagedServer]:
    """A server that is not yet started, ended with the block."""
    server = ManagedServer(folder, transport)
    try:
        yield server
    finally:
        server.stop()
