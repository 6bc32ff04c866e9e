"""Brings what is kept to the homes' servers: in order, each once, whatever is cut, one home not held up by another."""

import hashlib
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.disk import StoreError
from endpoints.door_station.keeping.items import Event, Item, State
from endpoints.door_station.keeping.store import Store
from endpoints.door_station.keeping.tus import LARGEST, SMALLEST, Mismatch, Refused, TusClient, Upload
from endpoints.errand import FIRST_RETRY, LONGEST_RETRY, Errand
from endpoints.errors import ServiceError

log = logging.getLogger(__name__)

LOOK_AGAIN = 60.0
"""Seconds until a store in trouble, or a flat whose server is not known, is looked at again."""


@dataclass(slots=True)
class _Server:
    """What is known of a flat's server."""

    delay: float = 0.0
    due: float = 0.0
    """Of ``time.monotonic()``."""


class Uploader:
    """A thread that uploads while something waits; `deposits`, `store` and `busy` are asked from it."""

    def __init__(
        self,
        store: Callable[[], Store | None],
        deposits: Callable[[], Mapping[str, Deposit]],
        busy: Callable[[], bool],
        rate: float,
        context: Callable[[], ssl.SSLContext | None] = lambda: None,
        uploaded: Callable[[Item], None] = lambda item: None,
        first_retry: float = FIRST_RETRY,
    ) -> None:
        """`rate`: bit/s that an upload may take while `busy()`, which is while a call is on."""
        self._store, self._deposits, self._busy, self._rate = store, deposits, busy, rate
        self._context, self._uploaded, self._first_retry = context, uploaded, first_retry
        self._servers: dict[str, _Server] = {}
        self._closing = threading.Event()
        self._errand = Errand("messages", self._round)
        self.sent = 0
        """Bytes of files that were sent."""
        self._taken = 0

    def start(self) -> None:
        """Upload what waits, and everything that comes."""
        self._errand.start()

    def wake(self) -> None:
        """Something new waits."""
        self._errand.wake()

    def close(self) -> None:
        """Upload no more; a piece that is on its way is not waited for."""
        self._closing.set()
        self._errand.close()

    def _round(self) -> float | None:
        """One turn for each flat; seconds until the next is due."""
        try:
            store = self._store()
            if store is None:
                return LOOK_AGAIN
            waits = [self._turn(store, flat) for flat in store.flats()]
        except StoreError as error:
            log.debug("no uploads: %s", error)
            return LOOK_AGAIN
        return max(0.05, min(waits)) if waits else None

    def _turn(self, store: Store, flat: str) -> float:
        """Upload all that waits for `flat`; seconds until it may be tried again if something is left."""
        deposit = self._deposits().get(flat)
        if deposit is None:
            return LOOK_AGAIN
        server = self._servers.setdefault(flat, _Server())
        if server.due > time.monotonic():
            return server.due - time.monotonic()
        before = self._taken
        try:
            self._upload_all(store, flat, deposit)
        except ServiceError as error:
            return self._later(server, flat, error, self._taken > before)
        if server.delay:
            log.info("messages for flat %s are taken again", flat)
        server.delay = 0.0
        return LOOK_AGAIN

    def _later(self, server: _Server, flat: str, error: ServiceError, went_on: bool) -> float:
        """The delay grows with each failure, but not where something was taken: there only the line is bad."""
        if not server.delay:
            log.warning("messages for flat %s wait: %s", flat, error)
        server.delay = self._first_retry if went_on else min(max(2 * server.delay, self._first_retry), LONGEST_RETRY)
        server.due = time.monotonic() + server.delay
        return server.delay

    def _upload_all(self, store: Store, flat: str, deposit: Deposit) -> None:
        try:
            context = self._context() if deposit.url.startswith("https:") else None
        except OSError as error:  # also what the TLS library says of a certificate
            raise ServiceError(f"this device's certificates cannot be used: {error}") from error
        client = TusClient(deposit, context)
        try:
            while not self._closing.is_set() and (item := store.oldest(flat)):
                state = self._upload(store, item, client)
                store.mark(item, state)
                if state is State.UPLOADED:
                    self._uploaded(item)
        finally:
            client.close()

    def _upload(self, store: Store, item: Item, client: TusClient) -> State:
        path, losses = store.path(item), store.losses(item.label.flat)
        sent, taken = client.sent, client.taken
        try:
            with path.open("rb") as file:
                client.upload(Upload(item.size, _metadata(item, store.started(item), losses)), file, self._pace)
        except Refused as error:
            log.error("%s of flat %s: %s", item.label.event, item.label.flat, error)
            return State.REFUSED
        except Mismatch:
            if _as_it_was(path, item):
                raise
            log.error("%s of flat %s is damaged", item.label.event, item.label.flat)
            return State.DAMAGED
        except OSError as error:
            log.error("%s of flat %s cannot be read: %s", item.label.event, item.label.flat, error.strerror)
            return State.DAMAGED
        finally:
            self.sent += client.sent - sent
            self._taken += client.taken - taken
        if losses:
            store.told(item.label.flat, losses)
        return State.UPLOADED

    def _pace(self, sent: int) -> int:
        """Wait so long that a call keeps its line; the size of the next piece."""
        until = time.monotonic() + sent * 8 / self._rate
        while self._busy() and (left := until - time.monotonic()) > 0 and not self._closing.wait(min(left, 0.2)):
            continue
        if self._closing.is_set():
            raise ServiceError("the device is switched off")
        return SMALLEST if self._busy() else LARGEST


def _metadata(item: Item, started: datetime, losses: int) -> dict[str, str]:
    label = item.label
    lost = {"lost": str(losses)} if losses else {}
    event = {} if label.event is Event.MESSAGE else {"event": str(label.event)}
    return {
        "id": label.id,
        "flat": label.flat,
        "session_id": label.session_id,
        **event,
        "started": started.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration_ms": str(item.duration_ms),
        "size": str(item.size),
        "sha256": item.sha256,
        "filetype": label.file_type,
        **lost,
    }


def _as_it_was(path: Path, item: Item) -> bool:
    """Whether the file is what it was when it was finished."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == item.sha256
    except OSError:
        return False
