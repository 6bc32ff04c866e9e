"""PJSUA2's classes, told to call us: log, endpoint and account. Callbacks only pass on plain values."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from endpoints.sip.pjsua.library import guarded, pj
from endpoints.sip.pjsua.native import transport_of

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO}
_EXPECTED = ("PJMEDIA_EINVALIMEDIATYPE", "PJMEDIA_EUNSUPMEDIATYPE")
"""Said of each of our video sections: the library plans sound there."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message came from."""

    connection: int = 0
    """The library's handle of the connection, over UDP of the socket; 0 for no message."""
    address: str = ""
    """``host:port``."""

    @classmethod
    def of(cls, received: Any) -> "Source":
        """Of the binding's ``SipRxData``."""
        data = int(received.pjRxData) if received.pjRxData else 0
        return cls(transport_of(data), str(received.srcAddress)) if data else cls()


class LogBridge(pj.LogWriter):  # type: ignore[misc]
    """PJSIP's own log, handed to Python's; whole messages are never logged (they carry keys)."""

    def __init__(self) -> None:
        super().__init__()
        self._log = logging.getLogger("pj")
        level = self._log.getEffectiveLevel()
        self.pj_level = 4 if level <= logging.DEBUG else 2

    @guarded
    def write(self, entry: Any) -> None:
        if not any(expected in entry.msg for expected in _EXPECTED):
            self._log.log(_LEVELS.get(entry.level, logging.DEBUG), "%s", entry.msg.strip())


class Endpoint(pj.Endpoint):  # type: ignore[misc]
    """The library; tells when a connection breaks, by its handle."""

    def __init__(self, on_disconnect: Callable[[int], None]) -> None:
        super().__init__()
        self._on_disconnect = on_disconnect

    @guarded
    def onTransportState(self, prm: Any) -> None:  # noqa: N802
        if prm.state == pj.PJSIP_TP_STATE_DISCONNECTED:
            self._on_disconnect(int(prm.hnd))


class Account(pj.Account):  # type: ignore[misc]
    """The account; tells what the registrar says, calls by number and INVITE, each with its source, and MESSAGEs."""

    def __init__(
        self,
        on_answer: Callable[[int, str, bool, Source], None],
        on_call: Callable[[int, str, Source], None],
        on_notice: Callable[[str, str, str], None],
    ) -> None:
        """`on_notice` gets the sender's From, the content type and the body."""
        super().__init__()
        self._on_answer = on_answer
        self._on_call = on_call
        self._on_notice = on_notice

    @guarded
    def onRegState(self, prm: Any) -> None:  # noqa: N802
        self._on_answer(int(prm.code), str(prm.reason), int(prm.expiration) > 0, Source.of(prm.rdata))

    @guarded
    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        self._on_call(int(prm.callId), str(prm.rdata.wholeMsg), Source.of(prm.rdata))

    @guarded
    def onInstantMessage(self, prm: Any) -> None:  # noqa: N802
        self._on_notice(str(prm.fromUri), str(prm.contentType), str(prm.msgBody))
