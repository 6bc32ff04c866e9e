"""A server of two nodes that serve for real, beside one PostgreSQL."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers.community.authority import Community, Role
from servers.errors import RpcError
from servers.kamailio import accounts, rpc
from servers.kamailio.config import Transport
from tests.servers.network import LOADERS
from tests.servers.nodes import START_LIMIT, Node, Server, own_address, site_text
from tests.servers.peer import Peer


@contextmanager
def running_nodes(
    folder: Path,
    role: Role,
    identity: dict[str, str],
    transports: tuple[Transport, ...],
    community: Community | None,
    settings: str,
    more: str = "",
) -> Iterator[tuple[Node, Node]]:
    """Serve in folders below `folder` until the block ends.

    `settings` are lines of TOML for both, `more` those of [cluster].
    """
    files = [_site_file(folder / f"node{n}", role, identity, transports, community) for n in (1, 2)]
    first = [LOADERS[role](file).listeners[0] for file in files]
    uris = ", ".join(f'"sip:{one.address}:{one.port};transport={one.transport}"' for one in first)
    with ExitStack() as stack:
        nodes = []
        for file in files:
            file.write_text(f"{file.read_text()}\n{settings}\n[cluster]\nnodes = [{uris}]\n{more}")
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


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def contacts(node: Node, name: str) -> tuple[str, ...]:
    return next((device.contacts for device in accounts.devices(node.site) if device.name == name), ())


def known_at(node: Node, screen: Peer) -> None:
    """Return when that node knows where the screen is; what it missed in a moment of trouble it learns later."""
    deadline = time.monotonic() + 3 * START_LIMIT
    while screen.contact not in contacts(node, screen.name):
        assert time.monotonic() < deadline, f"{screen.name} is not known"
        time.sleep(0.5)
        assert screen.register(screen.login, screen.login.address_of_record).status == 200


def kill(node: Node) -> None:
    os.kill(node.server.process.pid, signal.SIGKILL)
    node.server.process.wait(START_LIMIT)


def has_account(node: Node, name: str) -> bool:
    try:
        rpc.call(node.site.control, "htable.get", "accounts", name)
    except RpcError:
        return False
    return True
