"""The main scenario, played by the control interfaces alone: dial, see, answer, talk, unlock, hang up."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from hal.display import Scene
from hal.microphone import SAMPLE_RATE
from sim.client import Community, DeviceClient, Facts, Happened
from sim.evidence import Heard, Samples, clock_on_screen, compare, samples_of
from sim.report import Story

FLAT = "301"
WIDTH, HEIGHT = 640, 480
FRESH = 1000.0
"""Milliseconds that the picture on a screen may be older than our look at it, on a busy machine."""
ALIKE = 0.5
"""Least likeness of what was heard with what was said on the other side, after codec and voice processing."""
TALK = 13.0
"""Seconds of the conversation that are compared: the visitor speaks, then the resident."""
LIMIT = 20.0


class Visit:
    """One visitor, everybody at home; the first indoor unit answers."""

    def __init__(self, community: Community, report: Story) -> None:
        self.report = report
        self.door = next(device for device in community.devices.values() if device.role == "door-station")
        self.screens = community.screens
        self.winner = self.screens[0]
        self.losers = self.screens[1:]
        self._pictures: tuple[Happened, ...] = ()
        for device in community.devices.values():
            device.forget()

    def play(self) -> None:
        """The whole visit, or until the visitor was not seen. Raises NotSeen where it cannot go on."""
        self.report.begin = time.monotonic() * 1000
        pressed = self._dial()
        self._look(pressed)
        if not self.report.holds:
            self.door.type("*")
            self.door.wait_for("ended", LIMIT)
            return
        answered = self._answer()
        self._unlock()
        self._talk(answered)
        self._hang_up()

    # --- ringing -----------------------------------------------------------------------------------------------------

    def _dial(self) -> Happened:
        self.door.type(f"{FLAT}#")
        pressed = self.door.wait_for("key", LIMIT, key="#")
        both = [screen.wait_for_all("ringing", "first-picture", limit=LIMIT) for screen in self.screens]
        rings, self._pictures = zip(*both, strict=True)
        last = max(ring.ms for ring in rings) - pressed.ms
        self.report.measure("key press to all screens ringing", last)
        self.report.check("every screen rings", True, f"{len(rings)} screens, the last {last:.0f} ms after the key")
        return pressed

    def _look(self, pressed: Happened) -> None:
        """Every screen, while it rings, shows what the camera sees now, and it moves."""
        last = max(picture.ms for picture in self._pictures) - pressed.ms
        self.report.measure("key press to the picture on every screen", last)
        for turn in (1, 2):
            with ThreadPoolExecutor(len(self.screens)) as pool:
                ages = list(pool.map(self._age, self.screens))
            if turn == 1:
                earlier = ages
        for screen, before, after in zip(self.screens, earlier, ages, strict=True):
            self._judge_picture(screen, before, after)
        self._nobody_speaks()

    def _age(self, screen: DeviceClient) -> tuple[int | None, float]:
        """The clock on the screen, and the time at which we began to look, both in milliseconds."""
        state = screen.state()
        now, png = time.monotonic() * 1000, screen.screen()
        (self.report.folder / f"{screen.name}-ringing.png").write_bytes(png)
        scene = scene_of(state)
        ringing = "answer" in scene.actions and scene.live
        return (clock_on_screen(png, scene, WIDTH, HEIGHT) if ringing else None), now

    def _judge_picture(
        self, screen: DeviceClient, before: tuple[int | None, float], after: tuple[int | None, float]
    ) -> None:
        name = f"{screen.name} shows the visitor while it rings"
        if before[0] is None or after[0] is None:
            self.report.check(name, False, "the camera's clock is not in the picture on the screen")
            return
        ages = [looked - clock for clock, looked in ((before[0], before[1]), (after[0], after[1]))]
        fresh = all(age <= FRESH for age in ages)
        evidence = (
            f"{_age_words(ages[0])} and {_age_words(ages[1])}, and its clock went on by {after[0] - before[0]} ms"
        )
        self.report.check(name, fresh and after[0] > before[0], evidence)

    def _nobody_speaks(self) -> None:
        said = [samples_of(screen.sound("said", 2).content) for screen in self.screens]
        silent = not any(signal.any() for signal in said)
        self.report.check(
            "no microphone of the home is on before somebody answers", silent, "what was recorded: nothing"
        )

    # --- talking -----------------------------------------------------------------------------------------------------

    def _answer(self) -> Happened:
        self.winner.press("answer")
        pressed = self.winner.wait_for("button", LIMIT, button="answer")
        answered = self.winner.wait_for("answered", LIMIT)
        started = self.door.wait_for("audio-started", LIMIT)
        self.report.measure("answer to sound both ways", started.ms - pressed.ms)
        over = [loser.wait_for("ended", LIMIT) for loser in self.losers]
        elsewhere = all(each.facts.get("outcome") == "answered-elsewhere" for each in over)
        last = max(each.ms for each in over) - pressed.ms
        self.report.measure("answer to the last other screen silent", last)
        told = ", ".join(
            f"{loser.name} {each.facts.get('outcome')}" for loser, each in zip(self.losers, over, strict=True)
        )
        self.report.check("all other screens stop and say why", elsewhere, told)
        return answered

    def _talk(self, answered: Happened) -> None:
        """Both hear what the other says."""
        time.sleep(max(0.0, answered.ms / 1000 + TALK - time.monotonic()))
        with ThreadPoolExecutor(4) as pool:
            sounds = [
                pool.submit(device.sound, which, TALK)
                for device in (self.door, self.winner)
                for which in ("said", "heard")
            ]
            visitor_said, visitor_heard, resident_said, resident_heard = (sound.result() for sound in sounds)
        self._judge_sound("the resident hears the visitor", compare(*_aligned(visitor_said, resident_heard)))
        self._judge_sound("the visitor hears the resident", compare(*_aligned(resident_said, visitor_heard)))

    def _judge_sound(self, name: str, heard: Heard) -> None:
        evidence = (
            f"likeness {heard.likeness:.2f} after {heard.delay_ms:.0f} ms, "
            f"said {heard.said_rms:.0f} rms, heard {heard.heard_rms:.0f} rms"
        )
        self.report.check(name, heard.likeness >= ALIKE, evidence)

    # --- the door ----------------------------------------------------------------------------------------------------

    def _unlock(self) -> None:
        self.winner.press("unlock")
        pressed = self.winner.wait_for("button", LIMIT, button="unlock")
        opened = self.door.wait_for("lock", LIMIT, unlocked=True)
        self.report.measure("unlock pressed to relay on", opened.ms - pressed.ms)
        shown = self.winner.wait_for("unlock", LIMIT)
        granted = shown.facts.get("granted") is True
        self.report.check(
            "the resident opens the door", granted, f"relay on {opened.ms - pressed.ms:.0f} ms after the button"
        )
        locked = self.door.wait_for("lock", LIMIT, unlocked=False)
        self.report.check("the door locks again by itself", True, f"after {(locked.ms - opened.ms) / 1000:.1f} s")

    def _hang_up(self) -> None:
        self.winner.press("hangup")
        self.winner.wait_for("ended", LIMIT)
        self.door.wait_for("ended", LIMIT)
        states = {device.name: device.state().get("phase") for device in (self.door, *self.screens)}
        in_call = ("ringing", "calling", "changing", "confirming", "talking", "answering")
        busy = {name: phase for name, phase in states.items() if phase in in_call}
        self.report.check("after the visit no device is left in a call", not busy, f"{states}")


def _aligned(said: httpx.Response, heard: httpx.Response) -> tuple[Samples, Samples]:
    """Both from the same moment on: on a busy machine one was asked for later than the other."""
    later = float(heard.headers["X-Begin-Ms"]) - float(said.headers["X-Begin-Ms"])
    skipped = round(later * SAMPLE_RATE / 1000)
    return samples_of(said.content)[max(skipped, 0) :], samples_of(heard.content)[max(-skipped, 0) :]


def scene_of(state: Facts) -> Scene:
    """What a device's state says of its display."""
    facts = state["scene"]
    return Scene(facts["title"], facts["detail"], tuple(facts["actions"]), facts["live"])


def _age_words(age: float) -> str:
    """A picture drawn after we asked for it may be younger than our question."""
    return f"its picture was {age:.0f} ms old" if age >= 0 else "its picture was taken after we asked"
