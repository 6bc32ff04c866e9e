"""HomeLink as a running server."""

from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

from servers.above.exchange import Errand, Exchange
from servers.homelink.site import Site
from servers.http import Pages
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, server_config

if TYPE_CHECKING:  # loaded beside Kamailio
    from fastapi import APIRouter

    from servers.above.directory import DirectoryCopy
    from servers.http.app import Backend

_ROLE = resources.files(__package__).joinpath("homelink.cfg")


class HomeLink(SipServer):
    """One home's SIP server."""

    def __init__(self, site: Site, patience: Patience | None = None) -> None:
        above = [Exchange(site, site.upstream, lambda: _errands(site))] if site.upstream else []
        super().__init__(site, _ROLE, _tokens(site), above, patience=patience, pages=pages(site))


def kamailio_config(site: Site) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, _tokens(site))


def pages(site: Site) -> Pages:
    """What its HTTP service has beside records and health: the directory, as it was fetched."""

    def made(backend: "Backend") -> "Sequence[APIRouter]":
        from servers.above.directory import pages_of

        return pages_of(_directory(site))

    return made


def _errands(site: Site) -> Sequence[Errand]:
    """With the management server: the directory, calls of this home that went up, calls to it that did not come."""
    from servers.above.records import MissedCalls, tell_above, to_home

    ask = MissedCalls(site.databases.position, site.parent, to_home(site.homelink.home), site.timers.call)
    return (_directory(site), tell_above, ask)


def _directory(site: Site) -> "DirectoryCopy":
    from servers.above.directory import DirectoryCopy

    return DirectoryCopy(site.databases.directory)


def _tokens(site: Site) -> dict[str, str]:
    return {"HOME_USER": site.homelink.home}
