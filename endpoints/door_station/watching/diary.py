"""Who watched the door, from when until when, and who was refused: JSON lines in the device's data folder."""

import json
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

LARGEST = 1 << 20
"""Bytes; a full file is kept beside the new one until that is full too."""


def utc(when: float | None = None) -> str:
    """RFC 3339 with milliseconds; `when` is Unix time, without it now."""
    moment = datetime.now(UTC) if when is None else datetime.fromtimestamp(when, UTC)
    return moment.isoformat(timespec="milliseconds")


class Diary:
    """Writes beside the stream, in order; a disk that takes nothing is told once, and nobody's picture waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complained = False
        self._writing = ThreadPoolExecutor(1, "watching-diary")

    def write(self, facts: Mapping[str, object]) -> None:
        """Add one line, with the time; returns at once."""
        line = json.dumps({"time": utc(), **facts}) + "\n"
        self._writing.submit(self._append, line.encode())

    def close(self) -> None:
        """Write what is left; twice does no harm."""
        self._writing.shutdown()

    def _append(self, line: bytes) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, line)
                full = os.fstat(file).st_size >= LARGEST
            finally:
                os.close(file)
            if full:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        except OSError as error:
            if not self._complained:
                log.error("who watches cannot be written down in %s: %s", self._path, error.strerror)
            self._complained = True
        else:
            self._complained = False
