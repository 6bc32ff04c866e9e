"""The HAL backends named "sim": a device process's side of simulated hardware. Standard library only, it must be light.

Every ability is tested by the same contract tests as the real backends; the other side is `sim.world`.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from hal.camera import Picture
from hal.display import Scene
from hal.errors import DeviceLost, DeviceUnavailable
from hal.indicator import Signal
from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from hal.pulse import LockTimer
from hal.service_port import Facts
from sim.link import Link, Message, connect, encode, now_ms, open_part, release_link, take_link
from sim.shared import MAX_HEIGHT, MAX_WIDTH, PictureSlots, ScreenMemory, SoundTrack, check_size, sample_now

QUEUE = SAMPLE_RATE // 5
"""A loudspeaker keeps 200 ms at most."""
LEAD = 2 * FRAME_SAMPLES
"""A loudspeaker that ran dry starts two frames ahead, as a sound card's buffer does."""
LATE, EARLY = SAMPLE_RATE // 8, FRAME_SAMPLES
"""A microphone's reader that is farther from now than this jumps back: earlier than that there is no sound yet."""


class SimCamera:
    """Takes pictures of the simulator's street."""

    def __init__(self) -> None:
        self._socket = connect()
        self._slots = PictureSlots(open_part(self._socket, "camera"))
        self._socket.settimeout(1.0)
        self._last = 0
        self._closed = False

    def start(self, width: int, height: int, rate: int) -> None:
        """Begin to deliver. Raises DeviceUnavailable while unplugged or for a size the simulator cannot make."""
        if self._closed or self._slots.gone:
            raise DeviceUnavailable("the camera is not plugged in")
        if width % 2 or height % 2 or not (0 < width <= MAX_WIDTH and 0 < height <= MAX_HEIGHT and 0 < rate <= 60):
            raise DeviceUnavailable(f"the simulated camera has no {width} x {height} at {rate} per second")
        self._last = self._slots.sequence
        self._slots.active = True
        self._tell({"start": [width, height, rate]})

    def read(self) -> Picture:
        """The next picture, as a view of the shared memory that is good for three pictures more. Raises DeviceLost."""
        if self._closed:
            raise DeviceLost("the camera was closed")
        limit = time.monotonic() + 1.0
        while not (seen := self._slots.look(self._last)):
            self._wait(limit)
        self._last, picture = seen
        return picture

    def _wait(self, limit: float) -> None:
        if self._slots.gone:
            raise DeviceLost("the camera was unplugged")
        if time.monotonic() > limit:
            raise DeviceLost("the camera delivered no picture for a second")
        try:
            told = self._socket.recv(1)
        except TimeoutError:
            return
        except OSError as error:
            raise DeviceLost(f"the camera is gone: {error.strerror}") from error
        if not told:
            raise DeviceLost("the camera is gone: the simulator has ended")

    def stop(self) -> None:
        """No more pictures until the next `start`."""
        if not self._closed and self._slots.active:
            self._slots.active = False
            self._tell({"stop": True})

    def _tell(self, message: Message) -> None:
        try:
            self._socket.send(encode(message))
        except OSError as error:
            raise DeviceUnavailable(f"the camera is gone: {error.strerror}") from error

    def close(self) -> None:
        """Unplug for good; a waiting `read` ends with DeviceLost."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):  # the simulator may have hung up first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class _Sound:
    """What microphone and loudspeaker share: a track in memory, and a plug that can be pulled."""

    PART = ""

    def __init__(self) -> None:
        with connect() as connection:
            self._track = SoundTrack(open_part(connection, self.PART))
        self._position = 0
        self._closed = False

    def start(self) -> None:
        """Switch on. Raises DeviceUnavailable while it is not plugged in."""
        if self._closed or self._track.gone:
            raise DeviceUnavailable(f"the {self.PART} is not plugged in")
        self._position = 0
        self._track.active = True

    def _check(self) -> None:
        if self._closed or self._track.gone:
            raise DeviceLost(f"the {self.PART} was unplugged")

    def stop(self) -> None:
        """Switch off."""
        if not self._closed:
            self._track.active = False

    def close(self) -> None:
        """Switch off for good."""
        if not self._closed:
            self.stop()
            self._closed = True


class SimMicrophone(_Sound):
    """Hears the room it stands in."""

    PART = "microphone"

    def read(self, samples: int) -> bytes:
        """The oldest `samples` samples; silence while stopped. Raises DeviceLost."""
        if self._closed or not self._track.running:
            self._check()
            return bytes(2 * samples)
        now = sample_now()
        if not now - LATE <= self._position <= now + EARLY:
            self._position = now - FRAME_SAMPLES
        sound = self._track.read(self._position, samples)
        self._position += samples
        return sound


class SimSpeaker(_Sound):
    """Sounds into the room it stands in."""

    PART = "speaker"

    def write(self, sound: bytes) -> None:
        """Queue `sound`; beyond 200 ms the oldest goes. Raises DeviceLost, ValueError for half samples."""
        if self._closed or not self._track.running:
            self._check()
            return
        now = sample_now()
        start = self._position if self._position >= now else now + LEAD
        surplus = start + len(sound) // 2 - now - QUEUE
        if surplus > 0:
            sound = (self._track.read(now, start - now) + sound)[2 * surplus :]
            start = now
        self._track.write(start, sound)
        self._position = start + len(sound) // 2

    def stop(self) -> None:
        """Silence at once: what was not played is forgotten."""
        if not self._closed and self._track.active:
            now = sample_now()
            self._track.write(now, bytes(2 * max(self._track.end - now, 0)))
            super().stop()


class _Part:
    """One small part on the process's control connection."""

    def __init__(self, name: str, on_message: Callable[[Message], None] | None = None) -> None:
        self._name = name
        self._link: Link | None = take_link()
        self._link.attach(name, on_message)

    def _send(self, message: Message) -> None:
        if self._link:
            self._link.send({"part": self._name, **message})

    def close(self) -> None:
        """Give the part back."""
        link, self._link = self._link, None
        if link:
            release_link()


class SimKeypad(_Part):
    """The simulator's keypad."""

    def __init__(self) -> None:
        self._on_key: Callable[[str], None] | None = None
        super().__init__("keypad", self._pressed)

    def listen(self, on_key: Callable[[str], None]) -> None:
        """Call `on_key(key)` from the link's thread."""
        self._on_key = on_key

    def _pressed(self, message: Message) -> None:
        if self._on_key and self._link:
            self._on_key(str(message["key"]))


class SimButton(_Part):
    """One of the simulator's buttons."""

    def __init__(self, name: str) -> None:
        """`name`: "call", "exit", or an action of `hal.display.Scene`."""
        self._on_press: Callable[[], None] | None = None
        super().__init__(f"{name.removesuffix('_button')}_button", self._pressed)

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press()` from the link's thread."""
        self._on_press = on_press

    def _pressed(self, message: Message) -> None:
        if self._on_press and self._link:
            self._on_press()


class SimContact(_Part):
    """The simulator's door contact or tamper switch."""

    def __init__(self, name: str) -> None:
        """`name`: "door_contact" or "tamper_switch"."""
        self._open = False
        self._on_change: Callable[[bool], None] | None = None
        super().__init__(name, self._changed)

    @property
    def open(self) -> bool:
        """The door stands open, or the case was opened."""
        return self._open

    def listen(self, on_change: Callable[[bool], None]) -> None:
        """Call `on_change(open)` from the link's thread."""
        self._on_change = on_change

    def _changed(self, message: Message) -> None:
        now_open = bool(message["open"])
        changed, self._open = now_open != self._open, now_open
        if changed and self._on_change and self._link:
            self._on_change(now_open)


class SimRelay(_Part):
    """The lock of the simulator's door."""

    def __init__(self, kind: str = "fail-secure") -> None:
        """`kind`: "fail-secure" (stays locked without power) or "fail-safe" (opens without power)."""
        if kind not in ("fail-secure", "fail-safe"):
            raise ValueError(f'a lock is "fail-secure" or "fail-safe", not {kind!r}')
        super().__init__("lock")
        self._send({"kind": kind})
        self._timer = LockTimer(self._switch)

    def _switch(self, unlocked: bool) -> None:
        self._send({"unlocked": unlocked, "ms": now_ms()})

    @property
    def unlocked(self) -> bool:
        """Whether the door can be opened now."""
        return self._timer.unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock for `seconds`."""
        self._timer.pulse(seconds)

    def hold(self) -> None:
        """Unlock until `release`."""
        self._timer.hold()

    def release(self) -> None:
        """Lock now."""
        self._timer.release()

    def close(self) -> None:
        """Lock and let go; when the simulator has ended there is no lock left to close."""
        with suppress(DeviceLost):
            self._timer.close()
        super().close()


class SimIndicator(_Part):
    """The lamps beside the simulator's keypad."""

    def __init__(self) -> None:
        super().__init__("indicator")

    def show(self, signal: Signal) -> None:
        """Show `signal`."""
        self._send({"signal": signal.value})

    def close(self) -> None:
        """All lamps off."""
        with suppress(DeviceLost):
            self._send({"signal": None})
        super().close()


class SimDisplay(_Part):
    """One of the simulator's screens; a picture leaves the process when somebody looks at it."""

    def __init__(self) -> None:
        with connect() as connection:
            self._memory = ScreenMemory(open_part(connection, "display"))
        self._shown: tuple[Picture, float] | None = None
        super().__init__("display", self._asked)

    def show(self, scene: Scene) -> None:
        """Show these words."""
        if not scene.live:
            self._shown = None
        self._send(
            {
                "title": scene.title,
                "detail": scene.detail,
                "actions": list(scene.actions),
                "live": scene.live,
                "after": self._memory.shown,
                "ms": now_ms(),
            }
        )

    def picture(self, picture: Picture) -> None:
        """Show this picture; who looks is told when it was shown. Raises ValueError if it is not I420 of its size."""
        check_size(picture)
        if self._link:
            self._shown = picture, time.monotonic()
            self._memory.shown += 1

    def _asked(self, message: Message) -> None:
        shown = self._shown
        if shown:
            self._memory.write(*shown)
        self._send({"answer": message["ask"], "picture": shown is not None})

    def close(self) -> None:
        """Dark."""
        if self._link:
            with suppress(DeviceLost):
                self.show(Scene(""))
        super().close()


class SimServicePort(_Part):
    """Through it the simulator reads what the device does."""

    def __init__(self) -> None:
        self._answers: dict[str, Callable[[], Facts]] = {}
        self._lock = threading.Lock()
        super().__init__("service_port", self._asked)

    def publish(self, event: str, facts: Facts) -> None:
        """Tell an event."""
        self._send({"event": event, "facts": dict(facts), "ms": now_ms()})

    def provide(self, question: str, answer: Callable[[], Facts]) -> None:
        """Answer `question` from now on."""
        with self._lock:
            self._answers[question] = answer

    def _asked(self, message: Message) -> None:
        with self._lock:
            answer = self._answers.get(str(message["question"]))
        facts = dict(answer()) if answer else None
        self._send({"answer": message["ask"], "facts": facts})
