"""One chain of servers for all tests of this folder."""

from collections.abc import Iterator

import pytest

from servers.kamailio import accounts
from tests.servers.relay.chain import Chain, connected, running_chain

DOOR = """
[[watching.doors]]
name = "door1"
title = "Front door"
url = "https://127.0.0.1:9"
"""
"""A door that the home may watch; nothing is there."""


@pytest.fixture(scope="package")
def _chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with running_chain(tmp_path_factory.mktemp("chain"), "[watching]\n", DOOR) as running:
        yield running


@pytest.fixture
def chain(_chain: Chain) -> Iterator[Chain]:
    """All three connected, and empty."""
    connected(_chain.phone("first", "301.lakeside"))
    accounts.remove(_chain.cloud.site, "first")
    yield _chain
    _chain.forget()
