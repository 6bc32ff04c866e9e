"""Cameras, microphones and speakers that may go away: the loss is told once, the device tried again, the call goes on.

Each wrapper has the ability's own methods, never raises DeviceLost or DeviceUnavailable, and delivers a drawn "no
picture" or silence while its device is gone. The time between two attempts doubles from half a second to half a
minute, with jitter; an attempt runs on a thread of its own, so that a slow one holds up neither picture nor sound.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from hal.camera import Camera, Picture
from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.microphone import Microphone
from hal.ring import SAMPLE_BYTES
from hal.speaker import Speaker

log = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.5, 30.0
"""Seconds between two attempts: doubled from the first to the last, then 50 to 150 % of that at random."""

Gone = (DeviceLost, DeviceUnavailable)
Report = Callable[[str, HalError | None], None]
"""Called with the device's name and why it was lost, or None when it is back; from any thread."""


class Device(Protocol):
    """What all devices that run have in common."""

    def stop(self) -> None:
        """Stop; may be started again."""

    def close(self) -> None:
        """Give the device back."""


D = TypeVar("D", bound=Device)


def in_thread(job: Callable[[], None]) -> None:
    """Run `job` on a daemon thread of its own."""
    threading.Thread(target=job, name="device-recovery", daemon=True).start()


def nobody(name: str, error: HalError | None) -> None:
    """The report that goes to the log only."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time and threads, from outside so that a test needs neither."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    spawn: Callable[[Callable[[], None]], None] = in_thread
    chance: Callable[[], float] = random.random


class Keeper(Generic[D]):
    """Opens, starts and, when it was lost, replaces one device. Thread-safe; only `run` may wait for the device."""

    def __init__(self, name: str, opener: Callable[[], D], report: Report, around: Surroundings) -> None:
        self._name, self._open, self._report, self._around = name, opener, report, around
        self._guard = threading.RLock()
        self._device: D | None = None
        self._begin: Callable[[D], None] | None = None
        self._working = self._busy = self._closed = self._missing = False
        self._failures = 0
        self._next_attempt = self._working_since = 0.0

    def run(self, begin: Callable[[D], None]) -> None:
        """Have the device running, started by `begin(device)`; tries once now. Raises HalError if it was closed."""
        with self._guard:
            if self._closed:
                raise HalError(f"The {self._name} was closed and cannot be started.")
            self._begin, self._working = begin, False
            busy, self._busy = self._busy, True
        if not busy:
            self._attempt()

    def rest(self) -> None:
        """Stop the device until the next `run`."""
        with self._guard:
            self._begin, self._working = None, False
            if self._device is not None and not self._busy:
                self._quietly(self._device.stop)

    def working(self) -> D | None:
        """The device if it runs; if not, None, and another attempt is begun when its time has come."""
        device = self._device
        if self._working:  # read without the lock: each frame asks, and may see the end of the device a moment late
            return device
        with self._guard:
            if self._working:
                return self._device
            if self._begin is None or self._busy or self._around.clock() < self._next_attempt:
                return None
            self._busy = True
        self._around.spawn(self._attempt)
        return None

    def lose(self, device: D, error: HalError) -> None:
        """`device` failed with `error`: give it back and report, once."""
        with self._guard:
            if device is not self._device or not self._working:
                return
            if self._around.clock() - self._working_since > LAST_DELAY:
                self._failures = 0
            self._drop(error)

    def close(self) -> None:
        """Give the device back and try no more; twice does no harm."""
        with self._guard:
            self._closed, self._begin, self._working = True, None, False
            device, self._device = self._device, None
            if device is not None and not self._busy:
                self._quietly(device.close)

    def _attempt(self) -> None:
        """Bring the device up, again if `run` or `rest` came in between. `_busy` is ours until the end."""
        while (begin := self._next()) is not None:
            device = self._device
            try:
                device = device or self._open()
                begin(device)
            except Gone as error:
                self._failed(device, error)
                return
            except BaseException:
                self._busy = False
                raise
            if self._settle(device, begin):
                return

    def _next(self) -> Callable[[D], None] | None:
        with self._guard:
            self._busy = self._begin is not None
            return self._begin

    def _settle(self, device: D, begin: Callable[[D], None]) -> bool:
        with self._guard:
            if self._closed:
                self._busy = False
                self._quietly(device.close)
                return True
            self._device = device
            if self._begin is not begin:
                self._quietly(device.stop)
                return False
            self._busy, self._working, self._working_since = False, True, self._around.clock()
            self._returned()
            return True

    def _failed(self, device: D | None, error: HalError) -> None:
        with self._guard:
            self._busy, self._device = False, device
            self._drop(error)

    def _drop(self, error: HalError) -> None:
        device, self._device, self._working = self._device, None, False
        if device is not None:
            self._quietly(device.close)
        delay = min(FIRST_DELAY * 2**self._failures, LAST_DELAY) * (0.5 + self._around.chance())
        self._failures = min(self._failures + 1, 16)
        self._next_attempt = self._around.clock() + delay
        if not self._missing and not self._closed:
            self._missing = True
            log.warning("The %s is gone, going on without it: %s", self._name, error)
            self._report(self._name, error)

    def _returned(self) -> None:
        if self._missing:
            self._missing = False
            log.info("The %s is back.", self._name)
            self._report(self._name, None)

    def _quietly(self, action: Callable[[], None]) -> None:
        """A device that is gone may fail to stop; it is being given up anyway."""
        try:
            action()
        except (HalError, OSError) as error:
            log.debug("The %s could not be given back: %s", self._name, error)


class SteadyCamera:
    """A camera that always has a picture: its own, or a drawn one that says that there is none."""

    def __init__(
        self,
        opener: Callable[[], Camera],
        report: Report = nobody,
        name: str = "camera",
        around: Surroundings | None = None,
    ) -> None:
        self._around = around or Surroundings()
        self._keeper: Keeper[Camera] = Keeper(name, opener, report, self._around)
        self._wanted: tuple[int, int, int] | None = None
        self._due = 0.0

    def start(self, width: int, height: int, rate: int) -> None:
        """Begin to deliver, whether or not the camera is there. Raises HalError if closed."""
        self._wanted, self._due = (width, height, rate), self._around.clock()
        self._keeper.run(lambda camera: camera.start(width, height, rate))

    def read(self) -> Picture:
        """The next picture, or the drawn one at the rate asked for. Raises HalError before `start`."""
        if self._wanted is None:
            raise HalError("The camera was read before it was started.")
        if (camera := self._keeper.working()) is not None:
            try:
                return camera.read()
            except Gone as error:
                self._keeper.lose(camera, error)
        return self._still(*self._wanted)

    def stop(self) -> None:
        """Stop delivering."""
        self._wanted = None
        self._keeper.rest()

    def close(self) -> None:
        """Give the camera back; twice does no harm."""
        self._wanted = None
        self._keeper.close()

    def _still(self, width: int, height: int, rate: int) -> Picture:
        from hal.drawing import no_picture

        now = self._around.clock()
        self._due = max(self._due + 1 / rate, now)
        self._around.wait(self._due - now)
        return no_picture(width, height)


class SteadyMicrophone:
    """A microphone that is silent while it is gone."""

    def __init__(
        self,
        opener: Callable[[], Microphone],
        report: Report = nobody,
        name: str = "microphone",
        around: Surroundings | None = None,
    ) -> None:
        self._keeper: Keeper[Microphone] = Keeper(name, opener, report, around or Surroundings())

    def start(self) -> None:
        """Begin to record, whether or not the microphone is there. Raises HalError if closed."""
        self._keeper.run(lambda microphone: microphone.start())

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples, or silence."""
        if (microphone := self._keeper.working()) is not None:
            try:
                return microphone.read(samples)
            except Gone as error:
                self._keeper.lose(microphone, error)
        return bytes(samples * SAMPLE_BYTES)

    def stop(self) -> None:
        """Stop recording."""
        self._keeper.rest()

    def close(self) -> None:
        """Give the microphone back; twice does no harm."""
        self._keeper.close()


class SteadySpeaker:
    """A speaker that may be written to while it is gone."""

    def __init__(
        self,
        opener: Callable[[], Speaker],
        report: Report = nobody,
        name: str = "speaker",
        around: Surroundings | None = None,
    ) -> None:
        self._keeper: Keeper[Speaker] = Keeper(name, opener, report, around or Surroundings())

    def start(self) -> None:
        """Begin to play, whether or not the speaker is there. Raises HalError if closed."""
        self._keeper.run(lambda speaker: speaker.start())

    def write(self, sound: bytes) -> None:
        """Queue `sound`; while the speaker is gone it is lost."""
        if (speaker := self._keeper.working()) is not None:
            try:
                speaker.write(sound)
            except Gone as error:
                self._keeper.lose(speaker, error)

    def stop(self) -> None:
        """Stop playing."""
        self._keeper.rest()

    def close(self) -> None:
        """Give the speaker back; twice does no harm."""
        self._keeper.close()
