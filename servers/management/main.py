"""`intercom management`: serve a community, manage its devices, read its call records."""

from collections.abc import Sequence

from servers.kamailio.commands import Program
from servers.management.server import ManagementServer
from servers.management.site import load_site


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    return Program("management", __doc__, load_site, ManagementServer).run(argv)
