"""The parts of aiortc that we use: RTP and RTCP packets, without its peer connections.

Importing the package itself runs `aiortc/__init__`, which brings DTLS, ICE, SCTP, Opus and VP8 into the process:
22 MB and 0.4 s that an endpoint on a small board does not have. Its packet modules stand alone, so they are loaded
under a bare parent package that is taken away again; a later ``import aiortc`` gets the whole package as usual.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType


def _bare(name: str) -> ModuleType:
    """A package that finds its submodules but runs no code of its own. Raises ImportError."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{name} is not installed", name=name)
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    return package


@contextmanager
def _bare_packages(*names: str) -> Iterator[None]:
    """Within the block these packages are bare, unless they are loaded already."""
    added = [name for name in names if name not in sys.modules]
    for name in added:
        sys.modules[name] = _bare(name)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


with _bare_packages("aiortc"):
    from aiortc.rtp import (
        RTCP_PSFB_FIR,
        RTCP_PSFB_PLI,
        RTCP_RTPFB_NACK,
        AnyRtcpPacket,
        RtcpPacket,
        RtcpPsfbPacket,
        RtcpReceiverInfo,
        RtcpRrPacket,
        RtcpRtpfbPacket,
        RtcpSdesPacket,
        RtcpSenderInfo,
        RtcpSourceInfo,
        RtcpSrPacket,
        RtpPacket,
        clamp_packets_lost,
    )

__all__ = [
    "RTCP_PSFB_FIR",
    "RTCP_PSFB_PLI",
    "RTCP_RTPFB_NACK",
    "AnyRtcpPacket",
    "RtcpPacket",
    "RtcpPsfbPacket",
    "RtcpReceiverInfo",
    "RtcpRrPacket",
    "RtcpRtpfbPacket",
    "RtcpSdesPacket",
    "RtcpSenderInfo",
    "RtcpSourceInfo",
    "RtcpSrPacket",
    "RtpPacket",
    "clamp_packets_lost",
]
