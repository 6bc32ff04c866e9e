"""HomeLink as a running server."""

from importlib import resources

from servers.homelink.site import Site
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, server_config

_ROLE = resources.files(__package__).joinpath("homelink.cfg")


class HomeLink(SipServer):
    """One home's SIP server."""

    def __init__(self, site: Site, patience: Patience | None = None) -> None:
        super().__init__(site, _ROLE, _tokens(site), patience=patience)


def kamailio_config(site: Site) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, _tokens(site))


def _tokens(site: Site) -> dict[str, str]:
    return {"HOME_USER": site.homelink.home}
