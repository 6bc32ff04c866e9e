"""The management server as a running server."""

from importlib import resources

from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, server_config
from servers.management.site import ManagementSite

_ROLE = resources.files(__package__).joinpath("management.cfg")


class ManagementServer(SipServer):
    """One community's SIP server."""

    def __init__(self, site: ManagementSite, patience: Patience | None = None) -> None:
        super().__init__(site, _ROLE, patience=patience)


def kamailio_config(site: ManagementSite) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, {})
