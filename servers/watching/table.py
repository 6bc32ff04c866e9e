"""The table of who watched what, and how it came to be."""

from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table

from servers.database import Moment

METADATA = MetaData()

WATCHED = Table(
    "watched",
    METADATA,
    Column("id", String, primary_key=True),  # a fingerprint of the lease's id, which is a secret
    Column("who", String, nullable=False),  # account
    Column("home", String, nullable=False, index=True),
    Column("way", String, nullable=False, default=""),  # "" for an account of this server, else who spoke for it
    Column("target", String, nullable=False),
    Column("direct", Boolean, nullable=False),  # the one watching went to the door or the NVR itself
    Column("began", Moment, nullable=False, index=True),
    Column("until", Moment, nullable=False),  # as granted last
    Column("ended", Moment),  # None: it holds, or the server died
    Column("reason", String, nullable=False, default=""),  # expired, given-back, stopped
    Column("viewers", Integer, nullable=False, default=0),  # at the same time, at most
)


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS = (_create,)
"""One step per version; a step that was released is never changed."""
