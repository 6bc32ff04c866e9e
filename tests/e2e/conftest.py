"""One community for each way of talking, and a whole one; each ends with the last of its tests, to leave the machine
to others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.client import Community, simulator
from tests.e2e.visits import all_at_rest


@pytest.fixture(scope="module")
def _secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    with simulator(tmp_path_factory.mktemp("secure"), "--silent") as running:
        yield running


@pytest.fixture(scope="module")
def _plain_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    with simulator(tmp_path_factory.mktemp("plain"), "--silent", "--plain-udp") as running:
        yield running


@pytest.fixture(scope="package")
def _whole_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    with simulator(tmp_path_factory.mktemp("whole"), "--silent", "--community", "whole") as running:
        yield running


@pytest.fixture
def whole(_whole_run: Community) -> Community:
    """Three servers, two homes, doors, guards; everybody at rest."""
    all_at_rest(_whole_run)
    return _whole_run


@pytest.fixture
def community(_secure: Community) -> Community:
    """TLS and SRTP, everybody at rest."""
    all_at_rest(_secure)
    return _secure


@pytest.fixture
def plain(_plain_run: Community) -> Community:
    """UDP and plain RTP, for guests; everybody at rest."""
    all_at_rest(_plain_run)
    return _plain_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For a guest's files."""
    return tmp_path
