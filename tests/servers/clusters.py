"""A server of two nodes that serve for real, beside one PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers.community.authority import Community, Role
from servers.kamailio.config import Transport
from tests.servers.network import LOADERS
from tests.servers.nodes import Node, Server, own_address, site_text


@contextmanager
def running_nodes(
    folder: Path,
    role: Role,
    identity: dict[str, str],
    transports: tuple[Transport, ...],
    community: Community | None,
    settings: str,
) -> Iterator[tuple[Node, Node]]:
    """Serve in folders below `folder` until the block ends; `settings` are lines of TOML for both."""
    files = [_site_file(folder / f"node{n}", role, identity, transports, community) for n in (1, 2)]
    first = [LOADERS[role](file).listeners[0] for file in files]
    uris = ", ".join(f'"sip:{one.address}:{one.port};transport={one.transport}"' for one in first)
    with ExitStack() as stack:
        nodes = []
        for file in files:
            file.write_text(f"{file.read_text()}\n{settings}\n[cluster]\nnodes = [{uris}]\n")
            nodes.append(Node(file.parent, LOADERS[role](file), file, Server(file, name=role.value), community))
            stack.callback(lambda node: node.server.stop(), nodes[-1])
        for node in nodes:
            node.server.wait_until_it_serves()
        yield nodes[0], nodes[1]


def _site_file(
    folder: Path, role: Role, identity: dict[str, str], transports: tuple[Transport, ...], community: Community | None
) -> Path:
    folder.mkdir()
    values = {"name": "Lakeside", "address": own_address(), **identity}
    file = folder / "site.toml"
    file.write_text(site_text(folder, role, values, transports, community, name=identity.get("community", "")))
    return file
