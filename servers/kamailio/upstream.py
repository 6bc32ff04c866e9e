"""How a server registers at the one above it: the row that Kamailio's uac module reads, and tokens of upstream.cfg."""

import hashlib
import random
from collections.abc import Mapping

from servers.kamailio.accounts import login_hash
from servers.kamailio.config import Listener
from servers.kamailio.database import opened
from servers.kamailio.probe import reachable
from servers.kamailio.site import ServerSite, UpstreamSection

EXPIRES = 120
"""Seconds; a lost connection is noticed at once, a lost server after this at the latest."""
RETRY_SECONDS = range(3, 7)
"""Each start takes one of these, so that the homes of a community do not all come back in the same moment."""


def tokens(site: ServerSite, upstream: UpstreamSection, role: str, secret: str) -> Mapping[str, str]:
    """Values for upstream.cfg; `role` stands in the upper server's certificate, `secret` hides our contact."""
    return {
        "UPSTREAM_DB": f"sqlite:///{site.databases.upstream.resolve()}",
        "UPSTREAM_URI": upstream.uri,
        "UPSTREAM_PLACES": "|".join(place.replace(".", "[.]") for place in upstream.places),
        "ABOVE_COUNT": str(len(upstream.uris)),
        "UPSTREAM_PROTO": upstream.transport,
        "UPSTREAM_REALM": upstream.realm,
        "UPSTREAM_LOGIN": upstream.user,
        "UPSTREAM_HASH": login_hash(upstream.user, upstream.realm, upstream.password),
        "UPSTREAM_ROLE": role,
        "UPSTREAM_AUTHORITY": upstream.authority,
        "UPSTREAM_UUID": contact_user(secret),
        "UPSTREAM_RETRY": str(random.choice(RETRY_SECONDS)),
    }


def defines(upstream: UpstreamSection | None) -> tuple[str, ...]:
    """Switches of upstream.cfg."""
    if upstream is None:
        return ()
    more = {"WITH_STANDBY": upstream.standby, "WITH_AUTHORITY_ABOVE": upstream.authority}
    return ("WITH_UPSTREAM", *(name for name, wanted in more.items() if wanted))


def contact_user(secret: str) -> str:
    """User part of our contact at the server above: the same at every start, and known to that server only."""
    return hashlib.sha256(f"contact {secret}".encode()).hexdigest()[:32]


def write_registration(site: ServerSite, upstream: UpstreamSection, secret: str) -> None:
    """Put a row for each node above into the table, before Kamailio reads it.

    Raises ServerError if the file cannot be written.
    """
    listener = next(one for one in site.listeners if one.transport == upstream.transport)
    row = {
        "l_username": upstream.user,
        "l_domain": site.identity.realm,
        "r_username": upstream.user,
        "r_domain": upstream.realm,
        "realm": upstream.realm,
        "auth_username": upstream.user,
        "auth_ha1": login_hash(upstream.user, upstream.realm, upstream.password),
        "expires": EXPIRES,
        "contact_addr": _contact(listener),
        "socket": str(listener),
    }
    with opened(site.databases.upstream) as database:
        database.execute("DELETE FROM uacreg")
        for turn, uri in enumerate(upstream.uris):
            own = contact_user(secret) + (f"-{turn}" if turn else "")
            values = row | {"l_uuid": own, "auth_proxy": uri}
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            database.execute(f"INSERT INTO uacreg ({names}) VALUES ({marks})", values)  # noqa: S608  (no outside text)


def _contact(listener: Listener) -> str:
    """The server above answers to where we come from; on a wildcard address this is only what stands in the header."""
    reached = Listener(listener.transport, reachable(listener.address), listener.port)
    return f"{str(reached).partition(':')[2]};transport={listener.transport}"
