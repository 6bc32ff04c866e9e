"""`intercom homelink messages`, `intercom management messages`: what is kept of visitors, and the keys of homes."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from servers.errors import ServerError
from servers.kamailio.commands import Commands
from servers.kamailio.site import ServerSite
from servers.messages.settings import MessagesSection

if TYPE_CHECKING:  # a command about something else does not load the database
    from servers.messages.store import MessageStore

Load = Callable[[Path], tuple[ServerSite, MessagesSection]]
"""A site file -> the site and its [messages]."""


def extension(load: Load) -> Callable[[Commands, argparse.ArgumentParser], None]:
    """For a server's program."""

    def add_commands(commands: Commands, site: argparse.ArgumentParser) -> None:
        messages = commands.add_parser("messages", help="what visitors left, and the keys of homes")
        below = messages.add_subparsers(required=True, metavar="COMMAND")
        listing = below.add_parser("list", parents=[site], help="how much is kept of each home")
        listing.set_defaults(run=lambda arguments: _list(load, arguments))
        key = below.add_parser("key", parents=[site], help="print the key of a home, for a backup: keep it safe")
        key.add_argument("home", metavar="HOME")
        key.set_defaults(run=lambda arguments: _key(load, arguments))
        rotate = below.add_parser("rotate", parents=[site], help="give a home a new key; no message is lost")
        rotate.add_argument("home", metavar="HOME")
        rotate.set_defaults(run=lambda arguments: _rotate(load, arguments))

    return add_commands


@contextmanager
def _store(load: Load, arguments: argparse.Namespace) -> "Iterator[MessageStore]":
    from servers.database import Database
    from servers.messages.desk import store_of

    site, limits = load(arguments.site)
    site.databases.prepare()
    database = Database(site.database_url)
    try:
        yield store_of(database, site.databases.messages, limits)
    finally:
        database.close()


def _list(load: Load, arguments: argparse.Namespace) -> None:
    with _store(load, arguments) as store:
        for home in store.homes():
            count, days = store.count(home), store.days(home)
            print(f"{home:<16} {count.new:>6} new {count.old:>6} seen   kept {days} days")


def _key(load: Load, arguments: argparse.Namespace) -> None:
    with _store(load, arguments) as store:
        _known(store, arguments.home)
        print(store.keys.exported(arguments.home), end="")


def _rotate(load: Load, arguments: argparse.Namespace) -> None:
    with _store(load, arguments) as store:
        _known(store, arguments.home)
        print(f"{store.rotate(arguments.home)} messages of {arguments.home} have a new key.")


def _known(store: "MessageStore", home: str) -> None:
    homes = store.homes()
    if home not in homes:
        raise ServerError(f"nothing is kept of home {home!r}; there are: {', '.join(homes) or 'none'}")
