"""A longer conversation with a server's HTTP service: many requests on one connection, or an answer without end."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endpoints.errors import ServiceError
from endpoints.service import LARGEST, Service

if TYPE_CHECKING:  # loaded late: a device registers before it asks anything
    from http.client import HTTPConnection, HTTPResponse

LONGEST_LINE = 1 << 16
"""Bytes of one line of a stream of events."""
_ATTEMPTS = 2
"""A server may close a connection that was quiet just when the next request is sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ServiceSession:
    """For one thread at a time; `close` from any thread, which also ends what waits."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was told to end."""
        return self._closed

    def get(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Ask for something. Raises ServiceError without a whole answer; a refusal is one."""
        from http.client import HTTPException

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._sent(path, headers)
                body = response.read(LARGEST + 1)
            except (OSError, ValueError, HTTPException) as error:
                self._hang_up()
                if self._closed or attempt == _ATTEMPTS:
                    raise self._no_answer(error) from error
            else:
                if len(body) > LARGEST:
                    self._hang_up()
                    raise ServiceError(f"{self._service.url} sends more than {LARGEST} bytes")
                return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
        raise AssertionError("every attempt returns or raises")

    def lines(self, path: str, patience: float) -> Iterator[str]:
        """The lines of an answer without end, until the server ends it; `patience`: seconds that it may be silent.

        Raises ServiceError.
        """
        from http.client import HTTPException

        try:
            response = self._sent(path, {"Accept": "text/event-stream"})
            if response.status != 200:
                raise ServiceError(f"{self._service.url} refuses {path} with {response.status}")
            if self._socket is not None:
                self._socket.settimeout(patience)
            while line := response.readline(LONGEST_LINE):
                yield line.decode("utf-8", "replace").rstrip("\r\n")
        except (OSError, ValueError, HTTPException) as error:
            raise self._no_answer(error) from error

    def close(self) -> None:
        """No more; whoever waits for an answer gets a ServiceError. Twice does no harm."""
        self._closed = True
        if self._socket is not None:
            self._cut(self._socket)

    def _sent(self, path: str, headers: Mapping[str, str]) -> "HTTPResponse":
        if self._closed:
            raise ServiceError(f"{self._service.url} is not asked any more")
        if self._connection is None:
            self._connection = self._service.connection()
            self._connection.connect()
            self._socket = self._connection.sock
        self._connection.request("GET", path, headers={**headers, **self._service.login()})
        return self._connection.getresponse()

    def _hang_up(self) -> None:
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()

    def _no_answer(self, error: Exception) -> ServiceError:
        return ServiceError(f"{self._service.url} gives no answer: {error or type(error).__name__}")

    def _cut(self, connection: socket.socket) -> None:
        """End it under the thread that reads: of TLS only the socket below, the rest belongs to that thread."""
        try:
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        except OSError:  # it is over already
            return


def events_of(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and data of each server-sent event (WHATWG HTML, section 9.2.6)."""
    name, data = "message", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
