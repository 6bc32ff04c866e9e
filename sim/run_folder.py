"""The simulator's own folder: private, gone at the end, and swept up later if the simulator was killed."""

import fcntl
import shutil
import tempfile
from pathlib import Path

PREFIX = "intercom-sim-"
LOCK = "lock"
LONGEST_BASE = 60
"""Unix sockets live in the folder, and their whole path has at most 107 characters."""


class RunFolder:
    """A new folder with mode 0700, locked while we live."""

    def __init__(self, base: Path | None = None) -> None:
        base = base or _short(Path(tempfile.gettempdir()))
        sweep(base)
        made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
        self._lock = (made / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It has the name that others sweep up only now that it is locked: two simulators may start in one moment.
        self.path = made.rename(base / made.name.removeprefix("."))

    def close(self) -> None:
        """Remove the folder with everything in it; twice does no harm."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def sweep(base: Path) -> None:
    """Remove what killed simulators of ours have left in `base`."""
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # it lives, or it is somebody else's


def _short(base: Path) -> Path:
    return base if len(str(base)) <= LONGEST_BASE else Path("/tmp")  # noqa: S108  # mkdtemp makes it private
