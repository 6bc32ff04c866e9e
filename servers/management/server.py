"""The management server as a running server."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from servers.above.exchange import Errand, Exchange
from servers.http import Pages
from servers.kamailio.accounts import homes
from servers.kamailio.config import LAMP, KamailioConfig
from servers.kamailio.kinds import Kind
from servers.kamailio.process import Patience
from servers.kamailio.server import Service, SipServer, lamp_key, lamp_tokens, server_config
from servers.management.numbers import Numbers
from servers.management.site import GUARD, ManagementSite
from servers.messages.lamp import Lamp

if TYPE_CHECKING:  # loaded beside Kamailio
    from fastapi import APIRouter

    from servers.directory.store import DirectoryStore
    from servers.http.app import Backend

_FOLDER = resources.files(__package__)
_ROLE = _FOLDER.joinpath("management.cfg")
_MORE = (*(_FOLDER.joinpath(name) for name in ("guards.cfg", "queue_news.cfg", "consoles.cfg")), LAMP)


class ManagementServer(SipServer):
    """One community's SIP server."""

    def __init__(self, site: ManagementSite, patience: Patience | None = None) -> None:
        defines = _defines(site)
        above = [Exchange(site, site.upstream, lambda: _errands(site))] if site.upstream else []
        services: list[Service] = [Numbers(site), *above]
        lamp = Lamp(site, lamp_key(site.data)) if site.http else None
        super().__init__(site, _ROLE, _tokens(site), services, _MORE, defines, patience, pages(site, lamp), lamp)


def pages(site: ManagementSite, lamp: Lamp | None = None) -> Pages:
    """What its HTTP service has beside records and health: directory, some homes' messages, the relay, watching."""

    def made(backend: "Backend") -> "Sequence[APIRouter]":
        from servers.directory.pages import pages_of
        from servers.directory.store import DirectoryStore
        from servers.messages.desk import Keeping, desk_pages
        from servers.relay.offering import offering_of
        from servers.relay.pages import management_relay

        backend.offering = offering_of(site)
        relay = management_relay(backend, lambda home: home in homes(site, Kind.HOMELINK))
        store = lru_cache(maxsize=1)(lambda: DirectoryStore(backend.database))
        keeping = Keeping(lambda token: store().flat_of_deposit(token), lambda: homes(site, Kind.INDOOR))
        desk = desk_pages(backend, site.databases.messages, site.messages, keeping, lamp)
        return (*pages_of(site, store), *desk, *relay, *_watching_pages(backend, site, store))

    return made


def _watching_pages(
    backend: "Backend", site: ManagementSite, store: "Callable[[], DirectoryStore]"
) -> "Sequence[APIRouter]":
    """Nothing of it is loaded where the site file does not ask for it. Doors learn this server's key here."""
    if site.watching is None:
        return ()
    from servers.directory.issuers import own_issuer
    from servers.watching import desk
    from servers.watching.signing import Signer
    from servers.watching.targets import community_targets

    signer = Signer(site.databases.watching_key, own_issuer(site))
    targets = community_targets(store)

    def publish() -> None:
        store().set_watcher(signer.issuer, signer.public_key)

    return desk.desk_pages(backend, desk.Settings(site.watching, targets, signer, direct=True, publish=publish))


def _errands(site: ManagementSite) -> Sequence[Errand]:
    """With the cloud server: the calls of phones on 4G that did not come here (P4), the flats' telephones (V3)."""
    from servers.above.records import MissedCalls, to_community
    from servers.above.telephones import Telephones
    from servers.database import Database
    from servers.directory.store import DirectoryStore

    translate = to_community(site.management.community, GUARD)
    missed = MissedCalls(site.databases.position, site.parent, translate, site.timers.call)
    database = Database(site.database_url)
    return (missed, Telephones(lambda: DirectoryStore(database)))


def kamailio_config(site: ManagementSite) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, _tokens(site), _MORE, _defines(site))


def _tokens(site: ManagementSite) -> dict[str, str]:
    return lamp_tokens(site) | {
        "GUARD_USER": GUARD,
        "GUARD_MILLISECONDS": str(round(site.guards.ring * 1000)),
        "QUEUE_SECONDS": str(site.guards.wait),
        "ALIVE_INTERVAL": f"{round(site.guards.alive * 1e6)}u",
        "COMMUNITY_NAME": site.management.community,
        "TALK_PLACE": site.nodes.place if site.nodes else "here",
    }


def _defines(site: ManagementSite) -> tuple[str, ...]:
    return ("WITH_GUARDS", *(["GUARDS_IN_ORDER"] if site.guards.order == "ordered" else []))
