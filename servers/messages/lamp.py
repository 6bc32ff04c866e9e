"""The lamp of a home's SIP phones: tells Kamailio how many messages wait, by PUBLISH (RFC 3903, RFC 3842)."""

import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from servers.kamailio.probe import Address, exchange
from servers.kamailio.site import ServerSite

log = logging.getLogger(__name__)

EXPIRES = 3600
"""Seconds that Kamailio keeps what it was told."""
RETRY = 0.5
PATIENCE = 2.0
_ETAG = re.compile(rb"(?im)^SIP-ETag:[ \t]*([^\s]+)")


@dataclass(slots=True)
class _Shown:
    """What Kamailio was told of one home."""

    state: tuple[int, int]
    etag: str
    until: float


class Lamp:
    """A thread that keeps Kamailio's state as `show` says, whenever Kamailio is there."""

    def __init__(self, site: ServerSite, key: str) -> None:
        """`key` proves to Kamailio that it is us."""
        self._site, self._key = site, key
        self._wanted: dict[str, tuple[int, int]] = {}
        self._shown: dict[str, _Shown] = {}
        self._changed = threading.Condition()
        self._ending = False
        self.sip_ready: Callable[[], bool] = lambda: False
        """Whether Kamailio serves."""
        self._thread = threading.Thread(target=self._run, name="lamp", daemon=True)

    def start(self) -> None:
        """Begin; nothing is told before Kamailio serves."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def show(self, home: str, new: int, old: int) -> None:
        """From now on so many messages wait for this home. From any thread."""
        with self._changed:
            self._wanted[home] = (new, old)
            self._changed.notify_all()

    def sip_starts(self) -> None:
        """Kamailio begins with an empty memory."""
        with self._changed:
            self._shown.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            home, state, etag = due
            if not self._tell(home, state, etag):
                with self._changed:
                    self._shown.pop(home, None)  # an ETag that is not known any more (412), or no answer at all
                    self._changed.wait(RETRY)

    def _next(self) -> tuple[str, tuple[int, int], str] | None:
        """Waits until something is to be told; None at the end."""
        with self._changed:
            while not self._ending:
                if not self.sip_ready():
                    self._changed.wait(0.05 if self._wanted else None)
                    continue
                now = time.monotonic()
                for home, state in self._wanted.items():
                    shown = self._shown.get(home)
                    if shown is None or shown.state != state or shown.until < now:
                        return home, state, shown.etag if shown else ""
                self._changed.wait(60)
            return None

    def _tell(self, home: str, state: tuple[int, int], etag: str) -> bool:
        site = self._site
        authority = site.tls_files.authority if site.tls_files else None
        try:
            answer = exchange(
                site.listeners[0], lambda local: self._request(home, state, etag, local), PATIENCE, authority
            )
        except OSError as error:
            log.debug("the lamp of %s waits: %s", home, error)
            return False
        match = _ETAG.search(answer)
        if not answer.startswith(b"SIP/2.0 200 ") or match is None:
            log.debug("the lamp of %s is refused: %s", home, answer[:40])
            return False
        with self._changed:
            self._shown[home] = _Shown(state, match[1].decode("ascii"), time.monotonic() + EXPIRES / 2)
        return True

    def _request(self, home: str, state: tuple[int, int], etag: str, local: Address) -> bytes:
        host = f"[{local[0]}]" if ":" in local[0] else local[0]
        transport = self._site.listeners[0].transport
        address, unique = f"sip:{home}@{self._site.identity.realm}", secrets.token_hex(8)
        body = summary(address, *state)
        lines = [
            f"PUBLISH {address} SIP/2.0",
            f"Via: SIP/2.0/{transport.upper()} {host}:{local[1]};rport;branch=z9hG4bK{unique}",
            f"From: <{address}>;tag={unique}",
            f"To: <{address}>",
            f"Call-ID: {unique}@{host}",
            "CSeq: 1 PUBLISH",
            "Max-Forwards: 5",
            f"Expires: {EXPIRES}",
            "Event: message-summary",
            f"X-Lamp-Key: {self._key}",
            *([f"SIP-If-Match: {etag}"] if etag else []),
            "Content-Type: application/simple-message-summary",
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def summary(address: str, new: int, old: int) -> bytes:
    """The body of RFC 3842. Every SIP phone reads the line of voice messages, whatever else a message has."""
    waiting = "yes" if new else "no"
    lines = [f"Messages-Waiting: {waiting}", f"Message-Account: {address}", f"Voice-Message: {new}/{old} (0/0)"]
    return ("\r\n".join(lines) + "\r\n").encode()
