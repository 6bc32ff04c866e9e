"""A whole app on a bench: its own files and composition, fake devices, a fake SIP agent, a clock that a test moves."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import pytest

from endpoints.composition import App, Frame
from endpoints.config import Board, load_endpoint
from endpoints.runtime import Loop
from endpoints.sip.agent import SipAgent, SipEvent, SipSettings, VoicePath
from endpoints.sip.fake import FakeAgent
from endpoints.sound import Sound
from hal.mock import MockServicePort

BOARDS = Path(__file__).parents[2] / "board-configs"
LIMIT = 30.0


class AppWithSound(App, Protocol):
    """An app as the bench needs it."""

    @property
    def sound(self) -> Sound:
        """Its sound thread."""


A = TypeVar("A", bound=AppWithSound)


class Clock:
    """Time of the loop, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench(Generic[A]):
    """One app with everything that a test may touch."""

    app: A
    agent: FakeAgent
    devices: dict[str, Any]
    loop: Loop
    clock: Clock
    sound: Sound
    data: Path = field(default_factory=Path)

    @property
    def port(self) -> MockServicePort:
        """The technician."""
        port: MockServicePort = self.devices["service_port"]
        return port

    def settle(self) -> None:
        """Let the app take everything that waits, and its sound thread too."""
        self.loop.drain(self.app.handle)
        self.sound.settle()

    def pass_time(self, seconds: float) -> None:
        """Let timers run down that end within `seconds`."""
        self.clock.now += seconds
        self.settle()

    def wait(self, seen: Callable[[], bool], what: str) -> None:
        """Run the app until `seen()`; other threads may have a part in it. Raises AssertionError at the limit."""
        limit = time.monotonic() + LIMIT
        while not seen():
            assert time.monotonic() < limit, f"not seen within {LIMIT} s: {what}"
            self.settle()
            time.sleep(0.005)

    def told(self, event: str) -> list[dict[str, object]]:
        """The facts of each `event` that was published."""
        return [facts for name, facts in self.port.published if name == event]

    def phases(self) -> list[object]:
        """The phases that were reached, in order."""
        return [facts["new"] for facts in self.told("state")]

    def written(self) -> list[dict[str, Any]]:
        """The attempts to open the door that are on the disk."""
        return [json.loads(line) for line in (self.data / "unlock.jsonl").read_text().splitlines()]


@contextmanager
def bench(
    kind: str,
    compose: Callable[[Frame], A],
    site: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost: frozenset[str] = frozenset(),
) -> Iterator[Bench[A]]:
    """The app of `kind` with the mock board and these files; closed, and everything it opened, at the end."""
    devices = _recorded_devices(monkeypatch)
    board = f"mock-{kind}.toml"
    configuration = load_endpoint(BOARDS / board, site, kind)
    clock, agents = Clock(), list[FakeAgent]()

    def new_agent(settings: SipSettings, voice: VoicePath, on_event: Callable[[SipEvent], None]) -> SipAgent:
        agents.append(FakeAgent(settings, voice, on_event))
        return agents[0]

    loop = Loop(clock)
    with ExitStack() as running:
        app = compose(Frame(configuration, loop, running, new_agent))
        yield Bench(app, agents[0], devices, loop, clock, app.sound, configuration.site.data)
    assert agents[0].closed


def _recorded_devices(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    devices: dict[str, Any] = {}
    really_open = Board.open

    def open_and_keep(board: Board, name: str) -> Any:
        devices[name] = really_open(board, name)
        return devices[name]

    monkeypatch.setattr(Board, "open", open_and_keep)
    return devices


def site_file(folder: Path, text: str) -> Path:
    """A site file with these tables, as secret as it has to be."""
    path = folder / "site.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path
