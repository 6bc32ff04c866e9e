"""The pages of a server's HTTP service, put together."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from servers.database import Database
from servers.errors import DatabaseError, RecordError, ServerError
from servers.http.connection import Application, PassesOn, SmallBodies, TusAnswers
from servers.http.login import Identity, Logins
from servers.kamailio.site import ServerSite
from servers.messages.errors import STATUS as MESSAGES
from servers.records.duty import relays_of
from servers.records.store import RecordStore
from servers.watching.errors import STATUS as WATCHING

if TYPE_CHECKING:
    from servers.relay.offering import Offering

LeftIn = Callable[[Identity, Sequence[str]], Mapping[str, Sequence[str]]]
"""Who asks, Session-IDs -> ids of what visitors left in these visits, as far as the asking one may see them."""


class Backend:
    """What the pages work with; the database is opened with the first question."""

    def __init__(self, site: ServerSite, sip_ready: Callable[[], bool]) -> None:
        self.site, self.sip_ready = site, sip_ready
        self.left_in: LeftIn = lambda caller, sessions: {}
        self.passes_on: PassesOn = lambda scope, above: False
        self.middleware: Callable[[Application], Application] | None = None
        """Sees every request before the pages."""
        self.offering: Offering | None = None
        """Lets the server above ask."""
        self._lock = threading.Lock()
        self._endings: list[Callable[[], None]] = []

    def at_end(self, end: Callable[[], None]) -> None:
        """Call this when the service is to end, from whatever thread: endless answers must end, threads too."""
        self._endings.append(end)

    def end(self) -> None:
        """The service is to end."""
        while self._endings:
            self._endings.pop()()

    @cached_property
    def database(self) -> Database:
        """Records and directory."""
        return Database(self.site.database_url)

    @property
    def records(self) -> RecordStore:
        """Raises DatabaseError while the database is away."""
        with self._lock:
            return self._records

    @cached_property
    def _records(self) -> RecordStore:
        return RecordStore(self.database, self.site.records.days, relays_of(self.site))

    def close(self) -> None:
        """Give connections back."""
        self.end()
        if "database" in self.__dict__:
            self.database.close()


def make_app(backend: Backend, routers: Sequence[APIRouter]) -> FastAPI:
    """The ASGI application; `/openapi.json` describes it."""
    from servers.records.pages import routers_of

    site = backend.site
    app = FastAPI(
        title=f"Intercom {site.title} {site.identity.name}", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.logins = Logins(site)
    if backend.middleware:
        app.add_middleware(backend.middleware)
    app.add_middleware(SmallBodies)
    app.add_middleware(TusAnswers)
    app.add_exception_handler(DatabaseError, _answer(503))
    app.add_exception_handler(RecordError, _answer(409))
    app.add_exception_handler(ServerError, _answer(422))
    for error, status in (MESSAGES | WATCHING).items():
        app.add_exception_handler(error, _answer(status))
    app.include_router(_health(backend))
    for router in (*routers_of(backend), *routers):
        app.include_router(router)
    return app


def _answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
    return lambda request, error: JSONResponse({"detail": str(error)}, status)


def _health(backend: Backend) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Whether this server does its work; needs no login")
    def health() -> JSONResponse:
        sip, database = backend.sip_ready(), True
        try:
            backend.records.check()
        except DatabaseError:
            database = False
        status = "ok" if sip and database else "trouble"
        facts = {"status": status, "server": backend.site.program, "sip": sip, "database": database}
        return JSONResponse(facts, 200 if status == "ok" else 503)

    return router
