"""Plays scenarios in a running community and says what came of each step."""

import time
from collections.abc import Callable

import httpx

from sim.client import Community, DeviceClient, NotSeen
from sim.hearing import code_heard, listen_for, prompts_heard
from sim.scenario import Scenario, Step

UNDO = {
    "down": "up",
    "silent": "speaks",
    "full": "roomy",
    "gone": "back",
    "opened": "closed",
    "on": "off",
    "cut": "back",
    "wrong": "right",
}
"""How each way of going wrong ends."""
HEARD = 20.0
"""Seconds of sound that are listened to."""
PAUSE = 0.2
CODE_HEARD, CODE_PAUSE = 12.0, 0.5
"""The same of a spoken code, and from one look to the next: to compare is work."""
AGAIN = 12.0
"""Seconds after which a person at a telephone wants to hear the code again."""
RETURN = 60.0
"""Seconds that everybody has to register again."""


class Player:
    """Plays one scenario; ends the faults that it made."""

    def __init__(
        self,
        community: Community,
        scenario: Scenario,
        tell: Callable[[str], None],
        look: Callable[[Step, float], None] = lambda step, seconds: None,
    ) -> None:
        """`tell` gets a line for each step that came true; `look` the step itself, and how long after the begin."""
        self._community, self._scenario, self._tell = community, scenario, tell
        self._look = look
        self._begin = 0.0
        self._first: dict[str, int] = {}
        self._faults: list[Step] = []
        self._registered: list[str] = []
        self._known: dict[str, set[str]] = {}
        """What visitors left before, by flat."""
        self._does: dict[str, Callable[[Step], None]] = {
            "type": lambda step: self._device(step).type(step.type),
            "press": lambda step: self._device(step).press(step.press),
            "type_code": self._type_code,
            "fault": self._fault,
            "line": self._line,
            "expect": self._expect,
            "never": self._never,
            "state": self._state,
            "hears": self._hears,
            "left": self._left,
        }

    def play(self) -> str:
        """The whole scenario, up to the first step that does not come true: what was wrong with it, "" for nothing."""
        for device in self._community.devices.values():
            device.forget()
            self._first[device.name] = device.seen
        self._registered = [device.name for device in self._community.devices.values() if _registered(device)]
        for flat in {step.left for step in self._scenario.step if step.left}:
            self._known[flat] = {one["id"] for one in self._community.messages(flat)}
        self._begin = time.monotonic()
        try:
            for step in self._scenario.step:
                self._take(step)
                seconds = time.monotonic() - self._begin
                self._tell(f"  {seconds:8.3f} s  {step}")
                self._look(step, seconds)
        except (NotSeen, httpx.HTTPStatusError) as error:
            return f"{step}: {_words(error)}"
        finally:
            self._mend()
        return ""

    def _take(self, step: Step) -> None:
        if step.at is not None:
            time.sleep(max(0.0, self._begin + step.at - time.monotonic()))
        self._does[step.actions[0]](step)

    def _device(self, step: Step) -> DeviceClient:
        if step.device not in self._community.devices:
            raise NotSeen(f"there is no device {step.device!r}; there are {', '.join(self._community.devices)}")
        return self._community[step.device]

    def _expect(self, step: Step) -> None:
        self._device(step).wait_for(step.expect, step.within, **step.where)

    def _never(self, step: Step) -> None:
        device = self._device(step)
        for happened in device.events(self._first[device.name]):
            if happened.event == step.never and step.where.items() <= happened.facts.items():
                raise NotSeen(f"{device.name} had {step.never} {happened.facts}")

    def _state(self, step: Step) -> None:
        device = self._device(step)
        self._until(step, lambda: step.state.items() <= device.state().items(), lambda: f"it is {device.state()}")

    def _hears(self, step: Step) -> None:
        device = self._device(step)
        if not listen_for(device.hear, step.hears, self._since_the_beginning, step.within):
            heard = prompts_heard(device.hear(self._since_the_beginning))
            raise NotSeen(f"not within {step.within:g} s: it heard {', '.join(heard) or 'no prompt'}")

    def _left(self, step: Step) -> None:
        """Once there are too many, no waiting helps."""
        self._until(step, lambda: self._new(step) >= step.times, lambda: f"there are {self._new(step)}")
        if self._new(step) != step.times:
            raise NotSeen(f"there are {self._new(step)}")

    def _new(self, step: Step) -> int:
        listed = (one for one in self._community.messages(step.left) if one["id"] not in self._known[step.left])
        return sum(step.where.items() <= one.items() for one in listed)

    def _type_code(self, step: Step) -> None:
        """Who did not understand presses * to hear it again."""
        device, end, again = self._device(step), time.monotonic() + step.within, time.monotonic() + AGAIN
        while not (code := code_heard(device.hear(min(CODE_HEARD, self._since_the_beginning)))):
            if time.monotonic() > end:
                raise NotSeen(f"not within {step.within:g} s: no code was spoken")
            if time.monotonic() > again:
                device.type("*")
                again += AGAIN
            time.sleep(CODE_PAUSE)
        device.type(code)

    @property
    def _since_the_beginning(self) -> float:
        """Seconds of sound that belong to the scenario."""
        return min(HEARD, time.monotonic() - self._begin)

    def _until(self, step: Step, holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        end = time.monotonic() + step.within
        while not holds():
            if time.monotonic() > end:
                raise NotSeen(f"not within {step.within:g} s: {otherwise()}")
            time.sleep(PAUSE)

    # --- faults ------------------------------------------------------------------------------------------------------

    def _fault(self, step: Step) -> None:
        self._let(step.device, step.fault)
        self._faults.append(step)

    def _line(self, step: Step) -> None:
        one, other = step.line or ("", "")
        self._community.line(one, other, step.cut, step.loss, step.delay)
        self._faults.append(step)

    def _let(self, device: str, fault: str) -> None:
        if device:
            self._community[device].fault(fault)
        else:
            self._community.fault(fault)

    def _mend(self) -> None:
        """End what the scenario has begun, and wait until everybody is registered again."""
        for step in reversed(self._faults):
            part, _, how = step.fault.rpartition("-")
            if step.line:
                self._community.line(*step.line)
            elif how in UNDO:
                self._let(step.device, f"{part}-{UNDO[how]}")
        end = time.monotonic() + RETURN
        for name in self._registered if self._faults else ():
            while not _registered(self._community[name]):
                if time.monotonic() > end:
                    raise NotSeen(f"{name} does not register again within {RETURN:g} s after the faults were mended")
                time.sleep(PAUSE)


def _registered(device: DeviceClient) -> bool:
    return bool(device.state().get("registered"))


def _words(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        facts = error.response.json()
        return str(facts.get("detail", error))
    return str(error)
