"""Makes a server silent: its processes are stopped where they are, so that connections stay open and nothing answers.

A watchman of ours lets them go on when it is told to, and also if we are killed: no stopped process is left behind.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_WATCHMAN = 'cat >/dev/null; for process in "$@"; do kill -CONT "$process" 2>/dev/null; done'


def family(process: int) -> list[int]:
    """The process and all its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [process]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile


class Frozen:
    """Processes that stand still, until `thaw`."""

    def __init__(self, watchman: asyncio.subprocess.Process) -> None:
        self._watchman = watchman

    @classmethod
    async def freeze(cls, process: int) -> "Frozen":
        """Stop a process and its descendants; a parent first, so that it does not miss its children."""
        processes = family(process)
        words = [str(each) for each in reversed(processes)]
        watchman = await asyncio.create_subprocess_exec(
            "sh", "-c", _WATCHMAN, "watchman", *words, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        return cls(watchman)

    async def thaw(self) -> None:
        """Let them go on, children first; twice does no harm."""
        if self._watchman.stdin:
            self._watchman.stdin.close()
        await self._watchman.wait()
