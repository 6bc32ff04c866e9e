"""One who speaks plain HTTP to a server, with every header in view."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from servers.kamailio import accounts
from tests.servers.http.services import Web
from tests.servers.messages.visitors import TOKEN

LIMIT = 30.0
Answer = tuple[int, Mapping[str, str], bytes]
Found = TypeVar("Found")


class News:
    """A stream of server-sent events."""

    def __init__(self, lines: http.client.HTTPResponse) -> None:
        self._lines = lines

    def next(self) -> tuple[str, Any]:
        """Name and data of the next event."""
        name = ""
        while True:
            line = self._lines.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))


class Wire:
    """With an account of its own, or with a deposit's token."""

    def __init__(self, web: Web, name: str = "", kind: str = "", home: str = "", token: str = TOKEN) -> None:
        self._at = urlsplit(web.url)
        self._login = f"Bearer {token}"
        if name:
            made = accounts.add(web.site, name, kind, home)
            self._login = f"Basic {base64.b64encode(f'{made.user}:{made.password}'.encode()).decode()}"
        self._connection = http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=LIMIT)

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request."""
        login = {"Authorization": self._login} if self._login else {}
        self._connection.request(method, path, body or None, {**login, **(headers or {})})
        answer = self._connection.getresponse()
        content = answer.read()
        return answer.status, dict(answer.getheaders()) | _canonical(answer.getheaders()), content

    def tus(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request as tus wants it."""
        fixed = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
        return self.ask(method, path, {**fixed, **(headers or {})}, body)

    def cut(self, path: str, content: bytes, after: int) -> None:
        """Begin to send `content`, and close the line after so many bytes."""
        with socket.create_connection((self._at.hostname or "", self._at.port or 0), LIMIT) as raw:
            head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {self._login}\r\nTus-Resumable: 1.0.0\r\n"
            head += "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
            raw.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[:after])

    @contextmanager
    def listening(self) -> Iterator[News]:
        """Events, until the end of the block."""
        self._connection.request("GET", "/messages/events", headers={"Authorization": self._login})
        yield News(self._connection.getresponse())
        self._connection.close()

    def until(self, ask: Callable[[], Found], wanted: str, times: int = 1) -> Found:
        """What `ask` gives, as soon as it has `wanted` in it so often."""
        deadline = time.monotonic() + LIMIT
        while str(found := ask()).count(wanted) < times:
            assert time.monotonic() < deadline, f"it stays {found}"
            time.sleep(0.02)
        return found


def _canonical(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Names as the standards write them."""
    return {name.title().replace("Etag", "ETag"): value for name, value in headers}
