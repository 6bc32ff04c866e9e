"""What a demo saw: visits with events and their times, measurements, checks; printed as time lines and kept as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sim.client import Community, Facts

SILENT = {"state", "scene", "indicator", "process"}
"""Events that the time line leaves out; the report has them."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was promised."""

    name: str
    holds: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; milliseconds of the machine's monotonic clock."""

    ms: float
    device: str
    event: str
    facts: Facts


class Story:
    """One visit of the report; grows while it is played."""

    def __init__(self, title: str, folder: Path) -> None:
        self.title, self.folder = title, folder
        self.checks: list[Check] = []
        self.measurements: dict[str, float] = {}
        self.events: list[Entry] = []
        self.begin = 0.0
        """Milliseconds of the moment from which the time line counts."""

    @property
    def holds(self) -> bool:
        """Whether everything promised happened; a visit without checks promises nothing and does not hold."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    def check(self, name: str, holds: bool, evidence: str) -> None:
        """Note whether a promise held, and why we think so."""
        self.checks.append(Check(name, bool(holds), evidence))

    def measure(self, name: str, value: float) -> None:
        """Note a figure, in milliseconds."""
        self.measurements[name] = round(value, 1)

    def keep_events(self, community: Community) -> None:
        """Keep everything that the devices told since the beginning of the visit."""
        found = [
            Entry(each.ms, device.name, each.event, each.facts)
            for device in community.devices.values()
            for each in device.events()
            if each.ms >= self.begin
        ]
        self.events = sorted(found, key=lambda entry: entry.ms)

    def text(self) -> str:
        """The time line and the checks, for a person."""
        events = [entry for entry in self.events if entry.event not in SILENT]
        lines = [self.title, "=" * len(self.title), ""]
        lines += [f"{entry.ms - self.begin:9.1f} ms  {entry.device:<10} {_words(entry)}" for entry in events]
        lines += ["", *(f"{value:9.1f} ms  {name}" for name, value in self.measurements.items()), ""]
        lines += [f"{'  ok  ' if check.holds else 'FAILED'}  {check.name}: {check.evidence}" for check in self.checks]
        return "\n".join([*lines, ""])


class Report:
    """All visits of a demo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stories: list[Story] = []

    @property
    def holds(self) -> bool:
        """Whether every visit went as promised."""
        return bool(self.stories) and all(story.holds for story in self.stories)

    def story(self, title: str) -> Story:
        """A new visit."""
        self.stories.append(Story(title, self.folder))
        return self.stories[-1]

    def write(self) -> None:
        """Write report.json: everything that was checked, measured and told, of one visit after the other."""
        content = {
            "holds": self.holds,
            "checks": [{"visit": story.title, **asdict(check)} for story in self.stories for check in story.checks],
            "measurements": {name: value for story in self.stories for name, value in story.measurements.items()},
            "events": [{"visit": story.title, **asdict(entry)} for story in self.stories for entry in story.events],
        }
        (self.folder / "report.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")

    def text(self) -> str:
        """All of it, for a person."""
        stories = "\n".join(story.text() for story in self.stories)
        return f"{stories}\nReport and pictures: {self.folder / 'report.json'}"


def _words(entry: Entry) -> str:
    told = {key: value for key, value in entry.facts.items() if key not in ("call", "to_tag", "session_id", "remote")}
    return f"{entry.event} {', '.join(f'{key} {value}' for key, value in told.items())}".strip()
