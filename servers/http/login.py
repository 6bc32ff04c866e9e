"""Who asks: an account of this server by HTTP Basic, or a node of the community by its certificate."""

import hmac
import math
from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from servers.community.authority import Role
from servers.http.failures import Failures
from servers.http.identity import Identity, heard_of
from servers.kamailio.accounts import login_hash
from servers.kamailio.database import opened
from servers.kamailio.kinds import Kind
from servers.kamailio.site import ServerSite

__all__ = ["Caller", "Identity", "Logins", "forbidden", "unauthorized"]


class _Basic(HTTPBasic):
    """For WebSockets too."""

    async def __call__(  # type: ignore[override]  # as HTTPBasic itself does
        self, request: HTTPConnection
    ) -> HTTPBasicCredentials | None:
        return await super().__call__(cast(Request, request))  # it looks at headers only


_basic = _Basic(auto_error=False, realm="intercom", description="The SIP account at this server.")
_ALONE = {Role.HOMELINK.value: Kind.HOMELINK, Role.MANAGEMENT.value: Kind.MANAGEMENT}
"""Servers below need no password; their account tells which one they are."""


class Logins:
    """The accounts of one server, as SIP knows them."""

    def __init__(self, site: ServerSite) -> None:
        limits = site.limits
        self._site = site
        self._failures = Failures(limits.failures, limits.source_failures, limits.ban)

    def by_certificate(self, role: str, name: str, authority: str) -> Identity | None:
        """A door station, or a server below; others have passwords. `authority` is the name of who signed it."""
        if not self._site.admits(authority, role, name):
            return None
        if role == Role.DOOR_STATION:
            return Identity(name, Kind.DOOR, name)
        found = self._account(name) if role in _ALONE else None
        return found[0] if found and found[0].kind is _ALONE[role] else None

    def by_word(self, request: HTTPConnection) -> Identity:
        """Whom the server above speaks for, on a connection that only it has. Raises HTTPException."""
        try:
            caller = heard_of(request.headers.raw)
        except ValueError as error:
            raise HTTPException(401, str(error)) from error
        return replace(caller, home=self._site.home_named(caller.home))

    def by_password(self, source: str, user: str, password: str) -> Identity:
        """Raises HTTPException: 401 for a wrong login, 429 for who tried too often."""
        if wait := self._failures.banned(source, user):
            raise HTTPException(429, "Too many failed logins", {"Retry-After": str(math.ceil(wait))})
        found = self._account(user)
        digest = login_hash(user, self._site.identity.realm, password)
        if found is None or not hmac.compare_digest(found[1], digest):
            self._failures.count(source, user)
            raise unauthorized()
        return found[0]

    def _account(self, name: str) -> tuple[Identity, str] | None:
        with opened(self._site.databases.accounts) as database:
            row = database.execute("SELECT ha1, aor, kind FROM device WHERE username = ?", (name,)).fetchone()
        return (Identity(name, Kind(row["kind"]), row["aor"]), row["ha1"]) if row else None


def unauthorized() -> HTTPException:
    """Ask for a login."""
    return HTTPException(
        401, "Log in with the SIP account at this server", {"WWW-Authenticate": 'Basic realm="intercom"'}
    )


def _identity(
    request: HTTPConnection, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)] = None
) -> Identity:
    logins: Logins = request.app.state.logins
    if request.scope.get("above"):
        return logins.by_word(request)
    if known := logins.by_certificate(*request.scope.get("certificate", ("", "", ""))):
        return known
    if credentials is None:
        raise unauthorized()
    source = request.client.host if request.client else ""
    return logins.by_password(source, credentials.username, credentials.password)


Caller = Annotated[Identity, Depends(_identity)]
"""A parameter of a page: who asks; strangers do not get so far."""


def forbidden() -> HTTPException:
    """Known, but not for this."""
    return HTTPException(403, "Not for this kind of account")
