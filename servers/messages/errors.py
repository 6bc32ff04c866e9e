"""What can go wrong with what visitors leave; each has its own answer over HTTP."""

from servers.errors import ServerError


class MessageError(ServerError, ValueError):
    """What was handed in, or asked for, is not right."""


class NoMessage(MessageError):
    """This home has none of that id."""


class NoUpload(MessageError):
    """There is no such upload."""


class UploadBusy(MessageError):
    """Another request writes to it."""


class UploadConflict(MessageError):
    """The upload is not as the door thinks."""


class ChecksumWrong(MessageError):
    """What came is not what was announced; the upload begins again."""


class StorageFull(ServerError, RuntimeError):
    """There is no room; later there may be."""


class Unreadable(ServerError, RuntimeError):
    """A file or a key is missing or damaged."""


STATUS: dict[type[ServerError], int] = {
    NoMessage: 404,
    NoUpload: 404,
    UploadBusy: 423,
    UploadConflict: 409,
    ChecksumWrong: 460,  # of tus' checksum extension
    StorageFull: 507,
    Unreadable: 500,
}
"""What each is answered with; others are 422."""
