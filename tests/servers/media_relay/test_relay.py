"""The supervisor: a relay that is up, or comes back, or says in a sentence why not; and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.errors import MediaRelayError
from servers.media_relay import Interface, MediaRelay, RelayPatience, RelaySettings, ng
from servers.media_relay.relay import find_executable
from tests.folders import open_to_others
from tests.servers.homes import own_address
from tests.servers.peer import LIMIT

pytestmark = pytest.mark.kamailio
QUICK = RelayPatience(between_probes=0.1, answer=0.2, deaf_after=2, longest_delay=0.5, stop=0.5)


@pytest.fixture
def relay() -> Iterator[MediaRelay]:
    """A running relay on a loopback address of its own."""
    made = MediaRelay(RelaySettings((Interface(own_address()),)), QUICK)
    made.start()
    yield made
    made.stop()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 2 * LIMIT
    while not holds():
        assert time.monotonic() < deadline, f"never came true: {what}"
        threading.Event().wait(0.02)


def process_of(address: tuple[str, int]) -> int:
    """Process that serves this control address, 0 for none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(b"rtpengine") and f"--listen-ng={address[0]}:{address[1]}".encode() in arguments:
            return int(folder.name)
    return 0


def test_it_serves_and_stops_without_remains(relay: MediaRelay) -> None:
    assert relay.calls() == []
    assert relay.tokens() == {"RELAY_SOCKET": f"udp:127.0.0.1:{relay.address[1]}"}
    relay.stop()
    relay.stop()
    assert not ng.ping(relay.address, 0.1)
    assert not process_of(relay.address)


def test_it_runs_unprivileged(relay: MediaRelay) -> None:
    process = process_of(relay.address)
    assert Path(f"/proc/{process}").stat().st_uid != 0
    assert "CapEff:\t0000000000000000" in Path(f"/proc/{process}/status").read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_deaf_relay_is_started_again_at_the_same_address(relay: MediaRelay, number: signal.Signals) -> None:
    before = process_of(relay.address)
    os.kill(before, number)
    until(lambda: process_of(relay.address) not in (0, before) and relay.ready.is_set(), "a new relay serves")
    assert relay.calls() == []


def test_it_can_be_started_again_after_a_stop(relay: MediaRelay) -> None:
    relay.stop()
    relay.start()
    assert relay.calls() == []


def test_it_dies_with_its_supervisor() -> None:
    program = (
        "from servers.media_relay import *; import sys\n"
        f"relay = MediaRelay(RelaySettings((Interface({own_address()!r}),))); relay.start()\n"
        "print(relay.address[1], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        address = ("127.0.0.1", int(supervisor.stdout.readline()))
        assert process_of(address)
        supervisor.kill()
    until(lambda: not process_of(address), "no relay is left")


def test_an_address_of_another_machine_is_told_in_a_sentence() -> None:
    relay = MediaRelay(RelaySettings((Interface("192.0.2.1"),)), QUICK)
    with pytest.raises(MediaRelayError, match=r"cannot listen on 192\.0\.2\.1: Cannot assign requested address"):
        relay.start()


def test_a_failed_start_gives_rtpengines_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "rtpengine"
    program.write_text("#!/bin/sh\necho 'CRIT: no ports left' >&2\nexit 1\n")
    program.chmod(0o755)
    open_to_others(tmp_path)  # the relay runs as another user
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(MediaRelayError, match=r"the media relay cannot start: .*no ports left"):
        MediaRelay(RelaySettings((Interface(own_address()),)), QUICK).start()


def test_missing_rtpengine_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.media_relay.relay.shutil.which", lambda *_, **__: None)
    with pytest.raises(MediaRelayError, match="apt-get install rtpengine-daemon"):
        find_executable()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Interface("cloud.example"), "no IP address"),
        (lambda: Interface("127.0.0.1", "x"), "no IP address"),
        (lambda: RelaySettings(()), "needs an address"),
        (lambda: RelaySettings((Interface("127.0.0.1"),), 2000, 1999), "no range of ports"),
        (lambda: RelaySettings((Interface("127.0.0.1"),), 80, 1999), "no range of ports"),
    ],
)
def test_settings_that_cannot_be_served_are_refused(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(MediaRelayError, match=reason):
        make()
