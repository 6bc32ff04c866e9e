"""Who watches now: lets in whoever has a token and room, ends each stream in time, and writes everything down."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from endpoints.door_station.watching.diary import Diary, utc
from endpoints.door_station.watching.streams import Ended, Stream, Watcher
from endpoints.door_station.watching.tokens import CLOCKS, LONGEST, Patience, Permit, Refused, TokenJudge

log = logging.getLogger(__name__)

AT_ONCE = 2.0
"""Seconds; an issuer who takes a lease back makes a token that is good for about one."""

Tell = Callable[[str, Mapping[str, object]], None]


class Desk:
    """Loop's thread."""

    def __init__(self, judge: TokenJudge, most: int, diary: Diary, tell: Tell, loop: asyncio.AbstractEventLoop) -> None:
        """`most` may watch at once; `tell` publishes an event."""
        self._judge, self._most, self._diary, self._tell, self._loop = judge, most, diary, tell, loop
        self._patience = Patience()
        self._streams: dict[Stream, asyncio.TimerHandle] = {}
        self._revoked: dict[tuple[str, str], float] = {}
        """Leases that were ended before their time, and until when somebody may come with a token of them."""
        self.refused = 0

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._streams)

    def admit(self, address: str, token: str) -> Permit:
        """What `token`, which came from `address`, grants. Raises Refused."""
        if self._patience.exhausted(address):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens came from there; try again in a minute")
        try:
            permit = self._judge.judge(token)
            if permit.key in self._revoked:
                raise Refused(HTTPStatus.FORBIDDEN, "the lease has ended")
        except Refused as error:
            self._patience.failed(address)
            self.note_refusal(address, error)
            raise
        return permit

    def note_refusal(self, address: str, error: Refused) -> None:
        """Write a refusal down."""
        self.refused += 1
        log.warning("%s may not watch: %s", address, error)
        self._diary.write({"event": "refused", "from": address, "status": int(error.status), "why": str(error)})

    def note_snapshot(self, watcher: Watcher) -> None:
        """Write down that somebody was given one picture."""
        self._diary.write({"event": "snapshot", **_who(watcher)})

    def room_for(self, permit: Permit) -> None:
        """Raises Refused if nobody may watch by this lease, or at all, for now."""
        if self.viewers >= self._most:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{self.viewers} watch this door, and no more may")
        if sum(each.watcher.permit.key == permit.key for each in self._streams) >= permit.viewers:
            raise Refused(HTTPStatus.FORBIDDEN, f"{permit.viewers} watch by this lease, and no more may")

    def enter(self, stream: Stream) -> None:
        """Somebody watches from now on, until the lease ends."""
        self._streams[stream] = self._timer(stream)
        log.info("%s watches (%s)", stream.watcher.permit.subject, stream.kind)
        self._changed("watching", stream, {})

    def leave(self, stream: Stream, why: Ended = Ended.LEFT) -> None:
        """Somebody watches no more; twice does no harm."""
        timer = self._streams.pop(stream, None)
        if timer is None:
            return
        timer.cancel()
        log.info("%s watches no more (%s): %s", stream.watcher.permit.subject, stream.kind, why)
        facts = {"event": "watched", **_who(stream.watcher), "kind": stream.kind, "began": utc(stream.began)}
        counted = {"pictures": stream.pictures, "lost": stream.lost, "bytes": stream.outlet.bytes, "why": why.value}
        self._diary.write({**facts, **counted})
        self._changed("watched", stream, {"why": why.value})

    def end(self, stream: Stream, why: Ended) -> None:
        """Send somebody no more."""
        if stream in self._streams:
            self.leave(stream, why)
            stream.finish(why)

    def renew(self, permit: Permit) -> int:
        """The end of this lease is another one now: how many streams have it.

        One that is as good as now ends the lease: tokens of it that were made before are good no more.
        """
        if permit.expires - time.time() <= AT_ONCE:
            self._void(permit)
        mine = self._of(permit)
        for stream in mine:
            stream.watcher = Watcher(permit, stream.watcher.address)
            self._streams[stream].cancel()
            self._streams[stream] = self._timer(stream)
        return len(mine)

    def revoke(self, permit: Permit) -> int:
        """The lease ends now, and no token of it is good any more: how many streams ended."""
        self._void(permit)
        mine = self._of(permit)
        for stream in mine:
            self.end(stream, Ended.REVOKED)
        return len(mine)

    def close(self) -> None:
        """Nobody watches any more."""
        for stream in tuple(self._streams):
            self.end(stream, Ended.CLOSED)

    def figures(self) -> dict[str, object]:
        """For the service port."""
        streams = tuple(self._streams)  # another thread may ask
        counted = {"bytes": sum(each.outlet.bytes for each in streams), "lost": sum(each.lost for each in streams)}
        return {"viewers": len(streams), "refused": self.refused, **counted}

    def _void(self, permit: Permit) -> None:
        """No token of this lease lets anybody in from now on."""
        now = time.time()
        self._revoked = {key: until for key, until in self._revoked.items() if until > now}
        self._revoked[permit.key] = now + LONGEST + CLOCKS

    def _of(self, permit: Permit) -> list[Stream]:
        return [stream for stream in self._streams if stream.watcher.permit.key == permit.key]

    def _timer(self, stream: Stream) -> asyncio.TimerHandle:
        left = max(0.0, stream.watcher.permit.expires - time.time())
        return self._loop.call_later(left, self.end, stream, Ended.EXPIRED)

    def _changed(self, event: str, stream: Stream, more: Mapping[str, object]) -> None:
        for other in self._streams:
            other.say({"viewers": self.viewers})
        self._tell(event, {**_who(stream.watcher), "kind": stream.kind, "viewers": self.viewers, **more})


def _who(watcher: Watcher) -> dict[str, object]:
    permit = watcher.permit
    who = {"who": permit.subject, "by": permit.issuer, "lease": permit.lease}
    return {**who, "from": watcher.address, "until": utc(permit.expires)}
