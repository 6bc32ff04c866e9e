"""A visitor's call rings every device of the home, and exactly one gets it (V1, V4)."""

import pytest

from tests.servers.calls import ELSEWHERE, answer, end_cancelled, refuse, ring, visit
from tests.servers.homes import Home
from tests.servers.peer import SDP, callee_request

pytestmark = pytest.mark.kamailio


@pytest.mark.flow("V1")
@pytest.mark.flow("V4")
@pytest.mark.parametrize("flavour", ["plain_home", "tls_home"])
def test_every_screen_sends_its_183_and_the_first_answer_wins(flavour: str, request: pytest.FixtureRequest) -> None:
    home: Home = request.getfixturevalue(flavour)
    screens = [home.screen(name) for name in ("indoor1", "indoor2", "phone1", "phone2")]
    call = visit(home)
    invites = {screen.name: ring(screen) for screen in screens}
    progress = [call.wait(lambda m: m.status == 183) for _ in screens]
    assert {message.to_tag for message in progress} == {screen.name for screen in screens}
    assert all("m=audio 5000" in message.body for message in progress)

    winner, *losers = screens
    answer(winner, invites[winner.name])
    final = call.final()
    call.ack(final)
    assert (final.status, final.to_tag) == (200, winner.name)
    assert winner.wait_request("ACK")
    for loser in losers:
        assert end_cancelled(loser, invites[loser.name])["Reason"] == ELSEWHERE


@pytest.mark.flow("V1")
def test_a_device_that_declines_does_not_silence_the_others(plain_home: Home) -> None:
    indoor, phone = plain_home.screen("indoor1"), plain_home.screen("phone1", "phone")
    call = visit(plain_home)
    at_indoor, at_phone = ring(indoor), ring(phone)
    refuse(indoor, at_indoor, 603, "Decline")
    answer(phone, at_phone)
    assert call.final().to_tag == "phone1"


@pytest.mark.flow("V1")
def test_when_all_decline_the_door_hears_603(plain_home: Home) -> None:
    screens = [plain_home.screen(name) for name in ("indoor1", "indoor2")]
    call = visit(plain_home)
    for screen, invite in [(screen, ring(screen)) for screen in screens]:
        refuse(screen, invite, 603, "Decline")
    assert call.final().status == 603


def test_one_refusal_outweighs_the_others_silence(plain_home: Home) -> None:
    """The door must know that a person said no, or it would try other ways to reach this family."""
    indoor, phone = plain_home.screen("indoor1"), plain_home.screen("phone1", "phone")
    call = visit(plain_home)
    refuse(indoor, ring(indoor), 603, "Decline")
    invite = ring(phone)
    end_cancelled(phone, invite)
    assert call.final().status == 603


@pytest.mark.parametrize(("code", "reason"), [(486, "Busy Here"), (480, "Do Not Disturb")])
def test_when_all_are_busy_nobody_declined(plain_home: Home, code: int, reason: str) -> None:
    screens = [plain_home.screen(name) for name in ("indoor1", "indoor2")]
    call = visit(plain_home)
    for screen, invite in [(screen, ring(screen)) for screen in screens]:
        refuse(screen, invite, code, reason)
    assert call.final().status == code


def test_the_ring_time_ends_every_device_and_the_call(plain_home: Home) -> None:
    screens = [plain_home.screen(name) for name in ("indoor1", "indoor2")]
    call = visit(plain_home)
    for screen, invite in [(screen, ring(screen)) for screen in screens]:
        assert end_cancelled(screen, invite)["Reason"] == ""
    assert call.final().status == 408


def test_nobody_registered_is_told_at_once(plain_home: Home) -> None:
    final = visit(plain_home).final()
    assert (final.status, final.start) == (480, "SIP/2.0 480 Nobody is registered")


def test_screens_that_send_nothing_are_unreachable(plain_home: Home) -> None:
    plain_home.screen("indoor1")
    call = visit(plain_home)
    assert call.final().start == "SIP/2.0 480 Nobody can be reached"


def test_a_dead_connection_does_not_delay_the_living(plain_home: Home) -> None:
    dead = plain_home.screen("indoor1", transport="tcp")
    phone = plain_home.screen("phone1", "phone")
    dead.close()
    call = visit(plain_home)
    answer(phone, ring(phone))
    assert call.final().to_tag == "phone1"


def test_a_screen_whose_connection_died_is_not_registered_any_more(plain_home: Home) -> None:
    plain_home.screen("indoor1", transport="tcp").close()
    assert visit(plain_home).final().status == 480


@pytest.mark.flow("V1")
def test_the_visitor_gives_up_and_his_reason_reaches_every_screen(plain_home: Home) -> None:
    screens = [plain_home.screen(name) for name in ("indoor1", "indoor2")]
    call = visit(plain_home)
    ringing = [(screen, ring(screen)) for screen in screens]
    call.cancel('Reason: SIP;cause=487;text="Visitor hung up"')
    for screen, invite in ringing:
        assert end_cancelled(screen, invite)["Reason"] == 'SIP;cause=487;text="Visitor hung up"'
    assert call.final().status == 487


@pytest.mark.flow("V1")
def test_two_answers_in_the_same_moment_both_reach_the_door(plain_home: Home) -> None:
    """A proxy passes every 2xx on (RFC 3261 16.7); the door keeps one and says BYE to the other."""
    screens = [plain_home.screen(name) for name in ("indoor1", "indoor2")]
    call = visit(plain_home)
    ringing = [(screen, ring(screen)) for screen in screens]
    for screen, invite in ringing:
        answer(screen, invite)
    finals = [call.final(), call.final()]
    assert {final.to_tag for final in finals} == {"indoor1", "indoor2"}
    by_name = {screen.name: screen for screen in screens}
    kept, other = finals
    for final in finals:
        call.ack(final)
        by_name[final.to_tag].wait_request("ACK")
    call.in_dialog("BYE", other)
    bye = by_name[other.to_tag].wait_request("BYE")
    by_name[other.to_tag].respond(bye, 200, "OK")
    call.in_dialog("INFO", kept)
    assert by_name[kept.to_tag].wait_request("INFO")


def test_a_device_that_calls_home_rings_all_but_itself(plain_home: Home) -> None:
    caller, login = plain_home.peer("indoor1"), plain_home.add("indoor1")
    caller.register(login, plain_home.site.address_of_record)
    phone, other = plain_home.screen("phone1", "phone"), plain_home.screen("indoor2")
    call = caller.call(plain_home.uri, login)
    at_phone, at_other = ring(phone), ring(other)
    answer(phone, at_phone)
    assert end_cancelled(other, at_other)["Reason"] == ELSEWHERE
    assert call.final().to_tag == "phone1"
    assert not [message for message in caller.unread if message.is_request]


def test_a_device_alone_at_home_reaches_nobody(plain_home: Home) -> None:
    caller, login = plain_home.peer("indoor1"), plain_home.add("indoor1")
    caller.register(login, plain_home.site.address_of_record)
    assert caller.call(plain_home.uri, login).final().start == "SIP/2.0 480 Nobody can be reached"


@pytest.mark.parametrize("flavour", ["plain_home", "tls_home"])
def test_requests_in_the_dialog_go_both_ways(flavour: str, request: pytest.FixtureRequest) -> None:
    home: Home = request.getfixturevalue(flavour)
    screen = home.screen("indoor1")
    call = visit(home)
    invite = ring(screen)
    early = call.wait(lambda m: m.status == 183)
    call.in_dialog("PRACK", early)
    screen.respond(screen.wait_request("PRACK"), 200, "OK")
    answer(screen, invite)
    final = call.final()
    call.ack(final)
    screen.wait_request("ACK")
    for method in ("INFO", "UPDATE", "INVITE"):
        callee_request(screen, invite, screen.name, method)
        call.peer.respond(call.peer.wait_request(method), 200, "OK", body=SDP.format(port=4000))
        assert screen.wait(lambda m, method=method: m.status == 200 and m.method == method)  # type: ignore[misc]
    call.in_dialog("BYE", final)
    screen.respond(screen.wait_request("BYE"), 200, "OK")
    assert call.peer.wait(lambda m: m.status == 200 and m.method == "BYE")


def test_a_call_between_a_tls_door_and_a_udp_screen_keeps_its_dialog(tls_home: Home) -> None:
    screen = tls_home.screen("indoor1", transport="udp")
    call = visit(tls_home)
    invite = ring(screen)
    answer(screen, invite)
    final = call.final()
    call.ack(final)
    screen.wait_request("ACK")
    callee_request(screen, invite, screen.name, "BYE")
    call.peer.respond(call.peer.wait_request("BYE"), 200, "OK")
    assert screen.wait(lambda m: m.status == 200 and m.method == "BYE")


def test_a_guessed_dialog_is_no_relay(plain_home: Home) -> None:
    """A Route of one's own making must not turn the server into a relay to anywhere."""
    victim, stranger = plain_home.peer("victim"), plain_home.peer("stranger")
    listener = plain_home.listener("udp")
    headers = {"From": "<sip:a@b>;tag=1", "To": "<sip:c@d>;tag=2", "Call-ID": "guessed", "CSeq": "1 BYE"}
    route = f"Route: <sip:{listener.address}:{listener.port};lr;seal=00000000000000000000000000000000>"
    stranger.request("BYE", victim.contact, headers, route)
    assert stranger.wait(lambda m: m.status > 0).status == 481
    assert victim.is_silent(0.3)
