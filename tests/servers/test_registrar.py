"""Devices of a home register with logins of their own; nobody else does (R2, R4)."""

import os
import signal

import pytest

from servers.community.authority import Role
from servers.kamailio import accounts as devices
from servers.records import Result
from tests.servers.calls import answer, ring, visit
from tests.servers.homes import REALM, Home
from tests.servers.peer import Login

pytestmark = pytest.mark.kamailio


@pytest.mark.flow("R2")
@pytest.mark.parametrize("flavour", ["plain_home", "tls_home"])
@pytest.mark.parametrize("kind", ["indoor", "phone", "guest"])
def test_devices_of_the_home_register_and_unregister(flavour: str, kind: str, request: pytest.FixtureRequest) -> None:
    home: Home = request.getfixturevalue(flavour)
    login, peer = home.add("one", kind), home.peer("one")
    assert peer.register(login, home.site.address_of_record).status == 200
    assert [peer.contact] == devices.registrations(home.site)["one"]
    assert peer.register(login, home.site.address_of_record, expires=0).status == 200
    assert "one" not in devices.registrations(home.site)


@pytest.mark.flow("R2")
def test_registrations_survive_a_kill(plain_home: Home) -> None:
    screen = plain_home.screen("indoor1")
    os.kill(int((plain_home.site.run_folder / "pid").read_text()), signal.SIGKILL)
    plain_home.server.wait_for("homelink serves", times=plain_home.server.log.count("homelink serves") + 1)
    call = visit(plain_home)
    answer(screen, ring(screen))
    assert call.final().to_tag == "indoor1"
    assert plain_home.record_of(call, Result.ANSWERED).answered_by == "indoor1"


@pytest.mark.flow("R4")
def test_a_door_stations_account_cannot_register(plain_home: Home) -> None:
    login = plain_home.add("door1", "door")
    assert plain_home.peer("door1").register(login, plain_home.site.address_of_record).status == 403
    assert plain_home.peer("door1").register(login, f"sip:door1@{plain_home.site.homelink.realm}").status == 403
    assert not devices.registrations(plain_home.site)


@pytest.mark.flow("R4")
def test_a_door_stations_certificate_cannot_register(tls_home: Home) -> None:
    door = tls_home.peer("door1", tls=tls_home.certificate(Role.DOOR_STATION, "door1"))
    assert door.register(tls_home.add("indoor1"), tls_home.site.address_of_record).status == 403


def test_a_phone_that_knows_one_name_only_registers_by_it(plain_home: Home) -> None:
    peer, login = plain_home.peer("guest"), plain_home.add("guest", "guest")
    assert peer.register(login, f"sip:guest@{plain_home.site.homelink.realm}").status == 200
    assert devices.registrations(plain_home.site) == {"guest": [peer.contact]}


def test_a_device_registers_no_address_but_the_homes(plain_home: Home) -> None:
    peer, login = plain_home.peer("indoor1"), plain_home.add("indoor1")
    assert peer.register(login, f"sip:neighbours@{plain_home.site.homelink.realm}").status == 403


@pytest.mark.flow("R2")
def test_strangers_do_not_register(plain_home: Home) -> None:
    plain_home.add("indoor1")
    for login in (Login("nobody", "x", REALM), Login("indoor1", "", REALM)):
        assert plain_home.peer("stranger").register(login, plain_home.site.address_of_record).status == 403


def test_the_login_of_another_realm_is_no_guess(plain_home: Home) -> None:
    """A phone with several accounts may send the wrong one first; it is asked again."""
    login = Login("indoor1", "", "elsewhere.example")
    assert plain_home.peer("phone").register(login, plain_home.site.address_of_record).status == 401


def test_a_sniffed_registration_cannot_be_replayed(plain_home: Home) -> None:
    """Nonce counts: the same Authorization header from elsewhere must not move the device."""
    login, device, thief = plain_home.add("indoor1"), plain_home.peer("indoor1"), plain_home.peer("thief")
    record, uri = plain_home.site.address_of_record, f"sip:{login.realm}"
    headers = {"From": f"<{record}>;tag=1", "To": f"<{record}>", "Call-ID": "replay", "Contact": f"<{device.contact}>"}
    device.request("REGISTER", uri, {**headers, "CSeq": "1 REGISTER"})
    sniffed = login.answer(device.wait(lambda m: m.status == 401), "REGISTER", uri)
    device.request("REGISTER", uri, {**headers, "CSeq": "2 REGISTER"}, sniffed)
    assert device.wait(lambda m: m["CSeq"].startswith("2 ")).status == 200
    stolen = {**headers, "Contact": f"<{thief.contact}>", "CSeq": "3 REGISTER"}
    thief.request("REGISTER", uri, stolen, sniffed)
    assert thief.wait(lambda m: m.status > 0).status == 401
    assert devices.registrations(plain_home.site) == {"indoor1": [device.contact]}


def test_an_old_nonce_is_called_stale_so_that_a_device_just_answers_again(plain_home: Home) -> None:
    """Without stale=true a device takes the 401 for a wrong password and gives up."""
    login, device = plain_home.add("indoor1"), plain_home.peer("indoor1")
    record, uri = plain_home.site.address_of_record, f"sip:{login.realm}"
    headers = {"From": f"<{record}>;tag=1", "To": f"<{record}>", "Call-ID": "stale", "Contact": f"<{device.contact}>"}
    device.request("REGISTER", uri, {**headers, "CSeq": "1 REGISTER"})
    challenge = device.wait(lambda m: m.status == 401)
    os.kill(int((plain_home.site.run_folder / "pid").read_text()), signal.SIGKILL)
    plain_home.server.wait_for("homelink serves", times=plain_home.server.log.count("homelink serves") + 1)
    device.request("REGISTER", uri, {**headers, "CSeq": "2 REGISTER"}, login.answer(challenge, "REGISTER", uri))
    again = device.wait(lambda m: m["CSeq"].startswith("2 "))
    assert (again.status, "stale=true" in again["WWW-Authenticate"].lower()) == (401, True)
    device.request("REGISTER", uri, {**headers, "CSeq": "3 REGISTER"}, login.answer(again, "REGISTER", uri))
    assert device.wait(lambda m: m["CSeq"].startswith("3 ")).status == 200


def test_eight_screens_register_at_once(plain_home: Home) -> None:
    logins = [plain_home.add(f"screen{number}") for number in range(8)]
    peers = [plain_home.peer(f"screen{number}") for number in range(8)]
    answers = [
        peer.register(login, plain_home.site.address_of_record) for peer, login in zip(peers, logins, strict=True)
    ]
    assert [answer.status for answer in answers] == [200] * 8
    call = visit(plain_home)
    for peer in peers:
        ring(peer)
    assert len([call.wait(lambda m: m.status == 183) for _ in peers]) == 8
    call.cancel()


def test_a_device_added_while_running_registers_at_once_and_a_removed_one_is_gone(plain_home: Home) -> None:
    screen, login = plain_home.peer("indoor9"), plain_home.add("indoor9")
    assert screen.register(login, plain_home.site.address_of_record).status == 200
    devices.remove(plain_home.site, "indoor9")
    assert visit(plain_home).final().status == 480
    assert screen.register(login, plain_home.site.address_of_record).status == 403
