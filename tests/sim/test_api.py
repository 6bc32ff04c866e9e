"""The control interface: who may use it, what it answers, and what it says when something is not possible."""

import io
import json
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from hal.camera import Picture
from hal.display import Scene
from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from sim import backend
from sim.link import SOCKET
from sim.world.device import Device
from tests.sim.worlds import TOKEN, WebThread, wait_for

LET_IN = [Subprotocol("intercom"), Subprotocol(TOKEN)]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebThread]:
    thread = WebThread(tmp_path, [Device("door1", "door-station", None), Device("indoor1", "indoor-unit", "301")])
    yield thread
    thread.close()


@pytest.fixture
def door(web: WebThread, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setenv(SOCKET, str(web.world.socket_path("door1")))
    return web.world.device("door1")


@pytest.fixture
def indoor(web: WebThread, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setenv(SOCKET, str(web.world.socket_path("indoor1")))
    return web.world.device("indoor1")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
@pytest.mark.parametrize("path", ["/devices/door1/state", "/devices/nobody/events", "/community"])
def test_nobody_gets_in_without_the_token(web: WebThread, path: str, headers: dict[str, str]) -> None:
    answer = httpx.get(web.url + path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Bearer TOKEN" in answer.json()["detail"]


def test_the_fixed_paths_are_described(web: WebThread) -> None:
    paths = web.http.get("/openapi.json").json()["paths"]
    fixed = {"keypad": "post", "buttons/{button}": "post", "state": "get", "events": "get", "screen.png": "get"}
    fixed |= {"stats": "get", "faults": "post"}
    assert all(verb in paths[f"/devices/{{name}}/{path}"] for path, verb in fixed.items())


def test_each_device_describes_its_own_control_interface(web: WebThread) -> None:
    described = web.http.get("/devices/door1/openapi.json").json()
    assert described["servers"] == [{"url": "/devices/door1"}]
    assert [each["name"] for each in described["paths"]["/events"]["get"]["parameters"]] == ["after", "wait"]


def test_an_unknown_device_is_answered_with_those_there_are(web: WebThread) -> None:
    answer = web.http.get("/devices/attic/state")
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "there is no device 'attic'; there are door1, indoor1"},
    )


def test_keys_reach_the_keypad_and_the_log(web: WebThread, door: Device) -> None:
    keys: list[str] = []
    keypad = backend.SimKeypad()
    keypad.listen(keys.append)
    wait_for(lambda: "keypad" in door.parts)
    assert web.http.post("/devices/door1/keypad", json={"keys": "301#"}).json() == {"pressed": "301#"}
    wait_for(lambda: "".join(keys) == "301#")
    events = web.http.get("/devices/door1/events").json()["events"]
    assert [each["facts"]["key"] for each in events if each["event"] == "key"] == list("301#")
    keypad.close()


@pytest.mark.parametrize("body", [{"keys": "30A"}, {"keys": ""}, {"digits": "1"}])
def test_impossible_keys_are_refused(web: WebThread, door: Device, body: dict[str, str]) -> None:
    assert web.http.post("/devices/door1/keypad", json=body).status_code == 422


def test_a_button_that_is_not_there_is_not_found(web: WebThread, door: Device) -> None:
    button = backend.SimButton("call")
    wait_for(door.buttons)
    assert web.http.post("/devices/door1/buttons/call").json() == {"pressed": "call"}
    answer = web.http.post("/devices/door1/buttons/answer")
    assert answer.status_code == 404
    assert "call_button" in answer.json()["detail"]
    button.close()


def test_a_device_without_power_cannot_be_used(web: WebThread) -> None:
    answer = web.http.post("/devices/door1/keypad", json={"keys": "1"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "door1 is not running")


def test_state_is_what_the_device_says_and_what_can_be_seen(web: WebThread, indoor: Device) -> None:
    port, display = backend.SimServicePort(), backend.SimDisplay()
    port.provide("state", lambda: {"phase": "idle", "registered": True})
    display.show(Scene("Hall", actions=("dnd",)))
    wait_for(lambda: indoor.scene.title == "Hall")
    state = web.http.get("/devices/indoor1/state").json()
    assert (state["phase"], state["registered"], state["flat"], state["running"]) == ("idle", True, "301", True)
    assert state["scene"] == {"title": "Hall", "detail": "", "actions": ["dnd"], "live": False}
    assert web.http.get("/devices/indoor1/stats").status_code == 404
    port.close()
    display.close()


def test_a_device_that_does_not_answer_in_time_is_told(
    web: WebThread, door: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.world.device.ANSWER_LIMIT", 0.05)
    go_on, port = threading.Event(), backend.SimServicePort()
    port.provide("stats", lambda: {"waited": go_on.wait(20)})
    wait_for(lambda: "service_port" in door.parts)
    answer = web.http.get("/devices/door1/stats")
    assert answer.status_code == 504
    assert "door1 did not tell its stats" in answer.json()["detail"]
    go_on.set()
    port.close()


def test_events_are_waited_for(web: WebThread, door: Device) -> None:
    port = backend.SimServicePort()
    wait_for(lambda: "service_port" in door.parts)
    last = web.http.get("/devices/door1/events").json()["last"]
    assert web.http.get("/devices/door1/events", params={"after": last}).json() == {"events": [], "last": last}
    threading.Timer(0.05, port.publish, ("unlock", {"granted": False})).start()
    found = web.http.get("/devices/door1/events", params={"after": last, "wait": 20}).json()
    assert [(each["id"], each["event"], each["facts"]) for each in found["events"]] == [
        (last + 1, "unlock", {"granted": False})
    ]
    assert found["last"] == last + 1
    port.close()


def test_the_screen_is_a_picture_of_what_is_shown(web: WebThread, indoor: Device) -> None:
    display = backend.SimDisplay()
    display.show(Scene("Gate 1 is calling", "Answer or decline", ("answer",), live=True))
    wait_for(lambda: indoor.scene.live)
    assert web.http.get("/devices/indoor1/picture.jpg").status_code == 404
    before = time.monotonic()
    display.picture(Picture(64, 48, bytes([200]) * 3072 + bytes([128]) * 1536, 12.5))
    photo = web.http.get("/devices/indoor1/picture.jpg")
    assert photo.headers["content-type"] == "image/jpeg"
    assert before * 1000 - 0.001 <= float(photo.headers["X-Taken-Ms"]) <= time.monotonic() * 1000
    screen = Image.open(io.BytesIO(web.http.get("/devices/indoor1/screen.png").content)).convert("L")
    middle = screen.getpixel((screen.width // 2, screen.height // 3))
    assert isinstance(middle, int)
    assert middle > 190
    display.close()


def test_the_door_shows_its_panel(web: WebThread, door: Device) -> None:
    answer = web.http.get("/devices/door1/screen.png")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (800, 600)


def test_sound_can_be_fetched_with_its_time(web: WebThread, door: Device) -> None:
    speaker = backend.SimSpeaker()
    speaker.start()
    speaker.write(b"\x00\x10" * FRAME_SAMPLES)
    wait_for(lambda: any(door.room.heard.last(5)[1]))
    answer = web.http.get("/devices/door1/heard.wav", params={"seconds": 5})
    assert float(answer.headers["X-Begin-Ms"]) > 0
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (SAMPLE_RATE, 5 * SAMPLE_RATE)
        assert b"\x00\x10" in file.readframes(5 * SAMPLE_RATE)
    speaker.close()


def test_a_fault_is_seen_and_undone(web: WebThread, door: Device) -> None:
    camera = backend.SimCamera()
    wait_for(lambda: "camera" in door.parts)
    broken = web.http.post("/devices/door1/faults", json={"fault": "camera-gone"})
    assert broken.json() == {"faults": ["camera-gone"]}
    assert web.http.post("/devices/door1/faults", json={"fault": "camera-back"}).json() == {"faults": []}
    camera.close()


@pytest.mark.parametrize(
    ("path", "fault", "status", "words"),
    [
        ("/devices/door1", "earthquake", 422, "there are camera-gone"),
        ("/devices/door1", "camera-gone", 404, "door1 has no camera"),
        ("/devices/door1", "power-cut", 409, "cannot be switched here"),
        ("/community", "earthquake", 422, "there are homelink-down"),
        ("/community", "homelink-down", 409, "cannot be switched here"),
    ],
)
def test_an_impossible_fault_is_refused(web: WebThread, path: str, fault: str, status: int, words: str) -> None:
    answer = web.http.post(f"{path}/faults", json={"fault": fault})
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_the_page_runs_only_its_own_code(web: WebThread) -> None:
    answer = httpx.get(web.url)
    assert "<title>Intercom simulator</title>" in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert httpx.get(f"{web.url}/app.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/live", "/sound/door1"])
def test_a_socket_needs_the_token_too(web: WebThread, path: str) -> None:
    address = web.url.replace("http", "ws") + path
    with pytest.raises(Exception, match="403"):
        connect(address, subprotocols=[Subprotocol("intercom"), Subprotocol("wrong")])


def test_the_page_is_told_what_happens_and_sees_pictures(web: WebThread, indoor: Device) -> None:
    display = backend.SimDisplay()
    with connect(web.url.replace("http", "ws") + "/live", subprotocols=LET_IN) as socket:
        community = json.loads(socket.recv(20))
        assert [each["name"] for each in community["devices"]] == ["door1", "indoor1"]
        socket.send(json.dumps({"watch": ["indoor1"]}))
        display.show(Scene("Gate 1 is calling", live=True))
        display.picture(Picture(64, 48, bytes(4608), 0.0))
        messages: list[str | bytes] = []
        while not messages or isinstance(messages[-1], str):
            messages.append(socket.recv(20))
        told = [json.loads(message) for message in messages[:-1]]
        assert any(each.get("event", {}).get("event") == "scene" for each in told)
        picture = messages[-1]
        assert isinstance(picture, bytes)
        assert picture[0] == 1
        assert Image.open(io.BytesIO(picture[1:])).size == (64, 48)
        display.picture(Picture(64, 48, bytes(4608), 0.0))
        with pytest.raises(TimeoutError):
            socket.recv(0.3)  # the page has not shown the first one yet
        socket.send(json.dumps({"shown": "indoor1"}))
        assert isinstance(socket.recv(20), bytes)
    display.close()


def test_a_page_hears_and_speaks_at_a_device(web: WebThread, door: Device) -> None:
    speaker, microphone = backend.SimSpeaker(), backend.SimMicrophone()
    speaker.start()
    microphone.start()
    with connect(web.url.replace("http", "ws") + "/sound/door1", subprotocols=LET_IN) as socket:
        wait_for(lambda: door.room.listeners)
        speaker.write(b"\x00\x10" * FRAME_SAMPLES)
        wait_for(lambda: b"\x00\x10" in socket.recv(20, decode=False))
        socket.send(b"\x00\x20" * FRAME_SAMPLES * 10)
        wait_for(lambda: b"\x00\x20" in microphone.read(FRAME_SAMPLES))
    wait_for(lambda: not door.room.listeners)
    speaker.close()
    microphone.close()


def test_an_unknown_device_makes_no_sound(web: WebThread) -> None:
    with (
        connect(web.url.replace("http", "ws") + "/sound/attic", subprotocols=LET_IN) as socket,
        pytest.raises(ConnectionClosed, match="no device 'attic'"),
    ):
        socket.recv(20)
