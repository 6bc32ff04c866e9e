"""Asks the server where the device is registered what it may watch."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from endpoints.errors import ServiceError
from endpoints.screens.watching import lease as leases
from endpoints.screens.watching.events import SourcesTold
from endpoints.service import Service

log = logging.getLogger(__name__)


class Asking:
    """On the app's thread; the answer comes as an event."""

    def __init__(self, services: Mapping[str, Service], tell: Callable[[SourcesTold], None]) -> None:
        """`services`: who grants leases, by the name of the server where the device is registered."""
        self._services, self._tell = services, tell
        self._worker = ThreadPoolExecutor(1, "watching")
        self.service: Service | None = None
        """Who was asked last, and grants leases now."""

    def ask(self, server: str) -> None:
        """Ask that one from now on."""
        service = self.service = self._services.get(server)
        if service is None:
            self._tell(SourcesTold(None))
        else:
            self._worker.submit(self._ask, service)

    def close(self) -> None:
        """Ask no more; twice does no harm."""
        self._worker.shutdown(cancel_futures=True)

    def _ask(self, service: Service) -> None:
        try:
            self._tell(SourcesTold(leases.watchables(service)))
        except ServiceError as error:
            log.info("nobody tells what may be watched: %s", error)
            self._tell(SourcesTold(None))
