"""The simulator as strangers' scripts use it: ready file, visits, faults, several at once, and nothing left behind."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sim.client import Community, DeviceClient
from sim.processes import command
from sim.run_folder import sweep
from tests.sim.worlds import wait_for

pytestmark = pytest.mark.kamailio

LIMIT = 60.0
SCREENS = ("indoor1", "indoor2", "phone1")


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that the test itself ends."""

    process: subprocess.Popen[bytes]
    ready: Path
    folder: Path

    def processes(self) -> list[int]:
        """All processes that have to do with this simulator's folder, but the simulator itself."""
        return [number for number in _process_ids() if str(self.folder).encode() in _words(number)]


def _process_ids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _words(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() + Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Running]:
    ready, log, runs = folder / "ready.json", folder / "sim.log", folder / "runs"
    runs.mkdir()
    with log.open("wb") as output:
        arguments = command("sim", "--headless", "--community", "small", "--ready-file", ready, *options)
        environment = os.environ | {"TMPDIR": str(runs)}
        process = subprocess.Popen(arguments, stdout=output, stderr=output, env=environment)
    try:
        wait_for(lambda: ready.exists() or process.poll() is not None, LIMIT)
        assert ready.exists(), log.read_text()
        yield Running(process, ready, next(runs.iterdir()))
    finally:
        process.kill()
        process.wait(LIMIT)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a path that leaves room for Unix sockets below it."""
    with tempfile.TemporaryDirectory(prefix="sim-test-") as folder:
        yield Path(folder)


def visit(community: Community) -> list[DeviceClient]:
    """Dial, and wait until every screen has the picture; answers the screens."""
    for device in community.devices.values():
        device.forget()
    community["door1"].type("301#")
    for screen in community.screens:
        screen.wait_for("first-picture", LIMIT)
    return community.screens


def hang_up(community: Community) -> None:
    """End the visit that `visit` began, by the first screen."""
    screen = community.screens[0]
    screen.press("answer")
    screen.wait_for("answered", LIMIT)
    screen.press("hangup")
    community["door1"].wait_for("ended", LIMIT)


def test_the_ready_file_says_what_a_stranger_needs(community: Community) -> None:
    facts = community.facts
    assert set(facts) == {"token", "folder", "servers", "guests", "devices"}
    (server,) = facts["servers"]
    assert {key: server[key] for key in ("name", "role", "host", "transport")} == {
        "name": "homelink",
        "role": "homelink",
        "host": "127.0.0.1",
        "transport": "tls",
    }
    assert set(server) == {"name", "role", "host", "port", "transport", "realm"}
    assert set(facts["guests"][0]) == {"server", "user", "password"}
    assert [(each["name"], each["role"], each["flat"]) for each in facts["devices"]] == [
        ("door1", "door-station", None),
        ("indoor1", "indoor-unit", "301"),
        ("indoor2", "indoor-unit", "301"),
        ("phone1", "phone", "301"),
    ]
    assert all(each["control"].endswith(f"/devices/{each['name']}") for each in facts["devices"])


@pytest.mark.flow("V1")
@pytest.mark.flow("V4")
def test_every_screen_sees_the_visitor_before_anybody_answers(community: Community) -> None:
    screens = visit(community)
    for screen in screens:
        assert "answer" in screen.state()["scene"]["actions"]
        assert float(screen.picture().headers["X-Taken-Ms"]) > 0
    hang_up(community)
    assert all(screen.state()["phase"] != "ringing" for screen in screens)


def test_a_device_that_died_is_started_again(community: Community) -> None:
    phone = community["phone1"]
    process = next(each.facts["process"] for each in reversed(phone.events()) if each.event == "process")
    phone.forget()
    os.kill(int(process), signal.SIGKILL)
    phone.wait_for("process", LIMIT, running=False)
    phone.wait_for("process", LIMIT, running=True)
    phone.wait_for("registered", LIMIT)


def test_a_device_without_power_is_dark_until_it_has_power(community: Community) -> None:
    phone = community["phone1"]
    phone.forget()
    phone.fault("power-cut")
    assert phone.state()["running"] is False
    phone.fault("power-back")
    phone.wait_for("registered", LIMIT)
    assert phone.state()["faults"] == []


def test_two_simulators_side_by_side_and_an_interrupt_leaves_nothing(community: Community, short_path: Path) -> None:
    with started(short_path, "--plain-udp", "--screens", "1") as running:
        other = Community.of(running.ready)
        assert other.facts["servers"][0]["transport"] == "udp"
        assert other.facts["servers"][0]["port"] != community.facts["servers"][0]["port"]
        assert [screen.name for screen in visit(other)] == ["indoor1", "phone1"]
        assert community["indoor1"].state()["phase"] == "idle"
        other.close()
        assert running.folder.stat().st_mode & 0o777 == 0o700
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(LIMIT) == 0
        assert running.processes() == []
        assert not running.folder.exists()


def test_a_killed_simulator_leaves_no_process_and_the_next_one_sweeps_up(short_path: Path) -> None:
    with started(short_path, "--screens", "1") as running:
        assert len(running.processes()) > 4
        running.process.kill()
        running.process.wait(LIMIT)
        wait_for(lambda: running.processes() == [], LIMIT)
        sweep(running.folder.parent)
        assert not running.folder.exists()


def test_an_impossible_port_is_told_in_one_sentence(community: Community, tmp_path: Path) -> None:
    port = community.facts["devices"][0]["control"].split(":")[2].split("/")[0]
    arguments, environment = command("sim", "--headless", "--port", port), os.environ | {"TMPDIR": str(tmp_path)}
    tried = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=LIMIT, env=environment)
    assert tried.returncode == 1
    assert (
        tried.stderr == f"intercom sim: port {port} on 127.0.0.1 cannot be used for the page: Address already in use\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_ready_file_that_cannot_be_written_ends_the_simulator(tmp_path: Path) -> None:
    arguments = command(
        "sim", "--headless", "--community", "small", "--ready-file", tmp_path / "nowhere" / "ready.json"
    )
    tried = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert tried.returncode == 1
    assert "cannot write" in tried.stderr


Report = dict[str, list[dict[str, Any]]]


def demo(folder: Path, visit: str, *options: str) -> tuple[int, Report]:
    """The exit status and the report of a demo with this visit alone."""
    tried = subprocess.run(
        command("demo", "--visit", visit, "--out", folder / visit, *options),
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * LIMIT,
    )
    report = folder / visit / "report.json"
    assert report.exists(), tried.stderr
    print(tried.stdout)
    return tried.returncode, json.loads(report.read_text())


def failed(report: Report) -> list[str]:
    return [check["name"] for check in report["checks"] if not check["holds"]]


@pytest.mark.flow("V5")
def test_the_demos_hold(short_path: Path) -> None:
    """A call, and a message where nobody answers; both at the same time, for they mostly wait."""
    with ThreadPoolExecutor() as both:
        called, left = (both.submit(demo, short_path, visit) for visit in ("home", "message"))
    for (status, report), count in ((called.result(), 11), (left.result(), 17)):
        assert failed(report) == []
        assert status == 0
        assert len(report["checks"]) == count
        assert all(check["evidence"] for check in report["checks"])
        assert [event["ms"] for event in report["events"]] == sorted(event["ms"] for event in report["events"])
    assert {path.name for path in (short_path / "home").glob("*.png")} == {f"{name}-ringing.png" for name in SCREENS}
    kept = {f"{name}-playing.png" for name in SCREENS} | {"message.mp4", "picture-ring.jpg", "report.json"}
    assert {path.name for path in (short_path / "message").iterdir()} == kept


@pytest.mark.flow("V5")
def test_the_demos_fail_when_nobody_sees_or_hears_the_visitor(short_path: Path) -> None:
    with ThreadPoolExecutor() as both:
        called = both.submit(demo, short_path, "home", "--fault", "camera-gone")
        left = both.submit(demo, short_path, "message", "--fault", "microphone-gone")
    status, report = called.result()
    assert (status, failed(report)) == (1, [f"{name} shows the visitor while it rings" for name in SCREENS])
    status, report = left.result()
    assert (status, failed(report)) == (1, ["the visitor speaks after the tone, and leaves"])
