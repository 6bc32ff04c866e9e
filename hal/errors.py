"""The root of every error of this project, and what can go wrong with a device."""


class IntercomError(Exception):
    """Root of all errors this project raises on purpose; its text is one sentence for a person."""


class HalError(IntercomError):
    """A device or its backend cannot do what was asked."""


class BackendNotFound(HalError, LookupError):
    """The board file names a backend that is not installed; the text lists those that are."""


class DeviceUnavailable(HalError, OSError):
    """A device could not be opened here (no such camera, pin busy, library missing)."""


class DeviceLost(HalError, OSError):
    """A device that worked has gone away (unplugged camera, removed sound card)."""
