"""How many connections a server offers to each node above, to be asked through."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from servers.kamailio.kinds import Kind


@dataclass(frozen=True, slots=True)
class Amount:
    """Connections."""

    spare: int
    """That wait for a question."""
    most: int
    """In all: so many questions at a time."""


AMOUNTS: Mapping[Kind, Amount] = MappingProxyType({Kind.HOMELINK: Amount(2, 100), Kind.MANAGEMENT: Amount(8, 2000)})
"""By the account of who offers them."""
