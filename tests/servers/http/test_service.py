"""Who is let in: accounts by password, door stations by certificate, and nobody who guesses."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints.errors import ServiceError
from endpoints.service import Service
from servers.community.authority import Role
from servers.errors import ServerError
from servers.http import HttpService
from servers.http.failures import Failures
from tests.servers.http.services import Web, running_web

LIMITS = 'admins = ["console1"]\n[limits]\nfailures = 3\nban = 60\n'


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A HomeLink's service over TLS."""
    with running_web(tmp_path_factory.mktemp("secure"), Role.HOMELINK, ("tls", "udp"), LIMITS) as web:
        yield web


def test_health_needs_no_login_and_tells_of_trouble(secure: Web) -> None:
    secure.sip.clear()
    answer = secure.get("/health")
    assert (answer.status, json.loads(answer.body)) == (
        503,
        {"status": "trouble", "server": "homelink", "sip": False, "database": True},
    )
    secure.sip.set()
    assert secure.get("/health").status == 200


def test_a_small_answer_does_not_wait_for_the_one_before_to_be_acknowledged(secure: Web) -> None:
    """asyncio switches Nagle's algorithm off only for sockets whose protocol is named."""
    listening: socket.socket = vars(secure.service)["_socket"]
    assert listening.proto == socket.IPPROTO_TCP


def test_only_accounts_of_this_server_are_let_in(secure: Web) -> None:
    indoor = secure.account("indoor1", "indoor")
    assert indoor.request("GET", "/records").status == 200
    assert secure.get("/records").status == 401
    assert Service(secure.url, "indoor1", "wrong", secure.authority).request("GET", "/records").status == 401
    assert secure.account("guest", "guest").request("GET", "/records").status == 403


@pytest.mark.parametrize(
    ("role", "status"), [(Role.DOOR_STATION, 200), (Role.PHONE, 401), (Role.HOMELINK, 401), (Role.MANAGEMENT, 401)]
)
def test_a_door_station_is_known_by_its_certificate_alone(secure: Web, role: Role, status: int) -> None:
    assert secure.certificate(role, "gate1").request("GET", "/records").status == status


def test_the_certificate_of_another_community_is_refused(secure: Web, tmp_path: Path) -> None:
    with running_web(tmp_path, Role.HOMELINK, ("tls",)) as other:
        stranger = other.certificate(Role.DOOR_STATION, "gate1")
        wrong = Service(secure.url, "gate1", "", secure.authority, stranger.certificate, stranger.key)
        with pytest.raises(ServiceError):
            wrong.request("GET", "/records")
        with pytest.raises(ServiceError, match="certificate"):
            Service(secure.url, "gate1", "", other.authority).request("GET", "/health")


def test_who_guesses_is_not_listened_to(secure: Web) -> None:
    phone = secure.account("phone1", "phone")
    wrong = Service(secure.url, "phone1", "wrong", secure.authority)
    statuses = [wrong.request("GET", "/records").status for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert phone.request("GET", "/records").status == 429, "not even with the right password"


def test_failures_are_forgotten_after_a_minute_and_a_ban_ends() -> None:
    now = [0.0]
    failures = Failures(per_account=2, per_source=3, ban=30, clock=lambda: now[0])
    failures.count("a", "one")
    now[0] = 61
    failures.count("a", "one")
    assert not failures.banned("a", "one")
    failures.count("a", "one")
    assert failures.banned("a", "one") == 30
    assert not failures.banned("a", "two")
    failures.count("a", "two")
    assert failures.banned("a", "three") == 30, "the source has had enough"
    assert not failures.banned("b", "one")
    now[0] += 31
    assert not failures.banned("a", "one")


def test_strange_requests_do_no_harm(secure: Web) -> None:
    indoor = secure.account("indoor9", "indoor")
    assert indoor.request("PUT", "/records/record-1", b"{").status == 422
    assert indoor.request("PUT", "/records/a%20b", b"{}").status == 422
    assert indoor.request("GET", "/records?limit=100000").status == 422
    assert indoor.request("GET", "/nothing").status == 404
    with socket.create_connection((secure.site.identity.address, secure.site.http.port)) as raw:  # type: ignore[union-attr]
        raw.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        raw.settimeout(10)
        assert not raw.recv(100).startswith(b"HTTP"), "plain HTTP where TLS is served"
    assert secure.get("/health").status in (200, 503)


def test_a_huge_body_is_refused_before_it_comes(tmp_path: Path) -> None:
    with running_web(tmp_path, Role.MANAGEMENT) as web:
        assert web.site.http is not None
        with socket.create_connection((web.site.identity.address, web.site.http.port), 10) as raw:
            raw.sendall(b"PUT /records/record-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_the_pages_are_described(secure: Web) -> None:
    paths = json.loads(secure.get("/openapi.json").body)["paths"]
    assert set(paths) == {
        "/health",
        "/records",
        "/records.csv",
        "/records/{identifier}",
        "/records/{identifier}/picture",
        "/directory",
        "/uploads",
        "/uploads/{identifier}",
        "/messages",
        "/messages/{identifier}",
        "/messages/{identifier}/content",
        "/messages/{identifier}/thumbnail",
        "/messages/events",
        "/messages/export",
        "/messages/accesses",
        "/messages/retention",
    }


def test_a_taken_port_is_told_before_anything_starts(secure: Web) -> None:
    assert secure.site.http is not None
    with pytest.raises(ServerError, match=r"\[http\] cannot listen on .* Address already in use"):
        HttpService(secure.site, secure.site.http.port, lambda: True).start()


def test_it_ends_at_once_and_again_without_harm(tmp_path: Path) -> None:
    with running_web(tmp_path, Role.MANAGEMENT) as web:
        assert web.get("/health").status == 503
        web.service.stop()
        with pytest.raises(ServiceError):
            web.get("/health")
