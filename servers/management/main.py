"""`intercom management`: serve a community, manage its devices and its directory, read its call records."""

from collections.abc import Sequence
from pathlib import Path

from servers.directory.commands import add_commands
from servers.kamailio.commands import Program
from servers.management.server import ManagementServer
from servers.management.site import ManagementSite, load_site
from servers.messages.commands import extension
from servers.messages.settings import MessagesSection
from servers.watching.commands import extension as watching


def _messages(path: Path) -> tuple[ManagementSite, MessagesSection]:
    site = load_site(path)
    return site, site.messages


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    extensions = (add_commands, extension(_messages), watching(load_site))
    return Program("management", __doc__, load_site, ManagementServer, extensions).run(argv)
