"""`intercom homelink`: serve a home, manage its devices, read its call records."""

from collections.abc import Sequence

from servers.homelink.server import HomeLink
from servers.homelink.site import load_site
from servers.kamailio.commands import Program


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    return Program("homelink", __doc__, load_site, HomeLink).run(argv)
