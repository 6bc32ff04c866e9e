"""The community's processes: started by the same command as on a board, restarted as systemd would, ended in order."""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sim.errors import SimError
from sim.freezer import Frozen

logger = logging.getLogger(__name__)

PATIENCE = 4.0
"""Seconds that a process may take to end before it is killed."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before a process that died is started again; doubled each time."""


def command(*arguments: str | Path) -> list[str]:
    """`intercom ARGUMENTS` of this Python's environment, so bound to us that it ends even if we are killed."""
    return [*_tether(), str(Path(sys.executable).with_name("intercom")), *map(str, arguments)]


def module(name: str, *arguments: str) -> list[str]:
    """`python -m NAME ARGUMENTS`, bound to us likewise."""
    return [*_tether(), sys.executable, "-m", name, *arguments]


def _tether() -> list[str]:
    return ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


class Child:
    """One process, kept running while its power is on."""

    def __init__(
        self, name: str, arguments: list[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.deaths = 0
        self.past: list[int] = []
        """The numbers of all processes that this one has been."""
        self._arguments = arguments
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._frozen: Frozen | None = None

    @property
    def process_id(self) -> int | None:
        """The running process's number."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def give(self, environment: Mapping[str, str]) -> None:
        """More of its environment, from the next start on."""
        self._environment |= environment

    async def start(self) -> None:
        """Switch on. Must be called on the main thread: the tether holds to the thread that started the process."""
        if self._keeper is None:
            await self._spawn()
            self._keeper = asyncio.create_task(self._keep())

    async def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us: we end them in order
            )
        self.past.append(self._process.pid)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while self._process:
            status = await self._process.wait()
            self.deaths += 1
            logger.error("%s ended with status %d: %s; starting it again", self.name, status, self.last_words())
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            await self._spawn()

    def last_words(self) -> str:
        """The last line of the process's log."""
        with suppress(OSError):
            lines = self._log.read_text("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else "it said nothing"
        return "it left no log"

    async def cut(self) -> None:
        """Cut the power: the process is killed without warning and stays dead."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        await self._end(signal.SIGTERM)

    async def silence(self, on: bool) -> None:
        """Let the process and its descendants stand still, or go on."""
        if on and not self._frozen and self.process_id is not None:
            self._frozen = await Frozen.freeze(self.process_id)
        elif not on and self._frozen:
            frozen, self._frozen = self._frozen, None
            await frozen.thaw()

    async def _end(self, number: signal.Signals) -> None:
        await self.silence(False)
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        if self.process_id is None or self._process is None:
            return
        self._process.send_signal(number)
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except TimeoutError:
            logger.error("%s does not end within %g s; it is killed", self.name, PATIENCE)
            self._process.kill()
            await self._process.wait()


def need(*programs: str) -> None:
    """Raises SimError that names the missing ones of these programs."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    missing = [program for program in programs if not shutil.which(program, path=path)]
    if missing:
        raise SimError(f"missing here: {', '.join(missing)}; `make sim` installs what is needed")
