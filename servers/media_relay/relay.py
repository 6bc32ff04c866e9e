"""The rtpengine process of one server: started, questioned, restarted when dead or deaf, stopped without remains."""

import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from contextlib import closing, suppress
from typing import IO

from servers.errors import MediaRelayError
from servers.media_relay import ng
from servers.media_relay.settings import RelayPatience, RelaySettings

_logger = logging.getLogger(__name__)
_ACCOUNT = "rtpengine"
"""Debian's package makes it; root's relay runs as this user."""
_WARNING = 4
_CONTROL = "127.0.0.1"
_KEPT = 5


class MediaRelay:
    """Runs one rtpengine between `start()` and `stop()`, which may be called again, and from any thread.

    The relay dies with this process, even with kill -9. Calls that it relayed when it died are lost with it.
    """

    def __init__(self, settings: RelaySettings, patience: RelayPatience | None = None) -> None:
        self._settings = settings
        self._patience = patience or RelayPatience()
        self.address = (_CONTROL, _free_port())
        """Host and port of the control protocol; the same from start to start."""
        self.ready = threading.Event()
        """Set while the relay answers."""
        self._wake = threading.Event()
        self._stopping = False
        self._first = threading.Event()
        self._failure: MediaRelayError | None = None
        self._thread: threading.Thread | None = None
        self._errors: deque[str] = deque(maxlen=_KEPT)

    def tokens(self) -> dict[str, str]:
        """The values of the Kamailio configuration's tokens."""
        return {"RELAY_SOCKET": f"udp:{self.address[0]}:{self.address[1]}"}

    def start(self) -> None:
        """Return when the relay answers. Raises MediaRelayError with the reason if it does not come up."""
        executable = find_executable()
        for interface in self._settings.interfaces:
            _check_own(interface.address)
        self._stopping, self._failure = False, None
        self._wake.clear()
        self._first.clear()
        # One thread from here to the end: the child is told to die with the thread that made it.
        self._thread = threading.Thread(target=self._supervise, args=(executable,), name="media-relay", daemon=True)
        self._thread.start()
        self._first.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Return when the relay has ended. Harmless when it does not run."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def calls(self) -> list[str]:
        """Names of the calls relayed now. Raises MediaRelayError if the relay does not answer."""
        return ng.calls(self.address, self._patience.answer)

    def _supervise(self, executable: str) -> None:
        delay = self._patience.first_delay
        while not self._stopping:
            began = time.monotonic()
            self._serve_once(executable)
            if not self._first.is_set():
                self._failure = MediaRelayError(f"the media relay cannot start: {self._reason()}")
                break
            if self._stopping:
                break
            if time.monotonic() - began > self._patience.healthy:
                delay = self._patience.first_delay
            _logger.error("media relay will be started again in %.1f s: %s", delay, self._reason())
            self._wake.wait(delay)
            delay = min(delay * 2, self._patience.longest_delay)
        self._first.set()

    def _serve_once(self, executable: str) -> None:
        self._errors.clear()
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *_privileges(), *self.command(executable)],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        reader = threading.Thread(target=self._read_log, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            if self._wait_until_it_answers(process):
                _logger.info("media relay serves %s", ", ".join(map(str, self._settings.interfaces)))
                self.ready.set()
                self._first.set()
                self._watch(process)
        finally:
            died = process.poll() is not None
            self._end(process)
            reader.join(self._patience.answer)
            if died and not self._errors:
                self._errors.append(f"it died with status {process.returncode}")

    def command(self, executable: str) -> list[str]:
        """The program and its arguments; no configuration file of the machine is read."""
        chosen = self._settings
        options = {
            "config-file": "none",
            "listen-ng": f"{self.address[0]}:{self.address[1]}",
            "table": -1,  # no kernel module
            "port-min": chosen.first_port,
            "port-max": chosen.last_port,
            "timeout": chosen.silent_seconds,
            "silent-timeout": chosen.call_seconds,
            "offer-timeout": chosen.silent_seconds * 5,
            "final-timeout": chosen.call_seconds,
            "delete-delay": 0,
            "num-threads": max(2, os.cpu_count() or 0),
            "media-num-threads": 0,
            "log-level": _WARNING,  # more would write SDP, and with it the keys of SRTP, into the log
        }
        lines = [f"--{name}={value}" for name, value in options.items()]
        interfaces = [f"--interface={interface}" for interface in chosen.interfaces]
        return [executable, *lines, *interfaces, "--foreground", "--log-stderr", "--no-log-timestamps"]

    def _read_log(self, stream: IO[str]) -> None:
        with stream:
            for line in filter(None, map(str.strip, stream)):
                self._errors.append(line)
                _logger.warning("rtpengine: %s", line)

    def _reason(self) -> str:
        return self._errors[-1] if self._errors else "it does not answer"

    def _wait_until_it_answers(self, process: subprocess.Popen[str]) -> bool:
        deadline = time.monotonic() + self._patience.start
        while not self._stopping and process.poll() is None and time.monotonic() < deadline:
            if ng.ping(self.address, 0.2):
                return True
            self._wake.wait(0.02)
        return False

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """Returns when the process died, is deaf, or is to be stopped."""
        unanswered = 0
        died = threading.Thread(target=self._await_exit, args=(process,), daemon=True)
        died.start()
        while not self._stopping and process.poll() is None:
            self._wake.wait(self._patience.between_probes)
            if self._stopping:
                return
            if process.poll() is not None:
                return
            unanswered = 0 if ng.ping(self.address, self._patience.answer) else unanswered + 1
            if unanswered >= self._patience.deaf_after:
                self._errors.append(f"{unanswered} questions unanswered")
                return

    def _await_exit(self, process: subprocess.Popen[str]) -> None:
        process.wait()
        self._wake.set()

    def _end(self, process: subprocess.Popen[str]) -> None:
        self.ready.clear()
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._patience.stop)
        if process.poll() is None:
            process.kill()
        process.wait()
        self._wake.clear()
        if self._stopping:  # stop() may have been called just before the line above
            self._wake.set()


def find_executable() -> str:
    """Path of rtpengine. Raises MediaRelayError with what to install."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("rtpengine", path=f"{path}:/usr/bin:/usr/sbin:/usr/local/bin")
    if found is None:
        raise MediaRelayError("rtpengine is not installed: apt-get install rtpengine-daemon")
    return found


def _check_own(address: str) -> None:
    """rtpengine itself would start, and fail with every call."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as trial:
            trial.bind((address, 0))
    except OSError as error:
        raise MediaRelayError(f"the media relay cannot listen on {address}: {error.strerror}") from error


def _privileges() -> list[str]:
    """Options of setpriv(1): a relay of root's runs as the package's own user, every relay without any capability."""
    if os.geteuid() != 0:
        return ["--no-new-privs"]
    return [f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]


def _free_port() -> int:
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as trial:
        trial.bind((_CONTROL, 0))
        port: int = trial.getsockname()[1]
        return port
