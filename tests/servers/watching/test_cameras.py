"""An indoor unit or a phone watches a camera: HomeLink forwards to the NVR, the NVR passes the picture on (M3)."""

import io
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PIL import Image

from servers.community.authority import Role
from sim.peers.nvr import PYTHON, Nvr
from tests.servers.http.services import Web, running_web
from tests.servers.nodes import free_port, own_address
from tests.servers.watching.watchers import LIMIT, Watcher, pictures, probed, words_until_the_end

pytestmark = pytest.mark.flow("M3")

LOGIN = ("home", "a:b@c/d")

GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
player = Gst.parse_launch(sys.argv[1])
player.set_state(Gst.State.PLAYING)
end = player.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
print(end.type if end else "nothing came", end.parse_error() if end and end.type == Gst.MessageType.ERROR else "")
player.set_state(Gst.State.NULL)
"""


@dataclass
class CameraHome:
    """A HomeLink's service, the NVR, and where RTSP is served."""

    web: Web
    nvr: Nvr
    nvr_port: int
    address: str
    port: int

    def client(self) -> "Rtsp":
        return Rtsp(self.address, self.port)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraHome]:
    """The NVR has two cameras, of which the home may see one."""
    address = own_address()
    port, nvr_port = free_port(address), free_port(address)
    nvr = Nvr(address, nvr_port, ["garden", "private"], LOGIN, ["--width", "320", "--height", "240"])
    camera = f'{{ name = "garden", title = "Garden", path = "/garden", user = "{LOGIN[0]}", password = "{LOGIN[1]}" }}'
    settings = f'[watching]\nrtsp_port = {port}\n[nvr]\nurl = "rtsp://{address}:{nvr_port}"\ncameras = [{camera}]\n'
    try:
        with running_web(tmp_path_factory.mktemp("home"), Role.HOMELINK, settings=settings) as web:
            yield CameraHome(web, nvr, nvr_port, web.site.identity.address, port)
    finally:
        nvr.close()


@pytest.fixture(scope="module")
def screen(home: CameraHome) -> Watcher:
    return Watcher(home.web.account("indoor1", "indoor"))


@dataclass(frozen=True)
class Said:
    """An answer, or what came instead."""

    status: int
    head: str
    body: str = ""

    def header(self, name: str) -> str:
        match = re.search(rf"(?im)^{name}: *(.*?)\r?$", self.head)
        return match[1] if match else ""


class Rtsp:
    """A client that says whatever it is told to."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.create_connection((address, port), timeout=LIMIT)
        self._file = self._socket.makefile("rb")
        self._number = 0

    def ask(self, method: str, url: str, *headers: str) -> Said:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", *headers, "", ""]
        self.say("\r\n".join(lines).encode())
        return self.hear()

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self) -> Said:
        """The next answer; packets before it are left out. Status 0 when the line is cut."""
        try:
            while (first := self._file.read(1)) == b"$":
                self.packet(first)
            head = first
            while first and not head.endswith(b"\r\n\r\n"):
                line = self._file.readline()
                if not line:
                    return Said(0, head.decode())
                head += line
        except ConnectionError:
            return Said(0, "")
        if not head:
            return Said(0, "")
        said = Said(int(head.split(b" ")[1]), head.decode())
        length = int(said.header("Content-Length") or 0)
        return Said(said.status, said.head, self._file.read(length).decode())

    def packet(self, first: bytes = b"") -> tuple[int, bytes]:
        """The next packet: channel, bytes."""
        head = first + self._file.read(4 - len(first))
        assert head[:1] == b"$", head
        return head[1], self._file.read(int.from_bytes(head[2:], "big"))

    def until_cut(self) -> float:
        """When the last byte came."""
        last = time.monotonic()
        try:
            while self._file.read1(1 << 16):
                last = time.monotonic()
        except ConnectionError:
            pass
        return last

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def client(home: CameraHome) -> Iterator[Rtsp]:
    client = home.client()
    yield client
    client.close()


TCP = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"


def playing(client: Rtsp, url: str) -> Said:
    """Everything up to PLAY."""
    assert client.ask("DESCRIBE", url, "Accept: application/sdp").status == 200
    ready = client.ask("SETUP", f"{url}/track0", TCP)
    assert ready.status == 200
    return client.ask("PLAY", f"{url}/", f"Session: {ready.header('Session').partition(';')[0]}")


def test_a_screen_is_told_the_cameras_of_the_home_and_no_login(home: CameraHome, screen: Watcher) -> None:
    assert screen.watchables() == [{"name": "garden", "title": "Garden", "kind": "camera"}]
    lease = screen.lease("garden")
    assert lease["rtsp"] == f"rtsp://{home.address}:{home.port}/{lease['id']}"
    assert lease["direct"] is None
    assert LOGIN[1] not in json.dumps(lease)
    assert screen.ask("private").status == 404
    screen.give_back(lease)


@pytest.mark.parametrize("transport", ["tcp", "udp"], ids=["tcp", "udp-first"])
def test_ffmpeg_plays_a_camera_through_homelink(home: CameraHome, screen: Watcher, transport: str) -> None:
    """Players try UDP first, and take what they get."""
    lease = screen.lease("garden", viewers=4)
    options = ["-rtsp_transport", "tcp"] if transport == "tcp" else []
    film = probed(lease["rtsp"], *options)
    assert (film["codec_name"], film["width"], film["height"]) == ("h264", 320, 240)
    assert int(film["nb_read_frames"]) >= 10
    screen.give_back(lease)


def test_gstreamer_plays_a_camera_through_homelink(home: CameraHome, screen: Watcher) -> None:
    lease = screen.lease("garden", viewers=4)
    pipeline = f"rtspsrc location={lease['rtsp']} latency=0 ! rtph264depay ! fakesink num-buffers=20 sync=false"
    player = [PYTHON, "-c", GSTREAMER, pipeline]
    result = subprocess.run(player, capture_output=True, text=True, timeout=2 * LIMIT, check=False)
    assert "EOS" in result.stdout, result.stdout + result.stderr
    screen.give_back(lease)


def test_who_watches_over_http_gets_the_same_pictures(home: CameraHome, screen: Watcher) -> None:
    """A phone on 4G reaches HomeLink over HTTP only."""
    lease = screen.lease("garden")
    with screen.stream(lease["paths"]["snapshot"]) as answer:
        assert answer.status == 200
        assert Image.open(io.BytesIO(answer.read())).size == (320, 240)
    film = probed(screen.player_url(lease["paths"]["mp4"]))
    assert (film["codec_name"], film["width"], film["height"]) == ("h264", 320, 240)
    assert int(film["nb_read_frames"]) >= 10
    with screen.socket(lease["paths"]["live"]) as live:
        first, second = pictures(live, 2)
        assert b"\0\0\0\1\x67" in first[8:40]
        assert first[:8] < second[:8]
        screen.give_back(lease)
        said, _ = words_until_the_end(live)
    assert said == [{"end": "given-back"}]


def test_a_client_sees_tracks_by_number_and_nothing_of_the_recorder(
    home: CameraHome, screen: Watcher, client: Rtsp
) -> None:
    lease = screen.lease("garden")
    described = client.ask("DESCRIBE", lease["rtsp"])
    assert described.header("Content-Base") == f"{lease['rtsp']}/"
    assert "a=control:track0" in described.body
    assert str(home.nvr_port) not in described.body + described.head
    assert "stream=0" not in described.body
    ready = client.ask("SETUP", f"{lease['rtsp']}/track0", TCP)
    session = ready.header("Session").partition(";")[0]
    played = client.ask("PLAY", lease["rtsp"], f"Session: {session}")
    assert f"url={lease['rtsp']}/track0" in played.header("RTP-Info")
    assert str(home.nvr_port) not in played.head + ready.head
    channel, packet = client.packet()
    assert channel in (0, 1)
    assert packet[0] >> 6 == 2, "RTP or RTCP, version 2"
    assert client.ask("GET_PARAMETER", lease["rtsp"], f"Session: {session}").status == 200
    assert client.ask("TEARDOWN", lease["rtsp"], f"Session: {session}").status == 200
    assert client.hear().status == 0
    screen.give_back(lease)


def test_a_lease_that_is_given_back_lets_no_packet_through(home: CameraHome, screen: Watcher, client: Rtsp) -> None:
    lease = screen.lease("garden")
    assert playing(client, lease["rtsp"]).status == 200
    client.packet()
    screen.give_back(lease)
    given_back = time.monotonic()
    assert client.until_cut() - given_back < 5
    again = home.client()
    assert again.ask("DESCRIBE", lease["rtsp"]).status == 404
    again.close()


@pytest.mark.parametrize("method", ["ANNOUNCE", "RECORD", "REDIRECT", "SET_PARAMETER", "PLAY_NOTIFY", "X"])
def test_nobody_sends_anything_to_a_camera(screen: Watcher, client: Rtsp, method: str) -> None:
    lease = screen.lease("garden")
    refused = client.ask(method, lease["rtsp"])
    assert (refused.status, "PLAY" in refused.header("Allow")) == (405, True)
    screen.give_back(lease)


ELSEWHERE = [
    "rtsp://{place}/private",
    "rtsp://{place}/{lease}/../private",
    "rtsp://{place}/{lease}/track0/../../private",
    "rtsp://{place}/{lease}/stream=0",
    "rtsp://{place}/{lease}?url=rtsp://127.0.0.1:22/",
    "rtsp://{place}/{lease}%2f..%2fprivate",
    "rtsp://user:word@{place}/{lease}",
    "rtsp://{place}/garden",
    "http://{place}/{lease}",
    "/{lease}",
]


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("after", ["at once", "after SETUP"])
def test_a_client_reaches_its_camera_and_nothing_else(
    home: CameraHome, screen: Watcher, client: Rtsp, url: str, after: str
) -> None:
    lease = screen.lease("garden")
    if after == "after SETUP":
        assert client.ask("DESCRIBE", lease["rtsp"]).status == 200
        assert client.ask("SETUP", f"{lease['rtsp']}/track0", TCP).status == 200
    place = f"{home.address}:{home.port}"
    assert client.ask("DESCRIBE", url.format(place=place, lease=lease["id"])).status == 404
    assert client.hear().status == 0, "and is not listened to any more"
    screen.give_back(lease)


def test_a_lease_of_another_is_no_way_in_after_ones_own(home: CameraHome, screen: Watcher, client: Rtsp) -> None:
    mine, other = screen.lease("garden"), screen.lease("garden")
    assert client.ask("DESCRIBE", mine["rtsp"]).status == 200
    assert client.ask("DESCRIBE", other["rtsp"]).status == 404
    assert client.hear().status == 0
    for lease in (mine, other):
        screen.give_back(lease)


@pytest.mark.parametrize(
    "transport",
    [
        "RTP/AVP;unicast;client_port=5000-5001",
        "RTP/AVP/UDP;unicast;destination=10.0.0.1;client_port=5000-5001",
        "RTP/AVP;multicast;destination=224.0.0.1;port=5000-5001",
        "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
        "RTP/AVP/TCP;unicast;interleaved=300-301",
        "",
    ],
)
def test_packets_go_nowhere_but_into_the_connection(screen: Watcher, client: Rtsp, transport: str) -> None:
    lease = screen.lease("garden")
    assert client.ask("DESCRIBE", lease["rtsp"]).status == 200
    assert client.ask("SETUP", f"{lease['rtsp']}/track0", f"Transport: {transport}").status == 461
    screen.give_back(lease)


NONSENSE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"DESCRIBE {url} RTSP/2.0\r\nCSeq: 9\r\n\r\n",
    b"DESCRIBE {url} RTSP/1.0\r\n\r\n",
    b"DESCRIBE {url} RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"DESCRIBE {url} RTSP/1.0\r\nCSeq: 9\r\nContent-Length: -1\r\n\r\n",
    b"DESCRIBE {url} RTSP/1.0\r\nCSeq: 9\nX: y\r\n\r\n",
    b"DESCRIBE {url} RTSP/1.0\r\nCSeq: 9\r\n folded\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00" + bytes(100),
    b"$\x00\x00\x04abcd",
    b"A" * 9000,
]


@pytest.mark.parametrize("said", NONSENSE, ids=range(len(NONSENSE)))
def test_what_is_no_proper_request_is_not_listened_to(screen: Watcher, client: Rtsp, said: bytes) -> None:
    lease = screen.lease("garden")
    assert client.ask("OPTIONS", "*").status == 200
    client.say(said.replace(b"{url}", lease["rtsp"].encode()))
    heard = client.hear()
    while heard.status:
        assert heard.status >= 400
        heard = client.hear()
    screen.give_back(lease)


def test_packets_from_a_client_are_reports_or_the_end(home: CameraHome, screen: Watcher) -> None:
    lease = screen.lease("garden", viewers=4)
    report = bytes.fromhex("80c90001deadbeef")
    good, bad = home.client(), home.client()
    for client in (good, bad):
        assert playing(client, lease["rtsp"]).status == 200
    good.say(b"$\x01" + len(report).to_bytes(2, "big") + report)
    assert good.ask("OPTIONS", lease["rtsp"]).status == 200
    bad.say(b"$\x00" + len(report).to_bytes(2, "big") + report)
    bad.until_cut()
    assert good.ask("OPTIONS", lease["rtsp"]).status == 200
    for client in (good, bad):
        client.close()
    screen.give_back(lease)


def test_steps_out_of_order_are_refused(screen: Watcher, client: Rtsp) -> None:
    lease = screen.lease("garden")
    url = lease["rtsp"]
    assert client.ask("PLAY", url).status == 455
    assert client.ask("SETUP", f"{url}/track0", TCP).status == 455
    assert client.ask("DESCRIBE", url).status == 200
    assert client.ask("SETUP", f"{url}/track5", TCP).status == 404
    ready = client.ask("SETUP", f"{url}/track0", TCP)
    assert ready.status == 200
    assert client.ask("SETUP", f"{url}/track0", TCP).status == 455
    assert client.ask("PLAY", url, "Session: 0123456789abcdef").status == 454
    screen.give_back(lease)


def test_a_recorder_that_is_away_is_a_clear_answer(home: CameraHome, screen: Watcher) -> None:
    """The last test of this file: the recorder is switched off."""
    home.nvr.close()
    lease = screen.lease("garden")
    client = home.client()
    assert client.ask("DESCRIBE", lease["rtsp"]).status == 502
    client.close()
    with screen.stream(lease["paths"]["snapshot"]) as answer:
        assert answer.status == 502
        assert "Garden cannot be reached" in json.loads(answer.read())["detail"]
