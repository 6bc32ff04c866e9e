"""Who watches in tests: asks for leases, opens what they name, and tells when the last byte came."""

import asyncio
import base64
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from endpoints.service import Answer, Service

LIMIT = 30.0


@dataclass(frozen=True)
class Watcher:
    """A device with its account, and time for a busy machine."""

    service: Service

    def __post_init__(self) -> None:
        object.__setattr__(self, "service", replace(self.service, patience=LIMIT))

    def watchables(self) -> list[dict[str, str]]:
        answer = self.service.request("GET", "/watchables")
        assert answer.status == 200, answer
        found: list[dict[str, str]] = json.loads(answer.body)
        return found

    def ask(self, target: str, seconds: int = 60, **more: int) -> Answer:
        body = json.dumps({"target": target, "seconds": seconds, **more}).encode()
        return self.service.request("POST", "/leases", body)

    def lease(self, target: str, seconds: int = 60, **more: int) -> dict[str, Any]:
        answer = self.ask(target, seconds, **more)
        assert answer.status == 201, answer
        lease: dict[str, Any] = json.loads(answer.body)
        return lease

    def renew(self, lease: dict[str, Any], seconds: int = 60) -> Answer:
        body = json.dumps({"seconds": seconds}).encode()
        return self.service.request("POST", f"/leases/{lease['id']}/renew", body)

    def give_back(self, lease: dict[str, Any]) -> None:
        assert self.service.request("DELETE", f"/leases/{lease['id']}").status == 204

    @property
    def context(self) -> ssl.SSLContext | None:
        if self.service.authority is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.service.authority)
        return context

    @property
    def login(self) -> dict[str, str]:
        login = base64.b64encode(f"{self.service.user}:{self.service.password}".encode()).decode()
        return {"Authorization": f"Basic {login}"}

    def socket(self, path: str) -> "Socket":
        """The WebSocket at this path. Raises InvalidStatus."""
        return Socket(self.service.url.replace("http", "ws", 1) + path, self.context, self.login)

    @contextmanager
    def stream(self, path: str) -> Iterator[HTTPResponse]:
        """The answer, to be read as it comes."""
        target, connection = urlsplit(self.service.url), HTTPConnection("")
        if self.context:
            connection = HTTPSConnection(target.hostname or "", target.port, timeout=LIMIT, context=self.context)
        else:
            connection = HTTPConnection(target.hostname or "", target.port, timeout=LIMIT)
        try:
            connection.request("GET", path, headers=self.login)
            yield connection.getresponse()
        finally:
            connection.close()

    def player_url(self, path: str) -> str:
        """With the login in it, as players take it."""
        scheme, _, place = self.service.url.partition("://")
        return f"{scheme}://{self.service.user}:{self.service.password}@{place}{path}"


class Socket:
    """A WebSocket on a loop of its own, which runs while somebody waits.

    Not websockets' threads: before Python 3.13 a TLS connection is not safe in two of them at once.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None, login: dict[str, str]) -> None:
        self._runner = asyncio.Runner()
        try:
            self._connection = self._runner.run(self._connect(url, context, login))
        except BaseException:
            self._runner.close()
            raise

    async def _connect(self, url: str, context: ssl.SSLContext | None, login: dict[str, str]) -> ClientConnection:
        return await connect(url, ssl=context, additional_headers=login, proxy=None, open_timeout=LIMIT)

    def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed."""
        return self._runner.run(asyncio.wait_for(self._connection.recv(), LIMIT))

    def send(self, message: str | bytes) -> None:
        self._runner.run(self._connection.send(message))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


def pictures(socket: Socket, count: int) -> list[bytes]:
    """So many binary messages."""
    found: list[bytes] = []
    while len(found) < count:
        message = socket.recv()
        if isinstance(message, bytes):
            found.append(message)
    return found


def words_until_the_end(socket: Socket) -> tuple[list[dict[str, Any]], float]:
    """What was said, and when the last message came, on the monotonic clock."""
    said: list[dict[str, Any]] = []
    last = time.monotonic()
    try:
        while True:
            message = socket.recv()
            last = time.monotonic()
            if isinstance(message, str):
                said.append(json.loads(message))
    except ConnectionClosed:
        return said, last


def last_byte(response: HTTPResponse) -> float:
    """When the last byte of an endless answer came."""
    last = time.monotonic()
    try:
        while response.read1(1 << 16):
            last = time.monotonic()
    except (OSError, HTTPException):
        pass
    return last


def probed(url: str, *options: str) -> dict[str, Any]:
    """What ffprobe finds in the first pictures: codec, size, and how many it read."""
    wanted = ["-show_entries", "stream=codec_name,width,height,nb_read_frames", "-count_frames", "-of", "json"]
    reading = ["-read_intervals", "%+#10", "-select_streams", "v"]
    command = ["ffprobe", "-v", "error", *options, *reading, *wanted, url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=2 * LIMIT, check=False)
    assert result.returncode == 0, result.stderr
    stream: dict[str, Any] = json.loads(result.stdout)["streams"][0]
    return stream
