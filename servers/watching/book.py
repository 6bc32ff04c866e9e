"""All leases of a server: granted, renewed, ended in time, each change written down."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from servers.watching.errors import NoLease, TooMany
from servers.watching.lease import Lease, Reason, Viewing
from servers.watching.settings import WatchingSection
from servers.watching.targets import Target

if TYPE_CHECKING:
    from servers.http.identity import Identity

log = logging.getLogger(__name__)

PER_ACCOUNT = 16
"""Leases of one account: a wall of nine and some more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for."""

    target: Target
    seconds: int
    viewers: int
    direct: bool


class Book:
    """From any thread. A thread of its own ends leases in time, also if no other part of the server moves."""

    def __init__(
        self,
        limits: WatchingSection,
        changed: Callable[[Lease], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` must return at once."""
        self._limits, self._note, self._clock = limits, changed, clock
        self._changed = threading.Condition()
        self._leases: dict[str, Lease] = {}
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        """From now on leases end by themselves."""
        self._thread.start()

    def stop(self) -> None:
        """All leases end."""
        with self._changed:
            self._ending = True
            for lease in list(self._leases.values()):
                self._end(lease, Reason.STOPPED)
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def grant(self, who: "Identity", wish: Wish) -> Lease:
        """Raises TooMany."""
        with self._changed:
            own = sum(_same(lease.who, who) for lease in self._leases.values())
            if self._ending or own >= PER_ACCOUNT or len(self._leases) >= self._limits.leases:
                raise TooMany("as many watch as may at the same time: give a lease back, or try later")
            expires, deadline = self._times(wish.seconds)
            viewers = min(wish.viewers, self._limits.viewers)
            now = datetime.now(UTC)
            lease = Lease(secrets.token_urlsafe(16), who, wish.target, viewers, wish.direct, now, expires, deadline)
            self._leases[lease.id] = lease
            self._tell(lease)
        log.info("%s may watch %s for %d s", who.name, wish.target.name, wish.seconds)
        return lease

    def renew(self, lease: Lease, seconds: int) -> None:
        """From now on so many seconds. Raises NoLease if it is over."""
        with self._changed:
            if lease.ended is not None:
                raise NoLease("this lease is over")
            lease.expires, lease.deadline = self._times(seconds)
            self._tell(lease)

    def end(self, lease: Lease, reason: Reason) -> None:
        """Nobody watches with it any more; twice does no harm."""
        with self._changed:
            self._end(lease, reason)

    def of(self, who: "Identity") -> list[Lease]:
        """Oldest first."""
        with self._changed:
            return [lease for lease in self._leases.values() if _same(lease.who, who)]

    def one(self, who: "Identity", identifier: str) -> Lease:
        """Raises NoLease, also for another one's."""
        lease = self.by_id(identifier)
        if not _same(lease.who, who):
            raise NoLease("there is no such lease")
        return lease

    def by_id(self, identifier: str) -> Lease:
        """Raises NoLease."""
        with self._changed:
            lease = self._leases.get(identifier)
            if lease is None or lease.deadline <= self._clock():
                raise NoLease("there is no such lease")
            return lease

    @contextmanager
    def viewing(self, lease: Lease) -> Iterator[Viewing]:
        """Watch, on this loop, until the end of the block. Raises NoLease, TooMany."""
        viewing = Viewing()
        with self._changed:
            if lease.ended is not None:
                raise NoLease("this lease is over")
            if len(lease.viewings) >= lease.allowed:
                raise TooMany(f"{lease.allowed} watch with this lease already")
            lease.viewings.add(viewing)
            lease.most = max(lease.most, len(lease.viewings))
        try:
            yield viewing
        finally:
            with self._changed:
                lease.viewings.discard(viewing)

    def _times(self, seconds: int) -> tuple[datetime, float]:
        """On a whole second, as tokens have it, so that door and server end at the same moment."""
        now = datetime.now(UTC)
        until = (now + timedelta(seconds=min(seconds, self._limits.seconds))).replace(microsecond=0)
        return until, self._clock() + (until - now).total_seconds()

    def _tell(self, lease: Lease) -> None:
        self._note(lease)
        self._changed.notify()

    def _end(self, lease: Lease, reason: Reason) -> None:
        if self._leases.pop(lease.id, None) is None:
            return
        lease.ended, lease.reason = datetime.now(UTC), reason.value
        for viewing in lease.viewings:
            viewing.end(reason.value)
        self._note(lease)
        log.info("%s does not watch %s any more: %s", lease.who.name, lease.target.name, reason.value)

    def _run(self) -> None:
        with self._changed:
            while not self._ending:
                now = self._clock()
                for lease in [one for one in self._leases.values() if one.deadline <= now]:
                    self._end(lease, Reason.EXPIRED)
                next_one = min((lease.deadline for lease in self._leases.values()), default=None)
                self._changed.wait(None if next_one is None else max(0.0, next_one - self._clock()))


def _same(one: "Identity", other: "Identity") -> bool:
    return (one.name, one.home, one.way) == (other.name, other.home, other.way)
