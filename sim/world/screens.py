"""Draws what a device shows to people: a resident's display, a door station's panel."""

import asyncio
import io

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import Size, no_picture, render
from sim.world.device import Device

SIZES: dict[str, Size] = {
    "indoor-unit": (800, 600),
    "phone": (540, 960),
    "door-station": (800, 600),
    "management-console": (800, 600),
    "telephone": (540, 960),
}
"""Pixels of each role's screen; the door station's is a panel seen from outside."""
SIGNALS = {
    "calling": "Ringing",
    "talking": "Please speak",
    "unlocked": "Please come in",
    "refused": "Not possible",
    "alarm": "Alarm",
    "fault": "Out of order",
}
"""What a door station's lamps mean."""


async def screen_png(device: Device) -> bytes:
    """What the device shows now, as PNG. Raises NotPossible, NoAnswer."""
    if device.role == "door-station":
        picture = device.camera.latest() if device.camera and device.camera.active else None
        scene, picture = door_scene(device), picture or no_picture(640, 480, "Camera off")
    else:
        picture = await device.picture()
        scene = device.scene
    return await asyncio.to_thread(_png, scene, picture, SIZES[device.role])


def _png(scene: Scene, picture: Picture | None, size: Size) -> bytes:
    file = io.BytesIO()
    render(scene, picture, size).save(file, "PNG", compress_level=1)
    return file.getvalue()


def door_scene(device: Device) -> Scene:
    """The lamps of a door station in words."""
    door = "open" if device.contacts["door_contact"] else "closed"
    lock = "unlocked" if device.lock.unlocked else "locked"
    return Scene(SIGNALS.get(device.indicator or "", "Welcome"), f"Door {door}, {lock}", live=True)
