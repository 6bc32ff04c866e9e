"""What people do and see in a visit, in the words of the flows."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from sim import clock
from sim.client import Community, DeviceClient, Happened, NotSeen
from sim.hearing import listen_for

FLAT = "301"
DOOR = "door-station"
IN_CALL = ("calling", "ringing", "changing", "confirming", "talking", "called", "accepting", "guarded")
LIMIT = 15.0
OLD = 1500.0
"""Milliseconds after which a shown picture is not live any more, on a slow machine too."""


def all_at_rest(community: Community) -> None:
    """Nobody rings, talks or shows a sign, every phone is where it belongs; what happened before is forgotten."""
    doors = [device for device in community.devices.values() if device.role == DOOR]
    others = [device for device in community.devices.values() if device.role != DOOR]
    with ThreadPoolExecutor(len(community.devices)) as everybody:
        list(everybody.map(_settle, others))
        list(everybody.map(_settle_door, doors))
    for device in community.devices.values():
        device.forget()
        if device.state().get("registered_at") == "cloud":
            device.wait_for("registered", 30, server="home")


def _settle(device: DeviceClient) -> None:
    for _ in _phases_until_rest(device):
        device.press("hangup")
        _changes(device, "idle")


def _settle_door(door: DeviceClient) -> None:
    """Its * ends whatever is shown, but at rest it begins a code: it is pressed only where it does the former."""
    for phase in _phases_until_rest(door):
        if phase in IN_CALL and _changes(door, "idle"):  # the others have hung up
            continue
        door.type("*")
        _changes(door, "dialling" if phase == "ended" else "idle")


def _phases_until_rest(device: DeviceClient) -> Iterator[str]:
    end = time.monotonic() + LIMIT
    while True:
        device.forget()
        phase = device.state().get("phase")
        if phase in ("idle", None):
            return
        assert time.monotonic() < end, f"{device.name} stays {phase}"
        yield str(phase)


def _changes(device: DeviceClient, phase: str) -> bool:
    try:
        device.wait_for("state", 0.5, new=phase)
    except NotSeen:
        return False
    return True


def dial(community: Community, keys: str = f"{FLAT}#") -> DeviceClient:
    """The visitor dials; gives the door station."""
    door = community["door1"]
    door.type(keys)
    return door


def rings_everywhere(community: Community) -> None:
    """Every screen of the home rings, and the door knows."""
    for screen in (*community.screens, community["door1"]):
        screen.wait_for("state", LIMIT, new="ringing")  # the news "ringing" may come after that of the first picture


def sees_the_visitor(screen: DeviceClient) -> float:
    """The screen begins to show the camera's picture of now; gives its age in ms."""
    screen.wait_for("first-picture", LIMIT)
    return still_sees_the_visitor(screen)


def still_sees_the_visitor(screen: DeviceClient) -> float:
    """The screen, which showed the visitor before, shows the picture of now; gives its age in ms."""
    stamped = shown_clock(screen)
    assert stamped is not None, f"{screen.name}: the picture has no clock, it is not what the camera saw"
    age = time.monotonic() * 1000 - stamped
    assert 0 <= age < OLD, f"{screen.name} shows a picture that is {age:.0f} ms old"
    return age


def sees_the_visitor_again(screen: DeviceClient) -> None:
    """After "no picture" the screen soon shows the camera's again; nothing tells when, so the picture is looked at."""
    end = time.monotonic() + LIMIT
    while shown_clock(screen) is None:
        assert time.monotonic() < end, f"{screen.name} has no picture {LIMIT:g} s after the camera's return"
        screen.events(screen.seen, 0.1)


def shown_clock(screen: DeviceClient) -> int | None:
    """Milliseconds of the clock in the shown picture."""
    return clock.read_image(Image.open(io.BytesIO(screen.picture().content)))


def ended(device: DeviceClient, outcome: str) -> Happened:
    """The device's call ended that way."""
    return device.wait_for("ended", LIMIT, outcome=outcome)


def talks(*devices: DeviceClient) -> None:
    """These hear each other."""
    for device in devices:
        device.wait_for("audio-started", LIMIT)


def hears(device: DeviceClient, prompt: str) -> None:
    """Its loudspeaker spoke the prompt of that name a moment ago, or speaks it now."""
    assert listen_for(device.hear, prompt, LIMIT, LIMIT), f"{device.name} did not speak {prompt}"


def phases(community: Community) -> dict[str, str]:
    """Where everybody stands."""
    return {name: str(device.state().get("phase")) for name, device in community.devices.items()}
