"""How each backend is opened here, and what a person would do to it.

A backend without a place of its own is opened without options. One that cannot be opened is skipped with its own
reason; a backend that opens is held to the whole contract.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from gpiozero import Device as GpioDevice
from gpiozero.pins.mock import MockFactory

from hal.errors import DeviceUnavailable
from hal.registry import open_device
from sim.link import SOCKET
from sim.world.device import Device as SimDevice
from tests.hal.alsa import has_sound_card, sound_card_of_files
from tests.hal.matrix import Wires
from tests.sim.worlds import running_world, wait_for

ROWS, COLUMNS = (5, 6, 13, 26), (12, 16, 20)
PIN = 17

Hand = Callable[[Any, str], object]
"""Does something to a device: presses a key or the button, opens ("open") or shuts ("shut") a contact."""


@dataclass(frozen=True)
class Place:
    """Where a backend finds its device: the options of a board file, and a hand if there is one."""

    options: Mapping[str, Any]
    hand: Hand | None = None


@dataclass
class Bench:
    """A device under test."""

    device: Any
    hand: Hand | None
    again: Callable[[], Any]
    """Opens the same device once more."""

    def press(self, what: str) -> None:
        """Let a person press or move it. Skips where only real hardware could."""
        if self.hand is None:
            pytest.skip("nobody can press or move this device here")
        self.hand(self.device, what)


@contextmanager
def opened(ability: str, backend: str, tmp_path: Path) -> Iterator[Bench]:
    """The device on its bench, closed at the end. Skips with the backend's own reason."""
    with _place(ability, backend, tmp_path) as place:
        try:
            device = open_device(ability, backend, place.options)
        except DeviceUnavailable as reason:
            pytest.skip(f"{ability} backend {backend}: {reason}")
        try:
            yield Bench(device, place.hand, lambda: open_device(ability, backend, place.options))
        finally:
            device.close()


def _place(ability: str, backend: str, tmp_path: Path) -> AbstractContextManager[Place]:
    if backend == "gpio":
        return _on_pins(ability)
    if backend == "sim":
        return _in_world(ability, tmp_path)
    return _on_desk(ability, backend, tmp_path)


@contextmanager
def _on_desk(ability: str, backend: str, tmp_path: Path) -> Iterator[Place]:
    if backend == "mock":
        yield Place({}, {"keypad": _type, "button": _push, "contact": _set}.get(ability))
    elif backend == "opencv":
        yield Place({"source": _clip(tmp_path / "clip.avi")})
    elif backend == "framebuffer":
        (tmp_path / "fb").write_bytes(bytes(160 * 120 * 4))
        yield Place({"device": str(tmp_path / "fb"), "width": 160, "height": 120, "bits": 32})
    elif backend == "portaudio" and not has_sound_card():
        with sound_card_of_files(tmp_path, b"\x00\x10" * 160_000):
            yield Place({})
    else:
        yield Place({})


def _type(device: Any, key: str) -> None:
    device.type(key)


def _push(device: Any, _: str) -> None:
    device.press()


def _set(device: Any, to: str) -> None:
    device.set(to == "open")


def _clip(path: Path) -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 64))
    for number in range(5):
        writer.write(np.full((64, 96, 3), 50 * number, np.uint8))
    writer.release()
    return str(path)


# --- pins of a fake board -------------------------------------------------------------------------------------------


@contextmanager
def _on_pins(ability: str) -> Iterator[Place]:
    before, GpioDevice.pin_factory = GpioDevice.pin_factory, MockFactory()
    try:
        yield _wired(ability, GpioDevice.pin_factory)
    finally:
        GpioDevice.pin_factory.close()
        GpioDevice.pin_factory = before


def _wired(ability: str, factory: MockFactory) -> Place:
    if ability == "keypad":
        wires = Wires(factory, ROWS, COLUMNS)
        return Place({"rows": ROWS, "columns": COLUMNS, "debounce": 0.005}, lambda _, key: wires.down.add(key))
    if ability == "indicator":
        return Place({"lamps": {"call": 22, "talk": 23, "door": 24, "fault": 25}})
    if ability == "relay":
        return Place({"pin": PIN})
    pin = factory.pin(PIN)
    if ability == "button":
        return Place({"pin": PIN, "debounce": 0.001}, lambda *_: pin.drive_low())
    pin.drive_low()
    options = {"pin": PIN, "pull": "floating", "debounce": 0.001}
    return Place(options, lambda _, to: pin.drive_high() if to == "open" else pin.drive_low())


# --- the simulator's world ------------------------------------------------------------------------------------------


@contextmanager
def _in_world(ability: str, tmp_path: Path) -> Iterator[Place]:
    device = SimDevice("door1", "door-station", None)
    with running_world(tmp_path, device) as thread, pytest.MonkeyPatch.context() as environment:
        environment.setenv(SOCKET, str(thread.world.socket_path("door1")))
        yield _simulated(ability, device, thread.do)


def _simulated(ability: str, world: SimDevice, do: Callable[..., object]) -> Place:
    def hand(part: str, action: Callable[..., object]) -> Hand:
        def act(_: Any, what: str) -> None:
            wait_for(lambda: part in world.parts)
            do(action, what)

        return act

    if ability == "keypad":
        return Place({}, hand("keypad", world.type))
    if ability == "button":
        return Place({"name": "call"}, hand("call_button", lambda _: world.press("call")))
    if ability == "contact":
        move = hand("tamper_switch", lambda to: world.move("tamper_switch", to == "open"))
        return Place({"name": "tamper_switch"}, move)
    return Place({})
