"""The agent's registrations, at one server or at two; everything here runs on the agent's thread."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from endpoints.sip import route
from endpoints.sip.agent import Registered, RegistrationLost, SipEvent, SipSettings
from endpoints.sip.pjsua.library import pj
from endpoints.sip.pjsua.shells import Source
from endpoints.sip.registration import REFUSED, Registration
from endpoints.sip.roaming import HOME, Place, Roaming
from endpoints.sip.worker import Worker

if TYPE_CHECKING:
    from endpoints.sip.pjsua.stack import Stack

log = logging.getLogger(__name__)
SERVICE_UNAVAILABLE = 503
HOME_PATIENCE = 1.0
"""Seconds that home has to answer before the cloud is asked too."""
AWAY_PATIENCE = 3.0
"""So much less often home is looked for while the cloud is there."""


class Server:
    """One registration: begun, kept by trying again, and taken back."""

    def __init__(
        self,
        settings: SipSettings,
        worker: Worker,
        register: Callable[[bool], None],
        move: Callable[[str], None],
        tell: Callable[[SipEvent], None],
    ) -> None:
        """`register` sends REGISTER, or takes the registration back; `move` sends it to another registrar from now on.

        Both raise the library's error.
        """
        self.settings = settings
        self.wanted = False
        self.pace = 1.0
        """Factor of the time between attempts."""
        self._worker, self._send, self._move, self._tell = worker, register, move, tell
        self._nodes = deque([settings.registrar or "", *settings.standby])
        self._failed = False
        self._registration = Registration(settings.retry, self._pass_on)
        self._attempts = 0
        self._source = Source()

    @property
    def registered(self) -> bool:
        """Whether the registrar has our contact."""
        return self._registration.registered

    def begin(self) -> None:
        """Register, and stay so."""
        if self.settings.registrar and not self.wanted:
            self.wanted = True
            self._register()

    def end(self) -> None:
        """Register no more; take back what there is."""
        self.wanted = False
        self._attempts += 1
        if self.registered:
            self._worker.attempt(lambda: self._send(False))

    def answered(self, code: int, reason: str, active: bool, source: Source) -> None:
        """The registrar's last word, and where it came from."""
        self._source = source if source.connection else self._source
        delay = self._registration.answered(code, reason, active)
        self._failed = delay is not None and code not in REFUSED
        if self.wanted:
            self._later(delay)
        elif self.registered:  # it was under way when nobody wanted it any more
            self.end()

    def disconnected(self, connection: int) -> None:
        """A connection broke, ours or another."""
        if self.wanted and connection == self._source.connection:
            self.lost()

    def sent(self, source: Source) -> bool:
        """Whether the registrar speaks from there: nobody else has its connection, or over UDP its address."""
        return self.registered and source == self._source

    def lost(self) -> None:
        """What was registered counts no more: register again soon."""
        if self.wanted:
            self._failed = True
            self._later(self._registration.connection_lost())

    def _pass_on(self, event: SipEvent) -> None:
        if self.wanted:
            self._tell(event)

    def _register(self) -> None:
        try:
            if self._failed and len(self._nodes) > 1:
                self._go_to_next_node()
            else:
                self._send(True)
        except pj.Error as error:
            self._later(self._registration.answered(SERVICE_UNAVAILABLE, error.reason, active=False))

    def _go_to_next_node(self) -> None:
        """It registers there by itself."""
        self._nodes.rotate(-1)
        log.warning("trying the server at %s", self._nodes[0])
        self._move(self._nodes[0])

    def _later(self, delay: float | None) -> None:
        if delay is None or self._worker.stopping:
            return
        self._attempts += 1
        attempt = self._attempts
        self._worker.later(delay * self.pace, lambda: self._register() if attempt == self._attempts else None)


class Servers:
    """All of an agent's registrations: where it is decided by `Roaming`, told to the app by its events."""

    def __init__(
        self,
        settings: SipSettings,
        worker: Worker,
        stack: Callable[[], "Stack | None"],
        emit: Callable[[SipEvent], None],
    ) -> None:
        every = (settings, settings.away) if settings.away else (settings,)
        self._worker, self._stack = worker, stack
        self._roaming = Roaming([Place(each.name, each.domain) for each in every], emit)
        self._all = [
            Server(each, worker, *(partial(step, number) for step in (self._register, self._move, self._told)))
            for number, each in enumerate(every)
        ]
        self._in_call: Callable[[int], bool] = lambda server: False
        self._addresses = [""] * len(every)

    @property
    def registered(self) -> bool:
        """Whether there is any registration."""
        return any(server.registered for server in self._all)

    def start(self, in_call: Callable[[int], bool]) -> None:
        """Begin at home; `in_call(server)` tells whether a call goes over that server."""
        self._in_call = in_call
        self._all[HOME].begin()
        if len(self._all) > 1:
            self._worker.later(HOME_PATIENCE, self._home_is_slow)

    def settings(self, server: int) -> SipSettings:
        """The account there."""
        return self._all[server].settings

    def for_call(self, uri: str) -> int:
        """Which server a call to `uri` goes over: the one of that domain, else where we are registered."""
        host = route.host_of(uri)
        return next((number for number, each in enumerate(self._all) if each.settings.domain == host), self.active)

    @property
    def active(self) -> int:
        """Where we are registered."""
        return self._roaming.active

    def answered(self, server: int, code: int, reason: str, active: bool, source: Source) -> None:
        """A registrar's last word."""
        one, was = self._all[server], self._all[server].registered
        one.answered(code, reason, active, source)
        if was and not one.registered and not one.wanted:
            self._roaming.left(server)
        self.settle()

    def disconnected(self, connection: int) -> None:
        """A connection broke."""
        if not self._worker.stopping:
            for server in self._all:
                server.disconnected(connection)
            self.settle()

    def sent(self, source: Source) -> bool:
        """Whether one of our registrars speaks from there."""
        return any(server.sent(source) for server in self._all)

    def settle(self) -> None:
        """Register where we should be, and leave where we should not: after each change, and each end of a call."""
        if self._worker.stopping:
            return
        for number, server in enumerate(self._all):
            wanted = self._roaming.wants(number, self._in_call(number))
            if wanted:
                server.begin()
            elif server.wanted:
                log.info("leaving the server %s", server.settings.name)
                server.end()
        self._all[HOME].pace = AWAY_PATIENCE if self._roaming.active != HOME else 1.0

    def moved(self) -> bool:
        """Whether this machine's address towards a server changed; then all registrations begin anew."""
        addresses = [route.local_address(server.settings.registrar) for server in self._all]
        known = zip(self._addresses, addresses, strict=True)
        changed = next(((old, new) for old, new in known if old and new and old != new), None)
        self._addresses = [new or old for old, new in zip(self._addresses, addresses, strict=True)]
        if changed:
            log.warning("the address of this machine changed from %s to %s", *changed)
        return changed is not None

    def again(self) -> None:
        """The network is another one: what was registered counts no more."""
        for server in self._all:
            server.lost()
        self.settle()

    def end(self) -> None:
        """Take all registrations back."""
        for server in self._all:
            server.end()

    def _home_is_slow(self) -> None:
        self._roaming.home_is_slow()
        self.settle()

    def _register(self, server: int, on: bool) -> None:
        stack = self._stack()
        if stack is not None:
            stack.register(server, on)

    def _move(self, server: int, registrar: str) -> None:
        stack = self._stack()
        if stack is not None:
            stack.move_registration(server, registrar)

    def _told(self, server: int, event: SipEvent) -> None:
        if isinstance(event, Registered | RegistrationLost):
            self._roaming.told(server, event)
