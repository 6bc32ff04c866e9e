"""Our agent registers at a registrar played by SIPp, loses it, and comes back."""

from collections.abc import Callable

import pytest

from sim.peers.sipp import Sipp, pause, receive, respond
from tests.peers.agent import AgentPeer

NewAgent = Callable[..., AgentPeer]
NewSipp = Callable[..., Sipp]
ACCEPTED = respond("200 OK", ("[last_Contact:];expires=300", "Expires: 300"))
CHALLENGE = 'WWW-Authenticate: Digest realm="home", nonce="{nonce}", algorithm=MD5, qop="auth"{more}'


def challenge(nonce: str, more: str = "") -> str:
    return respond("401 Unauthorized", (CHALLENGE.format(nonce=nonce, more=more),))


def device(new_agent: NewAgent, registrar: Sipp, transport: str = "udp", **more: object) -> AgentPeer:
    uri = f"sip:127.0.0.1:{registrar.port};transport={transport}"
    settings = {"registrar": uri, "transport": transport, "password": "secret", "retry": 1.0} | more
    return new_agent("indoor1", **settings)


@pytest.mark.flow("R2")
def test_registers_with_digest_and_follows_a_stale_nonce(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    stale = (receive("REGISTER"), challenge("second", ", stale=true"))
    registrar = new_sipp(receive("REGISTER"), challenge("first"), *stale, receive("REGISTER"), ACCEPTED)
    agent = device(new_agent, registrar)
    agent.wait("Registered")
    registrar.finish()
    sent = registrar.received("REGISTER")
    assert "Authorization" not in sent[0]
    assert 'nonce="first"' in sent[1]
    assert 'nonce="second"' in sent[2]
    assert "qop=auth" in sent[2]
    assert not agent.find("RegistrationLost")
    assert "secret" not in agent.log.read_text() + "".join(sent)


@pytest.mark.flow("R1")
def test_a_console_says_how_early_it_wants_to_ring(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    registrar = new_sipp(receive("REGISTER"), ACCEPTED)
    device(new_agent, registrar, preference=0.9).wait("Registered")
    registrar.finish()
    assert ";q=0.9" in registrar.received("REGISTER")[0]


def test_refusal_is_told_and_not_hammered(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    registrar = new_sipp(receive("REGISTER"), respond("403 Forbidden"), pause(2500))
    agent = device(new_agent, registrar)
    lost = agent.wait("RegistrationLost")
    assert (lost["code"], lost["refused"]) == (403, True)
    registrar.finish()
    assert len(registrar.received("REGISTER")) == 1


def test_wrong_password_is_a_refusal(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    rounds = [step for number in range(6) for step in (receive("REGISTER"), challenge(f"nonce{number}"))]
    registrar = new_sipp(*rounds)
    lost = device(new_agent, registrar).wait("RegistrationLost")
    assert (lost["code"], lost["refused"]) == (401, True)
    assert len(registrar.received("REGISTER")) <= 5


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_server_that_cannot_now_is_asked_again(new_agent: NewAgent, new_sipp: NewSipp, transport: str) -> None:
    kind = {"udp": "u1", "tcp": "t1"}[transport]
    busy = new_sipp(receive("REGISTER"), respond("503 Service Unavailable"), transport=kind)
    agent = device(new_agent, busy, transport)
    assert agent.wait("RegistrationLost")["refused"] is False
    busy.finish()
    new_sipp(receive("REGISTER"), ACCEPTED, pause(200), transport=kind, port=busy.port)
    agent.wait("Registered")


def test_server_that_restarts_is_found_again(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    first = new_sipp(receive("REGISTER"), ACCEPTED, transport="t1")
    agent = device(new_agent, first, "tcp")
    agent.wait("Registered")
    first.finish()
    assert agent.wait("RegistrationLost")["refused"] is False
    again = new_sipp(receive("REGISTER"), ACCEPTED, pause(200), transport="t1", port=first.port)
    agent.wait("Registered", count=2)
    again.finish()


def test_a_node_that_dies_is_left_for_the_next_one(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    dies, other = (new_sipp(receive("REGISTER"), ACCEPTED, *more, transport="t1") for more in ((), (pause(2000),)))
    standby = (f"sip:127.0.0.1:{other.port};transport=tcp",)
    agent = device(new_agent, dies, "tcp", standby=standby)
    agent.wait("Registered")
    dies.finish()
    agent.wait("RegistrationLost")
    agent.wait("Registered", count=2)
    other.finish()
    assert len(other.received("REGISTER")) == 1


def test_a_node_that_is_down_at_the_start_is_left_for_the_next_one(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    other = new_sipp(receive("REGISTER"), ACCEPTED, pause(200), transport="t1")
    standby = (f"sip:127.0.0.1:{other.port};transport=tcp",)
    nobody = "sip:127.0.0.1:9;transport=tcp"
    new_agent("indoor1", registrar=nobody, standby=standby, transport="tcp", retry=0.5).wait("Registered")
    other.finish()


def test_another_connection_that_closes_is_no_loss(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    registrar = new_sipp(receive("REGISTER"), ACCEPTED, pause(20_000), transport="t1")
    agent = device(new_agent, registrar, "tcp")
    agent.wait("Registered")
    other = new_agent("other", transport="tcp")
    other.call(f"{agent.uri};transport=tcp")
    call = agent.wait("IncomingCall")["call"]
    assert other.stop() == 0
    agent.wait("Ended", call=call)
    assert agent.ask("statistics", call=call) == {}
    assert not agent.find("RegistrationLost")


def test_takes_its_registration_back_at_the_end(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    registrar = new_sipp(receive("REGISTER"), ACCEPTED, receive("REGISTER"), ACCEPTED)
    agent = device(new_agent, registrar)
    agent.wait("Registered")
    assert agent.stop() == 0
    registrar.finish()
    assert "Expires: 0" in registrar.received("REGISTER")[1]


def test_machine_that_gets_another_address_registers_again(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    registrar = new_sipp(receive("REGISTER"), ACCEPTED, pause(20_000))
    agent = device(new_agent, registrar, address="0.0.0.0")
    agent.wait("Registered")
    agent.do("pretend_address", address="192.0.2.77")
    agent.wait_until(lambda: len(registrar.received("REGISTER")) > 1)
    assert "changed from 127.0.0.1 to 192.0.2.77" in agent.log.read_text()
    assert agent.stop() == 0
