"""What can go wrong in an endpoint."""

from hal.errors import IntercomError


class EndpointError(IntercomError):
    """Root of the endpoints' errors."""


class ConfigError(EndpointError, ValueError):
    """A board, site or people file cannot be used; the text lists every problem with file, key and suggestion."""


class SipError(EndpointError):
    """A SIP command cannot be carried out."""


class SdpError(SipError, ValueError):
    """A session description cannot be understood; the text says what was wrong."""


class ServiceError(EndpointError):
    """A server's HTTP service gave no answer that could be used; later it may."""
