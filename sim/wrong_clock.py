"""A device whose clock is wrong, as after years with an empty battery, and then is set right while the device runs.

Debian's libfaketime stands between the process and the clock; the monotonic clock, which the simulator shares with its
devices, stays as it is.
"""

from pathlib import Path

from sim.processes import Child
from sim.world.errors import NotPossible

SHARED = Path("/dev/shm")  # noqa: S108  # where the library keeps what belongs to a process, also of one that was killed

SLOW, RIGHT = "-12h", "+0"
"""A clock that is further behind than a day would make every certificate one of the future."""
LIBRARIES = Path("/usr/lib")


def library() -> Path:
    """Where it is. Raises NotPossible."""
    found = sorted(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise NotPossible("a wrong clock needs Debian's package libfaketime: apt-get install libfaketime")
    return found[0]


class WrongClock:
    """Of one process."""

    def __init__(self, child: Child, file: Path) -> None:
        """`file` tells the process how wrong its clock is; it looks into it every second."""
        self._child, self._file = child, file

    async def be(self, wrong: bool) -> None:
        """Start the device anew with a clock that is half a day behind, or set it right. Raises NotPossible."""
        if not wrong:
            self._file.write_text(RIGHT, "ascii")
            return
        preload = {"LD_PRELOAD": str(library())}
        self._file.write_text(SLOW, "ascii")
        options = {f"FAKETIME_{name}": "1" for name in ("DONT_FAKE_MONOTONIC", "CACHE_DURATION")}
        self._child.give(preload | options | {"FAKETIME_TIMESTAMP_FILE": str(self._file)})
        await self._child.cut()
        await self._child.start()

    def close(self) -> None:
        """Remove what the library has left of processes that were killed."""
        for number in self._child.past if self._file.exists() else ():
            for path in SHARED.glob(f"*faketime_*_{number}"):
                path.unlink(missing_ok=True)
