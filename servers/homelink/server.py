"""HomeLink as a running server: its configuration made from the site file, one at a time per data folder."""

import fcntl
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from servers.errors import ServerError
from servers.homelink.records import close_interrupted
from servers.homelink.site import Site
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Kamailio, Patience


class HomeLink:
    """One home's SIP server; `run()` serves until `stop()`, which any thread or signal handler may call."""

    def __init__(self, site: Site, patience: Patience | None = None) -> None:
        self._site = site
        self._kamailio = Kamailio(kamailio_config(site), patience, lambda: close_interrupted(site))

    @property
    def ready(self) -> threading.Event:
        """Set while the server answers."""
        return self._kamailio.ready

    def run(self) -> None:
        """Prepare the data folder and serve. Raises ServerError if that is impossible."""
        self._site.databases.prepare()
        with _only_one(self._site.data):
            self._kamailio.run()

    def stop(self) -> None:
        """Let `run()` return within a second."""
        self._kamailio.stop()


def kamailio_config(site: Site) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return KamailioConfig(
        name="homelink",
        run_folder=site.run_folder,
        listeners=site.listeners,
        role=resources.files(__package__).joinpath("homelink.cfg"),
        tokens=_tokens(site),
        tls=site.tls_files,
    )


def _tokens(site: Site) -> dict[str, str]:
    limits = site.limits
    return site.databases.urls() | {
        "SITE_REALM": site.homelink.realm,
        "HOME_USER": site.homelink.home,
        "STRANGER_SECONDS": str(limits.idle),
        "STRANGER_REQUESTS": str(limits.requests),
        "LOGIN_FAILURES": str(limits.failures),
        "SOURCE_FAILURES": str(limits.source_failures),
        "BAN_SECONDS": str(limits.ban),
        "RECORD_DAYS": str(site.records.days),
        "CALL_SECONDS": str(site.timers.call),
        "RING_MILLISECONDS": str(round(site.timers.ring * 1000)),
        "REACH_MILLISECONDS": str(round(site.timers.reach * 1000)),
        "SEAL_SECRET": _seal_secret(site.data),
    }


def _seal_secret(folder: Path) -> str:
    """Signs the Record-Route of our calls; kept, so that a call survives a restart of the server."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "seal.secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), "ascii")
    return path.read_text("ascii")


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder's lock, which the kernel lets go of when this process ends."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(f"another HomeLink already serves from {folder}") from error
        yield
