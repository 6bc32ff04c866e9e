"""Peers for the SIP tests: made by a test, ended with it."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.peers.sipp import Sipp
from tests.peers.agent import AgentPeer
from tests.peers.certificates import TestAuthority


@pytest.fixture
def peers() -> Iterator[contextlib.ExitStack]:
    """Closes at the end what a test entered with `callback(peer.close)`."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def new_port() -> Callable[[], int]:
    """Gives ports of 127.0.0.1 that were free for TCP and UDP a moment ago, each once."""

    def find() -> int:
        for _ in range(200):
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", 0))
                port: int = tcp.getsockname()[1]
                with contextlib.suppress(OSError):
                    udp.bind(("127.0.0.1", port))
                    if port not in given:
                        given.add(port)
                        return port
        raise OSError("no free port")

    given: set[int] = set()
    return find


@pytest.fixture
def new_agent(tmp_path: Path, new_port: Callable[[], int], peers: contextlib.ExitStack) -> Callable[..., AgentPeer]:
    """Starts agents, each in its own process."""

    def start(user: str, wait: bool = True, **settings: Any) -> AgentPeer:
        agent = AgentPeer(tmp_path, settings.pop("port", None) or new_port(), user, **settings)
        peers.callback(agent.close)
        if wait:
            agent.wait("Started")
        return agent

    return start


@pytest.fixture
def new_sipp(tmp_path: Path, new_port: Callable[[], int], peers: contextlib.ExitStack) -> Callable[..., Sipp]:
    """Starts SIPp with a scenario."""

    def start(*steps: str, **more: Any) -> Sipp:
        peer = Sipp(tmp_path, more.pop("port", None) or new_port(), steps, **more)
        peers.callback(peer.close)
        return peer

    return start


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    """A community's certificate authority."""
    return TestAuthority(tmp_path)
