"""One running simulator for all tests that only use it."""

from collections.abc import Iterator

import pytest

from sim.client import Community, simulator


@pytest.fixture(scope="package")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    """Door station, two indoor units and a phone, over TLS; every test leaves it idle."""
    with simulator(tmp_path_factory.mktemp("simulator"), "--silent") as running:
        yield running
