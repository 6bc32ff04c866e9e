"""baresip and Linphone as our screens and as our callers: signalling with programs that others wrote."""

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.peers import linphone
from sim.peers.baresip import Baresip
from sim.peers.linphone import Linphone
from tests.peers.agent import AgentPeer, video

NewAgent = Callable[..., AgentPeer]
SCREEN = video(9100, "recvonly")
needs_linphone = pytest.mark.skipif(bool(linphone.why_not()), reason=linphone.why_not() or "it can")


@pytest.fixture
def moving_picture(tmp_path: Path) -> Path:
    """A short clip for a caller's camera."""
    path = tmp_path / "clip.mp4"
    source = "testsrc=duration=2:size=320x240:rate=10"
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        source,
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        str(path),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def new_linphone(tmp_path: Path, new_port: Callable[[], int], peers: contextlib.ExitStack) -> Callable[[], Linphone]:
    def start() -> Linphone:
        peer = Linphone(tmp_path, new_port(), new_port() & ~1)
        peers.callback(peer.close)
        return peer

    return start


@pytest.mark.flow("V4")
def test_baresip_screen_takes_the_picture_while_it_rings(
    new_agent: NewAgent, tmp_path: Path, peers: contextlib.ExitStack
) -> None:
    screen = peers.enter_context(Baresip(tmp_path / "baresip"))
    door = new_agent("door")
    call = door.call(f"sip:screen@{screen.address}:{screen.port}", video=video(9000))
    early = door.wait("EarlyMedia", call=call)["video"]
    assert early["direction"] in ("recvonly", "sendrecv")
    screen.accept()
    answered = door.wait("Answered", call=call)
    assert answered["video"]["port"] == early["port"]
    door.wait("AudioStarted", call=call)
    door.do("hang_up", call=call)
    door.wait("Ended", call=call)
    assert not [one for one in door.find("VideoChanged") if one["video"] is None]


def test_baresip_calls_our_screen(
    new_agent: NewAgent, tmp_path: Path, peers: contextlib.ExitStack, moving_picture: Path
) -> None:
    screen = new_agent("screen")
    caller = peers.enter_context(Baresip(tmp_path / "baresip", picture=moving_picture, size=(320, 240), rate=10))
    caller.dial(screen.uri)
    incoming = screen.wait("IncomingCall")
    assert incoming["video"]["port"] > 0
    screen.do("ring", call=incoming["call"], video=SCREEN)
    caller.log.wait_for("183")
    screen.do("answer", call=incoming["call"], video=SCREEN)
    screen.wait("AudioStarted", call=incoming["call"])
    caller.hang_up()
    screen.wait("Ended", call=incoming["call"])


@needs_linphone
@pytest.mark.flow("V4")
def test_linphone_screen_takes_the_picture_while_it_rings(
    new_agent: NewAgent, new_linphone: Callable[[], Linphone]
) -> None:
    screen, door = new_linphone(), new_agent("door")
    call = door.call(screen.uri, video=video(9000))
    early = door.wait("EarlyMedia", call=call)["video"]
    screen.accept()
    assert door.wait("Answered", call=call)["video"] == early
    door.wait("AudioStarted", call=call)
    screen.hang_up()
    door.wait("Ended", call=call)
    assert not door.find("VideoChanged"), "the picture must not stop when the screen answers"


@needs_linphone
def test_linphone_calls_our_screen(new_agent: NewAgent, new_linphone: Callable[[], Linphone]) -> None:
    caller, screen = new_linphone(), new_agent("screen")
    caller.dial(screen.uri)
    incoming = screen.wait("IncomingCall")
    screen.do("ring", call=incoming["call"], video=SCREEN)
    caller.wait_for("[Ee]arly media|[Rr]inging|established")
    screen.do("answer", call=incoming["call"], video=SCREEN)
    screen.wait("Answered", call=incoming["call"])
    caller.wait_for("connected")
    screen.do("hang_up", call=incoming["call"])
    screen.wait("Ended", call=incoming["call"])
