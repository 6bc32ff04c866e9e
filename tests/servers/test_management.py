"""Who may register at the management server, under which address (R1), and what they may call there."""

import time
from collections.abc import Iterator

import pytest

from servers.community.authority import Community, Role
from servers.database import Database
from servers.directory.entries import Flat
from servers.directory.store import DirectoryStore
from servers.kamailio import accounts
from tests.servers.calls import answer, refuse, ring
from tests.servers.network import running_management
from tests.servers.nodes import Node
from tests.servers.peer import LIMIT, Login

pytestmark = pytest.mark.kamailio
TIMERS = "[timers]\nring = 2\nreach = 0.5\n[limits]\nrequests = 1000\n"


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_management(tmp_path_factory.mktemp("plain"), "udp", settings=TIMERS) as node:
        yield node


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("tls")
    community = Community.create(folder / "authority", "Lakeside")
    with running_management(folder, "tls", community=community, settings=TIMERS) as node:
        yield node


@pytest.fixture
def plain(plain_server: Node) -> Iterator[Node]:
    yield plain_server
    plain_server.forget()


@pytest.fixture
def tls(tls_server: Node) -> Iterator[Node]:
    yield tls_server
    tls_server.forget()


@pytest.mark.flow("R1")
@pytest.mark.parametrize(
    ("kind", "home", "user"),
    [
        ("homelink", "301", "301"),
        ("indoor", "301", "301"),
        ("console", "", "guard"),
        ("door", "", "one"),
        ("guest", "", "one"),
    ],
)
def test_everybody_registers_under_the_address_of_their_kind(plain: Node, kind: str, home: str, user: str) -> None:
    login, peer = plain.add("one", kind, home), plain.peer("one")
    assert peer.register(login, f"sip:{user}@lakeside.example").status == 200
    assert accounts.registrations(plain.site) == {"one": [peer.contact]}
    assert peer.register(login, "sip:302@lakeside.example").status == 403


@pytest.mark.flow("R1")
def test_a_door_station_registers_by_its_certificate(tls: Node) -> None:
    door = tls.peer("gate1", tls=tls.certificate(Role.DOOR_STATION, "gate1"))
    nobody = Login("gate1", "", "lakeside.example")
    assert door.register(nobody, "sip:gate1@lakeside.example").status == 200
    assert door.register(nobody, "sip:gate2@lakeside.example").status == 403


@pytest.mark.flow("R1")
def test_a_homelink_registers_by_its_certificate_if_it_has_an_account(tls: Node) -> None:
    known = tls.peer("homelink-301", tls=tls.certificate(Role.HOMELINK, "homelink-301"))
    nobody = Login("homelink-301", "", "lakeside.example")
    assert known.register(nobody, "sip:301@lakeside.example").status == 403
    tls.add("homelink-301", "homelink", "301")
    assert known.register(nobody, "sip:301@lakeside.example").status == 200
    assert known.register(nobody, "sip:302@lakeside.example").status == 403


@pytest.mark.flow("R1")
@pytest.mark.parametrize("name", ["guard", "301"])
def test_a_door_stations_name_is_no_flat_and_not_the_guard(tls: Node, name: str) -> None:
    door = tls.peer(name, tls=tls.certificate(Role.DOOR_STATION, name))
    assert door.register(Login(name, "", "lakeside.example"), f"sip:{name}@lakeside.example").status == 403


@pytest.mark.flow("R1")
def test_strangers_do_not_register(plain: Node) -> None:
    plain.add("homelink-301", "homelink", "301")
    for name in ("nobody", "homelink-301"):
        stranger = plain.peer(name)
        assert stranger.register(Login(name, "guess", "lakeside.example"), "sip:301@lakeside.example").status == 403


@pytest.mark.flow("V1")
def test_a_door_rings_a_home_without_homelink(plain: Node) -> None:
    screens = [plain.screen(name, home="303") for name in ("indoor1", "indoor2")]
    door = plain.peer("gate1")
    call = door.call(plain.uri_of("303") + ";stage=home", plain.add("gate1", "door"))
    invites = [ring(screen) for screen in screens]
    answer(screens[0], invites[0])
    assert call.final().to_tag == "indoor1"


def test_a_flat_of_the_directory_exists_before_it_has_a_device(plain: Node) -> None:
    """A home that has nothing but phones on mobile networks, for example; others are no numbers."""
    caller = plain.screen("indoor1", home="303")

    def dial(number: str) -> int:
        return caller.call(plain.uri_of(number), caller.login).final().status

    assert dial("404") == 404
    database = Database(plain.site.database_url)
    directory = DirectoryStore(database)
    directory.set_flat("404", Flat(name="Family Rossi"))
    deadline = time.monotonic() + LIMIT
    while dial("404") != 480:
        assert time.monotonic() < deadline, "the server never heard of the new flat"
    directory.remove_flat("404")
    database.close()


def test_an_account_makes_its_flat_a_number_at_once(plain: Node) -> None:
    caller = plain.screen("indoor1", home="303")
    plain.add("homelink-305", "homelink", "305")
    assert caller.call(plain.uri_of("305"), caller.login).final().status == 480
    plain.remove("homelink-305")
    assert caller.call(plain.uri_of("305"), caller.login).final().status == 404


@pytest.mark.parametrize("stage", ["phones", "telephone"])
def test_without_a_cloud_there_is_nobody_beyond_the_home(plain: Node, stage: str) -> None:
    plain.screen("indoor1", home="303")
    door = plain.peer("gate1")
    assert door.call(f"{plain.uri_of('303')};stage={stage}", plain.add("gate1", "door")).final().status == 480


def test_only_doors_and_guards_call_a_telephone(plain: Node) -> None:
    screen = plain.screen("indoor1", home="303")
    assert screen.call(plain.uri_of("302") + ";stage=telephone", screen.login).final().status == 403


@pytest.mark.parametrize("stage", ["anything", "GUARD", "home'"])
def test_an_unknown_stage_is_refused(plain: Node, stage: str) -> None:
    door = plain.peer("gate1")
    call = door.call(f"{plain.uri_of('303')};stage={stage}", plain.add("gate1", "door"))
    assert call.final().status in (403, 404)


def test_only_guards_call_a_door_station(plain: Node) -> None:
    door, screen = plain.screen("gate1", "door"), plain.screen("indoor1", home="303")
    assert screen.call(plain.uri_of("gate1"), screen.login).final().status == 480
    guard = plain.screen("desk1", "console")
    call = guard.call(plain.uri_of("gate1"), guard.login)
    refuse(door, ring(door), 486, "Busy Here")
    assert call.final().status == 486


def test_a_homelink_cannot_claim_to_be_a_door(plain: Node) -> None:
    """Doors may use the telephone and come first in the guards' queue; a home must not by a word in a header."""
    home = plain.screen("homelink-301", "homelink", home="301")
    claim = "P-Asserted-Identity: <sip:gate1@home301.example;kind=door>"
    assert home.call(plain.uri_of("302") + ";stage=telephone", home.login, claim).final().status == 403
    screen = plain.screen("indoor1", home="303")
    home.call(plain.uri_of("303"), home.login, claim)
    assert ring(screen)["P-Asserted-Identity"] == "<sip:301@lakeside.example;kind=homelink>"


def test_nobody_else_speaks_for_others(plain: Node) -> None:
    screen, caller = plain.screen("indoor1", home="303"), plain.screen("indoor1b", home="304")
    caller.call(plain.uri_of("303"), caller.login, "P-Asserted-Identity: <sip:guard@lakeside.example;kind=console>")
    assert ring(screen).all("P-Asserted-Identity") == ["<sip:304@lakeside.example;kind=indoor>"]


def test_strangers_call_nobody(plain: Node) -> None:
    plain.screen("indoor1", home="303")
    stranger = plain.peer("stranger")
    for user in ("303", "guard"):
        assert stranger.call(plain.uri_of(user)).final().status == 407
