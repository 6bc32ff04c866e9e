"""What can go wrong with sound, pictures and packets."""

from hal.errors import IntercomError


class MediaError(IntercomError):
    """Root of the media errors."""


class PacketError(MediaError, ValueError):
    """Bytes that are not the packet they should be; counted and dropped on live media."""
