"""rtpengine as a supervised child process: it relays sound and pictures where endpoints cannot reach one another."""

from servers.media_relay.relay import MediaRelay
from servers.media_relay.settings import Interface, RelayPatience, RelaySettings

__all__ = ["Interface", "MediaRelay", "RelayPatience", "RelaySettings"]
