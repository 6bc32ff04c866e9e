"""The SQLite files that Kamailio works with: one file per writer, made in WAL mode before it opens them."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from servers.errors import ServerError

BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Databases:
    """Where a server keeps its accounts, registrations and records."""

    folder: Path

    @property
    def accounts(self) -> Path:
        """Written by `device add` and `device remove`, read by Kamailio at start and on `htable.reload`."""
        return self.folder / "accounts.sqlite"

    @property
    def location(self) -> Path:
        """Written by Kamailio's SIP workers only."""
        return self.folder / "location.sqlite"

    @property
    def events(self) -> Path:
        """Written by Kamailio when a call begins, is answered or ends; the record keeper takes out what it has."""
        return self.folder / "events.sqlite"

    @property
    def store(self) -> Path:
        """Call records and directory, unless [database] url names another place; Kamailio does not know it."""
        return self.folder / "store.sqlite"

    @property
    def upstream(self) -> Path:
        """Written before Kamailio starts; what it needs to register at the server above."""
        return self.folder / "upstream.sqlite"

    @property
    def presence(self) -> Path:
        """Empty; Kamailio's presence module asks for its tables and then works in memory."""
        return self.folder / "presence.sqlite"

    @property
    def messages(self) -> Path:
        """Folder of what visitors left, and of the homes' keys."""
        return self.folder / "messages"

    @property
    def directory(self) -> Path:
        """The directory as the server above last told it."""
        return self.folder / "directory.copy"

    @property
    def watching_key(self) -> Path:
        """The key that tokens to watch with are signed with."""
        return self.folder / "watching.key"

    @property
    def position(self) -> Path:
        """When the server above was last asked for missed calls."""
        return self.folder / "above.position"

    def urls(self) -> dict[str, str]:
        """The values of the configuration's tokens."""
        files = {"ACCOUNTS_DB": self.accounts, "LOCATION_DB": self.location, "RECORDS_DB": self.events}
        return {token: f"sqlite:///{path.resolve()}" for token, path in files.items()}

    def prepare(self) -> None:
        """Make the folder (0700) and the files that are missing. Raises ServerError if they cannot be made."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.accounts, self.location, self.events, self.store, self.upstream, self.presence):
                _create(path)
        except (OSError, sqlite3.Error) as error:
            raise ServerError(f"cannot keep data in {self.folder}: {error}") from error


def _create(path: Path) -> None:
    """Make one file from the SQL of the same name, complete or not at all; one that exists is not touched.

    WAL is stored in the file: asking for it later can fail a start.
    """
    if path.exists():
        return
    script = resources.files(__package__).joinpath(f"{path.stem}.sql")
    with TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.touch(mode=0o600)
        with closing(sqlite3.connect(new)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(script.read_text("utf-8") if script.is_file() else "")
        _give_to_owner_of(path.parent, new)
        with suppress(FileExistsError):  # another command was quicker
            path.hardlink_to(new)


def _give_to_owner_of(folder: Path, path: Path) -> None:
    """`sudo intercom homelink device add` before the first start must not lock the server out."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that commits at the end of the block, rolls back on an error, and is closed after it."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database, database:
            database.row_factory = sqlite3.Row
            yield database
    except sqlite3.OperationalError as error:
        raise ServerError(f"cannot use {path}: {error}") from error
