"""The agent's process ends with status 0 whenever it is told to, and a command after the end does no harm."""

import time
from collections.abc import Callable

import pytest

from tests.endpoints.sip.test_pjsua_calls import ring, talk
from tests.peers.agent import AgentPeer, video

NewAgent = Callable[..., AgentPeer]


@pytest.mark.parametrize("who", ["door", "screen"])
@pytest.mark.parametrize("when", [ring, talk])
def test_sigterm_in_a_call(new_agent: NewAgent, when: Callable[..., object], who: str) -> None:
    peers = {"door": new_agent("door"), "screen": new_agent("screen")}
    when(peers["door"], peers["screen"])
    assert peers[who].stop() == 0
    other = peers["screen" if who == "door" else "door"]
    other.wait("Ended")
    peers[who].wait("Ended")


def test_sigterm_while_registering_at_a_dead_server(new_agent: NewAgent, new_port: Callable[[], int]) -> None:
    agent = new_agent("screen", registrar=f"sip:127.0.0.1:{new_port()}", password="x")
    assert agent.stop() == 0


def test_sigterm_while_calling_a_dead_host(new_agent: NewAgent, new_port: Callable[[], int]) -> None:
    agent = new_agent("door")
    agent.call(f"sip:x@127.0.0.1:{new_port()}", video=video(9000))
    started = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - started < 5
    agent.wait("Ended")


def test_end_while_the_peer_is_gone(new_agent: NewAgent) -> None:
    door, screen = new_agent("door"), new_agent("screen")
    talk(door, screen)
    screen.process.kill()
    screen.process.wait(5)
    started = time.monotonic()
    assert door.stop() == 0
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("who", ["door", "screen"])
def test_the_connection_of_a_call_is_kept_open_as_long_as_the_call(new_agent: NewAgent, who: str) -> None:
    """Unused, the library would close it after 33 s, and a device that registers nowhere could be told nothing."""
    peers = {"door": new_agent("door", transport="tcp"), "screen": new_agent("screen", transport="tcp")}
    calls = dict(zip(peers, talk(peers["door"], peers["screen"]), strict=True))

    assert peers["door"].ask("connections") == 1
    peers[who].do("hang_up", call=calls[who], reason="")
    peers["door"].wait("Ended")
    peers["door"].wait_until(lambda: bool(peers["door"].ask("connections") == 0))


def test_commands_for_a_call_that_is_over_do_nothing(new_agent: NewAgent) -> None:
    door, screen = new_agent("door"), new_agent("screen")
    at_door, at_screen = talk(door, screen)
    door.do("hang_up", call=at_door)
    screen.wait("Ended")
    for peer, call in ((door, at_door), (screen, at_screen), (door, "call-99")):
        peer.wait_until(lambda peer=peer, call=call: peer.ask("statistics", call=call) == {})  # type: ignore[misc]
        for name in ("hang_up", "reject"):
            peer.do(name, call=call)
        peer.do("answer", call=call, video=None)
        peer.do("send_info", call=call, content_type="text/plain", body="x")
    again, _ = talk(door, screen)
    assert again != at_door
    assert (door.stop(), screen.stop()) == (0, 0)


def test_port_in_use_is_one_clear_sentence(new_agent: NewAgent) -> None:
    first = new_agent("first", transport="tcp")
    second = new_agent("second", wait=False, transport="tcp", port=first.port)
    reason = second.wait("Failed")["reason"]
    assert "cannot be opened" in reason
    assert second.process.wait(10) == 2


def test_calls_as_fast_as_they_go_do_not_overflow_the_library(new_agent: NewAgent) -> None:
    door, screen = new_agent("door"), new_agent("screen")
    for number in range(40):
        at_door = door.call(screen.uri, video=video(9000))
        at_screen = screen.wait("IncomingCall", count=number + 1)["call"]
        screen.do("ring", call=at_screen, video=video(9100, "recvonly"))
        screen.do("answer", call=at_screen, video=video(9100, "recvonly"))
        door.wait("Answered", call=at_door)
        door.do("hang_up", call=at_door)
        screen.wait("Ended", call=at_screen)
        door.wait("Ended", call=at_door)
    assert (door.stop(), screen.stop()) == (0, 0)
