"""What a process costs, as the kernel counts it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, kB."""

    proportional: int
    """PSS: its own pages, and its share of those it shares with others."""
    written: int
    """What it wrote and nobody else has: heaps, stacks, tables. Pages of files come and go with the other users of the
    file and the kernel's need for memory; these stay until it gives them back."""
    resident: int


def cpu_seconds(process: int) -> float:
    """User and system time of the process so far. Raises OSError when it is gone."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start_ms(process: int) -> float:
    """When the process was started, on the monotonic clock, to a hundredth of a second."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return (int(fields[19]) / TICKS - since_boot) * 1000


def memory(process: int) -> Memory:
    """What the process holds now."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(sizes["Pss"], sizes["Private_Dirty"], sizes["Rss"])


def largest_parts(process: int, most: int = 12) -> list[tuple[str, int]]:
    """The files and heaps that take most of the process's PSS, kB, largest first."""
    parts: dict[str, int] = {}
    name = ""
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        head = line.split()
        if "-" in head[0] and not head[0].endswith(":"):
            name = Path(head[5]).name if len(head) > 5 else "anonymous"
        elif head[0] == "Pss:":
            parts[name] = parts.get(name, 0) + int(head[1])
    return sorted(parts.items(), key=lambda part: -part[1])[:most]


class CpuShare:
    """Percent of one core that a process takes from now until `percent`."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._began, self._used = time.monotonic(), cpu_seconds(process)

    def percent(self) -> float:
        """Since this was made."""
        return 100 * (cpu_seconds(self._process) - self._used) / (time.monotonic() - self._began)
