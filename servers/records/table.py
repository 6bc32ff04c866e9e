"""The tables of the call records, and how they came to be."""

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    false,
    inspect,
    text,
)

from servers.database import Moment
from servers.records.call import CallRecord, Result, duration

METADATA = MetaData()

CALL = Table(
    "call",
    METADATA,
    Column("id", String, primary_key=True),
    Column("origin", String, nullable=False, default="", index=True),  # the event file that the call is followed in
    Column("leg", String, unique=True),  # its id there; None for a call that only a device told of
    Column("handed", String, unique=True),  # the id that the device gave it; None for a call that no device told of
    Column("handed_by", String, nullable=False, default=""),
    Column("interrupted", Boolean, nullable=False, default=False),  # Kamailio died in the middle
    Column("session_id", String, nullable=False, default="", index=True),
    Column("call_id", String, nullable=False, default=""),
    Column("caller", String, nullable=False, default=""),
    Column("caller_kind", String, nullable=False, default=""),
    Column("caller_uri", String, nullable=False, default=""),
    Column("called", String, nullable=False, default=""),
    Column("flat", String, nullable=False, default="", index=True),
    Column("stage", String, nullable=False, default=""),
    Column("started", Moment, nullable=False, index=True),
    Column("answered", Moment),
    Column("ended", Moment),
    Column("answered_by", String, nullable=False, default=""),
    Column("result", String, nullable=False, default=""),
    Column("code", Integer),
    Column("unlocks", Integer, nullable=False, default=0),
    Column("reason", String, nullable=False, default=""),
    Column("picture", String, nullable=False, default=""),
    Column("stages", String, nullable=False, default=""),
    Column("relayed", Boolean, nullable=False, default=False, server_default=false()),  # others keep the record of it
    Column("told_above", Boolean, nullable=False, default=False, server_default=false()),  # the server above has it too
)

PICTURE = Table(
    "call_picture",
    METADATA,
    Column("record", String, ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
)

POSITION = Table(
    "event_position",
    METADATA,
    Column("origin", String, primary_key=True),
    Column("number", Integer, nullable=False),  # the last event of that file that is folded
)


def _create(connection: Connection) -> None:
    METADATA.create_all(connection)


def _add_pictures(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(CALL.name)}
    for name in ("relayed", "told_above"):
        if name not in known:  # a database that the first step made before these columns were thought of
            connection.execute(text(f"ALTER TABLE call ADD COLUMN {name} BOOLEAN NOT NULL DEFAULT FALSE"))
    PICTURE.create(connection, checkfirst=True)


MIGRATIONS = (_create, _add_pictures)
"""One step per version; a step that was released is never changed."""


def call_record(row: Row[tuple[object, ...]]) -> CallRecord:
    """A row of CALL for everybody else."""
    values = row._mapping
    kept = {name: values[name] for name in CallRecord.__slots__ if name not in ("duration", "result")}
    return CallRecord(**kept, duration=duration(values["answered"], values["ended"]), result=Result(values["result"]))
