"""What can go wrong in the simulated world; the control interface turns each into an HTTP status."""

from hal.errors import IntercomError


class WorldError(IntercomError):
    """The world cannot do what was asked."""


class NotThere(WorldError, LookupError):
    """There is no such device or part; the text lists those that are there."""


class NotPossible(WorldError):
    """The device or part is there, but not in a state in which this could happen."""


class NoAnswer(WorldError, TimeoutError):
    """A device's process did not answer in time."""
