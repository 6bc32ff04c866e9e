"""Our door and screen beside a baresip pair: the same call, on the same machine, in the same minutes.

The same call: H.264 baseline 640x480@25 at 1 Mbit/s, G.722, noise suppression and gain control on the microphone (Speex
in baresip). Ours also cancels echo, which Debian's baresip cannot.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure, ratio
from sim.bench.process import CpuShare, largest_parts, memory
from sim.client import Community
from sim.footage.film import open_film
from sim.peers.baresip import CODECS, Baresip
from sim.world.sound import TURN

CALLS = 10
ROUNDS = 5
SECONDS = float(TURN)
"""One turn of the simulated people: the visitor speaks, then the resident. So each device speaks and listens."""
CLIP_SECONDS = 14
SIZE, RATE = (640, 480), 25
CALLER = f"<sip:door@{{address}}:{{port}};transport=udp>;regint=0{CODECS}"
PHONE = "phone1"


@dataclass(slots=True)
class Samples:
    """What one side took."""

    first_frame: list[float] = field(default_factory=list)
    caller_cpu: list[float] = field(default_factory=list)
    screen_cpu: list[float] = field(default_factory=list)
    caller_memory: list[float] = field(default_factory=list)
    screen_memory: list[float] = field(default_factory=list)


class Pair:
    """A baresip that calls and one that shows early video, with a picture file as the camera."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.screen, self.caller = Baresip(folder / "screen"), Baresip(folder / "caller", CALLER, picture=clip)

    def ring(self) -> float:
        """Call; ms from the INVITE until the screen had decoded its first frame."""
        lines = len(self.screen.log.lines)
        self.caller.dial(f"sip:screen@{self.screen.address}:{self.screen.port}")
        invited = self.screen.log.wait_for("sipsess connect", lines).at
        return (self.screen.first_frame(lines) - invited) * 1000

    def talk(self) -> None:
        """The screen answers."""
        lines = len(self.caller.log.lines)
        self.screen.accept()
        self.caller.log.wait_for("Call established", lines)

    def hang_up(self) -> None:
        """The caller ends it."""
        lines = len(self.screen.log.lines)
        self.caller.hang_up()
        self.screen.log.wait_for("audio: destroyed", lines)


def against_baresip() -> Iterator[Figure]:
    """First frame, CPU and memory of one call: ours through HomeLink, theirs straight."""
    ours, theirs = Samples(), Samples()
    notes: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intercom-bench-")))
        running = stack.enter_context(community("--screens", "0", "--plain-udp"))
        clip = write_clip(folder / "visitor.y4m")
        pair = Pair(folder, clip)
        stack.enter_context(pair.screen)
        stack.enter_context(pair.caller)
        for _ in range(CALLS):
            _first_frames(running, pair, ours, theirs)
        for _ in range(ROUNDS):
            notes = _our_call(running, ours)
            _their_call(pair, theirs)
    yield ratio("INVITE to first frame, ours / baresip pair", ours.first_frame, theirs.first_frame, 0.5, "ms")
    yield ratio("CPU in the call, door / baresip", ours.caller_cpu, theirs.caller_cpu, 1.0, "%", notes["door cpu"])
    yield ratio("CPU in the call, screen / baresip", ours.screen_cpu, theirs.screen_cpu, 1.25, "%", notes["screen cpu"])
    yield ratio("memory, door / baresip", ours.caller_memory, theirs.caller_memory, 1.75, "MB", notes["door memory"])
    yield ratio(
        "memory, screen / baresip", ours.screen_memory, theirs.screen_memory, 1.75, "MB", notes["screen memory"]
    )


def write_clip(path: Path) -> Path:
    """The simulator's visitor as raw pictures, which cost baresip's camera no decoding."""
    film = open_film(*SIZE, RATE)
    with path.open("wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (*SIZE, RATE))
        for _ in range(CLIP_SECONDS * RATE):
            out.write(b"FRAME\n")
            out.write(next(film).data)
    film.close()
    return path


def _first_frames(running: Community, pair: Pair, ours: Samples, theirs: Samples) -> None:
    rung = visit.ring(running)
    ours.first_frame.append(rung.pictured[PHONE] - rung.invited)
    visit.give_up(running)
    theirs.first_frame.append(pair.ring())
    pair.hang_up()


def _our_call(running: Community, ours: Samples) -> dict[str, str]:
    visit.ring(running)
    visit.answer(running, PHONE)
    door, screen = (visit.process_of(running[name]) for name in (visit.DOOR, PHONE))
    threads = _threads(running, visit.DOOR), _threads(running, PHONE)
    shares = CpuShare(door), CpuShare(screen)
    time.sleep(SECONDS)
    ours.caller_cpu.append(shares[0].percent())
    ours.screen_cpu.append(shares[1].percent())
    ours.caller_memory.append(_megabytes(door))
    ours.screen_memory.append(_megabytes(screen))
    notes = {
        "door cpu": _where(threads[0], _threads(running, visit.DOOR)),
        "screen cpu": _where(threads[1], _threads(running, PHONE)),
        "door memory": _what(door),
        "screen memory": _what(screen),
    }
    visit.hang_up(running, PHONE)
    return notes


def _their_call(pair: Pair, theirs: Samples) -> None:
    pair.ring()
    pair.talk()
    shares = CpuShare(pair.caller.process_id), CpuShare(pair.screen.process_id)
    time.sleep(SECONDS)
    theirs.caller_cpu.append(shares[0].percent())
    theirs.screen_cpu.append(shares[1].percent())
    theirs.caller_memory.append(_megabytes(pair.caller.process_id))
    theirs.screen_memory.append(_megabytes(pair.screen.process_id))
    pair.hang_up()


def _megabytes(process: int) -> float:
    return memory(process).proportional / 1024


def _threads(running: Community, device: str) -> dict[str, float]:
    used: dict[str, float] = running[device].stats()["process"]["threads"]
    return used


def _where(before: dict[str, float], after: dict[str, float]) -> str:
    """Percent of a core by thread, most first."""
    used = {name: seconds - before.get(name, 0) for name, seconds in after.items()}
    most = sorted(used.items(), key=lambda thread: -thread[1])[:5]
    return ", ".join(f"{name} {100 * seconds / SECONDS:.1f} %" for name, seconds in most)


def _what(process: int) -> str:
    return ", ".join(f"{name} {kilobytes / 1024:.1f}" for name, kilobytes in largest_parts(process, 8))
