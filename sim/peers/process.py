"""A program that runs beside us: what it says, line by line with the time, and an end that leaves nothing behind."""

import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hal.errors import IntercomError

LIMIT = 30.0
"""Seconds to wait for a sign; generous, for a slow shared machine."""
PATIENCE = 3.0
"""Seconds that a program has to end by itself."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class PeerError(IntercomError):
    """A peer did not do what it was asked to; the text holds its last words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a peer said, and when we read it, seconds of the monotonic clock."""

    at: float
    text: str


class PeerProcess:
    """Runs `command`; keeps all lines of its standard output and error, without colours."""

    def __init__(
        self, command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self.lines: list[Line] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            text=True,
            errors="replace",
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[str] | None) -> None:
        for text in output or ():
            with self._changed:
                self.lines.append(Line(time.monotonic(), _COLOURS.sub("", text.rstrip())))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def write(self, text: str) -> None:
        """Give `text` to its standard input."""
        if self.process.stdin:
            self.process.stdin.write(text)
            self.process.stdin.flush()

    def wait_for(self, pattern: str, start: int = 0, limit: float = LIMIT) -> Line:
        """The first line from number `start` on in which `pattern` is found. Raises PeerError."""
        deadline = time.monotonic() + limit
        while True:
            with self._changed:
                found = next((line for line in self.lines[start:] if re.search(pattern, line.text)), None)
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or (not self._changed.wait(min(left, 0.5)) and self.process.poll() is not None):
                    raise PeerError(f"{self.name} never said {pattern!r}; it said:\n{self.last_words()}")

    def last_words(self, most: int = 40) -> str:
        """The last lines that it said."""
        return "\n".join(line.text for line in self.lines[-most:])

    def exit_status(self, limit: float = LIMIT) -> int:
        """Wait for its end."""
        return self.process.wait(limit)

    def close(self) -> None:
        """End it: politely, then by force. Twice does no harm."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(LIMIT)
        self._reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
