"""Every port and path from each node's place: without a lease nobody reaches a door, a recorder, or anything else.

Linux network namespaces play the machines: a screen in the home, HomeLink, and the site with a door and a recorder.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoints.service import Service
from servers.community.authority import Role
from servers.homelink.server import pages
from servers.homelink.site import load_site
from servers.http import HttpService
from servers.kamailio import accounts
from servers.watching.signing import Signer
from tests.servers.nodes import site_text
from tests.servers.routers import Namespace, Wire, skip_without_namespaces
from tests.servers.watching.doors import StandInDoor, running_door
from tests.servers.watching.watchers import LIMIT, Watcher, pictures

HOME_SIDE, SITE_SIDE, SCREEN, SITE = "192.168.1.2", "10.0.0.2", "192.168.1.10", "10.0.0.9"
HTTP, RTSP, DOOR, RECORDER, OTHER = 8443, 8554, 8500, 554, 22
SETTINGS = f"""
[http]
port = {HTTP}
[watching]
rtsp_port = {RTSP}
doors = [{{ name = "door1", title = "Front door", url = "http://{SITE}:{DOOR}" }}]
[nvr]
url = "rtsp://{SITE}:{RECORDER}"
cameras = [{{ name = "garden", title = "Garden", path = "/garden" }}]
"""


@dataclass
class Place:
    """Three machines."""

    screen: Namespace
    homelink: Namespace
    site: Namespace
    door: StandInDoor
    watcher: Watcher
    strangers: list[socket.socket]
    """What listens at the site beside the door."""

    def knocks(self) -> int:
        """How many have connected to what listens there."""
        return sum(_accepted(listener) for listener in self.strangers)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    skip_without_namespaces()
    with ExitStack() as stack:
        screen, homelink, site = (_namespace(stack, name) for name in ("screen", "homelink", "site"))
        stack.callback(Wire(screen, SCREEN, homelink, HOME_SIDE, ("lan", "home")).close)
        stack.callback(Wire(site, SITE, homelink, SITE_SIDE, ("lan", "site")).close)
        for host in (screen, site):
            host.route_all_through("lan")
        with site.entered():
            door = stack.enter_context(running_door("door1", SITE, DOOR))
            strangers = [socket.create_server((SITE, port)) for port in (RECORDER, OTHER)]
        for listener in strangers:
            stack.callback(listener.close)
        with homelink.entered():
            watcher = stack.enter_context(_homelink(tmp_path, door))
        yield Place(screen, homelink, site, door, watcher, strangers)


def _namespace(stack: ExitStack, name: str) -> Namespace:
    made = Namespace(name)
    stack.callback(made.close)
    return made


@contextmanager
def _homelink(folder: Path, door: StandInDoor) -> Iterator[Watcher]:
    """Its HTTP service, on this machine."""
    identity = {"name": "Family Chen", "realm": "home.example", "address": "0.0.0.0"}
    path = folder / "site.toml"
    path.write_text(site_text(folder, Role.HOMELINK, identity, ("udp",), None) + SETTINGS)
    site = load_site(path)
    site.databases.prepare()
    account = accounts.add(site, "indoor1", "indoor")
    signer = Signer(site.databases.watching_key, "homelink:home")
    door.keys[signer.issuer] = signer.public_key
    service = HttpService(site, HTTP, lambda: True, pages(site))
    service.start()
    try:
        yield Watcher(Service(f"http://{HOME_SIDE}:{HTTP}", account.user, account.password))
    finally:
        service.stop()


def _accepted(listener: socket.socket) -> int:
    """Connections that wait to be taken."""
    listener.settimeout(0)
    found = 0
    while True:
        try:
            listener.accept()[0].close()
            found += 1
        except BlockingIOError:
            return found


def open_ports(host: Namespace) -> set[int]:
    """Every port of this machine where somebody could come in, as its kernel tells: TCP that listens, and UDP."""
    found = set()
    with host.entered():
        for name, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
            lines = Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]
            rows = [line.split() for line in lines]
            found |= {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == state}
    return found


def reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def said(address: str, port: int, request: str) -> str:
    """The first line of what comes back; "" for nothing."""
    with socket.create_connection((address, port), timeout=LIMIT) as line:
        line.sendall(request.encode())
        try:
            return line.makefile("rb").readline().decode().strip()
        except ConnectionError:
            return ""


def request(method: str, target: str, login: str = "", host: str = f"{SITE}:{DOOR}") -> str:
    more = f"Authorization: {login}\r\n" if login else ""
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n"


TARGETS = [
    ("CONNECT", f"{SITE}:{OTHER}"),
    ("CONNECT", f"{SITE}:{DOOR}"),
    ("GET", f"http://{SITE}:{DOOR}/live.mp4"),
    ("GET", f"http://{SITE}:{OTHER}/"),
    *(
        ("GET", path)
        for path in ("/live.mp4", "/live", "/live.mjpeg", "/snapshot.jpg", "/renew", "/relay", "//live.mp4")
    ),
    ("POST", "/renew"),
]


def statuses_of_all_paths(service: Service) -> dict[str, int]:
    """What somebody without a login is answered at every path that the service describes."""
    described = json.loads(service.request("GET", "/openapi.json").body)["paths"]
    stranger = Service(service.url, "nobody", "", patience=LIMIT)
    found = {}
    for path, methods in described.items():
        for method in methods:
            answer = stranger.request(method.upper(), path.replace("{", "").replace("}", ""))
            found[f"{method} {path}"] = answer.status
    return found


@pytest.mark.flow("M1")
@pytest.mark.flow("M3")
def test_from_nowhere_anything_is_reached_but_by_a_lease(place: Place) -> None:
    service = place.watcher.service
    with place.screen.entered():
        assert service.request("GET", "/watchables").status == 200
        assert open_ports(place.homelink) == {HTTP, RTSP}
        for port in (DOOR, RECORDER, OTHER):
            assert not reaches(SITE, port), "HomeLink passes no packets on"
        login = service.login()["Authorization"]
        for method, target in TARGETS:
            assert said(HOME_SIDE, HTTP, request(method, target, login)).split()[1] in ("400", "404", "405"), target
        for path in ("garden", "live.mp4", f"{SITE}:{OTHER}", "x" * 22):
            answer = said(HOME_SIDE, RTSP, f"DESCRIBE rtsp://{SITE}:{RECORDER}/{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert answer == "RTSP/1.0 404 Not Found"
        assert not place.door.asked
        assert place.knocks() == 0

        lease = place.watcher.lease("door1")
        with place.watcher.socket(lease["paths"]["live"]) as live:
            pictures(live, 2)
            assert open_ports(place.homelink) == {HTTP, RTSP}, "nothing is opened for who watches"
            assert not reaches(SITE, DOOR)
        place.watcher.give_back(lease)

    for here, address in ((place.screen, HOME_SIDE), (place.site, SITE_SIDE)):
        with here.entered():
            asked = statuses_of_all_paths(Service(f"http://{address}:{HTTP}", "nobody", "", patience=LIMIT))
            assert {what for what, status in asked.items() if status < 400} == {"get /health", "options /uploads"}
    assert [path for path, _ in place.door.asked] == ["/live"]
    assert place.knocks() == 0
