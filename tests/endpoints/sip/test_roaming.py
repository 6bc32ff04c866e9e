"""A phone with two servers: the pure rules, and our agent between two registrars played by SIPp."""

from collections.abc import Callable

import pytest

from endpoints.sip.agent import Registered, RegistrationLost, SipEvent
from endpoints.sip.roaming import Place, Roaming
from sim.peers.sipp import Sipp, audio, confirm, from_caller, invite, pause, receive, remember
from tests.endpoints.sip.test_pjsua_registration import ACCEPTED
from tests.peers.agent import AgentPeer, Event

NewAgent = Callable[..., AgentPeer]
NewSipp = Callable[..., Sipp]
NewPort = Callable[[], int]
HOME, CLOUD = 0, 1
LOST = RegistrationLost(503, "gone", False)
AT_HOME, AT_CLOUD = Registered("home", "home.example"), Registered("cloud", "cloud.example")


class Phone:
    """The rules with what they told."""

    def __init__(self, *servers: Place) -> None:
        self.told: list[SipEvent] = []
        self.roaming = Roaming(servers, self.told.append)

    def wanted(self, *calls: int) -> list[int]:
        return [server for server in (HOME, CLOUD) if self.roaming.wants(server, server in calls)]


@pytest.fixture
def phone() -> Phone:
    return Phone(Place("home", "home.example"), Place("cloud", "cloud.example"))


def test_at_home_the_cloud_is_left_alone(phone: Phone) -> None:
    assert phone.wanted() == [HOME]
    phone.roaming.told(HOME, Registered())
    assert (phone.wanted(), phone.told) == ([HOME], [AT_HOME])


@pytest.mark.flow("R3")
def test_away_the_cloud_is_used_and_home_looked_for(phone: Phone) -> None:
    phone.roaming.told(HOME, LOST)
    assert (phone.wanted(), phone.told) == ([HOME, CLOUD], [])
    phone.roaming.told(CLOUD, Registered())
    assert (phone.told, phone.roaming.active) == ([AT_CLOUD], CLOUD)


def test_a_home_that_does_not_answer_in_time_is_not_waited_for(phone: Phone) -> None:
    phone.roaming.home_is_slow()
    assert phone.wanted() == [HOME, CLOUD]


def test_back_at_home_the_cloud_is_left_once_its_call_is_over(phone: Phone) -> None:
    phone.roaming.told(HOME, LOST)
    phone.roaming.told(CLOUD, Registered())
    phone.roaming.told(HOME, Registered())
    assert phone.wanted(CLOUD) == [HOME, CLOUD]
    assert phone.wanted() == [HOME]
    phone.roaming.left(CLOUD)
    assert phone.told == [AT_CLOUD, AT_HOME]


def test_nowhere_is_told_once_and_only_when_both_are_lost(phone: Phone) -> None:
    phone.roaming.told(HOME, Registered())
    phone.roaming.told(HOME, LOST)
    assert phone.told == [AT_HOME]
    phone.roaming.told(CLOUD, RegistrationLost(408, "silent", False))
    phone.roaming.told(HOME, LOST)
    assert phone.told == [AT_HOME, LOST]
    phone.roaming.told(CLOUD, Registered())
    assert phone.told[2:] == [AT_CLOUD]


def test_one_server_alone_is_told_as_it_is() -> None:
    device = Phone(Place("", ""))
    device.roaming.told(HOME, LOST)
    device.roaming.told(HOME, Registered())
    assert device.told == [LOST, Registered()]


# --- the agent ------------------------------------------------------------------------------------------------------


def roaming_agent(new_agent: NewAgent, home: int, cloud: int) -> AgentPeer:
    uris = [f"sip:127.0.0.1:{port};transport=tcp" for port in (home, cloud)]
    common = {"transport": "tcp", "password": "secret", "retry": 0.5, "address": "127.0.0.1", "srtp": False}
    away = {**common, "name": "cloud", "user": "301.lakeside", "domain": "cloud.example", "registrar": uris[1]}
    return new_agent("phone1", name="home", domain="home.example", registrar=uris[0], away=away, **common)


def registered(agent: AgentPeer, server: str, count: int = 1) -> Event:
    return agent.wait("Registered", server=server, count=count)


@pytest.mark.flow("R3")
def test_a_phone_leaves_home_for_the_cloud_and_comes_back(
    new_agent: NewAgent, new_sipp: NewSipp, new_port: NewPort
) -> None:
    home_port = new_port()
    home = new_sipp(receive("REGISTER"), ACCEPTED, transport="t1", port=home_port)
    taken_back = (receive("REGISTER"), ACCEPTED)
    cloud = new_sipp(receive("REGISTER"), ACCEPTED, *taken_back, transport="t1")
    agent = roaming_agent(new_agent, home_port, cloud.port)
    assert registered(agent, "home")["domain"] == "home.example"
    home.finish()  # the scenario is over: its connection closes, and nobody listens there any more
    assert registered(agent, "cloud")["domain"] == "cloud.example"
    assert "sip:301.lakeside@cloud.example" in cloud.received("REGISTER")[0]
    again = new_sipp(receive("REGISTER"), ACCEPTED, pause(20_000), transport="t1", port=home_port)
    registered(agent, "home", count=2)
    cloud.finish()
    assert "Expires: 0" in cloud.received("REGISTER")[1]
    assert again.received("REGISTER")
    assert not agent.find("RegistrationLost")


@pytest.mark.flow("R3")
def test_a_call_over_the_cloud_is_kept_while_the_phone_comes_home(
    new_agent: NewAgent, new_sipp: NewSipp, new_port: NewPort
) -> None:
    home_port = new_port()
    cloud = new_sipp(receive("REGISTER"), ACCEPTED, pause(20_000), transport="t1")
    agent = roaming_agent(new_agent, home_port, cloud.port)
    registered(agent, "cloud")
    steps = (invite(1, audio()), receive("100"), remember("200"), from_caller("ACK", 1), receive("BYE"), confirm())
    address = {"target": f"127.0.0.1:{agent.port}", "service": "301.lakeside", "transport": "t1"}
    caller = new_sipp(*steps, **address)
    call = agent.wait("IncomingCall")["call"]
    agent.do("answer", call=call, video=None)
    agent.wait("Answered", call=call)
    new_sipp(receive("REGISTER"), ACCEPTED, pause(20_000), transport="t1", port=home_port)
    registered(agent, "home")
    assert not agent.find("Ended")
    assert "leaving the server" not in agent.log.read_text()
    agent.do("hang_up", call=call)
    agent.wait("Ended", call=call)
    caller.finish()
    agent.wait_until(lambda: "leaving the server cloud" in agent.log.read_text())
