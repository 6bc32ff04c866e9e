"""Call records between a server and the one above: what went up is told there, what was missed is asked for."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError

from servers.above.client import ServiceAbove
from servers.errors import NeighbourError, RecordError
from servers.records.call import CallRecord
from servers.records.handed import Handed, RecordId, Teller, Word
from servers.records.store import RecordStore

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=15)
"""Between two questions: clocks differ, and calls last."""
PAGE = 200


class Missed(Handed):
    """A record as the server above tells it."""

    id: RecordId
    caller: Word
    caller_kind: Word = ""
    relayed: bool = False


Translate = Callable[[Missed], Missed | None]
"""A call as the server above knows it -> as it stands here; None if its record does not belong here."""


def tell_above(service: ServiceAbove, store: RecordStore) -> None:
    """Hand in every call that went up (P3, H2): it is known above, unless nobody was there. Raises NeighbourError."""
    for record in store.untold():
        answer = service.ask("PUT", f"/records/{record.id}", json.dumps(_told(record)).encode())
        if answer.status in (401, 403, 429) or answer.status >= 500:
            raise NeighbourError(f"the server above takes no records now ({answer.status})")
        if answer.status >= 300:
            log.error("record %s is refused for good above: %d %s", record.id, answer.status, answer.body[:200])
        store.told(record.id)


def _told(record: CallRecord) -> dict[str, Any]:
    """Without the stage, which has another name above, and the flat, which has its own rule there."""
    names = ("session_id", "called", "answered_by", "result", "code", "reason", "call_id")
    told = {name: getattr(record, name) for name in names} | {"kind": record.caller_kind}
    times = {name: getattr(record, name) for name in ("started", "answered", "ended")}
    return told | {name: moment.isoformat() if moment else None for name, moment in times.items()}


class MissedCalls:
    """Asks for the calls to this server that never came here; what it took is remembered in a small file."""

    def __init__(self, position: Path, above: str, translate: Translate, longest: float) -> None:
        """`above` is the role of that server, `longest` of a call, in seconds."""
        self._position, self._above, self._translate = position, above, translate
        self._overlap = OVERLAP + timedelta(seconds=longest)
        if not position.exists():  # what was before this server's time is not asked for
            self._remember(datetime.now(UTC) + self._overlap)

    def __call__(self, service: ServiceAbove, store: RecordStore) -> None:
        """Ask once. Raises NeighbourError."""
        asked = datetime.now(UTC)
        for missed in self._ask(service, self._asked() - self._overlap):
            self._take(missed, store)
        self._remember(max(asked, self._asked()))

    def _asked(self) -> datetime:
        try:
            return datetime.fromisoformat(self._position.read_text("ascii"))
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s", self._position, error)
            return datetime.now(UTC)

    def _remember(self, asked: datetime) -> None:
        try:
            self._position.write_text(asked.isoformat(), "ascii")
        except OSError as error:
            raise NeighbourError(f"{self._position} cannot be written: {error.strerror}") from error

    def _ask(self, service: ServiceAbove, since: datetime) -> Iterator[Missed]:
        query = {"stage": "home", "relayed": "true", "from": since.isoformat(), "limit": str(PAGE)}
        after: str | None = ""
        while after is not None:
            answer = service.ask("GET", f"/records?{urlencode({**query, 'after': after})}")
            if answer.status != 200:
                raise NeighbourError(f"the server above tells no records now ({answer.status})")
            try:
                page = json.loads(answer.body)
                told, after = list(page["records"]), page["next"]
            except (ValueError, KeyError, TypeError) as error:
                raise NeighbourError("the server above tells no list of records") from error
            yield from filter(None, map(_missed, told))

    def _take(self, missed: Missed, store: RecordStore) -> None:
        """A call that is known here needs nothing, but one in whose middle this server died."""
        if missed.ended is None or store.complete(missed.call_id, missed.session_id):
            return
        here = self._translate(missed)
        if here is None:
            return
        try:
            store.hand_in(here.id, Teller(self._above, here.caller_kind, here.caller), here)
        except RecordError as error:
            log.warning("a missed call is not taken: %s", error)


def _missed(told: dict[str, Any]) -> Missed | None:
    try:
        return Missed.model_validate({name: value for name, value in told.items() if value is not None})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        log.warning("a record from above is not taken: %s %s", problem["loc"], problem["msg"])
        return None


def to_home(user: str) -> Translate:
    """HomeLink: whatever rang the flat is for `user`; the guards and other homes call it."""
    return lambda missed: missed.model_copy(update={"called": user, "stage": "home", "picture": "", "stages": ""})


def to_community(community: str, guard: str) -> Translate:
    """The management server: what its phones on 4G dialled, without the community's name."""
    end = f".{community}"

    def translate(missed: Missed) -> Missed | None:
        if missed.caller_kind == "door":
            return None
        called = missed.called.removesuffix(end)
        names = {"called": called, "caller": missed.caller.removesuffix(end), "flat": missed.flat.removesuffix(end)}
        return missed.model_copy(update=names | {"stage": guard if called == guard else "home"})

    return translate
