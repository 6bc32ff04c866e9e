"""A file that is encrypted at rest chunk by chunk (AES-256-GCM), so that any part of it can be read alone.

A chunk of up to `CHUNK` bytes lies in a slot of its own: nonce, ciphertext, tag. The nonce is random at every writing,
because the last chunk is written again when an upload goes on in its middle; its place in the file is authenticated
with it, so that chunks cannot be exchanged, within a file or between two. What a power cut tore is found by its tag.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from servers.messages.errors import Unreadable

CHUNK = 1 << 16
_NONCE, _TAG = 12, 16
_EXTRA = _NONCE + _TAG
_SLOT = CHUNK + _EXTRA


class Sealed:
    """One file; `name` is authenticated with every chunk. One writer at a time. Raises OSError as files do."""

    def __init__(self, path: Path, key: bytes, name: str) -> None:
        self._path, self._cipher, self._name = path, AESGCM(key), name.encode()

    def create(self) -> None:
        """An empty file; one that is there is left alone."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)

    @property
    def there(self) -> bool:
        """Whether there is such a file."""
        return self._path.is_file()

    def length(self) -> int:
        """Bytes of content that can be read; what is torn at the end is cut off."""
        with self._path.open("r+b") as file:
            return self._usable(file)

    def append(self, data: bytes) -> int:
        """Write at the end; gives the new length. After an error `length()` tells how much of it was kept."""
        with self._path.open("r+b") as file:
            length = self._usable(file)
            index, rest = divmod(length, CHUNK)
            data = (self._chunk(file, index) if rest else b"") + data
            for number, start in enumerate(range(0, len(data), CHUNK), index):
                file.seek(number * _SLOT)
                file.write(self._sealed(number, data[start : start + CHUNK]))
        return index * CHUNK + len(data)

    def replace(self, content: bytes) -> None:
        """This and nothing else; a reader sees all of it or what was there before."""
        unfinished = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        try:
            unfinished.touch(mode=0o600)
            with unfinished.open("wb") as file:
                for number, start in enumerate(range(0, len(content), CHUNK)):
                    file.write(self._sealed(number, content[start : start + CHUNK]))
            unfinished.replace(self._path)
        finally:
            unfinished.unlink(missing_ok=True)

    def sync(self) -> None:
        """All of it is on the disk when this returns."""
        with self._path.open("r+b") as file:
            os.fsync(file.fileno())

    def clear(self) -> None:
        """Begin again."""
        with self._path.open("r+b") as file:
            file.truncate(0)

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The content from `start` to `end`, in pieces. Raises Unreadable where it is damaged."""
        with self._path.open("rb") as file:
            index = start // CHUNK
            while end is None or index * CHUNK < end:
                try:
                    piece = self._chunk(file, index)
                except InvalidTag as error:
                    raise Unreadable("what was kept is damaged") from error
                if not piece:
                    return
                base = index * CHUNK
                yield piece[max(0, start - base) : None if end is None else end - base]
                index += 1

    def _usable(self, file: BinaryIO) -> int:
        size = file.seek(0, os.SEEK_END)
        index = max(0, (size - 1) // _SLOT)
        try:
            last = len(self._chunk(file, index))
        except InvalidTag:
            file.truncate(index * _SLOT)
            last = 0
        return index * CHUNK + last

    def _chunk(self, file: BinaryIO, index: int) -> bytes:
        """Content of one slot, b"" behind the end. Raises InvalidTag."""
        file.seek(index * _SLOT)
        slot = file.read(_SLOT)
        if not slot:
            return b""
        if len(slot) <= _EXTRA:
            raise InvalidTag
        return self._cipher.decrypt(slot[:_NONCE], slot[_NONCE:], self._place(index))

    def _sealed(self, index: int, content: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, self._place(index))

    def _place(self, index: int) -> bytes:
        return self._name + index.to_bytes(8, "big")
