"""Figures of our own community: one door station and up to eight screens, secured as on a real site unless told."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from sim import clock
from sim.bench import visit
from sim.bench.figure import Figure, at_median, at_p95, ratio
from sim.bench.process import start_ms
from sim.client import Community, DeviceClient, simulator

EIGHT = 7
"""Indoor units that make eight screens with the phone."""
VISITS = 20
CPU_SECONDS = 8.0
ROUNDS = 5
LOOKS = 40


@contextmanager
def community(*options: str) -> Iterator[Community]:
    """A simulator of our own, in which nobody speaks by himself."""
    with (
        tempfile.TemporaryDirectory(prefix="intercom-bench-") as folder,
        simulator(Path(folder), "--silent", *options) as running,
    ):
        yield running


def eight_screens() -> Iterator[Figure]:
    """From the key press to the picture, and what follows the answer, with eight screens."""
    with community("--screens", str(EIGHT)) as running:
        visit.ring(running)  # the first visit after a start is as fast as others, but the page cache is not
        visit.give_up(running)
        yield from _rings(running)
        yield from _answers(running)


def _rings(running: Community) -> Iterator[Figure]:
    visits = []
    for _ in range(VISITS):
        visits.append(visit.ring(running))
        visit.give_up(running)
    screens = len(running.screens)
    yield at_p95(f"key press to all of {screens} screens ringing", [each.all_ringing for each in visits], "ms", 100)
    name = f"key press to first frame on every one of {screens} screens"
    yield at_p95(name, [each.all_pictured for each in visits], "ms", 200)


def _answers(running: Community) -> Iterator[Figure]:
    taken, unlocked = [], []
    for number in range(VISITS):
        winner = running.screens[number % len(running.screens)].name
        visit.ring(running)
        taken.append(visit.answer(running, winner))
        unlocked.append(visit.unlock(running, winner))
        visit.hang_up(running, winner)
        running[visit.DOOR].wait_for("lock", visit.LIMIT, unlocked=False)
    yield at_p95("answer to two-way audio", [each.two_way_audio for each in taken], "ms", 200)
    yield at_p95("answer to the last loser silent", [each.losers_silent for each in taken], "ms", 50)
    yield at_p95("unlock pressed to relay on", unlocked, "ms", 150)


def camera_to_screen() -> Iterator[Figure]:
    """The clock in the shown picture against the moment in which it was shown."""
    with community() as running:
        visit.ring(running)
        delays = [_delay(running.screens[number % len(running.screens)]) for number in range(LOOKS)]
        visit.give_up(running)
    yield at_median("camera to screen, 640x480@25", delays, "ms", 100)


def _delay(screen: DeviceClient) -> float:
    answer = screen.picture()
    image = Image.open(io.BytesIO(answer.content))
    shown_ms, stamped_ms = float(answer.headers["X-Taken-Ms"]), clock.read_image(image)
    if stamped_ms is None:
        raise ValueError(f"{screen.name} shows a picture without a readable clock")
    return shown_ms - stamped_ms


def cpu_by_screens() -> Iterator[Figure]:
    """What seven more screens cost the door station: two communities, measured in turn."""
    one, eight = [], []
    with community("--screens", "0") as small, community("--screens", str(EIGHT)) as large:
        for _ in range(ROUNDS):
            one.append(_ringing_cpu(small))
            eight.append(_ringing_cpu(large))
    yield ratio("door station's CPU, 8 screens watching / 1", eight, one, 1.15, "%", "of a core, while ringing")


def _ringing_cpu(running: Community) -> float:
    visit.ring(running)
    share = _share(running, CPU_SECONDS)
    visit.give_up(running)
    return share


def _share(running: Community, seconds: float) -> float:
    return visit.cpu_while_watched(running, seconds).percent()


def start_to_registered() -> Iterator[Figure]:
    """An indoor unit is switched off and on."""
    with community("--screens", "1") as running:
        screen = running["indoor1"]
        times = [_restart(screen) for _ in range(7)]
    yield at_median("process start to registered", times, "ms", 800, "indoor unit, TLS")


def _restart(screen: DeviceClient) -> float:
    screen.fault("power-cut")
    screen.forget()
    screen.fault("power-back")
    process = int(screen.wait_for("process", visit.LIMIT, running=True).facts["process"])
    return screen.wait_for("registered", visit.LIMIT).ms - start_ms(process)
