"""The cloud server as a running server."""

from importlib import resources

from servers.cloud.site import CloudSite
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, server_config

_ROLE = resources.files(__package__).joinpath("cloud.cfg")


class CloudServer(SipServer):
    """The SIP server of many communities."""

    def __init__(self, site: CloudSite, patience: Patience | None = None) -> None:
        super().__init__(site, _ROLE, patience=patience)


def kamailio_config(site: CloudSite) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, {})
