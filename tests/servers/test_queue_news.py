"""Every console is told how many calls wait for a guard, over the connection that it registered by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kamailio.config import Transport
from tests.servers.network import running_management
from tests.servers.nodes import Node
from tests.servers.peer import Peer
from tests.servers.test_guards import TIMERS, console, hang_up, queued, talk, visit

pytestmark = [pytest.mark.kamailio, pytest.mark.flow("G1")]


@pytest.fixture(params=["udp", "tcp"])
def management(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Node]:
    transport: Transport = request.param
    with running_management(tmp_path, transport, settings=TIMERS) as node:
        yield node


def news(guard: Peer) -> str:
    """What the console is told next."""
    told = guard.wait_request("MESSAGE")
    guard.respond(told, 200, "OK")
    assert told["Content-Type"] == "application/vnd.intercom.queue+json"
    return told.body


def test_consoles_are_told_who_waits_and_that_nobody_waits_any_more(management: Node) -> None:
    guard = console(management, "desk1")
    call = visit(management)
    final = talk(call, guard)
    second = visit(management, "gate2")
    assert queued(second) == "1"
    assert news(guard) == '{"waiting": 1, "emergency": 0}'
    second.cancel()
    assert news(guard) == '{"waiting": 0, "emergency": 0}'
    hang_up(call, final, guard)
