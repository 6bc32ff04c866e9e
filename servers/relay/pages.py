"""The relay's side of an HTTP service: where servers below come to be asked, and what is passed on to them."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from servers.http.connection import Application, Receive, Scope, Send
from servers.http.identity import Identity, heard_of
from servers.http.login import Caller, forbidden
from servers.kamailio.kinds import Kind
from servers.relay.below import AllInUse, Below
from servers.relay.passing import pass_on
from servers.relay.paths import PARK, PATHS, PROTOCOL, passes, upgrade_of

if TYPE_CHECKING:
    from servers.http.app import Backend

AT_ONCE = 16
"""Requests of one account at a time: a film, news, and some cameras."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
HasHomeLink = Callable[[str], bool]
"""Whether this flat has one, connected or not."""


class _Taken(Response):
    """Nothing is to be answered any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The connection has changed hands."""


class _PassedOn(Response):
    """The answer of a server below."""

    def __init__(self, below: Below, name: str, caller: Identity, running: Counter[str]) -> None:
        super().__init__()
        self._below, self._name, self._caller, self._running = below, name, caller, running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As long as both ends are there."""
        who = self._caller.name
        if self._running[who] >= AT_ONCE:
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, f"{AT_ONCE} requests at a time are enough")
        self._running[who] += 1
        try:
            await pass_on(self._below, self._name, self._caller, scope, receive, send)
        finally:
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]


def cloud_relay(backend: "Backend") -> Sequence[APIRouter]:
    """What a cloud server has: phones ask it for what is kept at their homes."""
    below = Below(Kind.MANAGEMENT)
    backend.at_end(below.end)
    backend.passes_on = lambda scope, above: passes(scope["path"])
    return (_parking(below), _asking(below))


def management_relay(backend: "Backend", has_homelink: HasHomeLink) -> Sequence[APIRouter]:
    """What a management server has: the cloud asks it, and it asks the HomeLink, or itself where there is none."""
    below = Below(Kind.HOMELINK)
    backend.at_end(below.end)
    backend.passes_on = lambda scope, above: above and below.connected(_home(scope))
    backend.middleware = lambda application: _Onward(application, below, has_homelink)
    return (_parking(below),)


def _parking(below: Below) -> APIRouter:
    router = APIRouter(tags=["relay"])

    @router.get(
        PARK, status_code=101, response_class=Response, summary="A server below offers to be asked through this"
    )
    async def park(caller: Caller, request: Request) -> Response:
        if caller.kind is not below.kind:
            raise forbidden()
        if upgrade_of(request.headers.raw) != PROTOCOL:
            wanted = {"Upgrade": PROTOCOL.decode(), "Connection": "Upgrade"}
            raise HTTPException(HTTPStatus.UPGRADE_REQUIRED, "This is for servers of homes and communities", wanted)
        try:
            with suppress(ConnectionResetError):
                below.park(caller.home, request.scope["switch"])
        except AllInUse as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        return _Taken()

    return router


def _asking(below: Below) -> APIRouter:
    """`301.lakeside` of a phone's address is flat and community."""
    router, running = APIRouter(tags=["relay"]), Counter[str]()

    async def passed_on(caller: Caller) -> Response:
        if caller.kind is not Kind.PHONE:
            raise forbidden()
        flat, _, community = caller.home.partition(".")
        return _PassedOn(below, community, replace(caller, home=flat, way="cloud"), running)

    for path in PATHS:
        for method in _METHODS:
            summary = "As the home's own server describes it"
            router.add_api_route(path, passed_on, methods=[method], summary=summary, response_class=Response)
            below_it = f"{path}/{{path:path}}"
            router.add_api_route(below_it, passed_on, methods=[method], summary=summary, response_class=Response)
    return router


def _home(scope: Scope) -> str:
    """Of whom the server above speaks for, "" if that is nobody."""
    try:
        return heard_of(scope["headers"]).home if passes(scope["path"]) else ""
    except ValueError:
        return ""


class _Onward:
    """Before the pages of a management server: what the cloud asks for a home with a HomeLink is for that."""

    def __init__(self, application: Application, below: Below, has_homelink: HasHomeLink) -> None:
        self._application, self._below, self._has_homelink = application, below, has_homelink

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        home = _home(scope) if scope.get("above") and scope["type"] == "http" else ""
        if home and (self._below.connected(home) or await run_in_threadpool(self._has_homelink, home)):
            await pass_on(self._below, home, heard_of(scope["headers"]), scope, receive, send)
        else:
            await self._application(scope, receive, send)
