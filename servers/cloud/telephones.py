"""The telephone numbers of flats, as Kamailio reads them into memory when it starts."""

from collections.abc import Mapping

from servers.kamailio.database import Databases, opened


def write_telephones(databases: Databases, numbers: Mapping[str, str]) -> None:
    """Put `numbers` (by address, ``301.lakeside``) in place of those that are there. Raises ServerError."""
    databases.prepare()
    with opened(databases.accounts) as database:
        database.execute("CREATE TABLE IF NOT EXISTS telephone (address TEXT PRIMARY KEY, number TEXT NOT NULL)")
        database.execute("DELETE FROM telephone")
        database.executemany("INSERT INTO telephone (address, number) VALUES (?, ?)", numbers.items())
