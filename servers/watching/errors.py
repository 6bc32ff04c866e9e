"""What can go wrong with watching; each has its own answer over HTTP."""

from servers.errors import ServerError


class WatchingError(ServerError, ValueError):
    """What was asked for is not right."""


class NotWatchable(WatchingError):
    """There is no such door or camera, or not for this one."""


class NoLease(WatchingError):
    """There is no such lease, or it is over."""


class TooMany(WatchingError):
    """As many as may watch do already."""


class SourceAway(ServerError, RuntimeError):
    """The door or the camera gives no picture now."""


class KeyTrouble(ServerError, RuntimeError):
    """The key that tokens are signed with cannot be used."""


STATUS: dict[type[ServerError], int] = {NotWatchable: 404, NoLease: 404, TooMany: 429, SourceAway: 502}
"""What each is answered with; others are 422."""
