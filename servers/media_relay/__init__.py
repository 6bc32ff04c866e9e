"""rtpengine as a supervised child process: it relays sound and pictures where endpoints cannot reach one another.

Each ringing branch has a relayed call of its own, named by record and branch: only so the door's picture reaches every
phone before one answers. SRTP passes as it is, except to the telephone network; a screen that only watches sends empty
packets, so that routers let the picture in (RFC 6263).
"""

from servers.media_relay.relay import MediaRelay
from servers.media_relay.settings import Interface, RelayPatience, RelaySettings

__all__ = ["Interface", "MediaRelay", "RelayPatience", "RelaySettings"]
