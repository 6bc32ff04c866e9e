"""The fixture `bench`: each contract test runs once per installed backend of the ability its file is named after."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.registry import backends
from tests.hal.contracts.bench import Bench, opened


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of test_camera.py over all cameras, and so on."""
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", backends(_ability(metafunc.module.__name__)))


@pytest.fixture
def bench(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The device under test."""
    with opened(_ability(request.module.__name__), backend, tmp_path) as bench:
        yield bench


def _ability(module: str) -> str:
    return module.rpartition(".")[2].removeprefix("test_")
