"""A HomeLink that serves for real, for tests of servers, endpoints and the simulator; plain or TLS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.community.authority import Community, Role
from servers.homelink.site import Site, load_site
from servers.kamailio.config import Transport
from tests.servers.nodes import Node, Server, free_port, own_address, site_text, tls_files

__all__ = ["Home", "Server", "free_port", "own_address", "running_home", "tls_files", "write_site"]
REALM = "home301.example"


@dataclass
class Home(Node):
    """A running HomeLink."""

    site: Site

    @property
    def uri(self) -> str:
        """What a door station calls: the home at this server's own address."""
        return self.uri_of(self.site.homelink.home)


@contextmanager
def running_home(
    folder: Path, *transports: Transport, community: Community | None = None, settings: str = ""
) -> Iterator[Home]:
    """Serve a home in `folder` by `intercom homelink` until the block ends; `settings` are more lines of TOML."""
    address = own_address()
    if "tls" in transports and community is None:
        community = Community.create(folder / "authority", "Gardens")
    site_file = write_site(folder, address, transports, community, settings)
    server = Server(site_file)
    try:
        server.wait_until_it_serves()
        yield Home(folder, load_site(site_file), site_file, server, community)
    finally:
        server.stop()


def write_site(
    folder: Path, address: str, transports: tuple[Transport, ...], community: Community | None, settings: str = ""
) -> Path:
    identity = {"name": "Family Chen", "realm": REALM, "address": address}
    path = folder / "site.toml"
    path.write_text(site_text(folder, Role.HOMELINK, identity, transports, community, settings))
    return path
