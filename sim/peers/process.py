"""A program that runs beside a test: its output line by line, and an end that leaves nothing behind."""

import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT = 30.0
"""Seconds a test waits for a sign; generous, for a slow shared machine."""


class PeerProcess:
    """Runs `command`; keeps all lines of its standard output and error."""

    def __init__(
        self, command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self.lines: list[str] = []
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
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def write(self, text: str) -> None:
        """Give `text` to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, pattern: str, limit: float = LIMIT, start: int = 0) -> re.Match[str]:
        """The first line from number `start` on in which `pattern` is found. AssertionError at the limit."""
        deadline = time.monotonic() + limit
        while True:
            with self._changed:
                found = next((match for line in self.lines[start:] if (match := re.search(pattern, line))), None)
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or (not self._changed.wait(min(left, 0.5)) and self.process.poll() is not None):
                    tail = "\n".join(self.lines[-40:])
                    raise AssertionError(f"{self.name} never said {pattern!r}; it said:\n{tail}")

    def exit_status(self, limit: float = LIMIT) -> int:
        """Wait for its end."""
        return self.process.wait(limit)

    def close(self) -> None:
        """End it: politely, then by force."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(3)
        self._reader.join(3)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
