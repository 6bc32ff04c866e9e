"""Everything about watching, put together for the pages: leases, tokens, doors, cameras, what is written down."""

import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from servers.database import Database
from servers.directory.entries import Sight
from servers.errors import DatabaseError
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import reachable
from servers.kamailio.site import ServerSite
from servers.messages.worker import Worker
from servers.watching.book import Book, Wish
from servers.watching.door import Doors, Picture
from servers.watching.errors import NotWatchable, SourceAway
from servers.watching.journal import Journal
from servers.watching.lease import Lease, Reason
from servers.watching.rtsp.port import RtspPort
from servers.watching.settings import WatchingSection
from servers.watching.signing import Signer
from servers.watching.targets import Target, Targets

if TYPE_CHECKING:
    from fastapi import APIRouter

    from servers.http.app import Backend
    from servers.http.identity import Identity

log = logging.getLogger(__name__)

_AT_ONCE = timedelta(seconds=1)
RETRY = 10.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one kind of server has of its own."""

    limits: WatchingSection
    targets: Targets
    signer: Signer
    direct: bool
    """Guards go to doors and NVRs themselves (M2, M4)."""
    publish: Callable[[], None] = lambda: None
    """Lets doors know the signer's key, where this server is the one who tells them. Raises DatabaseError."""


class WatchingDesk:
    """One per server."""

    def __init__(self, site: ServerSite, settings: Settings, database: Callable[[], Database]) -> None:
        self._site, self._settings = site, settings
        self.targets = settings.targets
        self.journal = Journal(database)
        self.book = Book(settings.limits, self._noted)
        self._doors = Doors(site.tls_files)
        self._worker = Worker(self.journal.forget_old)
        self._ending = threading.Event()
        self._publishing = threading.Thread(target=self._publish, name="watching-key", daemon=True)
        port, failures = settings.limits.rtsp_port, site.limits.source_failures
        self._rtsp = RtspPort(site.identity.address, port, self.book, failures, site.limits.ban) if port else None

    def start(self) -> None:
        """Begin. Raises ServerError if the RTSP port is taken."""
        self._worker.start()
        self._publishing.start()
        self.book.start()
        if self._rtsp:
            self._rtsp.start()

    def stop(self) -> None:
        """All leases end, and it is written down."""
        self._ending.set()
        self.book.stop()
        if self._rtsp:
            self._rtsp.stop()
        self._worker.end()

    def _publish(self) -> None:
        """Until it is done: the database may be away when the server starts."""
        pause = 0.0
        while not self._ending.wait(pause):
            try:
                return self._settings.publish()
            except DatabaseError as error:
                log.warning("doors do not know the key to watch with yet: %s", error)
                pause = RETRY
        return None

    def _noted(self, lease: Lease) -> None:
        self.journal.note(lease)
        self._worker.do(self.journal.write)

    def grant(self, caller: "Identity", name: str, seconds: int, viewers: int) -> Lease:
        """Raises NotWatchable, TooMany."""
        direct = self._settings.direct and caller.kind is Kind.CONSOLE
        return self.book.grant(caller, Wish(self._target(caller, name), seconds, viewers, direct))

    def renew(self, caller: "Identity", lease: Lease, seconds: int) -> None:
        """Raises NoLease, and NotWatchable for who may not any more."""
        if self._target(caller, lease.target.name) != lease.target:
            self.end(lease, Reason.GIVEN_BACK)
            raise NotWatchable(f"{lease.target.title} is not where it was: ask for a new lease")
        self.book.renew(lease, seconds)
        if lease.viewings and lease.target.kind is Sight.DOOR:
            self._tell_door(lease, lease.expires)

    def end(self, lease: Lease, reason: Reason) -> None:
        """Whoever went to the door itself is sent away there."""
        self.book.end(lease, reason)
        if lease.direct and lease.target.kind is Sight.DOOR and lease.expires > datetime.now(UTC) + _AT_ONCE:
            self._tell_door(lease, datetime.now(UTC) + _AT_ONCE)

    def _tell_door(self, lease: Lease, until: datetime) -> None:
        try:
            self._doors.renew(lease.target, self.token(lease, until))
        except SourceAway as error:
            log.warning("the end of a lease could not be moved at %s: %s", lease.target.name, error)

    def _target(self, caller: "Identity", name: str) -> Target:
        found = self.targets(caller).get(name)
        if found is None:
            raise NotWatchable(f"there is nothing of the name {name!r} that you may watch")
        return found

    def token(self, lease: Lease, until: datetime | None = None) -> str:
        """For the door of this lease."""
        who = f"{lease.who.name}@{lease.who.way}" if lease.who.way else lease.who.name
        return self._settings.signer.token(who, lease.target.name, until or lease.expires, lease.mark, lease.allowed)

    def picture(self, lease: Lease, name: str) -> AbstractAsyncContextManager[Picture]:
        """A door's answer to ``GET /name``, or the same of a camera."""
        if lease.target.kind is Sight.DOOR:
            return self._doors.ask(lease.target, f"/{name}", self.token(lease))
        from servers.watching.camera_pages import camera_picture

        return camera_picture(lease.target, name)

    def messages(self, lease: Lease) -> AbstractAsyncContextManager[AsyncIterator[bytes | str]]:
        """A door's live messages, or the same of a camera."""
        if lease.target.kind is Sight.DOOR:
            return self._doors.listen(lease.target, self.token(lease))
        from servers.watching.camera_pages import camera_messages

        return camera_messages(lease.target)

    def rtsp_url(self, lease: Lease) -> str | None:
        """Where a player watches a camera: here, or for guards at the NVR."""
        if lease.target.kind is not Sight.CAMERA:
            return None
        if lease.direct:
            return _with_login(lease.target)
        if self._rtsp is None:
            return None
        address = reachable(self._site.identity.address)
        return f"rtsp://{f'[{address}]' if ':' in address else address}:{self._rtsp.port}/{lease.id}"

    def direct(self, lease: Lease) -> dict[str, str] | None:
        """Where a guard goes without us, and with what."""
        if not lease.direct:
            return None
        if lease.target.kind is Sight.CAMERA:
            return {"url": _with_login(lease.target), "token": ""}
        return {"url": lease.target.url, "token": self.token(lease)}


def _with_login(camera: Target) -> str:
    login = f"{quote(camera.user, '')}:{quote(camera.password, '')}@" if camera.user else ""
    return camera.url.replace("rtsp://", f"rtsp://{login}", 1)


def desk_pages(backend: "Backend", settings: Settings) -> "Sequence[APIRouter]":
    """A desk for a server's HTTP service, and its pages."""
    from servers.watching import pages

    desk = WatchingDesk(backend.site, settings, lambda: backend.database)
    desk.start()
    backend.at_end(desk.stop)
    return pages.routers_of(desk)
