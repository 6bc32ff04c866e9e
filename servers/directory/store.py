"""The directory in the database: every change in one transaction, and each gives it the next version."""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from servers.database import Database
from servers.directory.entries import Console, Device, Flat, Watchable
from servers.directory.table import (
    CONSOLE,
    DEPOSIT,
    DEVICE,
    EDITION,
    FLAT,
    MIGRATIONS,
    WATCHABLE,
    WATCHER,
    new_token,
)
from servers.errors import DirectoryError


@dataclass(frozen=True, slots=True)
class Edition:
    """The directory of one version."""

    version: int
    flats: Mapping[str, Flat]
    consoles: Mapping[str, Console]
    deposits: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What lets a door deposit what a visitor left for a flat."""
    watchables: Mapping[str, Watchable] = field(default_factory=dict)
    """Doors and cameras, by name."""
    watchers: Mapping[str, str] = field(default_factory=dict)
    """Who signs tokens to watch with: issuer -> Ed25519 public key, base64."""


class DirectoryStore:
    """From any thread, and beside other processes. All methods raise DatabaseError if the database is away."""

    def __init__(self, database: Database) -> None:
        """Makes or renews the tables."""
        self._database = database
        database.migrate("directory", MIGRATIONS)

    def edition(self) -> Edition:
        """Everything, of one version."""
        with self._database.reading() as connection:
            return _edition(connection)

    def version(self) -> int:
        """The newest."""
        with self._database.reading() as connection:
            version: int = connection.execute(select(EDITION.c.version)).scalar_one()
            return version

    def set_flat(self, number: str, flat: Flat) -> None:
        """Add a flat, or replace it."""
        self.replace_flats({number: flat})

    def remove_flat(self, number: str) -> None:
        """Raises DirectoryError if there is none."""
        with self._changing() as connection:
            if not connection.execute(delete(FLAT).where(FLAT.c.number == number)).rowcount:
                raise DirectoryError(f"there is no flat {number}")
            connection.execute(delete(DEPOSIT).where(DEPOSIT.c.flat == number))

    def replace_flats(self, flats: Mapping[str, Flat], only: bool = False) -> None:
        """Add or replace these; `only`: all others are removed."""
        with self._changing() as connection:
            gone = FLAT.c.number.is_not(None) if only else FLAT.c.number.in_(list(flats))
            connection.execute(delete(FLAT).where(gone))
            _insert(connection, flats)
            _insert_deposits(connection, flats)

    def renew_deposit(self, number: str) -> None:
        """Another token; the one before is good for nothing now. Raises DirectoryError if there is no such flat."""
        with self._changing() as connection:
            mine = DEPOSIT.c.flat == number
            if not connection.execute(update(DEPOSIT).where(mine).values(token=new_token())).rowcount:
                raise DirectoryError(f"there is no flat {number}")

    def flat_of_deposit(self, token: str) -> str | None:
        """The flat whose messages this server itself keeps; None for a token that is good for nothing here."""
        with self._database.reading() as connection:
            query = select(DEPOSIT.c.flat, DEPOSIT.c.token).join(FLAT, FLAT.c.number == DEPOSIT.c.flat)
            found = connection.execute(query.where(DEPOSIT.c.token == token, FLAT.c.homelink == "")).first()
        return found.flat if found and hmac.compare_digest(found.token.encode(), token.encode()) else None

    def set_console(self, name: str, console: Console) -> None:
        """Add a console, or replace it."""
        with self._changing() as connection:
            connection.execute(delete(CONSOLE).where(CONSOLE.c.name == name))
            values = {"name": name, "priority": console.priority, "unlock_key": console.key}
            connection.execute(insert(CONSOLE).values(values))

    def remove_console(self, name: str) -> None:
        """Raises DirectoryError if there is none."""
        with self._changing() as connection:
            if not connection.execute(delete(CONSOLE).where(CONSOLE.c.name == name)).rowcount:
                raise DirectoryError(f"there is no console {name}")

    def replace_watchables(self, watchables: Mapping[str, Watchable], only: bool = False) -> None:
        """Add or replace these; `only`: all others are removed."""
        with self._changing() as connection:
            gone = WATCHABLE.c.name.is_not(None) if only else WATCHABLE.c.name.in_(list(watchables))
            connection.execute(delete(WATCHABLE).where(gone))
            rows = [
                {"name": name, **one.model_dump(mode="json"), "flats": " ".join(one.flats)}
                for name, one in watchables.items()
            ]
            if rows:
                connection.execute(insert(WATCHABLE), rows)

    def remove_watchable(self, name: str) -> None:
        """Raises DirectoryError if there is none."""
        with self._changing() as connection:
            if not connection.execute(delete(WATCHABLE).where(WATCHABLE.c.name == name)).rowcount:
                raise DirectoryError(f"there is nothing to watch of the name {name}")

    def set_watcher(self, issuer: str, key: str) -> None:
        """From now on doors believe the tokens that this one signs with the private part of `key`."""
        with self._changing() as connection:
            connection.execute(delete(WATCHER).where(WATCHER.c.issuer == issuer))
            connection.execute(insert(WATCHER).values(issuer=issuer, public_key=key))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """The version grows with the change, unless nothing has become different."""
        with self._database.writing("directory") as connection:
            before = _edition(connection)
            yield connection
            if _edition(connection) != before:
                connection.execute(update(EDITION).values(version=EDITION.c.version + 1))


def _insert(connection: Connection, flats: Mapping[str, Flat]) -> None:
    if not flats:
        return
    rows = [{"number": number, **flat.model_dump(exclude={"devices"})} for number, flat in flats.items()]
    connection.execute(insert(FLAT), rows)
    devices = [
        {"flat": number, "name": device.name, "kind": device.kind.value, "unlock_key": device.key}
        for number, flat in flats.items()
        for device in flat.devices
    ]
    if devices:
        connection.execute(insert(DEVICE), devices)


def _insert_deposits(connection: Connection, flats: Mapping[str, Flat]) -> None:
    """Flats that are new get a token; those that are gone lose theirs, since others may move in."""
    connection.execute(delete(DEPOSIT).where(DEPOSIT.c.flat.not_in(select(FLAT.c.number))))
    known = set(connection.execute(select(DEPOSIT.c.flat)).scalars())
    rows = [{"flat": number, "token": new_token()} for number in flats if number not in known]
    if rows:
        connection.execute(insert(DEPOSIT), rows)


def _edition(connection: Connection) -> Edition:
    devices: dict[str, list[Device]] = {}
    for row in connection.execute(select(DEVICE)):
        devices.setdefault(row.flat, []).append(Device(name=row.name, kind=row.kind, key=row.unlock_key))
    flats = {
        row.number: Flat(**_columns(row), devices=tuple(devices.get(row.number, ())))
        for row in connection.execute(select(FLAT))
    }
    consoles = {
        row.name: Console(priority=row.priority, key=row.unlock_key) for row in connection.execute(select(CONSOLE))
    }
    version = connection.execute(select(EDITION.c.version)).scalar_one()
    numbers = sorted(flats, key=lambda number: (len(number), number))
    deposits = {row.flat: row.token for row in connection.execute(select(DEPOSIT))}
    ordered = {number: flats[number] for number in numbers}
    watchables = {row.name: _watchable(row) for row in connection.execute(select(WATCHABLE).order_by(WATCHABLE.c.name))}
    watchers = {row.issuer: row.public_key for row in connection.execute(select(WATCHER))}
    return Edition(version, ordered, dict(sorted(consoles.items())), deposits, watchables, watchers)


def _watchable(row: Row[Any]) -> Watchable:
    values = {name: value for name, value in row._mapping.items() if name != "name"}
    return Watchable.model_validate({**values, "flats": tuple(row.flats.split())})


def _columns(row: Row[Any]) -> dict[str, str]:
    return {name: value for name, value in row._mapping.items() if name != "number"}
