"""The sound around a simulated device: what is said into its microphone and what its loudspeaker lets be heard."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from sim.shared import SoundTrack, sample_now
from sim.world.beep import BeepEar

AHEAD = 3 * FRAME_SAMPLES
"""A microphone's track is filled so far beyond now that a busy machine makes no gaps."""
ECHO_DELAY = SAMPLE_RATE // 10
"""From the loudspeaker to the microphone of the same device, with both their buffers."""
TURN = 14
"""Seconds after which a conversation begins again: long enough for one sentence of each."""
KEPT = 30 * SAMPLE_RATE // FRAME_SAMPLES
"""Frames that are kept of what was heard and said, about 30 seconds."""

Samples = NDArray[np.int32]
Listener = Callable[[bytes], None]


BREATH = SAMPLE_RATE // 2
"""Before somebody says what there is to say, and before they leave."""
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who speaks `begin` seconds after the microphone went on, and again every `TURN` seconds."""

    speech: bytes
    begin: float = 0.5
    message: bytes = b""
    """What they say instead after a tone that asks for a message; then they press a key and leave."""


class Recording:
    """The last half minute of a sound."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    def add(self, start: int, sound: bytes) -> None:
        """`sound` began at sample `start`."""
        self._frames.append((start, sound))

    def last(self, seconds: float) -> tuple[int, bytes]:
        """The sample number at which the last `seconds` begin, and their sound; times without sound are silence."""
        end = sample_now()
        begin = end - int(seconds * SAMPLE_RATE)
        sound = bytearray(2 * (end - begin))
        for start, frame in list(self._frames):
            place = 2 * (start - begin)
            if 0 <= place <= len(sound) - len(frame):
                sound[place : place + len(frame)] = frame
        return begin, bytes(sound)


class Room:
    """The air around one device. `tick` runs on the sound thread, everything else on any."""

    def __init__(self) -> None:
        self.microphone: SoundTrack | None = None
        self.speaker: SoundTrack | None = None
        self.person: Person | None = None
        self.visitors: set[int] = set()
        """Pages whose user speaks here; then the simulated person is silent."""
        self.echo = 0.0
        """How much of the loudspeaker comes back into the microphone, 0 to 1."""
        self.cue: Callable[[], bool] = lambda: True
        """Whether who stands here has reason to speak; asked on the sound thread."""
        self.leaves: Callable[[], None] = lambda: None
        """Called on the sound thread when the person has left a message."""
        self.heard, self.said = Recording(), Recording()
        self.listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._voices: list[tuple[int, bytes]] = []
        self._spoken: dict[str, int] = {}
        self._filled = 0
        self._played = 0
        self._next_speech = 0
        self._ear = BeepEar()
        self._leave_at = NEVER

    def say(self, sound: bytes, voice: str = "person") -> None:
        """Speak `sound` (s16le, 16 kHz) into the microphone, after what the same `voice` is saying."""
        with self._lock:
            start = max(self._spoken.get(voice, 0), sample_now() + AHEAD)
            self._voices.append((start, sound))
            self._spoken[voice] = start + len(sound) // 2

    def hush(self) -> None:
        """Nobody speaks any more."""
        with self._lock:
            self._voices.clear()
            self._spoken.clear()

    def tick(self, now: int) -> None:
        """Fill the microphone's track up, and listen to the loudspeaker's."""
        self._fill(now)
        self._listen(now)

    def _fill(self, now: int) -> None:
        track = self.microphone
        if not track or not track.active:
            self._filled = 0
            self._leave_at = NEVER
            return
        if not self._filled:
            self._next_speech = now + self._begin
        self._let_speak(now)
        begin, end = max(self._filled, now), now + AHEAD
        sound = self._mix(begin, end)
        track.write(begin, sound)
        self.said.add(begin, sound)
        self._filled = end

    @property
    def _begin(self) -> int:
        return int((self.person.begin if self.person else 0) * SAMPLE_RATE)

    def _let_speak(self, now: int) -> None:
        person = self.person
        if not person or self.visitors:
            return
        if now >= self._leave_at:
            self._leave_at = NEVER
            self.leaves()
        if not self.cue():
            self._next_speech = max(self._next_speech, now + self._begin)
        if now >= self._next_speech:
            self.say(person.speech)
            self._next_speech = now + max(TURN * SAMPLE_RATE, len(person.speech) // 2)

    def _leave_message(self, now: int) -> None:
        """The tone was heard: whatever else was to be said, this is said now, and then nothing more."""
        message = self.person.message if self.person and not self.visitors and self._filled else b""
        if message:
            self.hush()
            self.say(bytes(2 * BREATH) + message)
            self._next_speech = NEVER
            self._leave_at = now + AHEAD + len(message) // 2 + 2 * BREATH

    def _mix(self, begin: int, end: int) -> bytes:
        mixed: Samples = np.zeros(end - begin, np.int32)
        with self._lock:
            self._voices = [voice for voice in self._voices if voice[0] + len(voice[1]) // 2 > begin]
            voices = list(self._voices)
        for start, sound in voices:
            first, last = max(begin, start), min(end, start + len(sound) // 2)
            if first < last:
                part = np.frombuffer(sound, np.int16, last - first, 2 * (first - start))
                mixed[first - begin : last - begin] += part
        if self.echo and self.speaker and self.speaker.active:
            back = np.frombuffer(self.speaker.read(begin - ECHO_DELAY, end - begin), np.int16)
            mixed += (back * self.echo).astype(np.int32)
        return np.clip(mixed, -32768, 32767).astype(np.int16).tobytes()

    def _listen(self, now: int) -> None:
        track = self.speaker
        if not track or not track.active:
            self._played = 0
            return
        begin = self._played if 0 <= now - self._played < SAMPLE_RATE else now - FRAME_SAMPLES
        if begin == now:
            return
        sound = track.read(begin, now - begin)
        self._played = now
        self.heard.add(begin, sound)
        if self._ear.hear(sound):
            self._leave_message(now)
        for listener in list(self.listeners):
            listener(sound)


class SoundLoop:
    """Lets time pass in all rooms, 50 times a second."""

    def __init__(self, rooms: list[Room]) -> None:
        self._rooms = rooms
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            due = max(due + FRAME_SAMPLES / SAMPLE_RATE, time.monotonic() - 0.1)
            now = sample_now()
            for room in self._rooms:
                room.tick(now)

    def close(self) -> None:
        """Silence; twice does no harm."""
        self._end.set()
        self._thread.join(2)
