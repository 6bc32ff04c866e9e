"""The lamp of any SIP phone of the home (RFC 3842), by a real Kamailio: on for a message, off when it is seen."""

import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from endpoints.service import Service
from servers.kamailio.config import Transport
from servers.messages.lamp import summary
from tests.servers.homes import Home, free_port, own_address, running_home
from tests.servers.messages.visitors import TOKEN, noise
from tests.servers.peer import Login, Message, Peer

pytestmark = [pytest.mark.kamailio, pytest.mark.flow("V5")]


@pytest.fixture(scope="module")
def home_with_messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home over TLS, UDP and TCP that takes messages."""
    settings = f'[http]\nport = {free_port(own_address())}\n[messages]\ntoken = "{TOKEN}"\n'
    with running_home(tmp_path_factory.mktemp("lamp"), "tls", "udp", "tcp", settings=settings) as home:
        yield home


@pytest.fixture
def home(home_with_messages: Home) -> Iterator[Home]:
    yield home_with_messages
    home_with_messages.forget()


@dataclass
class Lamp:
    """A phone that has subscribed to the messages of its home."""

    peer: Peer
    answer: Message
    _sequence: int = field(default=2)

    def waits_for(self, line: str) -> Message:
        """The NOTIFY that says so; those before it are answered too."""
        while True:
            told = self.peer.wait_request("NOTIFY")
            self.peer.respond(told, 200, "OK")
            assert told["Event"].startswith("message-summary")
            if line in told.body or line in told["Subscription-State"]:
                return told

    def again(self, expires: int) -> Message:
        """SUBSCRIBE in the dialog."""
        self._sequence += 1
        login, uri = self.peer.login, self.answer.contact
        headers = {"From": self.answer["From"], "To": self.answer["To"], "Call-ID": self.answer["Call-ID"]}
        headers |= {"Contact": f"<{self.peer.contact}>", "CSeq": f"{self._sequence} SUBSCRIBE"}
        self.peer.request("SUBSCRIBE", uri, headers, event(expires))
        challenge = self.peer.wait(lambda m: m.status >= 200 and m["CSeq"] == headers["CSeq"])
        self._sequence += 1
        headers["CSeq"] = f"{self._sequence} SUBSCRIBE"
        self.peer.request("SUBSCRIBE", uri, headers, f"{event(expires)}\r\n{login.answer(challenge, 'SUBSCRIBE', uri)}")
        return self.peer.wait(lambda m: m.status >= 200 and m["CSeq"] == headers["CSeq"])


def event(expires: int = 300) -> str:
    return f"Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: {expires}"


def subscribe(peer: Peer, login: Login, user: str) -> Message:
    return peer.authenticated("SUBSCRIBE", f"sip:{user}@{login.realm}", login.address_of_record, login, event())


def lamp(home: Home, name: str, transport: Transport) -> Lamp:
    peer = home.peer(name, transport)
    peer.login = home.add(name)
    answer = subscribe(peer, peer.login, "home")
    assert answer.status in (200, 202), answer
    return Lamp(peer, answer)


def device(home: Home, name: str) -> Service:
    """The same home's HTTP service, for another device of it."""
    login = home.add(name, "phone")
    assert home.site.tls is not None
    return Service(url(home), login.user, login.password, home.site.tls.authority)


def url(home: Home) -> str:
    assert home.site.http is not None
    return f"https://{home.site.identity.address}:{home.site.http.port}"


def hand_in(home: Home) -> str:
    assert home.site.tls is not None
    left = noise()
    context = ssl.create_default_context(cafile=str(home.site.tls.authority))
    context.check_hostname = False
    left.hand_in(url(home), context=context)
    return left.id


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_lamp_is_on_while_a_message_waits(home: Home, transport: Transport) -> None:
    shown, other = lamp(home, "indoor1", transport), device(home, "phone1")
    shown.waits_for("Voice-Message: 0/0")
    identifier = hand_in(home)
    told = shown.waits_for("Messages-Waiting: yes")
    assert "Voice-Message: 1/0" in told.body
    assert "Message-Account: sip:home@home301.example" in told.body
    assert other.request("PATCH", f"/messages/{identifier}", b'{"read": true}').status == 200
    assert "Voice-Message: 0/1" in shown.waits_for("Messages-Waiting: no").body
    assert other.request("DELETE", f"/messages/{identifier}").status == 204
    shown.waits_for("Voice-Message: 0/0")
    assert shown.again(600).status in (200, 202)
    shown.waits_for("active")
    assert shown.again(0).status in (200, 202)
    shown.waits_for("terminated")


def test_a_killed_kamailio_shows_it_again(home: Home) -> None:
    import os
    import signal

    identifier = hand_in(home)
    served = home.server.log.count("homelink serves")
    os.kill(int((home.site.run_folder / "pid").read_text()), signal.SIGKILL)
    home.server.wait_until_it_serves(served + 1)
    lamp(home, "indoor2", "udp").waits_for("Voice-Message: 1/0")
    device(home, "phone2").request("DELETE", f"/messages/{identifier}")


def test_nobody_else_sees_or_sets_it(home: Home) -> None:
    peer = home.peer("indoor3", "udp")
    login = home.add("indoor3")
    assert subscribe(peer, login, "302").status == 403
    assert subscribe(peer, Login("indoor3", "wrong", login.realm, login.address_of_record), "home").status in (401, 407)
    door = home.add("door3", "door")
    assert subscribe(peer, door, "home").status == 403
    other = peer.authenticated("SUBSCRIBE", "sip:home@x", login.address_of_record, login, "Event: presence")
    assert other.status == 489
    unique = secrets.token_hex(8)
    headers = {"From": f"<{login.address_of_record}>;tag={unique}", "To": f"<{login.address_of_record}>"}
    headers |= {"Call-ID": unique, "CSeq": "1 PUBLISH"}
    body = summary(login.address_of_record, 9, 9).decode()
    lines = "Event: message-summary\r\nX-Lamp-Key: guessed\r\nContent-Type: application/simple-message-summary"
    peer.request("PUBLISH", login.address_of_record, headers, lines, body)
    assert peer.wait(lambda message: message.status > 0).status == 405
