"""One who watches: takes a lease, decodes what comes, renews while it lasts, and gives the lease back."""

import logging
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from endpoints.errors import ServiceError
from endpoints.screens.watching import lease as leases
from endpoints.screens.watching.lateness import Lateness
from endpoints.screens.watching.lease import Lease
from endpoints.screens.watching.live import LiveSource, RtspSource, Told, Unit, WebSocketSource
from endpoints.service import Service
from hal.camera import Picture
from hal.errors import IntercomError

if TYPE_CHECKING:
    from media.decoder import H264Decoder

log = logging.getLogger(__name__)

RENEW = leases.SECONDS / 2
TELL = 1.0
"""Seconds between two words about lateness."""
GOOD_ENDS = {"expired": "Watching ended", "revoked": "Watching ended", "given-back": "Watching ended"}


@dataclass(frozen=True, slots=True)
class Shown:
    """How it goes."""

    viewers: int
    late: float
    """Seconds."""


class Audience(Protocol):
    """Who gets what a viewer sees; on the viewer's thread."""

    def unit(self, unit: Unit, picture: Picture | None) -> None:
        """A picture as it came, and decoded; None while it cannot be decoded."""

    def told(self, shown: Shown) -> None:
        """How it goes, about once a second."""

    def over(self, why: str) -> None:
        """It ended by itself; `why` is for people."""


class Viewer:
    """A thread for one door or camera. `start` and `stop` from any thread; `stop` does not wait."""

    def __init__(self, service: Service, target: str, audience: Audience) -> None:
        self._service, self._target, self._audience = service, target, audience
        self._stopped = threading.Event()
        self._source: LiveSource | None = None
        self._viewers, self._lateness, self._told_at = 0, Lateness(), 0.0
        self._thread = threading.Thread(target=self._run, name=f"watch-{target}", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; nothing is given to the audience after this but what is in hand."""
        self._stopped.set()
        if self._source is not None:
            threading.Thread(target=self._source.close, name="watch-close", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it still watches, or gives its lease back."""
        return self._thread.is_alive()

    def join(self, limit: float) -> None:
        """Wait until the lease was given back, at most `limit` seconds."""
        if self._thread.ident is not None:
            self._thread.join(limit)

    def _run(self) -> None:
        why = ""
        try:
            lease = leases.take(self._service, self._target)
            try:
                why = self._watch(lease)
            finally:
                self._give_back(lease)
        except IntercomError as error:
            log.info("%s is not watched: %s", self._target, error)
            why = str(error) if isinstance(error, leases.LeaseRefused) else "Not reachable"
        if not self._stopped.is_set():
            self._audience.over(why)

    def _give_back(self, lease: Lease) -> None:
        try:
            leases.give_back(self._service, lease)
        except ServiceError as error:
            log.info("the lease of %s ends by itself: %s", self._target, error)

    def _watch(self, lease: Lease) -> str:
        """Until it ends; why, for people. Raises ServiceError."""
        from media.decoder import H264Decoder

        source = self._source = source_of(self._service, lease)
        if self._stopped.is_set():
            return ""
        source.open()
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(lease, source, over), name="watch-renew", daemon=True)
        renewing.start()
        decoder = H264Decoder()
        try:
            return self._take_all(source, decoder)
        finally:
            over.set()
            decoder.close()
            source.close()

    def _take_all(self, source: LiveSource, decoder: "H264Decoder") -> str:
        why = "The picture ended"
        for come in source.units():
            if self._stopped.is_set():
                return ""
            if isinstance(come, Told):
                self._viewers = int(come.facts.get("viewers", self._viewers))
                why = GOOD_ENDS.get(str(come.facts.get("end", "")), why)
                self._told_at = 0.0
            else:
                self._show(come, source, decoder)
        return why

    def _show(self, unit: Unit, source: LiveSource, decoder: "H264Decoder") -> None:
        from media.decoder import DecodeError

        arrived = time.monotonic()
        try:
            pictures = decoder.decode(unit.data, arrived)
        except DecodeError as error:
            log.debug("%s: %s", self._target, error)
            pictures = []
        self._audience.unit(unit, pictures[-1] if pictures else None)
        now = time.monotonic()
        late = self._lateness.of(unit.taken, arrived, now, source.round_trip())
        if now - self._told_at > TELL:
            self._told_at = now
            self._audience.told(Shown(self._viewers, late))

    def _renew(self, lease: Lease, source: LiveSource, over: threading.Event) -> None:
        while not over.wait(RENEW):
            try:
                renewed = leases.renew(self._service, lease)
            except ServiceError as error:
                log.warning("the lease of %s is not renewed: %s", self._target, error)
                continue
            if renewed.direct and renewed.direct.token:
                source.say(renewed.direct.token)


def source_of(service: Service, lease: Lease) -> LiveSource:
    """Where its pictures come from: the door or the recorder itself, or the server. Raises ServiceError."""
    direct = lease.direct
    if direct is not None and direct.url.startswith("rtsp"):
        return RtspSource(direct.url)
    if direct is not None:
        return _socket(service, f"{direct.url}/live", {"Authorization": f"Bearer {direct.token}"})
    if "live" not in lease.paths:
        raise ServiceError(f"{lease.target} has no live pictures")
    return _socket(service, f"{service.url}{lease.paths['live']}", service.login())


def _socket(service: Service, url: str, headers: Mapping[str, str]) -> WebSocketSource:
    return WebSocketSource(url, headers, _security(service) if url.startswith("https") else None)


@cache
def _security(service: Service) -> ssl.SSLContext:
    """For TLS with any node of the community; made once, for reading certificates takes its time."""
    return service.security()
