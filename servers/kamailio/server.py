"""A SIP server that runs: its configuration made from the site file, its services beside it, one per data folder."""

import fcntl
import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from servers.errors import ServerError
from servers.http import HttpService, Pages
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Kamailio, Patience
from servers.kamailio.shared_accounts import AccountCopier
from servers.kamailio.site import ServerSite
from servers.kamailio.upstream import defines as upstream_defines
from servers.kamailio.upstream import tokens as upstream_tokens
from servers.kamailio.upstream import write_registration
from servers.messages.lamp import Lamp
from servers.records.keeper import RecordKeeper


class Service(Protocol):
    """Something that runs beside Kamailio, in threads or processes of its own: HTTP, the media relay."""

    def start(self) -> None:
        """Serve when this returns. Raises ServerError if that is impossible."""

    def stop(self) -> None:
        """End within a second; twice without harm."""


class SipServer:
    """One server; `run()` serves until `stop()`, which any thread or signal handler may call.

    `role` is the fragment with the server's request_route, `more` are others of its own, with `defines` as their
    switches and `tokens` as the values of their tokens. `services` are
    started before Kamailio, in order, and stopped after it in reverse order. `pages` are those of its HTTP service,
    which tells `lamp` how many messages wait in each home.
    """

    def __init__(
        self,
        site: ServerSite,
        role: Traversable,
        tokens: Mapping[str, str] | None = None,
        services: Sequence[Service] = (),
        more: Sequence[Traversable] = (),
        defines: Sequence[str] = (),
        patience: Patience | None = None,
        pages: Pages = lambda backend: (),
        lamp: Lamp | None = None,
    ) -> None:
        self._site, self._lamp = site, lamp
        self._keeper = RecordKeeper(site)
        self._kamailio = Kamailio(server_config(site, role, tokens or {}, more, defines), patience, self._before_start)
        http = [HttpService(site, site.http.port, self.ready.is_set, pages)] if site.http else []
        shared = [AccountCopier(site)] if site.nodes else []
        lamps = [lamp] if lamp else []
        for one in lamps:
            one.sip_ready = self.ready.is_set
        self._services: tuple[Service, ...] = (self._keeper, *shared, *services, *lamps, *http)

    @property
    def ready(self) -> threading.Event:
        """Set while the server answers."""
        return self._kamailio.ready

    def run(self) -> None:
        """Prepare the data folder and serve. Raises ServerError if that is impossible."""
        self._site.databases.prepare()
        with _only_one(self._site), ExitStack() as stack:
            for service in self._services:
                service.start()
                stack.callback(service.stop)
            self._kamailio.run()

    def stop(self) -> None:
        """Let `run()` return within a second or two."""
        self._kamailio.stop()

    def _before_start(self) -> None:
        self._keeper.before_sip()
        if self._lamp:
            self._lamp.sip_starts()
        if self._site.upstream:
            write_registration(self._site, self._site.upstream, _seal_secret(self._site.data))


def server_config(
    site: ServerSite,
    role: Traversable,
    tokens: Mapping[str, str],
    more: Sequence[Traversable] = (),
    defines: Sequence[str] = (),
) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return KamailioConfig(
        name=site.program,
        run_folder=site.run_folder,
        listeners=site.listeners,
        role=role,
        tokens=_common_tokens(site) | dict(tokens),
        tls=site.tls_files,
        more=more,
        defines=(*defines, *upstream_defines(site.upstream)),
        trace=site.trace_target,
        capacity=site.capacity,
        nodes=site.nodes,
        above=site.upstream.uris if site.upstream else (),
    )


def _common_tokens(site: ServerSite) -> dict[str, str]:
    limits = site.limits
    return site.databases.urls() | {
        "SITE_REALM": site.identity.realm,
        "STRANGER_SECONDS": str(limits.idle),
        "STRANGER_REQUESTS": str(limits.requests),
        "LOGIN_FAILURES": str(limits.failures),
        "SOURCE_FAILURES": str(limits.source_failures),
        "BAN_SECONDS": str(limits.ban),
        "CALL_SECONDS": str(site.timers.call),
        "RING_MILLISECONDS": str(round(site.timers.ring * 1000)),
        "REACH_MILLISECONDS": str(round(site.timers.reach * 1000)),
        "SEAL_SECRET": _seal_secret(site.data),
        **(upstream_tokens(site, site.upstream, site.parent, _seal_secret(site.data)) if site.upstream else {}),
    }


def lamp_tokens(site: ServerSite) -> dict[str, str]:
    """Of lamp.cfg."""
    return {"LAMP_KEY": lamp_key(site.data), "PRESENCE_DB": f"sqlite:///{site.databases.presence.resolve()}"}


def lamp_key(folder: Path) -> str:
    """By it Kamailio knows that this process tells it how many messages wait."""
    return hashlib.sha256(f"lamp {_seal_secret(folder)}".encode()).hexdigest()


def _seal_secret(folder: Path) -> str:
    """Signs the Record-Route of our calls; kept, so that a call survives a restart of the server."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "seal.secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), "ascii")
    return path.read_text("ascii")


@contextmanager
def _only_one(site: ServerSite) -> Iterator[None]:
    """Hold the data folder's lock, which the kernel lets go of when this process ends."""
    with (site.data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(f"another {site.title} already serves from {site.data}") from error
        yield
