"""The list of what visitors left, as the home's server has it: fetched once, then kept up to date by its events."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from endpoints.errand import FIRST_RETRY, Errand
from endpoints.errors import ServiceError
from endpoints.screens.messages.events import MailChanged, MailEvent, MailLost
from endpoints.screens.messages.state import Left
from endpoints.service import Service
from endpoints.session import ServiceSession, events_of

log = logging.getLogger(__name__)

KEPT = 100
"""Items; older ones stay at the server."""
PAGE = 50
SILENCE = 45.0
"""Seconds without a sign of life after which the server is lost; it gives one every 15."""
AGAIN = 1.0
"""Seconds, a quarter more or less, before a connection that broke is made again."""


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    messages: tuple[Left, ...]
    next: str | None = None
    new: int


class _Change(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    new: int
    message: Left | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The list, newest first."""

    items: tuple[Left, ...] = ()
    new: int = 0

    def after(self, event: str, change: _Change) -> "Mail":
        """What it is after a change of one item."""
        changed = change.message
        if changed is None:
            return Mail(self.items, change.new)
        items = [item for item in self.items if item.id != changed.id]
        if event != "deleted":
            items.append(changed)
        items.sort(key=lambda item: (item.started, item.id), reverse=True)
        return Mail(tuple(items[:KEPT]), change.new)


class Inbox:
    """Tells `tell` of each new list; one server is listened to at a time. Its methods may be called from any thread."""

    def __init__(
        self, services: Mapping[str, Service], tell: Callable[[MailEvent], None], first_retry: float = FIRST_RETRY
    ) -> None:
        """`services`: the HTTP service of each server by its name, "" of the only one."""
        self._services, self._tell = services, tell
        self._errand = Errand("messages", self._listen, first_retry)
        self._service: Service | None = None
        self._session: ServiceSession | None = None
        self._mail = Mail()
        self._begun = self._closed = False

    @property
    def service(self) -> Service | None:
        """Where the list comes from now; None where the device is registered at a server that has none."""
        return self._service

    def at(self, server: str) -> None:
        """The device is registered at `server`: listen there."""
        service = self._services.get(server)
        moved, self._service = service != self._service, service
        if not self._begun:
            self._begun = True
            self._errand.start()
        elif moved and self._session is not None:
            self._session.close()
        self._errand.hurry()

    def close(self) -> None:
        """Listen no more; twice does no harm."""
        self._closed = True
        self._errand.close()
        if self._session is not None:
            self._session.close()

    def _listen(self) -> float | None:
        """One connection, from its beginning to its end."""
        service = self._service
        if service is None or self._closed:
            return None
        session = self._session = ServiceSession(service)
        if service is not self._service or self._closed:  # whoever moved us may have closed the session before
            return 0.0
        good = False
        try:
            for event, data in events_of(session.lines("/messages/events", SILENCE)):
                self._take(service, event, data)
                good = True
        except ServiceError as error:
            if not good and service is self._service and not self._closed:
                raise
            log.debug("messages: %s", error)
        finally:
            session.close()
            if not self._closed:
                self._tell(MailLost())
        return AGAIN if service is self._service else 0.0

    def _take(self, service: Service, event: str, data: str) -> None:
        """First the server tells how it stands: what happens from then on is told, so the list is asked for now."""
        try:
            change = _Change.model_validate_json(data)
            if event == "state" or change.message is None:
                self._mail = self._whole(service)
            else:
                self._mail = self._mail.after(event, change)
        except ValidationError as error:
            raise ServiceError(f"{service.url} tells of messages what cannot be understood") from error
        self._tell(MailChanged(self._mail.items, self._mail.new))

    def _whole(self, service: Service) -> Mail:
        items: list[Left] = []
        after, new = "", 0
        while len(items) < KEPT:
            answer = service.request("GET", f"/messages?limit={PAGE}&after={after}")
            if answer.status != 200:
                raise ServiceError(f"{service.url} refuses the list of messages with {answer.status}")
            page = _Page.model_validate_json(answer.body)
            items += page.messages
            after, new = page.next or "", page.new
            if not after:
                break
        return Mail(tuple(items[:KEPT]), new)


def set_read(service: Service, identifier: str) -> None:
    """Tell all devices of the home that it was seen. Raises ServiceError."""
    _done(service.request("PATCH", f"/messages/{identifier}", json.dumps({"read": True}).encode()).status)


def delete(service: Service, identifier: str) -> None:
    """Delete it, for all devices of the home. Raises ServiceError."""
    _done(service.request("DELETE", f"/messages/{identifier}").status)


def _done(status: int) -> None:
    """What is gone already needs no more."""
    if status >= 300 and status != 404:
        raise ServiceError(f"the server refuses with {status}")
