"""`intercom homelink watching`, `intercom management watching`: who watched what."""

import argparse
from collections.abc import Callable
from pathlib import Path

from servers.kamailio.commands import Commands
from servers.kamailio.site import ServerSite

Load = Callable[[Path], ServerSite]


def extension(load: Load) -> Callable[[Commands, argparse.ArgumentParser], None]:
    """For a server's program."""

    def add_commands(commands: Commands, site: argparse.ArgumentParser) -> None:
        listing = commands.add_parser("watching", parents=[site], help="list who watched what, newest first")
        listing.add_argument("--limit", type=int, default=100, metavar="N")
        listing.set_defaults(run=lambda arguments: _list(load, arguments))

    return add_commands


def _list(load: Load, arguments: argparse.Namespace) -> None:
    from servers.database import Database
    from servers.watching.journal import Journal

    site = load(arguments.site)
    site.databases.prepare()
    database = Database(site.database_url)
    try:
        for row in Journal(lambda: database).page(arguments.limit):
            who = f"{row['who']}@{row['way']}" if row["way"] else row["who"]
            ended = f"{row['ended']:%H:%M:%S}Z" if row["ended"] else f"until {row['until']:%H:%M:%S}Z"
            facts = f"{row['began']:%Y-%m-%d %H:%M:%S}Z - {ended:<15} {who:<16} {row['home']:<8} {row['target']:<16}"
            print(f"{facts} {row['viewers']} viewers {'direct ' if row['direct'] else ''}{row['reason'] or 'holds'}")
    finally:
        database.close()
