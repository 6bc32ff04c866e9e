"""The simulated devices over the real link: what the world does reaches the device, and the other way."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.camera import Picture
from hal.display import Scene
from hal.errors import DeviceLost, DeviceUnavailable
from hal.indicator import Signal
from hal.microphone import FRAME_SAMPLES
from sim import backend
from sim.link import SOCKET, Message
from sim.world.device import Device
from sim.world.errors import NotPossible, NotThere
from tests.sim.worlds import WorldThread, running_world, wait_for

TONE = b"\x00\x10" * FRAME_SAMPLES


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[WorldThread, Device]]:
    device = Device("door1", "door-station", None)
    with running_world(tmp_path, device) as thread:
        monkeypatch.setenv(SOCKET, str(thread.world.socket_path("door1")))
        yield thread, device


def seen(device: Device, event: str) -> list[dict[str, object]]:
    return [dict(entry.facts) for entry in device.log.after(0) if entry.event == event]


def test_without_a_simulator_a_device_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET, raising=False)
    with pytest.raises(DeviceUnavailable, match="intercom sim"):
        backend.SimKeypad()


def test_a_simulator_that_has_ended_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SOCKET, str(tmp_path / "nobody.sock"))
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        backend.SimCamera()


def test_typed_keys_arrive_in_order(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    keys: list[str] = []
    keypad = backend.SimKeypad()
    keypad.listen(keys.append)
    wait_for(lambda: "keypad" in device.parts)
    thread.do(device.type, "301#")
    wait_for(lambda: "".join(keys) == "301#")
    keypad.close()
    keypad.close()


def test_a_key_that_no_keypad_has_is_refused(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    with pytest.raises(ValueError, match="not 'AB'"):
        thread.do(device.type, "30AB")


def test_a_button_that_is_not_there_is_refused_with_what_is(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    button = backend.SimButton(name="call")
    wait_for(lambda: device.buttons() == ["call"])
    with pytest.raises(NotThere, match=r"no button 'answer'; it has call_button"):
        thread.do(device.press, "answer")
    button.close()


def test_a_press_is_told_once(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    presses = threading.Semaphore(0)
    button = backend.SimButton(name="call_button")
    button.listen(presses.release)
    wait_for(device.buttons)
    thread.do(device.press, "call")
    assert presses.acquire(timeout=20)
    assert not presses.acquire(blocking=False)
    button.close()


def test_a_device_without_power_has_no_buttons(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    with pytest.raises(NotPossible, match="not running"):
        thread.do(device.press, "call")


def test_the_camera_delivers_new_pictures_and_stops(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    camera = backend.SimCamera()
    camera.start(64, 48, 50)
    first = bytes(camera.read().data[:1])[0]
    second = bytes(camera.read().data[:1])[0]
    assert (first, second) == (1, 2)
    assert device.camera is not None
    assert device.camera.active
    camera.stop()
    assert not device.camera.active
    camera.start(64, 48, 50)
    assert camera.read().width == 64
    camera.close()
    camera.close()


def test_a_slow_reader_gets_the_newest_picture(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    camera = backend.SimCamera()
    camera.start(64, 48, 50)
    feed = wait_for(lambda: device.camera)
    assert feed is not None
    wait_for(lambda: feed.number >= 5)
    assert bytes(camera.read().data[:1])[0] >= 5
    camera.close()


def test_an_unplugged_camera_is_lost_and_comes_back(door: tuple[WorldThread, Device]) -> None:
    thread, _ = door
    camera = backend.SimCamera()
    camera.start(64, 48, 50)
    camera.read()
    thread.run(thread.world.device_fault("door1", "camera-gone"))
    with pytest.raises(DeviceLost, match="unplugged"):
        wait_for(lambda: camera.read() is None)
    with pytest.raises(DeviceUnavailable, match="not plugged in"):
        camera.start(64, 48, 50)
    thread.run(thread.world.device_fault("door1", "camera-back"))
    camera.start(64, 48, 50)
    assert camera.read().height == 48
    camera.close()


def test_a_camera_refuses_a_size_that_it_cannot_make(door: tuple[WorldThread, Device]) -> None:
    camera = backend.SimCamera()
    with pytest.raises(DeviceUnavailable, match="no 8000 x 48"):
        camera.start(8000, 48, 25)
    camera.close()


def test_a_waiting_reader_ends_when_the_camera_is_closed(door: tuple[WorldThread, Device]) -> None:
    camera = backend.SimCamera()
    camera.start(64, 48, 1)
    camera.read()
    lost = threading.Event()

    def read() -> None:
        with pytest.raises(DeviceLost):
            camera.read()
        lost.set()

    reader = threading.Thread(target=read)
    reader.start()
    camera.close()
    assert lost.wait(20)
    reader.join(20)


def test_words_reach_the_microphone(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    microphone = backend.SimMicrophone()
    assert microphone.read(FRAME_SAMPLES) == bytes(2 * FRAME_SAMPLES)
    microphone.start()
    device.room.say(TONE * 50)
    wait_for(lambda: TONE[:2] in microphone.read(FRAME_SAMPLES))
    device.room.hush()
    microphone.close()
    microphone.close()


def test_what_the_loudspeaker_plays_is_heard(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    speaker = backend.SimSpeaker()
    speaker.start()
    for _ in range(5):
        speaker.write(TONE)
    wait_for(lambda: device.room.heard.last(5)[1].count(TONE[:2]) >= 5 * FRAME_SAMPLES)
    speaker.close()


def test_a_loudspeaker_drops_the_oldest_beyond_200_ms(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    speaker = backend.SimSpeaker()
    speaker.start()
    for level in range(1, 51):
        speaker.write(bytes([level, 0]) * FRAME_SAMPLES)
    wait_for(lambda: b"\x32\x00" * FRAME_SAMPLES in device.room.heard.last(5)[1])
    played = {device.room.heard.last(5)[1][i] for i in range(0, 5 * 32_000, 2)} - {0}
    assert len(played) < 25
    speaker.close()


def test_a_pulled_microphone_is_lost(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    microphone = backend.SimMicrophone()
    microphone.start()
    wait_for(lambda: "microphone" in device.parts)
    thread.run(thread.world.device_fault("door1", "microphone-gone"))
    with pytest.raises(DeviceLost, match="microphone was unplugged"):
        microphone.read(FRAME_SAMPLES)
    with pytest.raises(DeviceUnavailable):
        microphone.start()
    thread.run(thread.world.device_fault("door1", "microphone-back"))
    microphone.start()
    microphone.close()


def test_the_loudspeaker_comes_back_into_the_microphone_of_a_room_with_echo(
    door: tuple[WorldThread, Device],
) -> None:
    thread, _ = door
    microphone, speaker = backend.SimMicrophone(), backend.SimSpeaker()
    microphone.start()
    speaker.start()
    thread.run(thread.world.device_fault("door1", "echo-on"))

    def echo() -> bool:
        speaker.write(TONE)
        return any(microphone.read(FRAME_SAMPLES))

    wait_for(echo)
    microphone.close()
    speaker.close()


def test_the_lock_opens_for_a_pulse(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    relay = backend.SimRelay(kind="fail-secure")
    relay.pulse(0.05)
    wait_for(lambda: seen(device, "lock") == [{"unlocked": True}, {"unlocked": False}])
    assert not relay.unlocked
    relay.close()
    relay.close()


def test_a_lock_without_its_process_goes_to_the_safe_side(door: tuple[WorldThread, Device]) -> None:
    _, device = door
    relay = backend.SimRelay(kind="fail-safe")
    wait_for(lambda: device.lock.kind == "fail-safe")
    relay.close()
    wait_for(lambda: device.lock.unlocked)


def test_a_locked_door_does_not_open(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    contact, relay = backend.SimContact(name="door_contact"), backend.SimRelay()
    moves: list[bool] = []
    contact.listen(moves.append)
    wait_for(lambda: {"door_contact", "lock"} <= device.parts)
    with pytest.raises(NotPossible, match="locked"):
        thread.do(device.move, "door_contact", True)
    relay.hold()
    wait_for(lambda: device.lock.unlocked)
    thread.do(device.move, "door_contact", True)
    wait_for(lambda: contact.open)
    relay.release()
    thread.do(device.move, "door_contact", False)
    wait_for(lambda: moves == [True, False])
    contact.close()
    relay.close()


def test_the_screen_shows_the_picture_under_its_words(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    display = backend.SimDisplay()
    display.show(Scene("Gate 1 is calling", "Answer or decline", ("answer", "decline"), live=True))
    wait_for(lambda: device.scene.live)
    assert thread.run(device.picture()) is None
    before = time.monotonic()
    display.picture(Picture(4, 2, bytes(12), 1.5))
    shown = thread.run(device.picture())
    assert shown is not None
    assert shown.width == 4
    assert before <= shown.taken <= time.monotonic(), "the world is told when it was shown, not when it was taken"
    display.show(Scene("Missed", live=False))
    wait_for(lambda: device.scene.title == "Missed")
    assert thread.run(device.picture()) is None
    with pytest.raises(ValueError, match="not 4 x 2 I420"):
        display.picture(Picture(4, 2, bytes(11), 0.0))
    display.close()


def test_a_picture_is_copied_when_somebody_looks_and_not_before(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    display = backend.SimDisplay()
    display.show(Scene("ringing", live=True))
    for level in (1, 2):
        display.picture(Picture(4, 2, bytes([level]) * 12, 1.0))
    wait_for(lambda: device.live_number() == 2)
    assert device.screen is not None
    assert device.screen.sequence == 0
    for _ in range(2):
        shown = thread.run(device.picture())
        assert shown is not None
        assert bytes(shown.data) == bytes([2]) * 12
    display.close()


def test_who_looks_at_a_screen_that_loses_its_power_is_told(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    display = backend.SimDisplay()
    display.show(Scene("ringing", live=True))
    display.picture(Picture(4, 2, bytes(12), 1.0))
    wait_for(lambda: device.live_number() == 1)
    thread.do(device.connected, hang, 1)
    looking = asyncio.run_coroutine_threadsafe(device.picture(), thread.loop)
    thread.do(device.disconnected, hang)
    with pytest.raises(NotPossible, match="door1 is not running any more"):
        looking.result(10)
    display.close()


def hang(message: Message) -> None:
    """Takes messages and answers none."""


def test_the_last_visitors_picture_is_not_shown_to_the_next_call(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    display = backend.SimDisplay()
    display.show(Scene("first", live=True))
    display.picture(Picture(4, 2, bytes(12), 1.0))
    display.show(Scene("talking", live=True))
    wait_for(lambda: device.scene.title == "talking")
    assert thread.run(device.picture()) is not None
    display.show(Scene("over"))
    display.show(Scene("second", live=True))
    wait_for(lambda: device.scene.title == "second")
    assert thread.run(device.picture()) is None
    display.close()


def test_lamps_and_events_and_answers(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    indicator, port = backend.SimIndicator(), backend.SimServicePort()
    indicator.show(Signal.CALLING)
    wait_for(lambda: device.indicator == "calling")
    port.publish("unlock", {"granted": True})
    wait_for(lambda: seen(device, "unlock") == [{"granted": True}])
    port.provide("state", lambda: {"state": "idle"})
    wait_for(lambda: "service_port" in device.parts)
    assert thread.run(device.ask("state")) == {"state": "idle"}
    with pytest.raises(NotThere, match="nothing about 'weather'"):
        thread.run(device.ask("weather"))
    indicator.close()
    port.close()


def test_the_log_numbers_events_and_lets_wait_for_the_next(door: tuple[WorldThread, Device]) -> None:
    thread, device = door
    assert thread.run(device.log.wait(device.log.last, 0.01)) == []
    port = backend.SimServicePort()
    last = device.log.last
    port.publish("hello", {})
    found = thread.run(device.log.wait(last, 20))
    assert [entry.id for entry in found] == list(range(last + 1, last + 1 + len(found)))
    port.close()


def test_devices_notice_that_the_simulator_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_world(tmp_path, Device("door1", "door-station", None)) as thread:
        monkeypatch.setenv(SOCKET, str(thread.world.socket_path("door1")))
        indicator, camera = backend.SimIndicator(), backend.SimCamera()
    with pytest.raises(DeviceLost, match="simulator has ended"):
        wait_for(lambda: indicator.show(Signal.IDLE))
    with pytest.raises(DeviceUnavailable, match="camera is gone"):
        camera.start(64, 48, 25)
    indicator.close()
    camera.close()
