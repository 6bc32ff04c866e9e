"""When to register again: seconds with jitter after a loss, slowly after a refusal. No clock, no SIP library."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from endpoints.sip.agent import Registered, RegistrationLost, SipEvent

log = logging.getLogger(__name__)
REFUSED = (401, 403, 404, 407)
"""The registrar knows us and says no: a person must act, so we ask only now and then."""
REFUSED_RETRY = 60.0
CONNECTION_LOST = 503
HANDSHAKE = 4.0
"""Seconds that a TLS connection to the registrar may take to be made."""


@dataclass(slots=True)
class Registration:
    """Follows one registration; `failed`, `lost` and `refused` give the seconds after which to try again."""

    retry: float
    emit: Callable[[SipEvent], None]
    jitter: Callable[[], float] = random.random
    registered: bool = False
    _told_loss: bool = field(default=False)

    def answered(self, code: int, reason: str, active: bool) -> float | None:
        """The registrar's last word on a REGISTER; gives the delay of the next attempt, None if none is needed."""
        if 200 <= code < 300:
            self._succeeded() if active else self._forget()
            return None
        return self._failed(code, reason)

    def connection_lost(self) -> float:
        """The connection broke: the registrar may be back at once, so the first attempt comes soon, others as ever."""
        if not self.registered:
            return self.retry * (1 + self.jitter())
        self._failed(CONNECTION_LOST, "the connection to the registrar broke")
        return self.retry * self.jitter()

    def _succeeded(self) -> None:
        if not self.registered:
            log.info("registered")
            self.emit(Registered())
        self.registered, self._told_loss = True, False

    def _forget(self) -> None:
        self.registered = False

    def _failed(self, code: int, reason: str) -> float:
        refused = code in REFUSED
        if not self._told_loss:
            log.warning("not registered: %d %s", code, reason)
            self.emit(RegistrationLost(code, reason, refused))
        self.registered, self._told_loss = False, True
        return (REFUSED_RETRY if refused else self.retry) * (1 + self.jitter())
