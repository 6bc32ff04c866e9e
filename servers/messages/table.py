"""The tables of what visitors leave, and how they came to be."""

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    false,
)

from servers.database import Moment

METADATA = MetaData()

ITEM = Table(
    "message_item",
    METADATA,
    Column("home", String, nullable=False),
    Column("id", String, nullable=False),
    Column("flat", String, nullable=False),
    Column("session_id", String, nullable=False, default=""),
    Column("sort", String, nullable=False),
    Column("event", String, nullable=False, default=""),
    Column("started", Moment, nullable=False),
    Column("duration_ms", Integer, nullable=False, default=0),
    Column("size", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("filetype", String, nullable=False),
    Column("home_key", String, nullable=False),  # which key of the home `wrapped` is wrapped with
    Column("wrapped", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),  # the upload began
    Column("arrived", Moment),  # it is whole and checked; None while it is not
    Column("read", Boolean, nullable=False, server_default=false()),
    Column("read_by", String, nullable=False, default=""),
    Column("deleted", Moment),  # its file is gone; the row stays, so that it does not come back
    PrimaryKeyConstraint("home", "id"),
)
Index("message_by_time", ITEM.c.home, ITEM.c.started, ITEM.c.id)
Index("message_by_state", ITEM.c.home, ITEM.c.sort, ITEM.c.deleted, ITEM.c.read, ITEM.c.arrived)  # what is counted
Index("message_by_session", ITEM.c.home, ITEM.c.session_id)

ACCESS = Table(
    "message_access",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("home", String, nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("who", String, nullable=False),  # account
    Column("way", String, nullable=False),  # "" for an account of this server, else the server that spoke for it
    Column("what", String, nullable=False),  # list, content, thumbnail, read, unread, delete, export
    Column("item", String, nullable=False, default=""),
)

RETENTION = Table(
    "message_retention",
    METADATA,
    Column("home", String, primary_key=True),
    Column("days", Integer, nullable=False),  # what the home itself wishes; the site file has the most
)


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS = (_create,)
"""One step per version; a step that was released is never changed."""
