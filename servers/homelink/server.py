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
    from servers.watching.signing import Signer

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
    """What its HTTP service has beside records and health: the fetched directory, visitors' messages, watching."""

    def made(backend: "Backend") -> "Sequence[APIRouter]":
        from servers.above.directory import pages_of
        from servers.messages.desk import Keeping, desk_pages
        from servers.relay.offering import offering_of

        backend.offering = offering_of(site)
        home, directory = site.homelink.home, _directory(site)
        keeping = Keeping(lambda token: home if _may_deposit(site, directory, token) else None, lambda: (home,))
        desk = desk_pages(backend, site.databases.messages, site.messages, keeping, lamp)
        return (*pages_of(directory), *desk, *_watching_pages(backend, site, directory))

    return made


def _watching_pages(backend: "Backend", site: Site, directory: "DirectoryCopy") -> "Sequence[APIRouter]":
    """Nothing of it is loaded where the site file does not ask for it."""
    if site.watching is None:
        return ()
    from servers.watching import desk
    from servers.watching.targets import home_targets

    settings = desk.Settings(site.watching, home_targets(site, directory), _signer(site), direct=False)
    return desk.desk_pages(backend, settings)


def _signer(site: Site) -> "Signer":
    """A HomeLink is known to doors by its account at the management server, or else by its home."""
    from servers.directory.issuers import homelink_issuer
    from servers.watching.signing import Signer

    account = site.upstream.user if site.upstream else site.homelink.home
    return Signer(site.databases.watching_key, homelink_issuer(account))


def _may_deposit(site: Site, directory: "DirectoryCopy", token: str) -> bool:
    """By the site file, else by what the directory tells this home."""
    own = site.messages.token
    right = [own.get_secret_value()] if own is not None else directory.deposit_tokens()
    return any(hmac.compare_digest(token.encode(), one.encode()) for one in right)


def _errands(site: Site) -> Sequence[Errand]:
    """With the management server: the directory, calls of this home that went up, calls to it that did not come."""
    from servers.above.records import MissedCalls, tell_above, to_home

    watching: list[Errand] = []
    if site.watching:
        from servers.watching.above import TellKey

        watching.append(TellKey(_signer(site), _directory(site)))
    ask = MissedCalls(site.databases.position, site.parent, to_home(site.homelink.home), site.timers.call)
    return (_directory(site), *watching, tell_above, ask)


def _directory(site: Site) -> "DirectoryCopy":
    from servers.above.directory import DirectoryCopy

    return DirectoryCopy(site.databases.directory)


def _tokens(site: Site) -> dict[str, str]:
    return {"HOME_USER": site.homelink.home} | lamp_tokens(site)
