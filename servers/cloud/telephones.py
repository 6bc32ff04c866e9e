"""The telephone numbers of flats: told by each community's management server, kept, and read by Kamailio (V3)."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import StringConstraints

from servers.directory.entries import Number
from servers.errors import NotRunning
from servers.http import Pages
from servers.kamailio import rpc
from servers.kamailio.database import opened
from servers.kamailio.kinds import Kind
from servers.kamailio.shared_accounts import TELEPHONES, shared

if TYPE_CHECKING:  # loaded beside Kamailio
    from collections.abc import Sequence

    from fastapi import APIRouter

    from servers.cloud.site import CloudSite
    from servers.http.app import Backend

log = logging.getLogger(__name__)

Telephone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,20}$")]
_OF_COMMUNITY = "substr(address, instr(address, '.') + 1) = ?"


def prepare(site: "CloudSite") -> None:
    """Make the table, without which Kamailio does not start. Raises ServerError."""
    site.databases.prepare()
    with opened(site.databases.accounts) as database:
        database.execute(TELEPHONES)


def replace(site: "CloudSite", community: str, numbers: Mapping[str, str]) -> None:
    """Put `numbers` (by flat, ``301``) in place of this community's, at once also in a running server.

    They stay, whether the management server runs or not; other nodes have them a second later. Raises ServerError.
    """
    prepare(site)
    if site.nodes:
        with shared(site) as accounts:
            accounts.replace_telephones(community, numbers)
            accounts.copy()
    else:
        _write(site, community, numbers)
    if site.trunk is None:
        return
    try:
        rpc.call(site.control, "htable.reload", "telephones")
    except NotRunning:
        return  # it will read the file when it starts


def _write(site: "CloudSite", community: str, numbers: Mapping[str, str]) -> None:
    rows = [(f"{flat}.{community}", number) for flat, number in numbers.items()]
    with opened(site.databases.accounts) as database:
        database.execute(f"DELETE FROM telephone WHERE {_OF_COMMUNITY}", (community,))  # noqa: S608  (no outside text)
        database.executemany("INSERT INTO telephone (address, number) VALUES (?, ?)", rows)


def pages(site: "CloudSite") -> Pages:
    """What the HTTP service of a cloud server has beside records and health."""

    def made(backend: "Backend") -> "Sequence[APIRouter]":
        from fastapi import APIRouter

        from servers.http.login import Caller, forbidden
        from servers.relay.pages import cloud_relay

        router = APIRouter(tags=["telephones"])

        @router.put("/telephones", status_code=204, summary="All telephone numbers of the asking server's community")
        def take(caller: Caller, numbers: dict[Number, Telephone]) -> None:
            if caller.kind is not Kind.MANAGEMENT:
                raise forbidden()
            replace(site, caller.home, numbers)
            log.info("%d telephone numbers of %s", len(numbers), caller.home)

        return (router, *cloud_relay(backend))

    return made
