"""A HomeLink of our own, without a community around it: to be loaded, filled and killed."""

import os
import random
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from servers.community.authority import Community, IssuedFiles, Role
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts
from servers.kamailio.config import Listener
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import probe
from sim.bench.small_phone import Account
from sim.community import free_port
from sim.errors import SimError

ADDRESS = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
"""Nobody else takes the ports there while the server is down."""
START_LIMIT = 60.0
_LIMITS = "[limits]\nrequests = 100000\nfailures = 1000\nsource_failures = 100000\n"


class HomeServer:
    """`intercom homelink` with its HTTP service, over UDP; with a community over TLS too, and HTTPS."""

    def __init__(self, folder: Path, settings: str = "", community: Community | None = None) -> None:
        """`settings`: more of its site file."""
        self.port, self.tls_port, http = free_port(), free_port(), free_port()
        self.url = f"{'https' if community else 'http'}://{ADDRESS}:{http}"
        self.uri = f"sip:home@{ADDRESS}:{self.tls_port};transport=tls" if community else ""
        self._file, self._log = folder / "site.toml", folder / "homelink.log"
        self.files: IssuedFiles | None = None
        identity = f'[homelink]\nname = "Measured"\nrealm = "home.example"\naddress = "{ADDRESS}"\n'
        ports = f"[listen]\nudp = {self.port}\n"
        if community:
            self.files = community.issue(Role.HOMELINK, "home", [ADDRESS], folder / "tls")
            ports += f"tls = {self.tls_port}\n{tls_table(self.files)}"
        ports += f"[http]\nport = {http}\n"
        self._file.write_text(f'data = "data"\n{identity}{ports}{_LIMITS}{settings}', encoding="utf-8")
        self.site: Site = load_site(self._file)
        self._process: subprocess.Popen[bytes] | None = None

    def account(self, name: str, kind: Kind) -> Account:
        """A new account."""
        made = accounts.add(self.site, name, kind)
        return Account(made.user, made.password, made.realm)

    def context(self) -> ssl.SSLContext:
        """For clients of its HTTPS."""
        if self.files is None:
            raise SimError("this HomeLink speaks plain HTTP")
        return ssl.create_default_context(cafile=str(self.files.authority))

    def start(self) -> None:
        """Serve, when this returns; to be called on the main thread, to which its process is bound. Raises SimError."""
        program = "import sys; from servers.homelink.main import main; sys.exit(main(sys.argv[1:]))"
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", program, "--site", str(self._file)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_LIMIT
        while not probe(Listener("udp", ADDRESS, self.port), timeout=0.2):
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
                raise SimError(f"the HomeLink of this measurement does not start: {words or 'it says nothing'}")
            time.sleep(0.02)

    def kill_something(self) -> None:
        """kill -9 to Kamailio alone, which its supervisor starts again, or to the supervisor, and all with it."""
        if random.random() < 0.5:
            with suppress(OSError, ValueError):  # it is being started just now
                os.kill(int((self.site.run_folder / "pid").read_text()), signal.SIGKILL)
            return
        self.kill()
        self.start()

    def kill(self) -> None:
        """kill -9 to the server's process; its Kamailio ends with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def tls_table(files: IssuedFiles) -> str:
    """[tls] of a site file."""
    return f'[tls]\nauthority = "{files.authority}"\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
