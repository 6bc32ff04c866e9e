"""The C library's heap, told how a device uses it: for months, with pictures that come and go with every call.

Left alone, glibc gives threads heaps of their own, up to eight for each core, and keeps in them what a call needed:
each call's threads meet another heap, so a device grows by megabytes over its first hundreds of calls.
"""

import ctypes
import logging

log = logging.getLogger(__name__)

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Parameters of ``mallopt(3)``."""
ARENAS = 2
"""Heaps for all threads: Python's lock lets few of them allocate at a time."""
LARGE = 256 * 1024
"""Bytes from which a block has pages of its own, which go back when it does: a picture has 460,800."""


def settle_heap() -> None:
    """Call it once, before the first thread. A C library without ``mallopt`` keeps its own ways."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        log.debug("this C library has no mallopt")
        return
    mallopt(_ARENA_MAX, ARENAS)
    mallopt(_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Return what nobody uses to the kernel, in about a millisecond; for moments without a call."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
