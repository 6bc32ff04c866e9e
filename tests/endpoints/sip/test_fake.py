"""The fake agent keeps the SipAgent protocol and says when an app misuses it."""

import pytest

from endpoints.sip.agent import Answered, Ended, IncomingCall, SipAgent, SipEvent
from endpoints.sip.fake import FakeAgent


def started(events: list[SipEvent]) -> FakeAgent:
    agent = FakeAgent(on_event=events.append)
    agent.start()
    return agent


def test_fake_is_a_sip_agent() -> None:
    agent: SipAgent = FakeAgent()
    agent.start()
    agent.close()


def test_remembers_a_call_and_ends_it_on_hang_up() -> None:
    events: list[SipEvent] = []
    agent = started(events)
    call = agent.call("sip:home@127.0.0.1", None, "abc", {"X-Intercom-Challenge": "1"})
    agent.answered(call, "tag")
    agent.hang_up(call, "enough")
    assert agent.sent("call")[0].arguments["uri"] == "sip:home@127.0.0.1"
    assert agent.wait_for("hang_up").arguments == {"reason": "enough"}
    assert events == [Answered(call, "tag", None), Ended(call, 200, "enough")]


def test_an_injected_call_can_be_rejected_once() -> None:
    events: list[SipEvent] = []
    agent = started(events)
    call = agent.incoming(caller="sip:gate@x")
    agent.reject(call, 486)
    agent.reject(call, 486)
    assert isinstance(events[0], IncomingCall)
    assert [type(event) for event in events[1:]] == [Ended]


def test_refuses_a_call_that_never_was() -> None:
    with pytest.raises(AssertionError, match="never was"):
        started([]).answer("call-9", None)


def test_refuses_commands_before_start() -> None:
    with pytest.raises(AssertionError, match="between start and close"):
        FakeAgent().call("sip:home@127.0.0.1", None, "")
