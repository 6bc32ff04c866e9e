"""A client of tus 1.0.0 (core and creation): one file to a server, however often the line is cut.

Written on `http.client`, as all that a device asks of a server: the library tuspy brings requests, aiohttp and tinydb
into the process, has no limit of its rate, and its pieces are not counted as the server counts them.
"""

import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.errors import ServiceError

VERSION = "1.0.0"
PATH = "/uploads"
SMALLEST, LARGEST = 16_000, 128_000
"""Bytes of a piece. What a cut costs is at most one piece: a piece is a 400th of the file, or the smallest there is."""
CHECKSUM_MISMATCH = 460
_NOT_NOW = frozenset({401, 403, 408, 423, 425, 429})
_TRIES = 3
"""Times that one file may begin again because its checksum was wrong."""
_LONGEST_ANSWER = 1 << 16


class Refused(ServiceError):
    """The server will never take this file."""


class Mismatch(ServiceError):
    """What the server got is not what it was told to expect, time and again."""


class _Again(ServiceError):
    """What the server has is not what we thought: ask, and go on from there."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file, and what the server is told of it."""

    size: int
    metadata: Mapping[str, str]


class TusClient:
    """One connection to one server. Raises ServiceError if there is no usable answer, Refused, or Mismatch."""

    def __init__(self, deposit: Deposit, context: ssl.SSLContext | None = None, patience: float = 10.0) -> None:
        """`context` verifies the server; plain http needs none."""
        self._deposit, self._context, self._patience = deposit, context, patience
        self._connection: HTTPConnection | None = None
        self.sent = 0
        """Bytes of files that were sent."""
        self.taken = 0
        """Those that the server said it has."""

    def upload(self, upload: Upload, file: BinaryIO, pace: Callable[[int], int]) -> None:
        """Bring `file` to the server; when this returns the server has it, whole and checked.

        `pace(bytes)` is called after so many bytes were sent, waits as long as it likes, and gives the most bytes that
        the next piece may have.
        """
        for _ in range(_TRIES):
            location = self._create(upload)
            try:
                return self._send(location, upload, file, pace)
            except _Again:
                continue
        raise Mismatch(f"{self._deposit.url} does not accept what it was sent")

    def close(self) -> None:
        """Close the connection; twice does no harm."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _create(self, upload: Upload) -> str:
        pairs = (f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in upload.metadata.items())
        headers = {"Upload-Length": str(upload.size), "Upload-Metadata": ",".join(pairs)}
        answer = self._ask("POST", PATH, headers)
        self._expect(answer, 201)
        at = urlsplit(urljoin(f"{self._deposit.url}{PATH}", answer.getheader("Location", "")))
        if (at.scheme, at.netloc) != urlsplit(self._deposit.url)[:2] or not at.path.startswith(f"{PATH}/"):
            raise ServiceError(f"{self._deposit.url} sends uploads to {at.netloc}, which has no right to them")
        return at.path

    def _send(self, location: str, upload: Upload, file: BinaryIO, pace: Callable[[int], int]) -> None:
        offset = self._offset(location, upload)
        most = pace(0)
        while offset < upload.size:
            piece = max(SMALLEST, min(LARGEST, upload.size // 400))
            file.seek(offset)
            data = file.read(min(piece, most, upload.size - offset))
            if not data:
                raise Refused("the file is shorter than it was when it was finished")
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            answer = self._ask("PATCH", location, headers, data)
            if answer.status in (404, 409, 410, CHECKSUM_MISMATCH):
                raise _Again(f"{self._deposit.url} answers {answer.status}")
            self._expect(answer, 204)
            before, offset = offset, self._counted(answer, upload, offset)
            self.taken += offset - before
            most = pace(len(data))

    def _offset(self, location: str, upload: Upload) -> int:
        answer = self._ask("HEAD", location)
        if answer.status in (404, 410):
            raise _Again(f"{self._deposit.url} does not know {location}")
        self._expect(answer, 200, 204)
        return self._counted(answer, upload, 0)

    def _counted(self, answer: HTTPResponse, upload: Upload, least: int) -> int:
        told = answer.getheader("Upload-Offset", "")
        if not told.isdecimal() or not least <= int(told) <= upload.size:
            raise ServiceError(f"{self._deposit.url} counts {told[:20]!r} of {upload.size} bytes")
        return int(told)

    def _expect(self, answer: HTTPResponse, *wanted: int) -> None:
        if answer.status in wanted:
            return
        if 400 <= answer.status < 500 and answer.status not in _NOT_NOW:
            raise Refused(f"{self._deposit.url} refuses it for good with {answer.status} {answer.reason}")
        raise ServiceError(f"{self._deposit.url} does not take it now ({answer.status} {answer.reason})")

    def _ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> HTTPResponse:
        """One request and its whole answer, on the connection that there is."""
        fixed = {"Tus-Resumable": VERSION, "Authorization": f"Bearer {self._deposit.token}"}
        try:
            connection = self._connection = self._connection or self._connect()
            self.sent += len(body)
            connection.request(method, path, body if method != "HEAD" else None, {**fixed, **(headers or {})})
            answer = connection.getresponse()
            if len(answer.read(_LONGEST_ANSWER + 1)) > _LONGEST_ANSWER:
                raise HTTPException("an endless answer")
        except (OSError, ValueError, HTTPException) as error:
            self.close()
            raise ServiceError(f"{self._deposit.url} gives no answer: {error or type(error).__name__}") from error
        return answer

    def _connect(self) -> HTTPConnection:
        target = urlsplit(self._deposit.url)
        if target.scheme == "http":
            return HTTPConnection(target.hostname or "", target.port, timeout=self._patience)
        context = self._context or ssl.create_default_context()
        return HTTPSConnection(target.hostname or "", target.port, timeout=self._patience, context=context)
