"""Who is at the other end of a connection on loopback: found by the process that holds its socket (Linux's /proc).

HTTP clients come from no address of their own, so that a line between two parties knows them by their processes.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sim.trace.hep import Address

PROC = Path("/proc")
_LOCAL, _INODE = 1, 9


def owner(address: Address, processes: Mapping[int, str]) -> str:
    """The name of the one among `processes` (number -> name) whose connection comes from `address`, "" for nobody."""
    inode = _inode(address)
    link = f"socket:[{inode}]"
    return next((name for number, name in processes.items() if inode and _holds(number, link)), "")


def _inode(address: Address) -> str:
    """The number of the socket that is bound there, "" for none."""
    host, port = address
    number = int.from_bytes(bytes(map(int, host.split("."))), "little")
    place = f"{number:08X}:{port:04X}"
    for line in (PROC / "net/tcp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        if fields[_LOCAL] == place:
            return fields[_INODE]
    return ""


def _holds(process: int, link: str) -> bool:
    with suppress(OSError):  # it has just ended
        for handle in (PROC / str(process) / "fd").iterdir():
            with suppress(OSError):  # it was closed meanwhile
                if str(handle.readlink()) == link:
                    return True
    return False
