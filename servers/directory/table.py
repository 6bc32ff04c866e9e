"""The tables of the directory, and how they came to be."""

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, MetaData, String, Table, insert

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


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)
    connection.execute(insert(EDITION).values(version=0))


MIGRATIONS = (_create,)
"""One step per version; a step that was released is never changed."""
