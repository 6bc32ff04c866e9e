"""Files that are on the disk when a call returns: every write is followed by the fsync that makes it last."""

import errno
import os
from enum import StrEnum
from pathlib import Path

from endpoints.errors import EndpointError


class Trouble(StrEnum):
    """Why nothing can be kept at present."""

    FULL = "full"
    READ_ONLY = "read-only"
    BROKEN = "broken"


class StoreError(EndpointError):
    """Nothing can be kept now; the text says why."""

    def __init__(self, sentence: str, trouble: Trouble = Trouble.BROKEN) -> None:
        super().__init__(sentence)
        self.trouble = trouble


_TROUBLES = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EROFS: Trouble.READ_ONLY,
    errno.EACCES: Trouble.READ_ONLY,
    errno.EPERM: Trouble.READ_ONLY,
}


def told(error: OSError) -> StoreError:
    """What the system's error means here."""
    trouble = _TROUBLES.get(error.errno or 0, Trouble.BROKEN)
    return StoreError(f"the disk is {trouble}: {error.strerror or error}", trouble)


class Disk:
    """The few operations that the store is made of; all raise OSError."""

    def create(self, path: Path) -> int:
        """A new file that only we may read; its descriptor."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.sync_folder(path.parent)
        return file

    def append(self, file: int, data: bytes) -> None:
        """Add `data` at the end."""
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)

    def close(self, file: int) -> None:
        """Give the descriptor back."""
        os.close(file)

    def write(self, path: Path, offset: int, data: bytes) -> None:
        """Put `data` there, in a file that has been that long already."""
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            while data:
                written = os.pwrite(file, data, offset)
                data, offset = data[written:], offset + written
            os.fsync(file)
        finally:
            os.close(file)

    def cut(self, path: Path, size: int) -> None:
        """Leave only the first `size` bytes of a file."""
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(file, size)
            os.fsync(file)
        finally:
            os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its final name, in the same folder."""
        old.rename(new)
        self.sync_folder(new.parent)

    def remove(self, path: Path) -> None:
        """Delete a file; one that is gone is no error."""
        path.unlink(missing_ok=True)
        self.sync_folder(path.parent)

    def sync_folder(self, folder: Path) -> None:
        """Let the names in `folder` last."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
