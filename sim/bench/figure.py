"""A figure: what was measured, how often, and whether it is as good as promised."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; every goal is an upper bound."""

    name: str
    value: float
    """What is held against the goal: the median or the 95th percentile of the samples, or a ratio of medians."""
    unit: str
    goal: float | None
    """None: shown only."""
    samples: tuple[float, ...]
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        return self.goal is None or self.value <= self.goal


def p95(samples: Sequence[float]) -> float:
    """The 95th percentile: the smallest sample that 95 % of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(-(-len(ordered) * 95 // 100) - 1, 0)]


def at_p95(name: str, samples: Sequence[float], unit: str, goal: float | None, note: str = "") -> Figure:
    """A figure that 95 % of the samples must meet."""
    return Figure(name, p95(samples), unit, goal, tuple(samples), note)


def at_median(name: str, samples: Sequence[float], unit: str, goal: float | None, note: str = "") -> Figure:
    """A figure that the median must meet."""
    return Figure(name, median(samples), unit, goal, tuple(samples), note)


def ratio(
    name: str, ours: Sequence[float], theirs: Sequence[float], goal: float, unit: str = "", note: str = ""
) -> Figure:
    """Median of ours over median of theirs, both from this run; the samples are ours, theirs stand in the note."""
    value = median(ours) / median(theirs)
    sides = f"ours {median(ours):.1f} {unit}, theirs {median(theirs):.1f} {unit}".replace(" ,", ",").strip()
    return Figure(name, value, "x", goal, tuple(ours), f"{sides}; {note}" if note else sides)


def table(figures: Iterable[Figure]) -> str:
    """The figures for a person."""
    lines = [f"{'figure':58} {'value':>9} {'goal':>8}   {'median':>8} {'p95':>8} {'n':>4}"]
    for each in figures:
        goal = "shown" if each.goal is None else f"{each.goal:g}"
        spread = f"{median(each.samples):8.2f} {p95(each.samples):8.2f} {len(each.samples):4}" if each.samples else ""
        mark = "ok  " if each.holds else "MISS"
        lines.append(f"{each.name:58} {each.value:9.2f} {goal:>8} {each.unit:3} {spread} {mark} {each.note}".rstrip())
    return "\n".join(lines)


def write_json(figures: Iterable[Figure], path: Path) -> None:
    """A list of {name, value, unit, goal, holds, samples, note}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) | {"holds": each.holds} for each in figures], indent=1) + "\n", "utf-8")
