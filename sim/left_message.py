"""The visit where nobody answers (V5): the visitor leaves a message, and every screen of the home plays it."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from hal.indicator import Signal
from media.prompts import speech as prompt
from sim.client import Community, DeviceClient, Facts, Happened
from sim.evidence import Heard, Samples, clock_on_screen, find, samples_of, watch
from sim.footage import speech
from sim.report import Check, Story
from sim.visit import FLAT, HEIGHT, WIDTH, scene_of

LIMIT = 60.0
ALIKE = 0.5
"""Least likeness of the words in a film, or at a loudspeaker, with what the visitor said."""
UNALIKE = 0.35
"""Most likeness with other words of the same voice: what is more would prove nothing."""
ALMOST_ALL = 0.95
"""Share of a film's pictures that must have the camera's clock, each later than the one before."""
BEFORE = 3000.0
"""Milliseconds before the tone that a message may begin: the door keeps the last seconds."""
HEARD = 25.0
"""Seconds of sound that are kept of an end at least."""
PAUSE = 0.1
LOOK = 1.0
"""Seconds that a person looks; meanwhile the picture moves."""

Done = TypeVar("Done")


class LeftMessage:
    """Played by the control interfaces alone, as a person would."""

    def __init__(self, community: Community, story: Story) -> None:
        self._community, self._story = community, story
        self._door = next(device for device in community.devices.values() if device.role == "door-station")
        self._screens = community.screens
        self._said: Samples = np.zeros(0)
        self._begin = self._end = 0.0
        for device in community.devices.values():
            device.forget()

    def play(self) -> None:
        """The whole visit, or until there is no message. Raises NotSeen where it cannot go on."""
        self._story.begin = time.monotonic() * 1000
        self._nobody_answers()
        kept = self._speaks()
        left = self._arrives(kept) if self._story.holds else None
        if left is None:
            return
        self._lamps(kept)
        self._film(left)
        self._everybody_plays(left)
        self._seen_by_all()

    # --- at the door -------------------------------------------------------------------------------------------------

    def _nobody_answers(self) -> None:
        self._door.type(f"{FLAT}#")
        over = self._door.wait_for("ended", LIMIT)
        self._story.check("nobody answers", over.facts.get("outcome") == "no-answer", f"the visit ends: {over.facts}")
        missed = [screen.wait_for("ended", LIMIT).facts.get("outcome") for screen in self._screens]
        named = ", ".join(f"{screen.name} {each}" for screen, each in zip(self._screens, missed, strict=True))
        self._story.check("every screen keeps a missed call", set(missed) == {"missed"}, named)

    def _speaks(self) -> Happened:
        """The visitor waits for the tone, speaks, and leaves by a key."""
        tone = self._door.wait_for("message", LIMIT)
        heard = samples_of(self._door.hear(HEARD))
        asked, other = (find(_prompt(name), heard).likeness for name in ("leave-message", "guards-busy"))
        evidence = f"likeness of the words that ask {asked:.2f}, of others {other:.2f}"
        self._story.check("the visitor is asked for a message", asked >= ALIKE > UNALIKE >= other, evidence)
        over = self._door.wait_for("message-over", LIMIT)
        kept = self._door.wait_for("message-kept", LIMIT)
        self._begin, self._end = tone.ms - BEFORE, over.ms
        self._said = np.trim_zeros(samples_of(self._door.sound("said", HEARD).content))
        seconds = len(self._said) / 16_000
        evidence = f"{over.facts.get('why')}, {kept.facts['seconds']:.1f} s are kept, {seconds:.1f} s of them words"
        self._story.check("the visitor speaks after the tone, and leaves", seconds > 1, evidence)
        return kept

    # --- at the home's server ----------------------------------------------------------------------------------------

    def _arrives(self, kept: Happened) -> Facts | None:
        end = time.monotonic() + LIMIT
        while not (found := self._listed(kept.facts["id"])):
            if time.monotonic() > end:
                self._story.check("the message arrives at the home", False, f"it is not there after {LIMIT:g} s")
                return None
            time.sleep(PAUSE)
        evidence = f"{found['size']} bytes, {found['duration_ms'] / 1000:.1f} s, from {found['started']}"
        self._story.check("the message arrives at the home", True, evidence)
        self._picture_of_the_ring(found)
        return found

    def _listed(self, identifier: str) -> Facts | None:
        return next((one for one in self._community.messages(FLAT) if one["id"] == identifier), None)

    def _picture_of_the_ring(self, left: Facts) -> None:
        """What was kept of the same visit when the visitor rang."""
        pictures = [one for one in self._community.messages(FLAT) if one["kind"] == "picture"]
        same = [one for one in pictures if one["session_id"] == left["session_id"]]
        for one in same:
            (self._story.folder / f"picture-{one['event']}.jpg").write_bytes(self._content(one))
        events = ", ".join(one["event"] for one in same)
        self._story.check("a picture of the same visit is there too", "ring" in events, events or "none")

    def _content(self, left: Facts) -> bytes:
        return self._community.message(FLAT, left["id"])

    def _film(self, left: Facts) -> None:
        """The stored film shows what the camera saw, and the visitor's words are in it, and no others."""
        content = self._content(left)
        (self._story.folder / "message.mp4").write_bytes(content)
        whole = hashlib.sha256(content).hexdigest() == left["sha256"] and len(content) == left["size"]
        self._story.check("the film is whole", whole, f"{len(content)} bytes, SHA-256 {left['sha256'][:12]}...")
        film = watch(content)
        share = film.between(self._begin, self._end)
        evidence = f"{share:.0%} of {len(film.clocks)} pictures have the camera's clock, one after the other"
        self._story.check("the film shows the visitor, as the camera saw it", share >= ALMOST_ALL, evidence)
        self._story.checks.append(self._judge_words("the visitor's words are in the film", film.sound))

    def _judge_words(self, name: str, heard: Samples) -> Check:
        words, others = find(self._said, heard), find(_other_words(), heard)
        evidence = f"likeness {words.likeness:.2f}, other words of the same voice {others.likeness:.2f}; {_rms(words)}"
        holds = words.likeness >= ALIKE and others.likeness <= UNALIKE and words.likeness > others.likeness
        return Check(name, holds, evidence)

    # --- on the screens ----------------------------------------------------------------------------------------------

    def _lamps(self, kept: Happened) -> None:
        """Every screen of the home tells of one new message, in words and by its lamp."""
        lit = self._on_each(lambda screen: screen.wait_for("indicator", LIMIT, signal=Signal.MESSAGE))
        last = max(each.ms for each in lit) - kept.ms
        self._story.measure("message finished to the lamp on every screen", last)
        words = [screen.state()["scene"]["detail"] for screen in self._screens]
        told = all("1 new message" in each for each in words)
        evidence = f"the last lamp was on after {last:.0f} ms; {words[0]!r}"
        self._story.check("every screen tells of a new message", told, evidence)

    def _everybody_plays(self, left: Facts) -> None:
        """All residents at once."""
        for pressed, playing, checks in self._on_each(lambda screen: self._plays(screen, left["id"])):
            self._story.measure(f"play pressed to the first picture, {checks[0].name.split()[0]}", playing - pressed)
            self._story.checks += checks

    def _plays(self, screen: DeviceClient, identifier: str) -> tuple[float, float, list[Check]]:
        """A resident opens the list and plays the message: picture and sound."""
        screen.press("messages")
        screen.wait_for("message-shown", LIMIT, id=identifier)
        screen.press("play")
        pressed = screen.wait_for("button", LIMIT, button="play")
        playing = screen.wait_for("message-playing", LIMIT, id=identifier)
        first, second = self._look(screen), self._look(screen)
        over = screen.wait_for("message-played", LIMIT, id=identifier)
        heard = samples_of(screen.hear(min(HEARD, (over.ms - playing.ms) / 1000 + 2)))
        screen.press("hangup")
        words = self._judge_words(f"{screen.name} lets the visitor's words be heard", heard)
        return pressed.ms, playing.ms, [self._judge_picture(screen.name, first, second), words]

    def _judge_picture(self, name: str, first: int | None, second: int | None) -> Check:
        title = f"{name} shows the visitor of the message"
        if first is None or second is None:
            return Check(title, False, "the camera's clock is not in the picture on the screen")
        inside = self._begin <= first < second <= self._end
        evidence = f"{self._end - first:.0f} ms before the end of the message; its clock goes on by {second - first} ms"
        return Check(title, inside, evidence)

    def _look(self, screen: DeviceClient) -> int | None:
        """The clock in the picture on the screen, which is kept beside the report."""
        time.sleep(LOOK)
        scene, png = scene_of(screen.state()), screen.screen()
        (self._story.folder / f"{screen.name}-playing.png").write_bytes(png)
        return clock_on_screen(png, scene, WIDTH, HEIGHT)

    def _seen_by_all(self) -> None:
        """What one has seen is new for nobody."""
        end = time.monotonic() + LIMIT
        while waiting := [one.name for one in self._screens if one.state()["messages"]["new"]]:
            if time.monotonic() > end:
                break
            time.sleep(PAUSE)
        evidence = f"still new on {', '.join(waiting)}" if waiting else "the lamp is off on every screen"
        self._story.check("what one has seen is new for nobody any more", not waiting, evidence)

    def _on_each(self, does: Callable[[DeviceClient], Done]) -> list[Done]:
        """All residents at once."""
        with ThreadPoolExecutor(len(self._screens)) as pool:
            return list(pool.map(does, self._screens))


def _other_words() -> Samples:
    """What the same visitor says in a conversation."""
    return np.frombuffer(speech("visitor"), np.int16).astype(np.float64)


def _prompt(name: str) -> Samples:
    """What the door says, in the language of the simulator."""
    return np.frombuffer(prompt("en", [name]).samples, np.int16).astype(np.float64)


def _rms(heard: Heard) -> str:
    return f"said {heard.said_rms:.0f} rms, heard {heard.heard_rms:.0f} rms"
