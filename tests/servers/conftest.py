"""Running HomeLinks for tests; other folders may import the same helpers from tests.servers.homes."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from servers.kamailio.config import Listener, TlsFiles, Transport
from tests.servers.homes import Home, running_home
from tests.servers.peer import Peer


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home over UDP and TCP, shared by a module's tests."""
    settings = "[timers]\nring = 2\nreach = 0.5\n[limits]\nrequests = 40\nfailures = 3\nsource_failures = 10\nban = 60"
    with running_home(tmp_path_factory.mktemp("plain"), "udp", "tcp", settings=settings) as home:
        yield home


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home over TLS and UDP, shared by a module's tests."""
    with running_home(tmp_path_factory.mktemp("tls"), "tls", "udp") as home:
        yield home


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
