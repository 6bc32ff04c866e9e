"""What a door station and a screen say in a call, for tests that only care about the outcome."""

from servers.community.authority import Role
from tests.servers.homes import Home
from tests.servers.peer import SDP, Call, Message, Peer

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def visit(home: Home, name: str = "door1", headers: str = "") -> Call:
    """A visit as that home's doors make it: by certificate over TLS, else by a door's account."""
    if home.community is None:
        return home.peer(name).call(home.uri, home.add(name, "door"), headers)
    return home.peer(name, tls=home.certificate(Role.DOOR_STATION, name)).call(home.uri, headers=headers)


def ring(screen: Peer) -> Message:
    """The INVITE that a screen got and answered 183 with its own ports."""
    invite = screen.wait_request("INVITE")
    screen.respond(invite, 183, "Session Progress", screen.name, body=SDP.format(port=5000))
    return invite


def answer(screen: Peer, invite: Message) -> None:
    screen.respond(invite, 200, "OK", screen.name, body=SDP.format(port=5000))


def refuse(screen: Peer, invite: Message, code: int, reason: str) -> None:
    screen.respond(invite, code, reason, screen.name)
    screen.wait_request("ACK")


def end_cancelled(screen: Peer, invite: Message) -> Message:
    """What a well-behaved device does with a CANCEL, which is given back."""
    cancel = screen.wait_request("CANCEL")
    screen.respond(cancel, 200, "OK", screen.name)
    screen.respond(invite, 487, "Request Terminated", screen.name)
    screen.wait_request("ACK")
    return cancel
