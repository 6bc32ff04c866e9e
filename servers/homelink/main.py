"""`intercom homelink`: serve a home, manage its devices, read its call records."""

from collections.abc import Sequence
from pathlib import Path

from servers.homelink.server import HomeLink
from servers.homelink.site import Site, load_site
from servers.kamailio.commands import Program
from servers.messages.commands import extension
from servers.messages.settings import MessagesSection
from servers.watching.commands import extension as watching


def _messages(path: Path) -> tuple[Site, MessagesSection]:
    site = load_site(path)
    return site, site.messages


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    return Program("homelink", __doc__, load_site, HomeLink, (extension(_messages), watching(load_site))).run(argv)
