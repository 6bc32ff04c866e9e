"""What the site file of a server says that is served by several nodes: management and cloud."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from servers.kamailio.config import Listener, Nodes
from servers.kamailio.site import ServerSite
from servers.sitefile import Section

_NODE = re.compile(r"sip:(?P<host>\d{1,3}(?:\.\d{1,3}){3}):(?P<port>\d{1,5});transport=(?P<transport>tls|udp)")


def _node_uri(text: str) -> str:
    if _NODE.fullmatch(text) is None:
        raise ValueError("must be like sip:10.0.0.2:5061;transport=tls, with an IPv4 address, a port, and tls or udp")
    return text


class ClusterSection(Section):
    """[cluster]: the same lines in the site file of every node."""

    nodes: Annotated[tuple[Annotated[str, AfterValidator(_node_uri)], ...], Field(min_length=2, max_length=8)]
    """Where the nodes serve, this one too; all by the same transport."""

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """`nodes`, taken apart."""
        found = (match for match in map(_NODE.fullmatch, self.nodes) if match)
        return tuple(Listener("tls" if m["transport"] == "tls" else "udp", m["host"], int(m["port"])) for m in found)


class ClusterSite(ServerSite):
    """A site file that may have [cluster]."""

    cluster: ClusterSection | None = None

    @model_validator(mode="after")
    def _one_of_the_nodes(self) -> "ClusterSite":
        if self.cluster is None:
            return self
        nodes = self.cluster.listeners
        if len(set(nodes)) < len(nodes) or len({node.transport for node in nodes}) > 1:
            raise ValueError("[cluster] nodes must be different addresses with the same transport")
        if self._own(nodes) is None:
            raise ValueError(f"[cluster] nodes must name this server as it listens: {self._listening()}")
        if not (self.database and self.database.url.startswith("postgres")):
            raise ValueError("[cluster] needs the [database] url of a PostgreSQL that all nodes share")
        return self

    @property
    def nodes(self) -> Nodes | None:
        """This node and the others."""
        own = self._own(self.cluster.listeners) if self.cluster else None
        if self.cluster is None or own is None:
            return None
        return Nodes(own, tuple(node for node in self.cluster.listeners if node != own))

    def _own(self, nodes: tuple[Listener, ...]) -> Listener | None:
        mine = {(one.transport, one.address, one.port) for one in self.listeners}
        return next((node for node in nodes if (node.transport, node.address, node.port) in mine), None)

    def _listening(self) -> str:
        return ", ".join(f"sip:{one.address}:{one.port};transport={one.transport}" for one in self.listeners)
