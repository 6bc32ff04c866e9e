"""`intercom cloud`: serve phones on mobile networks, manage their accounts, read call records."""

from collections.abc import Sequence

from servers.cloud.server import CloudServer
from servers.cloud.site import load_site
from servers.kamailio.commands import Program


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    return Program("cloud", __doc__, load_site, CloudServer).run(argv)
