"""The tables of the directory, and how they came to be."""

import secrets

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, MetaData, String, Table, insert, select

METADATA = MetaData()

EDITION = Table("directory_version", METADATA, Column("version", Integer, nullable=False))
"""One row, which grows with every change."""

FLAT = Table(
    "flat",
    METADATA,
    Column("number", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("homelink", String, nullable=False, default=""),
    Column("records", String, nullable=False, default=""),
    Column("telephone", String, nullable=False, default=""),
)

DEVICE = Table(
    "flat_device",
    METADATA,
    Column("flat", String, ForeignKey("flat.number", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("unlock_key", String, nullable=False, default=""),
)

CONSOLE = Table(
    "console",
    METADATA,
    Column("name", String, primary_key=True),
    Column("priority", Float, nullable=False, default=1.0),
    Column("unlock_key", String, nullable=False, default=""),
)


DEPOSIT = Table(
    "flat_deposit",
    METADATA,
    Column("flat", String, primary_key=True),  # stays when the flat is written anew
    Column("token", String, nullable=False, unique=True),  # with it a door deposits what a visitor left
)

WATCHABLE = Table(
    "watchable",
    METADATA,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("url", String, nullable=False),
    Column("user", String, nullable=False, default=""),
    Column("password", String, nullable=False, default=""),
    Column("flats", String, nullable=False, default=""),  # with blanks between
)

WATCHER = Table(
    "watcher",
    METADATA,
    Column("issuer", String, primary_key=True),  # homelink:NAME, management:COMMUNITY
    Column("public_key", String, nullable=False),  # Ed25519, base64: doors believe what is signed with it
)


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)
    connection.execute(insert(EDITION).values(version=0))


def _add_deposits(connection: Connection) -> None:
    DEPOSIT.create(connection, checkfirst=True)
    flats = set(connection.execute(select(FLAT.c.number)).scalars())
    for number in flats - set(connection.execute(select(DEPOSIT.c.flat)).scalars()):
        connection.execute(insert(DEPOSIT).values(flat=number, token=new_token()))


def _add_watching(connection: Connection) -> None:
    WATCHABLE.create(connection, checkfirst=True)
    WATCHER.create(connection, checkfirst=True)


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


MIGRATIONS = (_create, _add_deposits, _add_watching)
"""One step per version; a step that was released is never changed."""
