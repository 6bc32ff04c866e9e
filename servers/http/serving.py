"""uvicorn, as all servers of a community run it; connections to the server above live on its loop."""

import asyncio
import resource
import socket
import ssl
from contextlib import suppress
from functools import partial

import uvicorn

from servers.http.connection import Application, Connection, PassesOn, Socket
from servers.kamailio.site import ServerSite
from servers.relay.above import FromAbove
from servers.relay.offering import Offering

SPARE_FILES = 256


class Serving(uvicorn.Server):
    """Serves `app` with the certificate of the site."""

    def __init__(self, site: ServerSite, app: Application, passes_on: PassesOn, offering: Offering | None) -> None:
        super().__init__(_config(site, app, passes_on))
        self._passes_on, self._offering = passes_on, offering
        self._offered: asyncio.Task[None] | None = None
        _let_open(2 * site.capacity.connections + SPARE_FILES)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn, on its loop."""
        await super().startup(sockets)
        if self._offering:
            made = partial(
                FromAbove,
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                passes_on=self._passes_on,
            )
            self._offered = asyncio.create_task(self._offering.run(made))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn."""
        if self._offered:
            self._offered.cancel()
            with suppress(asyncio.CancelledError):
                await self._offered
        await super().shutdown(sockets)


def _let_open(files: int) -> None:
    """As many as the system lets us have; each connection is one."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if most == resource.RLIM_INFINITY else min(files, most)
    if now not in (resource.RLIM_INFINITY, most) and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _config(site: ServerSite, app: Application, passes_on: PassesOn) -> uvicorn.Config:
    tls = site.tls_files
    return uvicorn.Config(
        app,
        http=partial(Connection, passes_on=passes_on),  # type: ignore[arg-type]  # made like the class
        ws=Socket,
        ws_per_message_deflate=False,
        ws_max_size=1 << 16,
        lifespan="off",
        log_config=None,
        log_level="warning",  # it would tell paths, and who knows the one of a lease may watch
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=site.capacity.connections,
        timeout_graceful_shutdown=1,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(tls.authority) if tls else None,
        ssl_cert_reqs=ssl.CERT_OPTIONAL if tls else ssl.CERT_NONE,
    )
