"""A recorder or player takes the door's pictures by RTSP, interleaved and over UDP, with a token and not without."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints.door_station.watching import rtsp
from endpoints.door_station.watching.rtsp import PYTHON
from tests.endpoints.door_station.watching.doors import HEIGHT, HOST, LIMIT, WIDTH, WatchedDoor, watched_door
from tests.media.streams import eventually

NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedDoor]:
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", NEEDED], capture_output=True, check=False).returncode:
        pytest.skip("no RTSP server here: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good")
    if not shutil.which("ffprobe"):
        pytest.skip("no ffprobe here: apt-get install ffmpeg")
    with watched_door(tmp_path_factory.mktemp("door"), rtsp_port=0) as made:
        eventually(lambda: made.figures["rtsp_port"] > 0, "the RTSP server", LIMIT)
        yield made


def url(door: WatchedDoor, token: str) -> str:
    return f"rtsp://{HOST}:{door.figures['rtsp_port']}/live?token={token}"


def wait_for_end(door: WatchedDoor, why: str) -> None:
    """What was written down last is an end of that kind."""
    ends = [("rtsp", why)]
    eventually(lambda: [(e["kind"], e["why"]) for e in door.diary("watched")[-1:]] == ends, f"end: {why}", LIMIT)


def played(address: str, transport: str, frames: int = 5) -> subprocess.CompletedProcess[str]:
    """FFmpeg decodes some frames."""
    quiet = ["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-i", address]
    command = [*quiet, "-map", "0:v", "-frames:v", str(frames), "-f", "framecrc", "-"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_plays_the_door(door: WatchedDoor, transport: str) -> None:
    seen = played(url(door, door.token()), transport)
    frames = [line for line in seen.stdout.splitlines() if not line.startswith("#")]
    assert (len(frames), seen.returncode) == (5, 0), seen.stderr
    assert all(int(line.split(",")[4]) == WIDTH * HEIGHT * 3 // 2 for line in frames)
    door.until_viewers(0)
    eventually(lambda: door.encoder["sinks"] == 0, "the encoder at rest", LIMIT)
    wait_for_end(door, "left")


@pytest.mark.parametrize("wrong", [{"aud": "door2"}, {"seconds": -1.0}, {"iss": "homelink:elsewhere"}])
def test_without_a_good_token_there_is_no_stream(door: WatchedDoor, wrong: dict[str, object]) -> None:
    told = played(url(door, door.token(**wrong)), "tcp")  # type: ignore[arg-type]
    assert told.returncode != 0
    assert "401" in told.stderr


def test_a_server_that_dies_takes_its_watchers_along_and_comes_back(
    door: WatchedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtsp, "RETRY", (0.05,))
    quiet = ["ffmpeg", "-v", "quiet", "-rtsp_transport", "tcp", "-i", url(door, door.token())]
    player = subprocess.Popen([*quiet, "-f", "null", "-"])
    try:
        door.until_viewers(1)
        os.kill(server_process(), signal.SIGKILL)
        door.until_viewers(0)
        wait_for_end(door, "failed")
        eventually(lambda: door.encoder["sinks"] == 0, "the encoder at rest", LIMIT)
        eventually(lambda: door.figures["rtsp_port"] > 0, "the RTSP server again", LIMIT)
    finally:
        player.kill()
        player.wait()
    assert played(url(door, door.token()), "tcp").returncode == 0


def server_process() -> int:
    """The number of the door's RTSP server, which is our child."""
    children = [pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()]
    (found,) = [pid for pid in children if rtsp.PROGRAM.name in Path(f"/proc/{pid}/cmdline").read_text()]
    return int(found)


def test_a_stream_ends_with_its_lease(door: WatchedDoor) -> None:
    seen = played(url(door, door.token(seconds=2.0)), "tcp", frames=1_000_000)
    assert len(seen.stdout.splitlines()) > 5
    door.until_viewers(0)
    wait_for_end(door, "expired")
