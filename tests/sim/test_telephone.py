"""The simulated telephone as a gateway's peer meets it: rings, answers, declines, sends keys, is a voicemail."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.community import free_port
from sim.link import SOCKET
from sim.plan import ADDRESS
from sim.processes import module
from sim.world.device import Device
from tests.peers.agent import AgentPeer
from tests.sim.worlds import WorldThread, running_world, wait_for

NUMBER = "+12025550147"
LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Line:
    """A telephone, the world it stands in, and a trunk's other end that calls it."""

    telephone: Device
    thread: WorldThread
    trunk: AgentPeer
    uri: str

    def rings(self) -> str:
        call = self.trunk.call(self.uri)
        self.waits_for("ringing")
        self.trunk.wait("Ringing", code=180)
        return call

    def waits_for(self, event: str, **facts: object) -> None:
        log = self.telephone.log
        wait_for(lambda: [e for e in log.after(0) if e.event == event and facts.items() <= e.facts.items()], LIMIT)

    def press(self, button: str) -> None:
        self.thread.do(self.telephone.press, button)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    telephone, port = Device("telephone1", "telephone", "301"), free_port()
    with (
        tempfile.TemporaryDirectory(prefix="sim-telephone-") as folder,
        running_world(Path(folder), telephone) as thread,
        plugged_in(thread, port),
        closing(AgentPeer(tmp_path, free_port(), display_name="Gate 1")) as trunk,
    ):
        wait_for(lambda: {"keypad", "hangup_button"} <= telephone.parts, LIMIT)
        yield Line(telephone, thread, trunk, f"sip:{NUMBER}@{ADDRESS}:{port}")


@contextmanager
def plugged_in(thread: WorldThread, port: int) -> Iterator[None]:
    environment = os.environ | {SOCKET: str(thread.world.socket_path("telephone1"))}
    arguments = module("sim.telephone", "--port", str(port), "--number", NUMBER)
    process = subprocess.Popen(arguments, env=environment)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(LIMIT) == 0


def test_it_is_answered_and_its_keys_travel_as_telephone_events(line: Line) -> None:
    call = line.rings()
    assert line.telephone.scene.title == "Gate 1 is calling"
    line.press("answer")
    line.waits_for("audio-started")
    assert line.thread.run(line.telephone.ask("stats"))["codec"] == "PCMU"
    line.thread.do(line.telephone.type, "1")
    assert line.trunk.wait("Dtmf")["method"] == "rfc4733"
    line.trunk.do("hang_up", call=call)
    line.waits_for("ended", outcome="hung-up")
    wait_for(lambda: line.telephone.scene.title == NUMBER, LIMIT)


def test_a_person_declines(line: Line) -> None:
    line.rings()
    line.press("decline")
    assert line.trunk.wait("Ended")["code"] == 603
    line.waits_for("ended", outcome="declined")


def test_a_voicemail_answers_by_itself_and_talks(line: Line) -> None:
    line.thread.run(line.thread.world.device_fault("telephone1", "voicemail-on"))
    line.rings()
    line.waits_for("answered", voicemail=True)
    wait_for(lambda: any(line.telephone.room.said.last(5)[1]), LIMIT)
    line.press("hangup")
    line.trunk.wait("Ended", code=200)
