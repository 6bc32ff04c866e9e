"""A cloud server, a management server and a HomeLink below one another, over TLS, as far as HTTP goes."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from endpoints.service import Service
from servers.community.authority import Community, Role
from servers.kamailio import accounts
from servers.kamailio.accounts import Credentials
from tests.servers.http.services import Web, made_web
from tests.servers.messages.visitors import TOKEN, Left
from tests.servers.nodes import free_port

LIMIT = 60.0
"""Seconds; a server that was away is dialled again after ever longer pauses."""
COMMUNITY = "lakeside"
Found = TypeVar("Found")


@dataclass
class Chain:
    """Flat 301 has a HomeLink, flat 302 has none; both have the same community, and their phones the same cloud."""

    community: Community
    cloud: Web
    management: Web
    home: Web

    def phone(self, name: str, flat: str, kind: str = "phone") -> Service:
        """A new account at the cloud, ready to ask."""
        return self.cloud.account(name, kind, flat if kind == "phone" else "")

    def leaves(self, left: Left) -> Left:
        """A visitor leaves something at flat 301."""
        left.hand_in(self.home.url, TOKEN, self.trusting)
        return left

    @property
    def trusting(self) -> ssl.SSLContext:
        """Of who connects to a server of theirs."""
        return ssl.create_default_context(cafile=str(self.community.certificate))

    def forget(self) -> None:
        """No phones, and nothing that visitors left."""
        for web, keep in ((self.cloud, COMMUNITY), (self.management, "homelink-301"), (self.home, "")):
            for device in accounts.devices(web.site):
                if device.name != keep:
                    accounts.remove(web.site, device.name)
        keeper = self.home.account("sweeper", "indoor")
        for item in json.loads(keeper.request("GET", "/messages?limit=200").body)["messages"]:
            keeper.request("DELETE", f"/messages/{item['id']}")
        accounts.remove(self.home.site, "sweeper")


@contextmanager
def running_chain(folder: Path, tables: str = "", of_home: str = "") -> Iterator[Chain]:
    """Serves until the block ends; `tables` are more of the site files of management server and HomeLink.

    `of_home` is at the end of the latter only.
    """
    community = Community.create(folder / "authority", "Gardens")
    cloud = made_web(folder / "cloud", Role.CLOUD, ("tls",), community)
    accounts.add(cloud.site, COMMUNITY, "management")
    above = upstream(cloud, COMMUNITY) + tables
    management = made_web(folder / "management", Role.MANAGEMENT, ("tls",), community, above, COMMUNITY)
    accounts.add(management.site, "homelink-301", "homelink", "301")
    settings = (
        f'[messages]\ntoken = "{TOKEN}"\nmegabytes = 100\nlargest = 50\n'
        + upstream(management, "homelink-301")
        + tables
        + of_home
    )
    home = made_web(folder / "home", Role.HOMELINK, ("tls",), community, settings, "homelink-301")
    chain = Chain(community, cloud, management, home)
    webs = (cloud, management, home)
    for web in webs:
        web.start()
    try:
        yield chain
    finally:
        for web in reversed(webs):
            web.stop()


def upstream(above: Web, user: str, password: str = "") -> str:
    """[upstream] of a server below."""
    listener = above.site.listeners[0]
    return (
        f'[upstream]\nuri = "sip:{listener.address}:{listener.port};transport={listener.transport}"\n'
        f'user = "{user}"\npassword = "{password}"\nrealm = "{above.site.identity.realm}"\n'
        f'service = "{above.url}"\nrefresh = 0.1\n'
    )


def eventually(ask: Callable[[], Found], wanted: Callable[[Found], bool]) -> Found:
    """What `ask` gives, as soon as it is as wanted."""
    deadline = time.monotonic() + LIMIT
    while not wanted(found := ask()):
        assert time.monotonic() < deadline, f"it stays {found}"
        time.sleep(0.05)
    return found


def status(service: Service, path: str = "/messages") -> int:
    return service.request("GET", path).status


def connected(phone: Service) -> None:
    """Return when the phone reaches its home."""
    eventually(lambda: status(phone), lambda found: found == 200)


class Open:
    """One request of a phone, whose answer is read piece by piece or not at all."""

    def __init__(self, service: Service, path: str, headers: Mapping[str, str] | None = None) -> None:
        place = urlsplit(service.url)
        context = ssl.create_default_context(cafile=str(service.authority))
        self._connection = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=LIMIT, context=context)
        login = service.login()
        self._connection.request("GET", path, headers={**login, **(headers or {})})
        self.answer = self._connection.getresponse()

    def close(self) -> None:
        """As a phone that loses its network, as far as it can say so."""
        self.answer.close()
        self._connection.close()

    def line(self) -> str:
        """The next one of an endless answer."""
        return self.answer.readline().decode()

    def event(self) -> tuple[str, Any]:
        """The next one that the server sent."""
        while not (name := self.line()).startswith("event: "):
            assert name, "the stream has ended"
        return name.removeprefix("event: ").strip(), json.loads(self.line().removeprefix("data: "))


class Upper:
    """Somebody who listens where a server below looks for the one above, and speaks bytes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", free_port("127.0.0.1")))
        self._listening.settimeout(LIMIT)
        self.url = "http://{}:{}".format(*self._listening.getsockname())

    def taken(self) -> socket.socket:
        """The next connection that is offered, after it was accepted with 101."""
        line, _ = self._listening.accept()
        line.settimeout(LIMIT)
        assert b"Upgrade: intercom-relay" in head_of(line)
        line.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: intercom-relay\r\n\r\n")
        return line

    def refused(self) -> None:
        """The next one is not."""
        line, _ = self._listening.accept()
        with line:
            line.settimeout(LIMIT)
            head_of(line)
            line.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        self._listening.close()


def offered(upper: Web, login: Credentials) -> socket.socket:
    """A connection that a server below, which is this test, offers to `upper`, over plain TCP."""
    place = urlsplit(upper.url)
    line = socket.create_connection((place.hostname or "", place.port or 0), LIMIT)
    service = Service(upper.url, login.user, login.password)
    text = f"GET /relay HTTP/1.1\r\nHost: x\r\nAuthorization: {service.login()['Authorization']}\r\n"
    line.sendall(f"{text}Connection: Upgrade\r\nUpgrade: intercom-relay\r\n\r\n".encode())
    assert head_of(line).startswith(b"HTTP/1.1 101 ")
    return line


def head_of(line: socket.socket) -> bytes:
    """The next head of a request or an answer."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        piece = line.recv(1)
        assert piece, f"the connection has ended after {found!r}"
        found += piece
    return found
