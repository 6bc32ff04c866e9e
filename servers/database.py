"""The database of what a server's Python part keeps (records, directory): SQLite, or PostgreSQL by one setting."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from servers.errors import DatabaseError

BUSY_SECONDS = 10.0
_VERSIONS = Table("schema_version", MetaData(), Column("part", String, primary_key=True), Column("version", Integer))

Migration = Callable[[Connection], None]


class Moment(TypeDecorator[datetime]):
    """A point of time, aware and in UTC on Python's side, whatever the database knows about zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is written."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is read."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Transactions on one database; its errors become DatabaseError, whose text holds no secret. From any thread."""

    def __init__(self, url: str | URL) -> None:
        """`url` as in the site file: ``sqlite:////path`` or ``postgresql://user:password@host/name``."""
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self._engine = _engine(parsed)
        except (ArgumentError, SQLAlchemyError, ModuleNotFoundError) as error:
            raise DatabaseError("[database] url must be like postgresql://user:password@host/name") from error

    @contextmanager
    def writing(self, alone: str = "") -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, or undone by an exception.

        Those with the same word in `alone` come one after the other, in whatever process.
        """
        with _told(), self._engine.begin() as connection:
            if alone and connection.dialect.name == "postgresql":  # SQLite has one writer anyway
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:alone))"), {"alone": alone})
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing and disturbs no writer."""
        with _told(), self._engine.connect().execution_options(reading=True) as connection:
            yield connection

    def migrate(self, part: str, steps: Sequence[Migration]) -> None:
        """Bring the tables of `part` to the newest version: those of `steps` that have not run yet, in order.

        Raises DatabaseError for a database that a newer program made.
        """
        if self._version(part) == len(steps):
            return
        with self.writing("migration") as connection:
            _VERSIONS.create(connection, checkfirst=True)
            mine = _VERSIONS.c.part == part
            version = connection.execute(select(_VERSIONS.c.version).where(mine)).scalar()
            if version is None:
                connection.execute(insert(_VERSIONS).values(part=part, version=0))
            if (version or 0) > len(steps):
                raise DatabaseError(f"the database's {part} are of version {version}, this program knows {len(steps)}")
            for step in steps[version or 0 :]:
                step(connection)
            connection.execute(update(_VERSIONS).where(mine).values(version=len(steps)))

    def _version(self, part: str) -> int | None:
        with self.reading() as connection:
            if not inspect(connection).has_table(_VERSIONS.name):
                return None
            return connection.execute(select(_VERSIONS.c.version).where(_VERSIONS.c.part == part)).scalar()

    def close(self) -> None:
        """Give all connections back; the next transaction opens new ones."""
        self._engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseError(f"the database cannot be used: {str(cause).strip().splitlines()[0]}") from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=4, connect_args={"connect_timeout": int(BUSY_SECONDS)})
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once, and waits for it: one that asks later, in the middle, can be refused."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
