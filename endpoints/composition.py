"""How every endpoint is put together: files, then the agent, devices, heavy libraries last; closed in reverse.

An app's `main` gives `run_endpoint` a function that adds its own devices; what is opened last is closed first.
"""

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from endpoints.config import Board, Configuration, load_endpoint
from endpoints.config.backends import device_problems
from endpoints.errors import ConfigError
from endpoints.events import DeviceLost, DeviceReturned
from endpoints.heap import settle_heap
from endpoints.log import LEVELS, configure_logging
from endpoints.runtime import Loop, stop_on_signals
from endpoints.sip.agent import SipAgent, SipEvent, SipSettings, VoicePath
from endpoints.sound import Sound
from hal.errors import HalError, IntercomError
from hal.recovery import SteadyMicrophone, SteadySpeaker
from hal.service_port import ServicePort
from media.voice import Voice

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that the loading of heavy libraries waits for the registration."""
CONFIGURATION_PROBLEM = 2

NewAgent = Callable[[SipSettings, VoicePath, Callable[[SipEvent], None]], SipAgent]


class Closable(Protocol):
    """What is given back at the end."""

    def close(self) -> None:
        """Give it back; twice does no harm."""


C = TypeVar("C", bound=Closable)


class App(Protocol):
    """What runs on the loop."""

    def handle(self, event: Any) -> None:
        """Take one event."""


def pjsua_agent(settings: SipSettings, voice: VoicePath, on_event: Callable[[SipEvent], None]) -> SipAgent:
    """The agent of a real device."""
    from endpoints.sip.pjsua import PjsuaAgent

    return PjsuaAgent(settings, voice, on_event)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is there before an app's own parts: its files, its loop, and the stack that closes what was opened."""

    configuration: Configuration
    loop: Loop
    running: ExitStack
    new_agent: NewAgent = pjsua_agent

    @property
    def board(self) -> Board:
        """The board file."""
        return self.configuration.board

    def keep(self, part: C) -> C:
        """`part`, closed when the app ends."""
        self.running.callback(part.close)
        return part

    def device(self, name: str) -> Any | None:
        """The device of the board file, open; None if this board has none. Raises HalError."""
        device = self.board.open(name)
        return None if device is None else self.keep(device)

    def opener(self, name: str) -> Callable[[], Any]:
        """Opens device `name` when it is needed, as often as it is needed."""
        return partial(self.board.open, name)

    def report(self, name: str, error: HalError | None) -> None:
        """Tell the app that a device went away or is back."""
        self.loop.post(DeviceReturned(name) if error is None else DeviceLost(name, str(error)))


@dataclass(frozen=True, slots=True)
class Line:
    """The connection to the others, which comes first: sound, agent, service port."""

    voice: Voice
    sound: Sound
    agent: SipAgent
    port: ServicePort | None
    settled: threading.Event
    """Set when the registration needs the processor no more, or a call needs the libraries now."""


def open_line(frame: Frame, peer_to_peer: bool = False) -> Line:
    """Open what it takes to register, and register. Raises ConfigError, SipError, HalError.

    `peer_to_peer`: calls go to the host of the address that is called, not to the registrar.
    """
    microphone = frame.keep(SteadyMicrophone(frame.opener("microphone"), frame.report))
    speaker = frame.keep(SteadySpeaker(frame.opener("speaker"), frame.report))
    voice = frame.keep(Voice(microphone, speaker, frame.board.echo.processing))
    sound = frame.keep(Sound(voice, frame.configuration.site.device.languages))
    settled = threading.Event()

    def on_event(event: SipEvent) -> None:
        settled.set()
        frame.loop.post(event)

    settings = replace(frame.configuration.site.sip_settings(), through_registrar=not peer_to_peer)
    if settings.registrar is None:
        settled.set()
    agent = frame.new_agent(settings, voice, on_event)
    frame.running.callback(agent.close)
    agent.start()
    _check_devices(frame.board)
    return Line(voice, sound, agent, frame.device("service_port"), settled)


def _check_devices(board: Board) -> None:
    """Raise ConfigError with everything that no backend will do; this imports the backends, so the agent goes first."""
    problems = "\n".join(f"board {board.name}: {problem}" for problem in device_problems(board))
    if problems:
        raise ConfigError(problems)


def prepare_later(frame: Frame, settled: threading.Event, jobs: Sequence[Callable[[], None]]) -> None:
    """Do the `jobs`, which load large libraries, one after the other on a thread once the registration is through."""

    def work() -> None:
        settled.wait(PATIENCE)
        for job in jobs:
            try:
                job()
            except (ImportError, IntercomError) as error:
                log.error("this device cannot do everything: %s", error)

    thread = threading.Thread(target=work, name="prepare", daemon=True)
    frame.running.callback(thread.join)
    frame.running.callback(settled.set)
    thread.start()


def load_cryptography() -> None:
    """Have the signatures of unlock messages loaded before the first one."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: F401


def run_endpoint(
    kind: str, argv: Sequence[str], compose: Callable[[Frame], App], new_agent: NewAgent = pjsua_agent
) -> int:
    """Run an endpoint until SIGTERM or SIGINT: 0; 2 with sentences on standard error if its files cannot be used.

    Raises IntercomError if a device or the network is not there now.
    """
    arguments = _arguments(kind, argv)
    configure_logging(arguments.log_level)
    settle_heap()
    loop = Loop()
    with stop_on_signals(loop), ExitStack() as running:
        try:
            configuration = load_endpoint(arguments.board, arguments.site, kind)
            app = compose(Frame(configuration, loop, running, new_agent))
        except ConfigError as error:
            print(error, file=sys.stderr)
            return CONFIGURATION_PROBLEM
        loop.run(app.handle)
    return 0


def _arguments(kind: str, argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(f"intercom {kind}", description=f"Run a {kind} until it is stopped.")
    parser.add_argument("--board", type=Path, required=True, metavar="FILE", help="which backend drives which device")
    parser.add_argument("--site", type=Path, required=True, metavar="FILE", help="accounts, certificates, timers")
    parser.add_argument("--log-level", choices=LEVELS, type=str.upper, help="default: INTERCOM_LOG or INFO")
    return parser.parse_args(list(argv))
