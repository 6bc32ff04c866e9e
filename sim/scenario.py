"""Scenario files: what happens when, and what must follow; read from TOML, every mistake told with its line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.errors import SimError

FOLDER = Path(__file__).parent / "scenarios"
"""Scenarios that come with the simulator; their names are enough."""
LIMIT = 20.0
ACTIONS = ("type", "press", "type_code", "fault", "line", "expect", "never", "state", "hears", "left")
"""What a step may be."""
_STEP = re.compile(r"\s*\[\[step]]")


class Section(BaseModel):
    """A table without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Section):
    """`[[step]]`: one thing that somebody does, that goes wrong, or that must happen. They are taken in order."""

    device: str = ""
    """Who does it, or to whom it happens."""
    at: float | None = Field(default=None, ge=0)
    """Not before so many seconds after the scenario began."""
    type: str = ""
    """Keys that are pressed on the device's keypad."""
    press: str = ""
    """A button of the device: "answer", "decline", "unlock", "hangup", "guard" ..."""
    type_code: bool = False
    """The person at a telephone types the code that he heard."""
    fault: str = ""
    """Of the device ("camera-gone", "voicemail-on", "power-cut" ...), or without `device` of the community
    ("homelink-down", "management-silent" ...)."""
    line: tuple[str, str] | None = None
    """The line between two parties: `cut`, `loss` and `delay` say how bad it is from now on, none of them mends it."""
    cut: bool = False
    loss: float = Field(default=0.0, ge=0, le=1)
    """Share of what is lost."""
    delay: float = Field(default=0.0, ge=0, le=30)
    """Seconds each way."""
    expect: str = ""
    """An event of the device, after the last one that was expected of it."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Facts that the event must have, the expected one or the one that must not come, or what was left."""
    never: str = ""
    """An event that the device must not have had since the scenario began."""
    state: dict[str, Any] = Field(default_factory=dict)
    """Facts that the device's state must come to have."""
    hears: str = ""
    """A prompt that must be spoken at the device: "press-1" ..."""
    left: str = ""
    """The flat whose server must have so many new things of visitors, no more and no less, since the scenario began."""
    times: int = Field(default=1, ge=0)
    """How many, for `left`; `where` says which: { kind = "message" }."""
    proves: str = ""
    """What it means that this step came true, for people."""
    within: float = Field(default=LIMIT, gt=0, le=300)
    """Seconds that what is expected may take."""

    @property
    def actions(self) -> list[str]:
        """The keys of this step that say what to do or to expect."""
        return [name for name in ACTIONS if getattr(self, name)]

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        if len(self.actions) != 1:
            raise ValueError(f"a step is one of {', '.join(ACTIONS)}{self._has()}")
        if not self.device and self.actions[0] not in ("fault", "line", "left"):
            raise ValueError(f"{self.actions[0]} needs a device")
        if self.where and not (self.expect or self.never or self.left):
            raise ValueError("where belongs to expect, never or left")
        if (self.cut or self.loss or self.delay) and not self.line:
            raise ValueError("cut, loss and delay belong to line")
        return self

    def _has(self) -> str:
        return f", not {' and '.join(self.actions)} at once" if self.actions else "; this one is none"

    def __str__(self) -> str:
        name = self.actions[0]
        value = getattr(self, name)
        facts = " ".join(f"{key}={value}" for key, value in self.where.items())
        how = [f"{key}={each}" for key in ("cut", "loss", "delay") if (each := getattr(self, key))]
        return " ".join(filter(None, [self.device, name.replace("_", " "), _plain(value), facts, *how]))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, tuple):
        return " to ".join(map(str, value))
    return "" if value is True else str(value)


class Scenario(Section):
    """A whole file."""

    title: str = Field(min_length=1)
    """What it shows, for people."""
    flow: str = ""
    """The business flow: ``V3``."""
    step: list[Step] = Field(min_length=1)


def load(name: str) -> Scenario:
    """The scenario in a file, or the one of that name that comes with us. Raises SimError, a line per mistake."""
    path = _path(name)
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise SimError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SimError(f"{path}: no TOML: {error}") from error
    try:
        return Scenario.model_validate(tables)
    except ValidationError as error:
        raise SimError("\n".join(_sentences(path, text, error))) from None


def bundled() -> list[str]:
    """The names of the scenarios that come with us."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _path(name: str) -> Path:
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    if name not in bundled():
        raise SimError(f"there is no scenario {name!r}; there are {', '.join(bundled())}")
    return FOLDER / f"{name}.toml"


def _sentences(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        place = [str(part) for part in problem["loc"]]
        message = problem["msg"].removeprefix("Value error, ")
        key = place[-1] if place and not place[-1].isdigit() else ""
        yield f"{path}:{_line(text, place)}: {key + ': ' if key else ''}{message}"


def _line(text: str, place: list[str]) -> int:
    """The line of a key, or at least of the step that it belongs to."""
    lines = text.splitlines()
    steps = [number for number, line in enumerate(lines) if _STEP.match(line)]
    in_step = len(place) > 1 and place[0] == "step" and int(place[1]) < len(steps)
    first = steps[int(place[1])] if in_step else 0
    last = next((number for number in steps if number > first), len(lines)) if in_step else len(lines)
    key = next((part for part in reversed(place) if not part.isdigit()), "")
    for number in range(first, last):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            return number + 1
    return first + 1
