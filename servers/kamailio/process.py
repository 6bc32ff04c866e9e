"""The Kamailio process of one server: started, questioned, restarted when dead or deaf, stopped without remains."""

import contextlib
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import IO

from servers.errors import KamailioError
from servers.kamailio.config import KamailioConfig, Listener
from servers.kamailio.log import LogReader
from servers.kamailio.probe import probe

_logger = logging.getLogger(__name__)

PRIVATE_MEGABYTES = 8
"""Of each process, at most; 4 are too few for a node of a cluster that also keeps lamps."""
LEFTOVER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits for what; seconds."""

    start: float = 15.0
    """From exec to the first answer."""
    between_probes: float = 5.0
    answer: float = 2.0
    deaf_after: int = 3
    """Unanswered probes in a row that make a server deaf."""
    stop: float = 0.7
    first_delay: float = 0.2
    longest_delay: float = 30.0
    healthy: float = 60.0
    """Uptime after which the delay before a restart begins at `first_delay` again."""


class Kamailio:
    """Runs one Kamailio in the foreground of `run()`.

    `before_start` is called before each start, while no Kamailio runs.
    `stop()` may be called from any thread or signal handler. The server dies with this process, even with kill -9.
    """

    def __init__(
        self,
        config: KamailioConfig,
        patience: Patience | None = None,
        before_start: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = replace(config, probe_user=token_hex(8))
        self._patience = patience or Patience()
        self._before_start = before_start
        self.ready = threading.Event()
        """Set while the server answers."""
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        """Not an Event: `stop` is called in signal handlers, which must not wait for a lock that their thread holds."""
        self._stopping = False
        self._was_ready = False
        self._reader = threading.Thread()
        self._log = LogReader(logging.getLogger(f"kamailio.{config.name}"))

    def stop(self) -> None:
        """Ask `run()` to end the server and return."""
        self._stopping = True
        self._wakes.put(None)

    def run(self) -> None:
        """Serve until `stop()`. Raises KamailioError if the server cannot be started at all (first start only)."""
        executable = find_executable()
        delay = self._patience.first_delay
        end_leftover(self._config.run_folder)
        while not self._stopping:
            began = time.monotonic()
            self._serve_once(executable)
            if self._stopping:
                return
            if time.monotonic() - began > self._patience.healthy:
                delay = self._patience.first_delay
            _logger.error("%s will be started again in %.1f s", self._config.name, delay)
            self._forget_wakes()
            self._sleep(delay)
            delay = min(delay * 2, self._patience.longest_delay)

    def _serve_once(self, executable: str) -> None:
        self._forget_wakes()
        self._log.forget()
        self._before_start()
        if not self._can_listen():
            return
        process = self._spawn(executable)
        try:
            if self._wait_until_it_answers(process):
                self._announce(process)
                self._watch(process)
        finally:
            self._end(process)

    def _can_listen(self) -> bool:
        """Kamailio itself would share a UDP port with another server, and each would lose half of the packets."""
        try:
            for listener in self._config.listeners:
                check_free(listener)
        except KamailioError as error:
            if not self._was_ready:
                raise
            _logger.error("%s did not come back: %s", self._config.name, error)
            return False
        return True

    def _spawn(self, executable: str) -> subprocess.Popen[str]:
        run = self._config.run_folder
        command = [executable, "-DD", "-E", "-f", str(self._config.write()), "-Y", ".", "-w", str(run)]
        command += ["-P", str(run / "pid"), "-m", str(self._config.capacity.shared_megabytes)]
        command += ["-M", str(PRIVATE_MEGABYTES)]
        (run / "pid").unlink(missing_ok=True)  # of one that was killed: Kamailio would not start beside its zombie
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read_log, args=(process.stderr,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._await_exit, args=(process,), daemon=True).start()
        return process

    def _await_exit(self, process: subprocess.Popen[str]) -> None:
        process.wait()
        self._wakes.put(None)

    def _read_log(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._log.feed(line)

    def _wait_until_it_answers(self, process: subprocess.Popen[str]) -> bool:
        deadline = time.monotonic() + self._patience.start
        pause = 0.01
        while not self._stopping and process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            self._sleep(pause)
            pause = min(pause * 1.5, 0.2)
        if not self._stopping:
            self._report_failed_start(process)
        return False

    def _report_failed_start(self, process: subprocess.Popen[str]) -> None:
        alive = process.poll() is None
        self._end(process)
        self._reader.join(self._patience.answer)
        reason = self._log.first_error() or ("it does not answer" if alive else f"exit status {process.returncode}")
        if not self._was_ready:
            raise KamailioError(f"{self._config.name} cannot start: {reason}")
        _logger.error("%s did not come back: %s", self._config.name, reason)

    def _announce(self, process: subprocess.Popen[str]) -> None:
        listeners = ", ".join(map(str, self._config.listeners))
        _logger.info("%s serves %s (process %d)", self._config.name, listeners, process.pid)
        self._was_ready = True
        self.ready.set()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """Returns when the process died, is deaf, or is to be stopped."""
        unanswered = 0
        while not self._stopping:
            self._sleep(self._patience.between_probes)
            if self._stopping:
                return
            if process.poll() is not None:
                _logger.error("%s died with status %s", self._config.name, process.returncode)
                return
            unanswered = 0 if self._answers() else unanswered + 1
            if unanswered >= self._patience.deaf_after:
                _logger.error("%s is deaf: %d questions unanswered", self._config.name, unanswered)
                return

    def _answers(self) -> bool:
        config, authority = self._config, self._config.tls.authority if self._config.tls else None
        return all(
            probe(listener, config.probe_user, self._patience.answer, authority) for listener in config.listeners
        )

    def _sleep(self, seconds: float) -> None:
        if not self._stopping:
            with contextlib.suppress(queue.Empty):
                self._wakes.get(timeout=seconds)

    def _forget_wakes(self) -> None:
        while not self._wakes.empty():
            self._wakes.get()

    def _end(self, process: subprocess.Popen[str]) -> None:
        """SIGTERM to the server, then SIGKILL to whatever is left of its session."""
        self.ready.clear()
        self._log.expect_end()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(self._patience.stop)
            except subprocess.TimeoutExpired:
                _logger.warning("%s had to be killed", self._config.name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_leftover(run_folder: Path) -> None:
    """Kill what is left of the Kamailio of a supervisor that was killed: it holds the port, and may do so for ever.

    The caller holds the data folder: whatever else works in it is left over.
    """
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while (found := leftovers(run_folder)) and time.monotonic() < deadline:
        _logger.warning("%d processes of a Kamailio that was left over are ended", len(found))
        for number in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def leftovers(run_folder: Path) -> list[int]:
    """The processes of a Kamailio that works in that folder."""
    mine = str(run_folder).encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            words = path.read_bytes().split(b"\0")
            if words[0].endswith(b"kamailio") and mine in words:
                found.append(int(path.parent.name))
    return found


def check_free(listener: Listener) -> None:
    """Raises KamailioError if this address and port cannot be served."""
    stream = listener.transport != "udp"
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as trial:
        if stream:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last run may linger
        try:
            trial.bind((listener.address, listener.port))
        except OSError as error:
            raise KamailioError(f"cannot listen on {listener}: {error.strerror}") from error


def find_executable() -> str:
    """Path of kamailio, which Debian keeps outside a user's PATH. Raises KamailioError with what to install."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("kamailio", path=f"{path}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise KamailioError(
            "kamailio is not installed: apt-get install kamailio kamailio-sqlite-modules kamailio-tls-modules "
            "kamailio-presence-modules"
        )
    if shutil.which("setpriv") is None:
        raise KamailioError("setpriv is not installed: apt-get install util-linux")
    return found
