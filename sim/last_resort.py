"""The visit that falls through all stages (V1 to V3), played from its scenario file, with what was seen and heard."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sim.client import Community
from sim.evidence import clock_on_screen, compare, samples_of
from sim.player import Player
from sim.report import Story
from sim.scenario import Step, load
from sim.visit import ALIKE, FRESH, HEIGHT, WIDTH, scene_of
from sim.world.sound import TURN

SCENARIO = "v3-falls-through"
TOLD = 12.0
"""Seconds after which the telephone was told that the door is open, and the next code; visitor and resident wait."""


class LastResort:
    """Nobody is reached at home or on 4G; the ordinary telephone opens."""

    def __init__(self, community: Community, story: Story) -> None:
        self._community, self._story = community, story
        self._looks: dict[tuple[str, str], Callable[[], object]] = {
            ("phone2", "first-picture"): self._phone_rings,
            ("telephone1", "ringing"): lambda: self._picture("telephone1", "ringing"),
            ("door1", "lock"): self._talk,
        }

    def play(self) -> None:
        """The whole visit; a step that does not come true is a check that did not hold."""
        self._story.begin = time.monotonic() * 1000
        failure = Player(self._community, load(SCENARIO), lambda line: None, self._look).play()
        if failure:
            self._story.check("the visit went to its end", False, failure)
        messages = self._community.ladder() if self._community.visits() else ""
        (self._story.folder / f"{SCENARIO}-messages.txt").write_text(messages, "utf-8")

    def _look(self, step: Step, seconds: float) -> None:
        if step.proves:
            self._story.check(step.proves, True, f"{step}, {seconds:.1f} s after the begin")
        if step.expect == "ringing":
            self._story.measure("begin to ringing telephone", 1000 * seconds)
        if look := self._looks.get((step.device, step.expect)):
            look()

    def _picture(self, device: str, moment: str) -> bytes:
        """What the device's display shows, kept beside the report."""
        png = self._community[device].screen()
        (self._story.folder / f"{device}-{moment}.png").write_bytes(png)
        return png

    def _phone_rings(self) -> None:
        phone = self._community["phone2"]
        state, now = phone.state(), time.monotonic() * 1000
        clock = clock_on_screen(self._picture("phone2", "ringing"), scene_of(state), WIDTH, HEIGHT)
        evidence = "the camera's clock is not in it" if clock is None else f"it was {now - clock:.0f} ms old"
        fresh = clock is not None and now - clock <= FRESH
        self._story.check("its picture is the one that the camera takes now", fresh, evidence)

    def _talk(self) -> None:
        """The door is open; visitor and telephone speak, in turn."""
        self._picture("door1", "open")
        self._picture("telephone1", "talking")
        time.sleep(TOLD + TURN)
        ends = [(device, which) for device in ("door1", "telephone1") for which in ("said", "heard")]
        with ThreadPoolExecutor(len(ends)) as pool:
            asked = [pool.submit(self._community[device].sound, which, TURN) for device, which in ends]
            said, heard, answered, understood = (samples_of(one.result().content) for one in asked)
        for name, sent, got in (("the telephone", said, understood), ("the visitor", answered, heard)):
            alike = compare(sent, got)
            evidence = f"likeness {alike.likeness:.2f} after {alike.delay_ms:.0f} ms"
            self._story.check(f"{name} hears the other side", alike.likeness >= ALIKE, evidence)
