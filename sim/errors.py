"""What can go wrong with the simulator itself."""

from hal.errors import IntercomError


class SimError(IntercomError):
    """The simulator cannot run here."""
