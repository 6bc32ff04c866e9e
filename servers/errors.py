"""What can go wrong on the servers' side; each text is one sentence for a person."""

from hal.errors import IntercomError


class ServerError(IntercomError):
    """Root of the servers' errors."""


class SiteError(ServerError, ValueError):
    """A server's site file cannot be used; the text lists every problem with file, key and suggestion."""


class KamailioError(ServerError, RuntimeError):
    """Kamailio is missing, does not start, or does not answer."""


class RpcError(ServerError, RuntimeError):
    """A running Kamailio refused a control command."""


class NotRunning(RpcError, ConnectionError):
    """Nobody listens on the control socket."""


class DeviceError(ServerError, ValueError):
    """A device account cannot be added, changed or removed."""


class CommunityError(ServerError, ValueError):
    """The community's certificate authority cannot do what was asked."""


class MediaRelayError(ServerError, RuntimeError):
    """rtpengine is missing, does not start, or does not answer."""


class DatabaseError(ServerError, RuntimeError):
    """The database of records and directory cannot be used."""


class RecordError(ServerError, ValueError):
    """A call record cannot be read or taken."""


class NeighbourError(ServerError, ConnectionError):
    """The HTTP service of the server above gives no usable answer."""


class DirectoryError(ServerError, ValueError):
    """The directory cannot be changed as asked; the text lists every problem."""
