"""Running HomeLinks for tests; other folders may import the same helpers from tests.servers.homes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.homes import Home, running_home


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home over UDP and TCP, shared by a module's tests."""
    settings = "[timers]\nring = 2\nreach = 0.5\n[limits]\nfailures = 3"
    with running_home(tmp_path_factory.mktemp("plain"), "udp", "tcp", settings=settings) as home:
        yield home


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home over TLS and UDP, shared by a module's tests."""
    with running_home(tmp_path_factory.mktemp("tls"), "tls", "udp") as home:
        yield home


@pytest.fixture
def guarded_home(tmp_path: Path) -> Iterator[Home]:
    """A home of one test's own, with narrow limits, over UDP and TCP."""
    settings = "[limits]\nrequests = 40\nsource_failures = 5\nidle = 1"
    with running_home(tmp_path, "udp", "tcp", settings=settings) as home:
        yield home
        home.forget()


@pytest.fixture
def plain_home(plain_server: Home) -> Iterator[Home]:
    """The module's plain home, with no devices and no memory of earlier tests."""
    yield plain_server
    plain_server.forget()


@pytest.fixture
def tls_home(tls_server: Home) -> Iterator[Home]:
    """The module's TLS home, with no devices and no memory of earlier tests."""
    yield tls_server
    tls_server.forget()
