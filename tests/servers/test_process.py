"""The supervisor: one server that is up, or comes back, or says in a sentence why not; and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.errors import KamailioError, NotRunning, ServerError
from servers.homelink.server import HomeLink
from servers.homelink.site import load_site
from servers.kamailio import rpc
from servers.kamailio.config import Listener, Transport
from servers.kamailio.probe import probe
from servers.kamailio.process import Patience, find_executable
from tests.folders import open_to_others
from tests.servers.homes import Server, own_address, running_home, write_site
from tests.servers.peer import LIMIT

pytestmark = pytest.mark.kamailio
QUICK = Patience(between_probes=0.1, answer=1.0, deaf_after=2, longest_delay=0.5)


@contextmanager
def served(folder: Path, *transports: Transport) -> Iterator[Listener]:
    """A HomeLink in a thread of the test, with a supervisor in a hurry."""
    site = load_site(write_site(folder, own_address(), transports, None))
    server = HomeLink(site, QUICK)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(LIMIT)
        yield site.listeners[0]
    finally:
        server.stop()
        thread.join(LIMIT)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 4 * LIMIT
    while not holds():
        assert time.monotonic() < deadline, f"never came true: {what}"
        threading.Event().wait(0.02)


def session_of(folder: Path) -> list[int]:
    """Processes of the Kamailio that serves from this folder."""
    file = folder / "data/run/pid"
    leader = file.read_text().strip() if file.exists() else ""
    found = subprocess.run(["ps", "-o", "pid=", "-s", leader or "0"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def alive(pid: int) -> bool:
    """Runs; one that ended but that nobody asked about yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_new(before: list[int], now: list[int]) -> bool:
    return bool(now) and not set(before) & set(now)


def test_sigterm_ends_everything_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp", "tcp", "tls") as home:
        processes = session_of(tmp_path)
        assert len(processes) > 5
        began = time.monotonic()
        assert home.server.stop() == 0
        assert time.monotonic() - began < LIMIT / 3
        assert not any(alive(pid) for pid in processes)
        assert "ERROR" not in home.server.log
        assert "CRITICAL" not in home.server.log


def test_a_burst_of_signals_ends_it_like_one(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp") as home:
        for _ in range(200):
            home.server.process.send_signal(signal.SIGTERM)
        assert home.server.stop() == 0


def test_kamailio_dies_with_its_supervisor(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp") as home:
        processes = session_of(tmp_path)
        home.server.process.kill()
        until(lambda: not any(alive(pid) for pid in processes), "no Kamailio is left")


def test_a_dead_server_is_started_again(tmp_path: Path) -> None:
    with served(tmp_path, "udp") as listener:
        before = session_of(tmp_path)
        os.kill(before[-1], signal.SIGKILL)  # one of its workers
        until(lambda: is_new(before, session_of(tmp_path)) and probe(listener, timeout=1.0), "a new one serves")


def test_a_deaf_server_is_started_again(tmp_path: Path) -> None:
    """All of its processes live, but they do nothing: only a question shows it."""
    with served(tmp_path, "udp") as listener:
        before = session_of(tmp_path)
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: is_new(before, session_of(tmp_path)) and probe(listener, timeout=1.0), "a new one serves")


def test_what_a_killed_server_left_over_does_not_keep_the_next_one_from_its_port(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp") as home:
        left = session_of(tmp_path)
        for pid in left:
            os.kill(pid, signal.SIGSTOP)  # so that it does not end with its supervisor
        home.server.process.kill()
        home.server.process.wait(LIMIT)
        home.start_again()
        assert is_new(left, session_of(tmp_path))
        assert home.server.stop() == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path, transport: Transport) -> None:
    """Two servers on one UDP port would both start, and each lose packets to the other."""
    with running_home(tmp_path, transport) as home:
        second = tmp_path / "second.toml"
        second.write_text(home.site_file.read_text().replace('"data"', '"data2"'))
        with pytest.raises(KamailioError, match=rf"cannot listen on {home.listener()}: Address already in use"):
            HomeLink(load_site(second)).run()


def test_an_address_of_another_machine_is_told_in_a_sentence(tmp_path: Path) -> None:
    site = write_site(tmp_path, own_address(), ("udp",), None)
    site.write_text(re.sub(r'address = ".*"', 'address = "192.0.2.1"', site.read_text()))
    with pytest.raises(KamailioError, match=r"cannot listen on udp:192\.0\.2\.1:\d+: Cannot assign requested address"):
        HomeLink(load_site(site)).run()


def test_a_failed_start_gives_kamailios_own_reason(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path, own_address(), ("udp",), None))
    site.databases.prepare()
    site.databases.accounts.unlink()
    site.databases.accounts.mkdir()
    with pytest.raises(KamailioError, match=r"homelink cannot start: .*failed to open sqlite database"):
        HomeLink(site).run()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp") as home, pytest.raises(ServerError, match="another HomeLink already serves"):
        HomeLink(home.site).run()


def test_missing_kamailio_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.kamailio.process.shutil.which", lambda *_, **__: None)
    with pytest.raises(KamailioError, match="apt-get install kamailio"):
        find_executable()


def test_it_runs_as_an_ordinary_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user here; every other test already ran unprivileged")
    site = write_site(tmp_path, own_address(), ("udp",), None)
    open_to_others(tmp_path)
    os.chown(tmp_path, 65534, 65534)
    site.chmod(0o644)
    nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run(
        ["setpriv", *nobody, sys.executable, "-c", "import servers.homelink.main"], check=False
    ).returncode:
        pytest.skip("this checkout or its Python cannot be read by other users")
    server = Server(site, nobody)
    try:
        server.wait_for("homelink serves")
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in session_of(tmp_path)}
        assert owners == {65534}
    finally:
        assert server.stop() == 0


def test_the_control_socket_of_no_server(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no server runs in"):
        rpc.call(tmp_path / "rpc.sock", "core.uptime")


def test_control_commands_are_answered_or_refused(tmp_path: Path) -> None:
    with running_home(tmp_path, "udp") as home:
        assert rpc.call(home.site.control, "core.uptime")["uptime"] >= 0
        with pytest.raises(ServerError, match=r"refused no\.such"):
            rpc.call(home.site.control, "no.such")
