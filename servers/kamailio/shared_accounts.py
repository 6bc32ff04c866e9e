"""The accounts of a server of several nodes, and telephones: in the shared database, copied into each node's own file.

Kamailio and the HTTP service of a node read the copy alone, so a node starts and serves while the database is away.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from servers.errors import DatabaseError, DeviceError, NotRunning, RpcError, ServerError
from servers.kamailio import rpc
from servers.kamailio.database import opened

if TYPE_CHECKING:  # loaded late: SIP does not wait for the database's library
    from sqlalchemy import Connection, Table

    from servers.kamailio.site import ServerSite

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks for a change; an account made at one node is known to the others after this."""
COLUMNS = ("username", "ha1", "aor", "kind", "unlock_key", "added")
_MARKS = ", ".join("?" for _ in COLUMNS)
TELEPHONES = "CREATE TABLE IF NOT EXISTS telephone (address TEXT PRIMARY KEY, number TEXT NOT NULL)"
"""In each node's file: the telephone number of ``301.lakeside``."""


class SharedAccounts:
    """All accounts in one database; from any thread, and beside other nodes."""

    def __init__(self, site: "ServerSite") -> None:
        """Makes the tables, the first node with the accounts that it has. Raises ServerError."""
        from servers.database import Database

        self._site = site
        self._database: Database = Database(site.database_url)
        self._database.migrate("accounts", (_create, _create_telephones))
        with self._database.writing("accounts") as connection:
            if _edition(connection) == 0:
                self._change(connection, _own_rows(site))

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def insert(self, row: dict[str, Any]) -> None:
        """Add an account. Raises DeviceError if there is one of that name."""
        from sqlalchemy import select

        with self._database.writing("accounts") as connection:
            table = _tables()[0]
            if connection.execute(select(table).where(table.c.username == row["username"])).first():
                raise DeviceError(
                    f"there already is a device {row['username']!r}: remove it first, or choose another name"
                )
            self._change(connection, [row])

    def delete(self, name: str) -> str | None:
        """Remove an account; gives the user part of its address, or None if there is no such account."""
        from sqlalchemy import delete

        with self._database.writing("accounts") as connection:
            table = _tables()[0]
            removing = delete(table).where(table.c.username == name).returning(table.c.aor)
            user: str | None = connection.execute(removing).scalar()
            self._change(connection, [])
            return user

    def replace_telephones(self, community: str, numbers: Mapping[str, str]) -> None:
        """Put `numbers`, by flat, in place of this community's."""
        from sqlalchemy import delete, insert

        table = _telephones()
        rows = [{"address": f"{flat}.{community}", "number": number} for flat, number in numbers.items()]
        with self._database.writing("accounts") as connection:
            connection.execute(delete(table).where(table.c.community == community))
            if rows:
                connection.execute(insert(table).values(community=community), rows)
            self._change(connection, [])

    def copy(self, known: int = -1) -> int:
        """Bring this node's file to the newest edition, unless that is the one `known` here; gives its number."""
        from sqlalchemy import select

        with self._database.reading() as connection:
            edition = _edition(connection)
            if edition == known:
                return edition
            table = _tables()[0]
            rows = connection.execute(select(*(table.c[name] for name in COLUMNS))).fetchall()
            called = _telephones().c
            numbers = connection.execute(select(called.address, called.number)).fetchall()
        with opened(self._site.databases.accounts) as file:
            file.execute("DELETE FROM device")
            names = ", ".join(COLUMNS)
            file.executemany(f"INSERT INTO device ({names}) VALUES ({_MARKS})", [tuple(row) for row in rows])  # noqa: S608  (no outside text)
            file.execute(TELEPHONES)
            file.execute("DELETE FROM telephone")
            file.executemany("INSERT INTO telephone (address, number) VALUES (?, ?)", [tuple(row) for row in numbers])
        return edition

    def _change(self, connection: "Connection", rows: list[dict[str, Any]]) -> None:
        from sqlalchemy import insert, update

        accounts, edition = _tables()
        if rows:
            connection.execute(insert(accounts), rows)
        connection.execute(update(edition).values(number=edition.c.number + 1))


def _own_rows(site: "ServerSite") -> list[dict[str, Any]]:
    with opened(site.databases.accounts) as file:
        return [dict(row) for row in file.execute(f"SELECT {', '.join(COLUMNS)} FROM device")]  # noqa: S608


def _tables() -> "tuple[Table, Table]":
    from sqlalchemy import Column, Integer, MetaData, String, Table

    metadata = MetaData()
    columns = [Column(name, String, primary_key=name == "username", nullable=False) for name in COLUMNS]
    return Table("account", metadata, *columns), Table("account_edition", metadata, Column("number", Integer))


def _telephones() -> "Table":
    from sqlalchemy import Column, MetaData, String, Table

    columns = (Column("address", String, primary_key=True), Column("number", String, nullable=False))
    return Table("telephone", MetaData(), *columns, Column("community", String, nullable=False))


def _create_telephones(connection: "Connection") -> None:
    _telephones().create(connection)


def _create(connection: "Connection") -> None:
    from sqlalchemy import insert

    accounts, edition = _tables()
    accounts.create(connection)
    edition.create(connection)
    connection.execute(insert(edition).values(number=0))


def _edition(connection: "Connection") -> int:
    from sqlalchemy import select

    number: int = connection.execute(select(_tables()[1].c.number)).scalar_one()
    return number


@contextmanager
def shared(site: "ServerSite") -> Iterator[SharedAccounts]:
    """The accounts of all nodes, given back after the block. Raises ServerError."""
    with closing(SharedAccounts(site)) as accounts:
        yield accounts


class AccountCopier:
    """A service of every node: what changes in the shared accounts comes into its file, and into its Kamailio."""

    def __init__(self, site: "ServerSite") -> None:
        self._site = site
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts", daemon=True)
        self._known, self._told = -1, -1

    def start(self) -> None:
        """Begin to copy."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        lost = False
        while not self._ending.is_set():
            try:
                with shared(self._site) as accounts:
                    lost = False
                    while not self._ending.wait(PAUSE if self._told == self._known != -1 else PAUSE / 5):
                        self._follow(accounts)
            except (ServerError, sqlite3.Error) as error:
                if not lost:
                    log.error("accounts stay as they are until the database is back: %s", error)
                lost = True
                self._ending.wait(PAUSE)

    def _follow(self, accounts: SharedAccounts) -> None:
        self._known = accounts.copy(self._known)
        if self._told != self._known:
            try:
                for table in self._site.copied_tables:
                    rpc.call(self._site.control, "htable.reload", table)
                self._told = self._known
            except NotRunning:
                return  # not yet: told in a moment
            except RpcError as error:
                raise DatabaseError(f"the accounts cannot be read: {error}") from error
