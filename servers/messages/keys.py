"""The keys of homes: what lies on the disk is of no use without them.

Every item is encrypted with a random key of its own (AES-256-GCM, `servers.messages.sealed`). That key stands in the
database, wrapped (AES key wrap, RFC 3394) with the key of its home. A home's key lies in the folder of `[messages]
keys`, by default `keys` beside the messages, in one file per home that only the server's user may read; on another
medium (a token, a mounted volume) it is enough that the folder is there when the server starts. Rotation makes a new
key, wraps the items' keys again and forgets the old one: no item is encrypted again (`intercom homelink messages
rotate`). Export prints the key for a backup (`intercom homelink messages key`): files, database and key together are
all that is needed to read the messages elsewhere. With an item its key is deleted: a copy of its file is of no use.
"""

import base64
import binascii
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from servers.messages.errors import Unreadable

SIZE = 32
"""Bytes of a key: AES-256."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The key of one item, as it stands in the database."""

    home_key: str
    """Which key of the home opens it."""
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HomeKey:
    """One key of a home."""

    number: str
    secret: bytes = field(repr=False)


class HomeKeys:
    """The keys of all homes of a server; from any thread. Raises Unreadable if a file cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def new_item(self, home: str) -> tuple[bytes, Wrapped]:
        """A key for a new item of this home, plain and wrapped."""
        secret = secrets.token_bytes(SIZE)
        return secret, self.wrap(home, secret)

    def wrap(self, home: str, secret: bytes) -> Wrapped:
        """With the home's newest key, which is made if there is none."""
        newest = self.all(home)[-1]
        return Wrapped(newest.number, aes_key_wrap(newest.secret, secret))

    def unwrap(self, home: str, wrapped: Wrapped) -> bytes:
        """The key of an item."""
        for key in self.all(home):
            if key.number == wrapped.home_key:
                try:
                    return aes_key_unwrap(key.secret, wrapped.secret)
                except InvalidUnwrap as error:
                    raise Unreadable(f"the key of home {home} does not open its messages") from error
        raise Unreadable(f"the key {wrapped.home_key} of home {home} is missing")

    def all(self, home: str) -> list[HomeKey]:
        """Oldest first; at least one."""
        with self._lock:
            return self._read(home) or self._first(home)

    def exported(self, home: str) -> str:
        """As in the file, which it can be put back into."""
        return _text(self.all(home))

    def add(self, home: str) -> HomeKey:
        """A new key, with which everything is wrapped from now on; the older ones stay until `keep_newest`."""
        known = self.all(home)
        with self._lock:
            return self._write(home, [*known, _new()])[-1]

    def keep_newest(self, home: str) -> None:
        """Forget the older keys, which nothing is wrapped with any more."""
        known = self.all(home)
        with self._lock:
            self._write(home, known[-1:])

    def _read(self, home: str) -> list[HomeKey]:
        path = self._folder / home
        try:
            return [_parsed(line) for line in path.read_text("ascii").splitlines()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise Unreadable(f"the key of home {home} in {path} cannot be used") from error

    def _first(self, home: str) -> list[HomeKey]:
        """Another node that shares the folder may be making one too: the first one counts for both."""
        with suppress(FileExistsError):
            return self._write(home, [_new()], lambda unfinished, path: path.hardlink_to(unfinished))
        return self._read(home)

    def _write(
        self, home: str, keys: list[HomeKey], name: Callable[[Path, Path], object] = Path.replace
    ) -> list[HomeKey]:
        """Whole or not at all, and on the disk before anything is encrypted with it."""
        path, text = self._folder / home, _text(keys)
        unfinished = path.with_name(f"{home}.{secrets.token_hex(4)}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            with unfinished.open("w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            name(unfinished, path)
            sync_folder(self._folder)
        except FileExistsError:
            raise
        except OSError as error:
            raise Unreadable(f"the key of home {home} cannot be written to {path}: {error.strerror}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return keys


def sync_folder(folder: Path) -> None:
    """A file's name is on the disk too when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new() -> HomeKey:
    return HomeKey(secrets.token_hex(4), secrets.token_bytes(SIZE))


def _parsed(line: str) -> HomeKey:
    number, _, text = line.partition(" ")
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != SIZE or not number.isalnum():
        raise ValueError("no key")
    return HomeKey(number, secret)


def _text(keys: list[HomeKey]) -> str:
    return "".join(f"{key.number} {_base64(key.secret)}\n" for key in keys)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
