"""A whole network that serves for real: cloud, management server and HomeLinks, one above the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.cloud.site import load_site as load_cloud
from servers.community.authority import Community, Role
from servers.homelink.site import load_site as load_home
from servers.kamailio.config import Transport
from servers.kamailio.site import ServerSite
from servers.management.site import load_site as load_management
from tests.servers.homes import Home
from tests.servers.nodes import Node, Server, own_address, site_text

COMMUNITY = "lakeside"
REALM = "lakeside.example"
CLOUD_REALM = "cloud.example"
FLATS = ("301", "302")
NOT_ASKED = "[guards]\nalive = 60\n"
"""The consoles of a test do not answer the question whether they are still there."""
LOADERS: dict[Role, Callable[[Path], ServerSite]] = {Role.MANAGEMENT: load_management, Role.CLOUD: load_cloud}


@dataclass
class Network:
    """Servers that are registered at one another."""

    cloud: Node
    management: Node
    homes: dict[str, Home]

    def forget(self) -> None:
        """Nothing is left but the servers and their own registrations: for the next test on the same network."""
        self.cloud.forget(keep=[COMMUNITY])
        self.management.forget(keep=[f"homelink-{flat}" for flat in self.homes])
        for home in self.homes.values():
            home.forget()


@contextmanager
def running_network(
    folder: Path, transport: Transport, flats: Sequence[str] = FLATS, settings: str = "", guards: str = NOT_ASKED
) -> Iterator[Network]:
    """Serve in `folder` until the block ends; `settings` are lines of TOML for all sites, `guards` for management's."""
    community = Community.create(folder / "authority", "Lakeside") if transport == "tls" else None
    with ExitStack() as stack:

        def start(role: Role, name: str, identity: dict[str, str], more: str) -> Node:
            node = start_server(folder, role, name, identity, [transport], community, settings + more)
            stack.callback(node.server.stop)
            return node

        cloud = start(Role.CLOUD, "cloud", {"realm": CLOUD_REALM}, "")
        above = upstream(cloud, COMMUNITY, "management", "")
        management = start(Role.MANAGEMENT, COMMUNITY, {"realm": REALM, "community": COMMUNITY}, above + guards)
        homes: dict[str, Home] = {}
        for flat in flats:
            above = upstream(management, f"homelink-{flat}", "homelink", flat)
            home = start(Role.HOMELINK, f"homelink-{flat}", {"realm": f"home{flat}.example"}, above)
            assert isinstance(home, Home)
            homes[flat] = home
        network = Network(cloud, management, homes)
        wait_until_registered(network)
        yield network
        for node in (cloud, management, *homes.values()):  # all at once, each is waited for afterwards
            node.server.process.terminate()


@contextmanager
def running_management(
    folder: Path, *transports: Transport, community: Community | None = None, settings: str = ""
) -> Iterator[Node]:
    """A management server alone."""
    identity = {"realm": REALM, "community": COMMUNITY}
    node = start_server(folder, Role.MANAGEMENT, COMMUNITY, identity, transports, community, settings)
    try:
        node.server.wait_until_it_serves()
        yield node
    finally:
        node.server.stop()


def start_server(
    folder: Path,
    role: Role,
    name: str,
    identity: dict[str, str],
    transports: Sequence[Transport],
    community: Community | None,
    settings: str,
) -> Node:
    """Start a server in a folder of its name, without waiting until it serves."""
    place = folder / name
    place.mkdir()
    file = place / "site.toml"
    address = {"name": name, "address": own_address(), **identity}
    file.write_text(site_text(place, role, address, transports, community, settings, name))
    server = Server(file, name=role.value)
    if role is Role.HOMELINK:
        return Home(place, load_home(file), file, server, community)
    return Node(place, LOADERS[role](file), file, server, community)


def wait_until_registered(network: Network) -> None:
    """Every server is known to the one above."""
    for node in (network.cloud, network.management, *network.homes.values()):
        node.server.wait_until_it_serves()
    network.cloud.server.wait_for(f"{COMMUNITY} registered")
    for flat in network.homes:
        network.management.server.wait_for(f"homelink-{flat} registered")


def upstream(above: Node, user: str, kind: str, home: str) -> str:
    """[upstream] of a server below, with the account that it needs there."""
    login = above.add(user, kind, home)
    uri = above.uri_of("").replace("@", "", 1)
    password = "" if uri.endswith("tls") else login.password
    table = f'\n[upstream]\nuri = "{uri}"\nuser = "{user}"\npassword = "{password}"\nrealm = "{login.realm}"\n'
    return table + (f'service = "{service_url(above)}"\nrefresh = 0.3\n' if above.site.http else "")


def service_url(node: Node) -> str:
    """Its HTTP service."""
    assert node.site.http is not None
    scheme = "https" if node.community else "http"
    return f"{scheme}://{node.site.identity.address}:{node.site.http.port}"
