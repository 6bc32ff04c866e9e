"""HomeLink as a running server."""

import hmac
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

from servers.above.exchange import Errand, Exchange
from servers.homelink.site import Site
from servers.http import Pages
from servers.kamailio.config import LAMP, KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, lamp_key, lamp_tokens, server_config
from servers.messages.lamp import Lamp

if TYPE_CHECKING:  # loaded beside Kamailio
    from fastapi import APIRouter

    from servers.above.directory import DirectoryCopy
    from servers.http.app import Backend

_ROLE = resources.files(__package__).joinpath("homelink.cfg")


class HomeLink(SipServer):
    """One home's SIP server."""

    def __init__(self, site: Site, patience: Patience | None = None) -> None:
        above = [Exchange(site, site.upstream, lambda: _errands(site))] if site.upstream else []
        lamp = Lamp(site, lamp_key(site.data)) if site.http else None
        super().__init__(site, _ROLE, _tokens(site), above, (LAMP,), (), patience, pages(site, lamp), lamp)


def kamailio_config(site: Site) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, _tokens(site), (LAMP,))


def pages(site: Site, lamp: Lamp | None = None) -> Pages:
    """What its HTTP service has beside records and health: the directory, as it was fetched, and visitors' messages."""

    def made(backend: "Backend") -> "Sequence[APIRouter]":
        from servers.above.directory import pages_of
        from servers.messages.desk import Keeping, desk_pages
        from servers.relay.offering import offering_of

        backend.offering = offering_of(site)
        home, directory = site.homelink.home, _directory(site)
        keeping = Keeping(lambda token: home if _may_deposit(site, directory, token) else None, lambda: (home,))
        desk = desk_pages(backend, site.databases.messages, site.messages, keeping, lamp)
        return (*pages_of(directory), *desk)

    return made


def _may_deposit(site: Site, directory: "DirectoryCopy", token: str) -> bool:
    """By the site file, else by what the directory tells this home."""
    own = site.messages.token
    right = [own.get_secret_value()] if own is not None else directory.deposit_tokens()
    return any(hmac.compare_digest(token.encode(), one.encode()) for one in right)


def _errands(site: Site) -> Sequence[Errand]:
    """With the management server: the directory, calls of this home that went up, calls to it that did not come."""
    from servers.above.records import MissedCalls, tell_above, to_home

    ask = MissedCalls(site.databases.position, site.parent, to_home(site.homelink.home), site.timers.call)
    return (_directory(site), tell_above, ask)


def _directory(site: Site) -> "DirectoryCopy":
    from servers.above.directory import DirectoryCopy

    return DirectoryCopy(site.databases.directory)


def _tokens(site: Site) -> dict[str, str]:
    return {"HOME_USER": site.homelink.home} | lamp_tokens(site)
