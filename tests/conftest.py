"""What many tests share: choosing tests by the flow they prove, files side by side on several cores, free ports."""

import socket

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = "tests/e2e/"
"""These files share large communities, which are started once in a process."""
LONG = (TOGETHER, "tests/sim/test_simulator.py")
"""They take longest and begin first, so that no core waits for them in the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--flow V1` runs only the tests that prove V1; `--flow all` those that prove any flow."""
    parser.addoption("--flow", action="append", default=[], metavar="ID", help="run only tests of this flow, or `all`")
    parser.addoption("--hostile", type=int, default=0, metavar="N", help="so many random requests of each kind")
    parser.addoption("--power-cuts", type=int, default=20, metavar="N", help="kill a recording process so often")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones first; leave out tests of other flows, if flows were asked for."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    wanted = set(config.getoption("--flow"))
    if not wanted:
        return
    chosen = [item for item in items if _flows(item) & wanted or ("all" in wanted and _flows(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


class _FilesSideBySide(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """The tests of one file, or of those that belong together, run in one process one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """For `pytest --numprocesses`."""
    return _FilesSideBySide(config, log)


def _flows(item: pytest.Item) -> set[str]:
    return {flow for mark in item.iter_markers("flow") for flow in mark.args}


@pytest.fixture
def free_port() -> int:
    """A port on 127.0.0.1 that is free for TCP and UDP now."""
    for _ in range(100):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free for both TCP and UDP")
