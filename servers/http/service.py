"""The HTTP service as a part of a running server: its port is taken at once, the rest is loaded beside Kamailio."""

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from servers.errors import ServerError
from servers.kamailio.site import ServerSite

if TYPE_CHECKING:  # half a second of loading, which SIP does not wait for
    import uvicorn
    from fastapi import APIRouter

    from servers.http.app import Backend

log = logging.getLogger(__name__)

Pages: TypeAlias = "Callable[[Backend], Sequence[APIRouter]]"
"""What one kind of server has beside records and health."""
BACKLOG = 200


class HttpService:
    """Serves on the port of [http], with the certificate of [tls] if SIP has it."""

    def __init__(
        self, site: ServerSite, port: int, sip_ready: Callable[[], bool], pages: Pages = lambda backend: ()
    ) -> None:
        self._site, self._port, self._sip_ready, self._pages = site, port, sip_ready, pages
        self._server: uvicorn.Server | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread()
        self._socket: socket.socket | None = None
        self._backend: Backend | None = None

    def start(self) -> None:
        """Take the port; questions wait there until the pages are loaded. Raises ServerError if it is taken."""
        address = self._site.identity.address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # The protocol is named because only then asyncio sends small answers at once (TCP_NODELAY), not 40 ms later.
        taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((address, self._port))
            taken.listen(BACKLOG)
        except OSError as error:
            taken.close()
            raise ServerError(f"[http] cannot listen on {address} port {self._port}: {error.strerror}") from error
        self._socket = taken
        self._thread = threading.Thread(target=self._serve, args=(taken,), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked, and end."""
        self._stopping.set()
        if self._backend is not None:
            self._backend.end()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(1.0)
        if self._server is not None and self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(1.0)
        if self._socket is not None:
            self._socket.close()

    def _serve(self, taken: socket.socket) -> None:
        from servers.http.app import Backend, make_app
        from servers.http.serving import Serving

        backend = self._backend = Backend(self._site, self._sip_ready)
        try:
            app = make_app(backend, self._pages(backend))
            self._server = Serving(self._site, app, backend.passes_on, backend.offering)
            if not self._stopping.is_set():
                log.info("http serves port %d", self._port)
                self._server.run([taken])
        except (ServerError, OSError) as error:
            log.error("http cannot serve: %s", error)
        finally:
            backend.close()
