"""The cloud server as a running server: Kamailio, and beside it the media relay."""

from importlib import resources
from importlib.resources.abc import Traversable

from servers.cloud.communities import write_communities
from servers.cloud.site import CloudSite, TrunkSection
from servers.cloud.telephones import pages, prepare
from servers.kamailio.config import KamailioConfig
from servers.kamailio.process import Patience
from servers.kamailio.server import SipServer, server_config
from servers.media_relay import Interface, MediaRelay, RelaySettings

_FOLDER = resources.files(__package__)
_ROLE = _FOLDER.joinpath("cloud.cfg")
_ANY_SOCKET = "udp:127.0.0.1:2223"
"""Stands for the relay's control socket in a configuration that is only looked at."""
_RINGING_SECONDS = 600
"""What is known of a relayed call outlives the longest call by this: it is noted while it rings."""


class CloudServer(SipServer):
    """The SIP server of many communities."""

    def __init__(self, site: CloudSite, patience: Patience | None = None) -> None:
        shared = site.cluster.relays if site.cluster else ()
        own = [] if shared else [MediaRelay(_relay_settings(site))]
        tokens = _tokens(site) | {"RELAY_SOCKET": " ".join(f"udp:{place}" for place in shared)}
        for relay in own:
            tokens |= relay.tokens()
        super().__init__(site, _ROLE, tokens, own, _more(site), _defines(site), patience, pages(site))
        self._cloud = site

    def run(self) -> None:
        """Make what Kamailio reads, and serve. Raises ServerError."""
        prepare(self._cloud)
        write_communities(self._cloud.databases, self._cloud.communities)
        super().run()


def kamailio_config(site: CloudSite) -> KamailioConfig:
    """The site as Kamailio's configuration, which can be written and looked at without starting anything."""
    return server_config(site, _ROLE, _tokens(site), _more(site), _defines(site))


def _more(site: CloudSite) -> tuple[Traversable, ...]:
    names = ["media.cfg", "telephone.cfg" if site.trunk else "no_telephone.cfg"]
    return tuple(_FOLDER.joinpath(name) for name in (*names, *(["communities.cfg"] if site.communities else [])))


def _defines(site: CloudSite) -> tuple[str, ...]:
    return ("WITH_MEDIA_RELAY", "WITH_SERVERS_BELOW", *(["WITH_COMMUNITIES"] if site.communities else []))


def _relay_settings(site: CloudSite) -> RelaySettings:
    interface = Interface(site.media_address, site.media.advertised or "")
    return RelaySettings(
        (interface,), site.media.first_port, site.media.last_port, site.media.silence, site.timers.call
    )


def _tokens(site: CloudSite) -> dict[str, str]:
    trunk: TrunkSection | None = site.trunk
    media = {
        "RELAY_SOCKET": _ANY_SOCKET,
        "RELAY_MODE": site.media.relay,
        "RELAY_SECONDS": str(site.timers.call + _RINGING_SECONDS),
    }
    if trunk is None:
        return media
    return media | {
        "TRUNK_URI": trunk.uri,
        "TRUNK_HOST": trunk.host,
        "TRUNK_TARGET": str(trunk.target),
        "TRUNK_ADDRESS": site.cloud.address,
        "TRUNK_PORT": str(trunk.port),
        "TRUNK_LOGIN": trunk.user,
        "TRUNK_SECRET": trunk.password,
    }
