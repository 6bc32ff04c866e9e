"""Starting and stopping an endpoint: files that cannot be used, devices that are not there, signals."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from endpoints.composition import run_endpoint
from endpoints.door_station.main import compose
from endpoints.sip.agent import SipAgent, SipEvent, SipSettings, VoicePath
from endpoints.sip.fake import FakeAgent
from hal.errors import HalError
from tests.endpoints.app_bench import BOARDS, site_file

SITE = """
people = "people.toml"
[device]
name = "door1"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
"""


class Agents:
    """Makes fake agents, and tells when one has started."""

    def __init__(self, on_start: Callable[[], None] = lambda: None) -> None:
        self.made: list[FakeAgent] = []
        self._on_start = on_start

    def __call__(self, settings: SipSettings, voice: VoicePath, on_event: Callable[[SipEvent], None]) -> SipAgent:
        self.made.append(FakeAgent(settings, voice, on_event))
        self._on_start()
        return self.made[0]


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "people.toml").write_text("[flats]\n")
    (tmp_path / "board.toml").write_text((BOARDS / "mock-door-station.toml").read_text())
    return ["--board", str(tmp_path / "board.toml"), "--site", str(site_file(tmp_path, SITE)), "--log-level", "warning"]


def run(arguments: Sequence[str], agents: Agents) -> int:
    return run_endpoint("door-station", arguments, compose, agents)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_nothing_left(arguments: list[str], number: signal.Signals) -> None:
    before = set(threading.enumerate())
    agents = Agents(lambda: threading.Timer(0.05, os.kill, (os.getpid(), number)).start())
    assert run(arguments, agents) == 0
    assert agents.made[0].closed
    left = set(threading.enumerate()) - before
    assert {thread.name for thread in left if not isinstance(thread, threading.Timer)} == set()


def test_unusable_files_are_told_in_sentences(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path(arguments[3]).write_text("[sip]\nuser = 7\n")
    assert run(arguments, Agents()) == 2
    told = capsys.readouterr().err
    assert "device: is missing" in told
    assert "Traceback" not in told


def test_an_unknown_backend_is_told_with_the_installed_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    board = Path(arguments[1])
    board.write_text(
        board.read_text().replace('[devices.camera]\nbackend = "mock"', '[devices.camera]\nbackend = "moc"')
    )
    agents = Agents()
    assert run(arguments, agents) == 2
    assert "devices.camera.backend: there is no camera backend 'moc' (did you mean 'mock'?)" in capsys.readouterr().err
    assert agents.made[0].closed


def test_a_lock_that_is_not_there_is_an_error_not_a_pretence(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(kind: str = "fail-secure") -> None:
        raise OSError("no such pin")

    monkeypatch.setattr("hal.mock.MockRelay", broken)
    agents = Agents()
    with pytest.raises(HalError, match="no such pin"):
        run(arguments, agents)
    assert agents.made[0].closed
