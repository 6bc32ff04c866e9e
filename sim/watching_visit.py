"""Watching without a call (M1 to M3), played from its scenario file, with what each screen showed."""

import io
import time

import numpy as np
from PIL import Image

from sim.client import Community
from sim.evidence import clock_on_screen
from sim.player import Player
from sim.report import Story
from sim.scenario import Step, load
from sim.visit import HEIGHT, WIDTH, scene_of

SCENARIO = "m1-watch"
LOOK = 0.5
"""Seconds that a person looks; meanwhile the picture moves."""
OLD = 2000.0
"""Milliseconds that the picture of a watched door may be older than our look at it, on a busy machine."""
MOVES = 0.3
"""Mean change of a screen's pixels, of 255, by which a picture on it moves; words that change are less."""
DOOR, CONSOLE = "door", "console"


class WatchingVisit:
    """An indoor unit, a phone on 4G and a console watch."""

    def __init__(self, community: Community, story: Story) -> None:
        self._community, self._story = community, story

    def play(self) -> None:
        """All of it; a step that does not come true is a check that did not hold."""
        self._story.begin = time.monotonic() * 1000
        failure = Player(self._community, load(SCENARIO), lambda line: None, self._look).play()
        if failure:
            self._story.check("everybody watches", False, failure)

    def _look(self, step: Step, seconds: float) -> None:
        if step.proves:
            self._story.check(step.proves, True, f"{step}, {seconds:.1f} s after the begin")
        if step.expect == "watch-picture":
            self._picture(step.device)

    def _picture(self, name: str) -> None:
        """What the screen shows now: a picture of a door has the camera's clock, any other moves."""
        device = self._community[name]
        told = [each for each in device.events() if each.event == "watch-picture"][-1].facts
        target = str(told["target"])
        self._story.measure(f"watch pressed to the first picture, {name} and {target}", float(told["after_ms"]))
        before = device.screen()
        time.sleep(LOOK)
        scene, now, png = scene_of(device.state()), time.monotonic() * 1000, device.screen()
        (self._story.folder / f"{name}-watches-{target}.png").write_bytes(png)
        title = f"{name} shows what {target} sees now"
        if not target.startswith(DOOR) or name.startswith(CONSOLE):  # on a guard's wall a clock is too small to be read
            moved = _difference(before, png)
            self._story.check(title, moved > MOVES, f"the screen changes by {moved:.1f} of 255 in half a second")
            return
        clock = clock_on_screen(png, scene, WIDTH, HEIGHT)
        evidence = "the camera's clock is not in it" if clock is None else f"it was {now - clock:.0f} ms old"
        self._story.check(title, clock is not None and now - clock <= OLD, evidence)


def _pixels(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float64)


def _difference(one: bytes, other: bytes) -> float:
    return float(np.mean(np.abs(_pixels(one) - _pixels(other))))
