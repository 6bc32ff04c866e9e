"""The names of servers that sign tokens to watch with: the `iss` of a token, by which a door finds the public key."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servers.management.site import ManagementSite


def homelink_issuer(account: str) -> str:
    """A HomeLink, by its account at the management server."""
    return f"homelink:{account}"


def own_issuer(site: "ManagementSite") -> str:
    """A management server; each node of several has a key, and a name, of its own."""
    community = f"management:{site.management.community}"
    return f"{community}@{site.nodes.place}" if site.nodes else community
