"""What goes over the turned connections, byte by byte, with one end that is the test itself."""

import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from endpoints.errors import ServiceError
from endpoints.service import Answer, Service
from servers.community.authority import Community, Role
from servers.kamailio import accounts
from servers.relay.pages import AT_ONCE
from servers.relay.pauses import SETTLED, Pauses
from tests.servers.http.services import Web, made_web
from tests.servers.nodes import free_port
from tests.servers.relay.chain import LIMIT, Upper, connected, eventually, head_of, offered, status, upstream

CALLER = "name=phone1&kind=phone&home=301&way=cloud"


@contextmanager
def serving(*webs: Web) -> Iterator[None]:
    for web in webs:
        web.start()
    try:
        yield
    finally:
        for web in webs:
            web.stop()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A cloud server over plain HTTP."""
    web = made_web(tmp_path_factory.mktemp("cloud"), Role.CLOUD, ("udp",), None)
    with serving(web):
        yield web


@pytest.fixture
def phone(cloud: Web) -> Iterator[Service]:
    """At flat 301 of a community that is the test."""
    yield cloud.account("phone1", "phone", "301.lakeside")
    for device in accounts.devices(cloud.site):
        accounts.remove(cloud.site, device.name)


@pytest.fixture
def below(cloud: Web, phone: Service) -> Iterator[socket.socket]:
    """The community's only connection."""
    with closing(offered(cloud, accounts.add(cloud.site, "lakeside", "management"))) as line:
        yield line
    eventually(lambda: status(phone), lambda found: found == 503)


def asked(line: socket.socket, path: str, *headers: str) -> bytes:
    """Ask through a connection that a server below has offered; the whole answer."""
    lines = [f"GET {path} HTTP/1.1", "Host: home", "Connection: close", *headers]
    with line, line.makefile("rb") as answer:
        line.sendall("\r\n".join([*lines, "\r\n"]).encode())
        return answer.read()


@pytest.fixture
def uppers() -> Iterator[list[Upper]]:
    """Two nodes of a server above that are the test."""
    made = [Upper(), Upper()]
    yield made
    for upper in made:
        upper.close()


@pytest.fixture
def home(tmp_path: Path, uppers: list[Upper]) -> Iterator[Web]:
    """A HomeLink below them."""
    one, other = (upper.url for upper in uppers)
    above = '[upstream]\nuri = "sip:127.0.0.1:5060;transport=udp"\nuser = "homelink-301"\npassword = "x"\n'
    above += f'realm = "lakeside.example"\nservice = "{one}"\nservice_standby = ["{other}"]\nrefresh = 0.1\n'
    web = made_web(tmp_path / "home", Role.HOMELINK, ("udp",), None, above)
    with serving(web):
        yield web


def test_a_home_answers_each_node_above_and_only_what_a_phone_may_ask(home: Web, uppers: list[Upper]) -> None:
    good = f"Intercom-Caller: {CALLER}"
    for upper in uppers:
        assert asked(upper.taken(), "/messages", good).startswith(b"HTTP/1.1 200 ")
    refused = {
        "/messages": ["", "Intercom-Caller: name=1", f"{good}&kind=phone", f"{good}&more=1", good.replace("=301", "=")],
        "/messages?limit=1": [good.replace("=phone&", f"={kind}&") for kind in ("guest", "door", "console", "x")],
        "/watchables": [f"{good}\r\n{good}", f"{good}\r\nIntercom-Caller: name=a&kind=phone&home=302&way=x"],
    }
    for path, all_headers in refused.items():
        for headers in all_headers:
            answer = asked(uppers[0].taken(), path, *filter(None, [headers]))
            assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 404 ")), (path, headers, answer)
            assert not answer.startswith(b"HTTP/1.1 404 ") or path == "/watchables"
    for path in (
        "/records",
        "/directory",
        "/health",
        "/openapi.json",
        "/relay",
        "/uploads",
        "/messages/../records",
        "/",
    ):
        assert asked(uppers[0].taken(), path, good).startswith(b"HTTP/1.1 404 "), path


def test_an_asked_connection_is_replaced_and_can_be_asked_again(home: Web, uppers: list[Upper]) -> None:
    first, second = uppers[0].taken(), uppers[0].taken()
    for _ in range(3):
        first.sendall(f"GET /messages HTTP/1.1\r\nHost: home\r\nIntercom-Caller: {CALLER}\r\n\r\n".encode())
        length = int(head_of(first).lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert json.loads(first.recv(length, socket.MSG_WAITALL))["new"] == 0
    second.sendall(f"GET /messages/events HTTP/1.1\r\nHost: home\r\nIntercom-Caller: {CALLER}\r\n\r\n".encode())
    assert head_of(second).startswith(b"HTTP/1.1 200 ")
    uppers[0].taken().close()
    for line in (first, second):
        line.close()


def test_a_server_above_that_refuses_is_tried_again(home: Web, uppers: list[Upper]) -> None:
    for _ in range(2):
        uppers[1].refused()
    assert asked(uppers[1].taken(), "/messages", f"Intercom-Caller: {CALLER}").startswith(b"HTTP/1.1 200 ")


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses, left = Pauses(1.0), []
    for _ in range(10):
        pauses.failed(0.0)
        left.append(pauses.left(0.0))
    for number, pause in enumerate(left):
        assert 0.5 <= pause / min(2.0**number, 60.0) <= 1.5
    assert len(set(left)) == len(left)
    pauses.lost(0.0, SETTLED / 2)
    assert pauses.left(0.0) >= 30
    pauses.lost(0.0, 2 * SETTLED)
    assert 0.5 <= pauses.left(0.0) <= 1.5, "it has been a good one"
    pauses.worked()
    assert pauses.left(0.0) == 0


def test_who_has_the_name_of_the_server_above_but_not_its_role_is_told_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    community = Community.create(tmp_path / "authority", "Gardens")
    files = community.issue(Role.DOOR_STATION, "gate1", ["127.0.0.1"], tmp_path / "gate")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))) as listening:
        listening.settimeout(LIMIT)
        above = '[upstream]\nuri = "sip:127.0.0.1:5061;transport=tls"\nuser = "homelink-301"\n'
        above += 'realm = "lakeside.example"\nservice = "https://{}:{}"\nrefresh = 0.1\n'
        above = above.format(*listening.getsockname())
        home = made_web(tmp_path / "home", Role.HOMELINK, ("tls",), community, above, "homelink-301")
        with serving(home):
            line, _ = listening.accept()
            line.settimeout(LIMIT)
            with suppress(ConnectionResetError, ssl.SSLError), context.wrap_socket(line, server_side=True) as secure:
                assert secure.recv(1) == b""
            eventually(lambda: caplog.text, lambda text: "not that of the server above" in text)


def ask(phone: Service, pool: ThreadPoolExecutor, path: str = "/messages") -> Future[Answer]:
    return pool.submit(phone.request, "GET", path)


def test_what_goes_down_has_no_login_and_no_strange_headers(phone: Service, below: socket.socket) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = ask(phone, pool, "/messages/%2e%2e/x?a=%20b&after=")
        head = head_of(below)
        below.sendall(b"HTTP/1.1 418 I'm a teapot\r\nX-Own: yes\r\nSet-Cookie: a\r\nContent-Length: 3\r\n\r\nabc")
        assert (answer.result(LIMIT).status, answer.result().body) == (418, b"abc")
    first, *lines = head.decode().split("\r\n")
    assert first == "GET /messages/%2e%2e/x?a=%20b&after= HTTP/1.1"
    names = {line.partition(":")[0].lower() for line in lines if line}
    assert names == {"host", "intercom-caller", "accept", "accept-encoding"}
    assert "intercom-caller: name=phone1&kind=phone&home=301&way=cloud" in lines


def test_a_connection_that_ends_when_it_is_asked_is_replaced_by_another(cloud: Web, phone: Service) -> None:
    login = accounts.add(cloud.site, "lakeside", "management")
    with ThreadPoolExecutor(1) as pool, closing(offered(cloud, login)) as good, closing(offered(cloud, login)) as bad:
        answer = ask(phone, pool)
        head_of(bad)
        bad.close()
        head_of(good)
        good.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert answer.result(LIMIT).status == 204
        again = pool.submit(phone.request, "POST", "/leases", b"{}")
        head_of(good)
        good.close()
        assert again.result(LIMIT).status == 502, "nobody knows whether it was done"


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(phone: Service, below: socket.socket) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = ask(phone, pool)
        head_of(below)
        below.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        below.close()
        with pytest.raises(ServiceError):
            answer.result(LIMIT)


def test_one_account_has_so_many_requests_at_a_time(cloud: Web, phone: Service) -> None:
    login = accounts.add(cloud.site, "lakeside", "management")
    other = cloud.account("phone2", "phone", "302.lakeside")
    lines = [offered(cloud, login) for _ in range(AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        waiting = [ask(phone, pool) for _ in range(AT_ONCE)]
        for line in lines[1:]:  # the newest are asked first
            head_of(line)
        assert status(phone) == 429
        neighbour = ask(other, pool)
        head_of(lines[0])
        for line in lines:
            line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert {one.result(LIMIT).status for one in (*waiting, neighbour)} == {204}
    for line in lines:
        line.close()


def test_a_home_that_answers_as_many_as_it_can_says_so(
    phone: Service, below: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servers.relay.below.PATIENCE", 0.1)
    with ThreadPoolExecutor(1) as pool:
        answer = ask(phone, pool)
        head_of(below)
        refused = phone.request("GET", "/messages")
        assert (refused.status, json.loads(refused.body)) == (503, {"detail": "This home answers others now"})
        below.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert answer.result(LIMIT).status == 204


def watched(phone: Service, home: socket.socket) -> socket.socket:
    """A WebSocket that the home has accepted, and where it said "picture" at once."""
    place = urlsplit(phone.url)
    raw = socket.create_connection((place.hostname or "", place.port or 0), LIMIT)
    text = f"GET /leases/1/live HTTP/1.1\r\nHost: x\r\nAuthorization: {phone.login()['Authorization']}\r\n"
    raw.sendall(f"{text}Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: abc\r\n\r\n".encode())
    head = head_of(home).lower()
    assert b"upgrade: websocket" in head
    assert b"sec-websocket-key: abc" in head
    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    home.sendall(answer + b"Sec-WebSocket-Accept: def\r\n\r\npicture")
    assert b"sec-websocket-accept: def" in head_of(raw)
    assert raw.recv(7, socket.MSG_WAITALL) == b"picture"
    return raw


@pytest.mark.parametrize("who_ends", ["phone", "home"])
def test_a_web_socket_goes_through_both_servers(tmp_path: Path, cloud: Web, phone: Service, who_ends: str) -> None:
    login = accounts.add(cloud.site, "lakeside", "management")
    above = upstream(cloud, "lakeside", login.password)
    management = made_web(tmp_path / "management", Role.MANAGEMENT, ("udp",), None, above)
    below = accounts.add(management.site, "homelink-301", "homelink", "301")
    with serving(management), closing(offered(management, below)) as home:
        connected(cloud.account("phone2", "phone", "302.lakeside"))  # whom the management server answers itself
        with closing(watched(phone, home)) as watching:
            watching.sendall(b"renewed")
            assert home.recv(7, socket.MSG_WAITALL) == b"renewed"
            ending, left = (watching, home) if who_ends == "phone" else (home, watching)
            ending.shutdown(socket.SHUT_RDWR)
            assert left.recv(1) == b""
